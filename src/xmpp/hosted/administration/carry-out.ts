import { PermanentError } from "../../../core/errors.ts";
import { personKey } from "../../../core/hosting.ts";
import type { RoomId } from "../../../core/ids.ts";
import type { Person } from "../../../core/person.ts";
import { statusCodes } from "../../muc/status-codes.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import type { HostedContext } from "../context.ts";
import { type HostedRoom, occupantOf } from "../room.ts";
import { untilShown } from "../until-shown.ts";
import type { Act } from "./acts.ts";
import type { Removal, Step } from "./items.ts";

/** The way in which presences tell why somebody was removed (XEP-0045 §8.2, §9.1, §9.4 and §10.2.1). */
const removals: Readonly<Record<Removal, Act>> = {
	kicked: { codes: [statusCodes.kicked] },
	banned: { codes: [statusCodes.banned], affiliation: "outcast" },
	affiliationLost: { codes: [statusCodes.affiliationLost], affiliation: "none" },
	membersOnlyNow: { codes: [statusCodes.membersOnlyNow], affiliation: "none" },
};

/** The room of a change; `room`: while somebody of XMPP is in it. */
export type Administered = Readonly<{ source: RoomId; view: RoomId; room: HostedRoom | undefined }>;

/**
 * Has the source carry out changes that were checked, in the name of `by`, and changes the record of the room.
 * @throws StanzaError forbidden if the power of `by` does not suffice there, and core's errors
 */
export async function carryOut(
	steps: readonly Step[],
	by: Person,
	place: Administered,
	context: HostedContext,
): Promise<void> {
	const kept = steps.flatMap((one) => (one.kind === "keep" ? [one.change] : []));
	if (!context.records.takes(place.view, kept))
		throw new StanzaError("resource-constraint", "wait", phrases.hostedRecordFull);
	try {
		await setLevels(steps, by, place, context);
		for (const one of steps) await carryOutOne(one, by, place, context);
	} catch (error) {
		if (!(error instanceof PermanentError) || error.reason !== "forbidden") throw error;
		throw new StanzaError("forbidden", "auth", error.message);
	}
}

/** Sets all power levels by one event, and waits until the room shows it. */
async function setLevels(
	steps: readonly Step[],
	by: Person,
	{ source, room }: Administered,
	context: HostedContext,
): Promise<void> {
	const levels = steps.filter((one) => one.kind === "level");
	if (levels.length === 0) return;
	const acts = levels.map(({ whom, reason }) => [whom, actOf(by, room, reason, {})] as const);
	const there = context.bridge().views.source(context.of);
	await context.acts.during(room, "rank", acts, () => there.setLevels(source, by, levels));
	const isShown = () =>
		levels.every(({ whom, level }) => room?.facts.levels?.of.get(personKey(whom)) === level);
	if (room) await untilShown(isShown);
}

async function carryOutOne(
	one: Step,
	by: Person,
	{ source, view, room }: Administered,
	context: HostedContext,
): Promise<void> {
	const there = context.bridge().views.source(context.of);
	const remove = (act: "kick" | "ban", whom: Person, reason: string | undefined, as: Removal) =>
		context.acts.during(room, "removal", [[whom, actOf(by, room, reason, removals[as])]], () =>
			there.moderate(source, by, act, whom, reason),
		);
	switch (one.kind) {
		case "level":
			return;
		case "keep":
			context.records.change(view, [one.change]);
			return;
		case "invite":
			await there.invite(source, by, one.whom, one.reason);
			return;
		case "kick":
			await remove("kick", one.whom, one.reason, one.as);
			return;
		case "ban":
			await remove("ban", one.whom, one.reason, "banned");
			return;
		case "unban":
			await there.moderate(source, by, "unban", one.whom, one.reason);
			return;
		case "domain":
			await there.banDomain(source, by, one.domain, one.banned ? { reason: one.reason } : undefined);
			return;
		default:
			one satisfies never;
	}
}

function actOf(by: Person, room: HostedRoom | undefined, reason: string | undefined, act: Act): Act {
	const actor = room && occupantOf(room, by)?.nick;
	return { ...act, ...(actor !== undefined && { actor }), ...(reason && { reason }) };
}
