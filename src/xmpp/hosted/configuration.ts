import { personKey, type RoomFacts } from "../../core/hosting.ts";
import type { Person } from "../../core/person.ts";
import { account } from "../from-xmpp.ts";
import { mucUser, statusCodes } from "../muc/status-codes.ts";
import * as phrases from "../phrases.ts";
import { xml } from "../stream/xml.ts";
import { roomJid } from "./addresses.ts";
import type { RecordChange, RoomRecord } from "./administration/record.ts";
import { announce, announceAbsent } from "./announce.ts";
import type { HostedContext } from "./context.ts";
import { hatOf } from "./hats.ts";
import { closeRoom } from "./leaving.ts";
import { affiliationOf, roleOf, type Standing } from "./presences.ts";
import { realJid } from "./real-jid.ts";
import { sentence } from "./refusals.ts";
import { reveal } from "./reveal.ts";
import type { HostedRoom } from "./room.ts";
import { showPicture } from "./room-picture.ts";

/** Shows a change of the room itself: of its settings, of its power levels, or its end. */
export function takeFacts(room: HostedRoom, facts: RoomFacts, context: HostedContext): void {
	if (facts.made && room.facts.entry === "invited" && facts.entry === "everybody") keepMembers(room, context);
	const before = { facts: room.facts, record: room.record };
	room.facts = facts;
	const end = endOf(facts, context);
	if (end) {
		closeRoom(room, end, context);
		return;
	}
	tellOfRanks(room, before, context);
	for (const code of codesOf(before.facts, facts)) tellOfChange(room, context, code);
	if (before.facts.picture !== facts.picture)
		showPicture(room, room.sessions.values(), { changed: true }, context);
}

/** Keeps the members of a room that everybody may join from now on: they are members still (XEP-0045 §5.2). */
function keepMembers(room: HostedRoom, context: HostedContext): void {
	const changes = [...room.people.values()].flatMap(({ person }): readonly RecordChange[] =>
		affiliationOf(room, person) === "member"
			? [{ list: "members", key: personKey(person), value: realJid(person, context) }]
			: [],
	);
	context.records.follow(room.id, changes);
}

/** Shows a change of the room's record. */
export function takeRecord(room: HostedRoom, record: RoomRecord, context: HostedContext): void {
	const before = { facts: room.facts, record: room.record };
	room.record = record;
	tellOfRanks(room, before, context);
}

/** Tells all sessions of the people who have another affiliation or role than before, in the room or not (XEP-0045 §9 and §10). */
function tellOfRanks(room: HostedRoom, before: Standing, context: HostedContext): void {
	for (const occupant of room.occupants.values()) {
		const { person } = occupant;
		const [affiliation, role] = [affiliationOf(room, person), roleOf(room, person)];
		const same =
			affiliationOf(before, person) === affiliation &&
			roleOf(before, person) === role &&
			hatOf(before.facts, person)?.id === hatOf(room.facts, person)?.id;
		if (same) continue;
		const act = context.acts.take(room, person, "rank");
		const isNew = role === "moderator" && reveal(room, occupant, context);
		if (!isNew) announce(room, occupant, context, act);
	}
	const absent = new Map<string, Absent>();
	for (const { facts, record } of [before, room]) {
		for (const person of facts.levels?.people ?? [])
			absent.set(personKey(person), { ...person, jid: realJid(person, context) });
		for (const [key, jid] of record.members) absent.set(key, { ...account(jid), jid });
	}
	for (const [key, { jid, ...person }] of absent) {
		if (room.people.has(key)) continue;
		const affiliation = affiliationOf(room, person, false);
		if (affiliation !== affiliationOf(before, person, false))
			announceAbsent(room, { jid, affiliation }, context);
	}
}
type Absent = Pick<Person, "network" | "id"> & Readonly<{ jid: string }>;

/** The facts that clients read again by a query when they are told of a change. */
const settings = ["name", "picture", "entry", "listed"] as const;
/** The acts whose least power levels clients read again then. */
const acts = ["speak", "topic", "invite"] as const;

/** Returns the status codes of a change (XEP-0045 §10.2.1). */
function codesOf(before: RoomFacts, now: RoomFacts): readonly string[] {
	const changed =
		settings.some((name) => before[name] !== now[name]) ||
		acts.some((act) => before.levels && now.levels && before.levels.needed[act] !== now.levels.needed[act]);
	const opened = before.pastPublic !== now.pastPublic;
	return [
		...(changed ? [statusCodes.configurationChanged] : []),
		...(opened ? [now.pastPublic ? statusCodes.loggingEnabled : statusCodes.loggingDisabled] : []),
	];
}

/** Returns the end of a room that cannot be shown any more, and the room that has taken its place; undefined if it can. */
function endOf(
	{ successor, unfit }: RoomFacts,
	{ component }: HostedContext,
): Parameters<typeof closeRoom>[1] | undefined {
	if (successor) return { alternate: roomJid(successor, component), reason: phrases.hostedMoved };
	return unfit && { reason: sentence(phrases.unfit[unfit]) };
}

/** Tells all sessions that the settings of the room have changed (XEP-0045 §10.2.1). `code`: which ones. */
export function tellOfChange(
	room: HostedRoom,
	context: HostedContext,
	code: string = statusCodes.configurationChanged,
): void {
	const id = context.now().unique();
	const x = xml("x", { xmlns: mucUser }, xml("status", { code }));
	context.out.send(room.sessions.values(), (address) =>
		xml("message", { type: "groupchat", from: address, id }, x),
	);
}
