import { personKey, type RoomFacts, type RoomSettings } from "../../../core/hosting.ts";
import { xmppNetwork } from "../../from-xmpp.ts";
import { statusCodes } from "../../muc/status-codes.ts";
import * as phrases from "../../phrases.ts";
import { takeFacts, tellOfChange } from "../configuration.ts";
import type { HostedContext } from "../context.ts";
import { affiliationOf } from "../presences.ts";
import type { HostedRoom, Occupant } from "../room.ts";
import { untilShown } from "../until-shown.ts";
import type { Changes } from "./field.ts";
import type { Owned } from "./owned.ts";

/** Returns true if the facts show the settings, the levels of people aside. */
function isShown(facts: RoomFacts, { name, topic, entry, pastPublic, needed = {} }: RoomSettings): boolean {
	const same = <T>(wanted: T | undefined, now: T) => wanted === undefined || wanted === now;
	return (
		same(name, facts.name ?? "") &&
		same(topic, facts.topic ?? "") &&
		same(entry, facts.entry) &&
		same(pastPublic, facts.pastPublic === true) &&
		same(needed.speak, facts.levels?.needed.speak ?? 0) &&
		same(needed.topic, facts.levels?.needed.topic ?? 0) &&
		same(needed.invite, facts.levels?.needed.invite ?? 0)
	);
}

const areRanked = ({ levels }: RoomFacts, { levels: changes = [] }: RoomSettings): boolean =>
	changes.every(
		({ whom, level }) => !("id" in whom) || levels === undefined || levels.of.get(personKey(whom)) === level,
	);

/** Returns the people of XMPP who have to leave a room for members only (XEP-0045 §10.2). */
const strangersIn = (room: HostedRoom): readonly Occupant[] =>
	[...room.people.values()].filter(
		({ person }) => person.network === xmppNetwork && affiliationOf(room, person) === "none",
	);

/**
 * Carries out the changes that an owner has submitted, and resolves when the room shows them. @throws PermanentError,
 * TemporaryError
 */
export async function configure(
	{ by, view, facts, room }: Owned,
	{ settings, own }: Changes,
	context: HostedContext,
): Promise<void> {
	const source = context.bridge().views.source(context.of);
	const closes = settings.entry === "invited" && facts.made === true;
	// A password is asked of people who come from now on.
	const strangers = closes && room && own.password === undefined ? strangersIn(room) : [];
	if (Object.keys(settings).length > 0) await source.configure(facts.room, by, settings);
	const before = room?.own ?? (await context.settings.of(view));
	const now = { ...before, ...own };
	const isChanged = JSON.stringify(now) !== JSON.stringify(before);
	if (isChanged) await context.settings.save(view, now);
	if (!room) return;
	if (isChanged) {
		room.own = now;
		tellOfChange(room, context);
	}
	for (const { person } of strangers) {
		const act = { codes: [statusCodes.membersOnlyNow], affiliation: "none" } as const;
		await context.acts.during(room, "removal", [[person, act]], () =>
			source.moderate(room.source, by, "kick", person, phrases.hostedMembersOnlyNow),
		);
	}
	// The directory is no part of the timeline.
	if (settings.listed !== undefined) takeFacts(room, { ...room.facts, listed: settings.listed }, context);
	await untilShown(() => isShown(room.facts, settings) && areRanked(room.facts, settings));
}
