import { PermanentError, TemporaryError } from "../../core/errors.ts";
import { domain } from "../jid.ts";
import * as presence from "../muc/presence.ts";
import { nickFor, otherNick, plainNick } from "../nick.ts";
import * as phrases from "../phrases.ts";
import { neutral, StanzaError } from "../stanza-error.ts";
import type { Element } from "../stream/xml.ts";
import { announce, type Context } from "./context.ts";
import { since } from "./cursor.ts";
import {
	abandonJoin,
	askForNick,
	beginJoin,
	expectAnswer,
	isIn,
	joinOnce,
	type OwnOccupant,
	sayGoodbye,
} from "./own-occupants.ts";
import { type Room, readable } from "./room.ts";
import { release } from "./roster.ts";

/** Our occupants come, go and are renamed. */

const answerWithin = 60_000;
/** Tries of one join or rename: the name, its plain form, then others where it is taken. */
const tries = 8;

/** The room has no place, or no nick, for one more: what they say can still go through the listener. */
export class NoPlace extends TemporaryError {}

/** Sees to it that `ours` is in the room. @throws TemporaryError, {@link NoPlace}, PermanentError with the room's reason. */
export function enter(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	if (isIn(ours)) return Promise.resolve();
	if (ours.barred) return Promise.reject(ours.barred);
	return joinOnce(ours, () => context.paced(domain(room.jid), () => join(room, ours, context)));
}

async function join(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	if (room.closed || !ours.wanted) throw new TemporaryError("left before the join began");
	beginJoin(ours, room.clock);
	try {
		// Where there is no archive, the room tells what the ear has missed.
		const missed =
			ours === room.activeListener && !readable(room) && room.read ? since(room.read) : undefined;
		await withNick(room, ours, context, (nick) =>
			presence.enter(ours.jid, room.jid, nick, ours.name, missed),
		);
	} catch (error) {
		abandonJoin(ours);
		throw error;
	} finally {
		announce(room, release(room, context.component, context.now()), context);
	}
}

/** XEP-0045 §7.6; where no form of the new name is free the old one stays. */
export async function rename(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	// They may just be coming in under the old name; who is not let in is named anew by the next join.
	await ours.entering?.catch(() => undefined);
	if (!isIn(ours)) return;
	await withNick(room, ours, context, (nick) =>
		nick === ours.nick ? undefined : presence.rename(ours.jid, room.jid, nick, ours.name),
	);
}

export async function leave(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	const { nick } = ours;
	if (!sayGoodbye(room.ours, ours) || !context.link.online) return;
	await context.link.send(presence.leave(ours.jid, room.jid, nick));
}

/** Asks for one form of the name after the other until the room takes one. */
async function withNick(
	room: Room,
	ours: OwnOccupant,
	context: Context,
	ask: (nick: string) => Element | undefined,
): Promise<void> {
	const [first = "", server] = ours.person?.address ?? [ours.name];
	const who = { localpart: first, ...(server && { server }) };
	let name = nickFor(ours.name, first);
	let taken = 0;
	for (let i = 0; i < tries; i++) {
		const nick = taken ? otherNick(name, taken, who) : name;
		const stanza = ask(nick);
		if (!stanza) return;
		askForNick(ours, nick);
		const answer = await answered(ours, stanza, context);
		if (!(answer instanceof Error)) return;
		if (!(answer instanceof StanzaError)) throw answer;
		// XEP-0045 §7.2.8: somebody else has it, or reserved it.
		if (answer.condition === "conflict") taken++;
		// Neither server lets anything newer than Unicode 3.2 be a nick, so no emoji.
		else if (nickRefused.has(answer.condition) && name !== plainNick(name, first))
			name = plainNick(name, first);
		else throw refusal(room, answer);
	}
	throw new NoPlace(phrases.mucNoNick(room.jid));
}
// Prosody's room answers jid-malformed; ejabberd itself bad-request, for an address it cannot even read.
const nickRefused: ReadonlySet<string> = new Set(["jid-malformed", "bad-request", "not-acceptable"]);

/** Sends a presence and resolves with what the room answers to it: ours under 110, or an error. */
function answered(
	ours: OwnOccupant,
	stanza: Element,
	context: Context,
): Promise<presence.OccupantPresence | Error> {
	return new Promise((resolve) => {
		const timer = setTimeout(() => settle(new TemporaryError("no answer to a join")), answerWithin);
		const settle = (answer: presence.OccupantPresence | Error) => {
			clearTimeout(timer);
			done();
			resolve(answer);
		};
		const done = expectAnswer(ours, settle);
		context.link.send(stanza).catch(settle);
	});
}

/** Its server, or the way there, is down for now: told of a room that we know is there. */
export const isAway = ({ condition }: StanzaError): boolean =>
	condition.startsWith("remote-server-") ||
	condition === "service-unavailable" ||
	condition === "internal-server-error";

/** XEP-0045 §7.2: why a room does not let somebody in. */
export function refusal(room: Room, error: StanzaError): TemporaryError | PermanentError {
	const cause = { cause: error };
	switch (error.condition) {
		case "forbidden":
			return new PermanentError("forbidden", phrases.mucBanned(room.jid), cause);
		case "registration-required":
			return new PermanentError("forbidden", phrases.mucMembersOnly(room.jid), cause);
		case "not-authorized":
			return new PermanentError("forbidden", phrases.mucPassword(room.jid), cause);
		case "item-not-found":
			return new PermanentError("not-found", phrases.noSuchMuc(room.jid), cause);
		case "gone":
			return new PermanentError("not-found", phrases.mucGone(room.jid, undefined), cause);
		case "jid-malformed":
			return new NoPlace(phrases.mucNoNick(room.jid), cause);
		// XEP-0045 §7.2.9 says service-unavailable, ejabberd resource-constraint, also for its limit of rooms per JID.
		case "service-unavailable":
		case "resource-constraint":
			return new NoPlace(phrases.mucFull(room.jid), cause);
		default:
			return isAway(error) ? new TemporaryError(error.message, cause) : neutral(error);
	}
}
