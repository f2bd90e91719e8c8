import { TemporaryError } from "../../core/errors.ts";
import { bare, domain } from "../jid.ts";
import * as presence from "../muc/presence.ts";
import { nickFor, otherNick, plainNick } from "../nick.ts";
import * as phrases from "../phrases.ts";
import { StanzaError } from "../stanza-error.ts";
import type { Element } from "../stream/xml.ts";
import { announce, type Context } from "./context.ts";
import { since } from "./cursor.ts";
import { knownPhoto, showFace, shown } from "./faces.ts";
import { joinRefusal, NoPlace, NotMember } from "./join-refusals.ts";
import {
	abandonJoin,
	askForNick,
	beginJoin,
	expectAnswer,
	isIn,
	joinOnce,
	type OwnOccupant,
	relayUntil,
	sayGoodbye,
	setPhoto,
} from "./own-occupants.ts";
import { type Room, readable } from "./room.ts";
import { release } from "./roster.ts";

/** Joins, leaves and renames of our own occupants. */

const answerWithin = 60_000;
/** Time, in ms, for which lines go through the listener after the MUC took no occupant of its own for their person. */
export const relayFor = 5 * 60_000;
/** Time, in ms, after which a MUC for members only is asked again for the listener: somebody may have let it in. */
export const askAgainForMember = 10_000;
/** Nicks tried for one join or rename: the name, its plain form, then further forms while it is taken. */
const tries = 8;

/** Resolves once `ours` is in the MUC. @throws TemporaryError, {@link NoPlace}, PermanentError with the MUC's reason. */
export function enter(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	if (isIn(ours)) return Promise.resolve();
	if (ours.barred) return Promise.reject(ours.barred);
	return joinOnce(ours, () => context.paced(domain(room.jid), () => join(room, ours, context)));
}

async function join(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	if (room.closed || !ours.wanted) throw new TemporaryError("left before the join began");
	beginJoin(ours, room.roster.clock);
	setPhoto(ours, knownPhoto(ours, context));
	try {
		// Without an archive, the active listener asks for the history of the time that it missed.
		const missed =
			ours === room.listening.active && !readable(room) && room.position.read
				? since(room.position.read)
				: undefined;
		const how = { since: missed, password: room.password };
		await withNick(room, ours, context, (nick) => presence.enter(shown(ours, room), room.jid, nick, how));
		showFace(room, ours, context);
	} catch (error) {
		abandonJoin(ours);
		// No attempt is repeated for each line of a person who is no member; a new member joins at a later line.
		if (error instanceof NotMember)
			relayUntil(ours, context.now().at + (ours.person ? relayFor : askAgainForMember));
		throw error;
	} finally {
		announce(room, release(room, context.component, context.now()), context);
	}
}

/** Asks for a nick of the new name (XEP-0045 §7.6). The old nick stays where no form of the new name is free. */
export async function rename(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	// A join under the old name may be under way. An occupant that is out gets the new nick by its next join.
	await ours.entering?.catch(() => undefined);
	if (!isIn(ours)) return;
	await withNick(room, ours, context, (nick) =>
		nick === ours.nick ? undefined : presence.rename(shown(ours, room), room.jid, nick),
	);
	showFace(room, ours, context);
}

export async function leave(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	const { nick } = ours;
	if (!sayGoodbye(room.ours, ours) || !context.link.online) return;
	await context.link.send(presence.leave(ours.jid, room.jid, nick));
}

/** Asks for one form of the name after the other until the MUC takes one. @throws NoPlace, or the refusal. */
async function withNick(
	room: Room,
	ours: OwnOccupant,
	context: Context,
	ask: (nick: string) => Element | undefined,
): Promise<void> {
	const [first = "", server] = ours.person?.address ?? [ours.name];
	const who = { localpart: first, ...(server && { server }) };
	let name = nickFor(ours.name, first);
	// A nick that looks like that of another occupant counts as taken. Whether it is the same, the MUC tells: an earlier run
	// may have left it to us.
	const others = room.roster.others.keys().filter((nick) => nick !== name);
	let taken = context.isLike(name, others) ? 1 : 0;
	for (let i = 0; i < tries; i++) {
		const nick = taken ? otherNick(name, taken, who) : name;
		const stanza = ask(nick);
		if (!stanza) return;
		askForNick(ours, nick);
		const answer = await answered(ours, stanza, context);
		if (!(answer instanceof Error)) return;
		if (!(answer instanceof StanzaError)) throw answer;
		// XEP-0045 §7.2.8: somebody else holds the nick, or reserved it.
		if (answer.condition === "conflict") taken++;
		// Prosody and ejabberd allow no character newer than Unicode 3.2 in a nick, so no emoji.
		else if (nickRefused.has(answer.condition) && name !== plainNick(name, first))
			name = plainNick(name, first);
		else throw joinRefusal(room.jid, answer, bare(room.listeners.stated.jid));
	}
	throw new NoPlace(phrases.mucNoNick(room.jid));
}
// Prosody's MUC answers jid-malformed; ejabberd answers bad-request to an address that it cannot parse.
const nickRefused: ReadonlySet<string> = new Set(["jid-malformed", "bad-request", "not-acceptable"]);

/** Sends a presence and resolves with the MUC's answer: the occupant's own presence (110), or an error. */
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

/** Has an occupant join again that was lost for technical reasons. If that fails, it joins when it next speaks. */
export async function rejoin(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	if (ours === room.listening.active || !ours.wanted || ours.barred || isIn(ours)) return;
	if (room.features.membersOnly && ours.relayedUntil > context.now().at) return;
	await enter(room, ours, context).catch((error: unknown) =>
		context.log.info(
			{ err: error, room: room.jid, ours: ours.jid },
			"an own occupant could not join again; it joins for its next line",
		),
	);
}
