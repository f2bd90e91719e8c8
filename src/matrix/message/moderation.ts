import type { Moderation, ModerationAct } from "../../core/event.ts";
import {
	asObject,
	type Content,
	fieldOf,
	isContent,
	type MatrixEvent,
	type ReadContext,
	text,
} from "../event.ts";
import { matrixNetwork } from "../mxid.ts";
import { levelOf } from "../power.ts";

/**
 * Returns what a moderator of the room did to a ghost by a member event; undefined where the event is no such act, or the
 * ghost stands for nobody yet.
 */
export function moderationIn(
	event: MatrixEvent,
	base: Pick<Moderation, "id" | "room" | "at">,
	around: Pick<ReadContext, "person" | "before">,
): Moderation | undefined {
	const { state_key: mxid = "", sender, content } = event;
	const act = actIn(event, around.before(mxid) !== undefined);
	const whom = around.person(mxid);
	if (!act || whom.network === matrixNetwork) return undefined;
	const reason = text(content.reason);
	return {
		...base,
		kind: "moderation",
		sender: around.person(sender),
		act,
		whom,
		...(reason && { reason }),
	};
}

// Matrix spec, "m.room.member": the table of membership transitions.
function actIn({ content, unsigned }: MatrixEvent, wasIn: boolean): ModerationAct | undefined {
	if (content.membership === "ban") return "ban";
	if (content.membership !== "leave") return undefined;
	if (asObject(unsigned?.prev_content).membership === "ban") return "unban";
	return wasIn ? "kick" : undefined;
}

/** People of one event of power levels that are looked up. */
const mostMuted = 100;

/**
 * Returns the members whose own power level an event changed so that they may write no more, or may again. A change of what
 * all people of the room need is none of these.
 */
export function mutedIn({
	content: now,
	unsigned,
}: MatrixEvent): readonly Readonly<{ mxid: string; act: "mute" | "unmute" }>[] {
	const before = unsigned?.prev_content;
	if (!isContent(before)) return [];
	const named = new Set([...Object.keys(asObject(before.users)), ...Object.keys(asObject(now.users))]);
	return [...named]
		.filter((mxid) => levelIn(before, mxid) !== levelIn(now, mxid))
		.filter((mxid) => mayWrite(before, mxid) !== mayWrite(now, mxid))
		.slice(0, mostMuted)
		.map((mxid) => ({ mxid, act: mayWrite(now, mxid) ? "unmute" : "mute" }));
}

/** Returns the mutes of ghosts in an event of power levels, and the ends of mutes, as one event; undefined without any. */
export function muteIn(
	event: MatrixEvent,
	base: Pick<Moderation, "id" | "room" | "at" | "sender">,
	{ person }: Pick<ReadContext, "person">,
): Moderation | undefined {
	const [first, ...also] = mutedIn(event)
		.map(({ mxid, act }) => ({ act, whom: person(mxid) }))
		.filter(({ whom }) => whom.network !== matrixNetwork);
	return first && { ...base, kind: "moderation", ...first, ...(also.length > 0 && { also }) };
}

// Matrix spec, "m.room.power_levels".
const levelIn = (levels: Content, mxid: string): number =>
	levelOf(fieldOf(levels.users, mxid)) ?? levelOf(levels.users_default) ?? 0;
const mayWrite = (levels: Content, mxid: string): boolean =>
	levelIn(levels, mxid) >=
	(levelOf(fieldOf(levels.events, "m.room.message")) ?? levelOf(levels.events_default) ?? 0);
