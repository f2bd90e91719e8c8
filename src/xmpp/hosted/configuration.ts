import type { RoomFacts } from "../../core/hosting.ts";
import { mucUser, statusCodes } from "../muc/status-codes.ts";
import * as phrases from "../phrases.ts";
import { xml } from "../stream/xml.ts";
import { roomJid } from "./addresses.ts";
import { announce } from "./announce.ts";
import type { HostedContext } from "./context.ts";
import { closeRoom } from "./leaving.ts";
import { affiliationOf, roleOf } from "./presences.ts";
import { sentence } from "./refusals.ts";
import { reveal } from "./reveal.ts";
import type { HostedRoom } from "./room.ts";
import { showPicture } from "./room-picture.ts";

/** Shows a change of the room itself: of its settings, of its power levels, or its end. */
export function takeFacts(room: HostedRoom, facts: RoomFacts, context: HostedContext): void {
	const before = room.facts;
	room.facts = facts;
	const end = endOf(facts, context);
	if (end) {
		closeRoom(room, end, context);
		return;
	}
	for (const occupant of room.occupants.values()) {
		const { person } = occupant;
		const [affiliation, role] = [affiliationOf(facts, person), roleOf(facts, person)];
		if (affiliationOf(before, person) === affiliation && roleOf(before, person) === role) continue;
		const isNew = role === "moderator" && reveal(room, occupant, context);
		if (!isNew) announce(room, occupant, context);
	}
	if (settings.some((name) => before[name] !== facts[name])) tellOfChange(room, context);
	if (before.picture !== facts.picture) showPicture(room, room.sessions.values(), { changed: true }, context);
}

/** The facts that clients read again by a query when they are told of a change. */
const settings = ["name", "picture", "entry", "listed"] as const;

/** Returns the end of a room that cannot be shown any more, and the room that has taken its place; undefined if it can. */
function endOf(
	{ successor, unfit }: RoomFacts,
	{ component }: HostedContext,
): Parameters<typeof closeRoom>[1] | undefined {
	if (successor) return { alternate: roomJid(successor, component), reason: phrases.hostedMoved };
	return unfit && { reason: sentence(phrases.unfit[unfit]) };
}

/** Tells all sessions that the settings of the room have changed (XEP-0045 §10.2.1). */
export function tellOfChange(room: HostedRoom, context: HostedContext): void {
	const id = context.now().unique();
	const x = xml("x", { xmlns: mucUser }, xml("status", { code: statusCodes.configurationChanged }));
	context.out.send(room.sessions.values(), (address) =>
		xml("message", { type: "groupchat", from: address, id }, x),
	);
}
