import { type PermanentError, TemporaryError } from "../../core/errors.ts";
import type { Person } from "../../core/person.ts";
import type { Shown } from "../../core/signal.ts";
import type { OccupantPresence } from "../muc/presence.ts";

/** Our occupants in one MUC: the listener, and the ghosts of people. This file alone changes their state. */

/** One own occupant's presence in the MUC, as far as the MUC has told us. */
export type Stay =
	| Readonly<{ state: "out" }>
	/** It said goodbye. Until the MUC answers, lines of its can still come in. */
	| Readonly<{ state: "leaving" }>
	/**
	 * `since` is the roster's clock at the begin of the join. With `leaving`, the MUC has not answered its goodbye yet, and
	 * the next unavailable presence ends that earlier stay alone.
	 */
	| Readonly<{ state: "joining"; since: number; leaving: boolean }>
	/** `confirmed`: the MUC has confirmed this since the active listener joined. Else it may have lost both. */
	| Readonly<{ state: "in"; confirmed: boolean }>;

type Answer = OccupantPresence | Error;

type State = {
	/** The full JID. It never changes, so that a join after a broken link is a resync and no second session. */
	readonly jid: string;
	/** Absent for the listener. */
	person: Person | undefined;
	/** The display name on the person's own network. */
	name: string;
	/** The nick last held, or asked for by a join. The MUC may give another: the nick of its 110 presence counts. */
	nick: string;
	stay: Stay;
	/** The hash of the picture that the MUC was told, "" if it has none; undefined before the MUC was told anything. */
	photo: string | undefined;
	/** Whether its person is there, as the MUC is told; undefined where nobody says so. */
	availability: Shown | undefined;
	/** True while the occupant has to join again after a technical loss. */
	wanted: boolean;
	/** When its person last did something, ms since 1970. */
	activeAt: number;
	/** Why the MUC refuses it, until its person leaves and comes again. */
	barred: PermanentError | undefined;
	/** Until then, ms since 1970, its lines go through the listener: the MUC was full, did not answer, or is for members only. */
	relayedUntil: number;
	/** The join under way, or waiting for its turn. */
	entering: Promise<void> | undefined;
	/** Tells it from the next holder of its nick (XEP-0421). */
	occupantId?: string;
	/** Takes the answer to a presence of ours: the occupant's own presence, or a refusal. */
	answer: ((answer: Answer) => void) | undefined;
};

export type OwnOccupant = Readonly<State>;

export type OwnOccupants = Readonly<{
	/** All of them, the listener included, by full JID. */
	byJid: ReadonlyMap<string, OwnOccupant>;
	/** The holders of nicks, by nick. */
	byNick: ReadonlyMap<string, OwnOccupant>;
}>;

type Maps = Readonly<{ byJid: Map<string, OwnOccupant>; byNick: Map<string, OwnOccupant> }>;
const mapsOf = (ours: OwnOccupants) => ours as Maps;

export const createOwnOccupant = (jid: string, name: string, person?: Person): OwnOccupant => ({
	jid,
	person,
	name,
	nick: "",
	stay: { state: "out" },
	photo: undefined,
	availability: undefined,
	wanted: false,
	activeAt: 0,
	barred: undefined,
	relayedUntil: 0,
	entering: undefined,
	answer: undefined,
});

export const createOwnOccupants = (listener: OwnOccupant): OwnOccupants => ({
	byJid: new Map([[listener.jid, listener]]),
	byNick: new Map(),
});

export const isIn = ({ stay }: OwnOccupant): boolean => stay.state === "in";
/** True while the lines that come for the occupant are news: it is in, or the MUC has not answered its goodbye yet. */
export const hears = ({ stay }: OwnOccupant): boolean => stay.state === "in" || stay.state === "leaving";
/** True while the MUC is known to have the occupant still. */
export const isConfirmed = ({ stay }: OwnOccupant): boolean => stay.state === "in" && stay.confirmed;
export const isJoining = ({ stay }: OwnOccupant): boolean => stay.state === "joining";

/** Returns the person's occupant, which is made if there is none, under the name that the person has now. A picture stays until another is known. */
export function occupantOf(ours: OwnOccupants, jid: string, name: string, person: Person): OwnOccupant {
	const one: State = ours.byJid.get(jid) ?? createOwnOccupant(jid, name, person);
	mapsOf(ours).byJid.set(jid, one);
	const avatar = person.avatar === undefined ? one.person?.avatar : person.avatar;
	one.person = avatar === undefined ? person : { ...person, avatar };
	one.name = name;
	return one;
}

/** Adds a listener to the own occupants of the MUC. */
export function addListener(ours: OwnOccupants, one: OwnOccupant): void {
	mapsOf(ours).byJid.set(one.jid, one);
}

/** Has the occupant join again whenever it is lost for technical reasons. */
export function want(one: State): void {
	one.wanted = true;
}

/** Notes an act of the occupant's person. */
export function noteActive(one: State, at: number): void {
	one.activeAt = at;
}

/** Notes the picture that the MUC is told: see {@link OwnOccupant}. */
export function setPhoto(one: State, photo: string | undefined): void {
	one.photo = photo;
}

/** Notes whether the person of the occupant is there. */
export function setAvailability(one: State, availability: Shown): void {
	one.availability = availability;
}

/** Keeps the occupant out: the MUC refused or removed it. */
export function bar(one: State, why: PermanentError): void {
	one.barred = why;
}

/** Ends the occupant's wish to be in the MUC, without a goodbye: the MUC has removed it. */
export function unwant(one: State): void {
	one.wanted = false;
}

/** Lets the occupant try to join again after a refusal. */
export function unbar(one: State): void {
	one.barred = undefined;
}

/** Sends the occupant's lines through the listener until `at`, ms since 1970. */
export function relayUntil(one: State, at: number): void {
	one.relayedUntil = at;
}

/** Runs `join` unless a join of the occupant is under way; returns the one that is. */
export function joinOnce(one: State, join: () => Promise<void>): Promise<void> {
	one.entering ??= join().finally(() => {
		one.entering = undefined;
	});
	return one.entering;
}

export function beginJoin(one: State, clock: number): void {
	one.stay = { state: "joining", since: clock, leaving: one.stay.state === "leaving" };
}

/** Notes the nick that the occupant asks for in a join. A rename counts only when the MUC says so. */
export function askForNick(one: State, nick: string): void {
	if (one.stay.state === "joining") one.nick = nick;
}

/** Ends a join that failed. */
export function abandonJoin(one: State): void {
	if (one.stay.state === "joining") one.stay = { state: one.stay.leaving ? "leaving" : "out" };
}

/** The MUC says that the occupant is in, under this nick. Returns whether it was not before. */
export function arrive(
	ours: OwnOccupants,
	one: State,
	nick: string,
	occupantId: string | undefined,
): boolean {
	const { byNick } = mapsOf(ours);
	byNick.delete(one.nick);
	const entered = one.stay.state !== "in";
	one.stay = { state: "in", confirmed: true };
	one.nick = nick;
	if (occupantId) one.occupantId = occupantId;
	byNick.set(nick, one);
	return entered;
}

/** The MUC says that the occupant has another nick from now on. */
export function changeNick(ours: OwnOccupants, one: State, nick: string): void {
	one.nick = nick;
	reserveNick(ours, one, nick);
}

/** Notes that a nick will be the occupant's: the listener's copy of its rename may come after the occupant's own. */
export function reserveNick(ours: OwnOccupants, one: OwnOccupant, nick: string): void {
	mapsOf(ours).byNick.set(nick, one);
}

/** The MUC says that nobody of ours holds this nick any more. */
export function releaseNick(ours: OwnOccupants, nick: string): void {
	mapsOf(ours).byNick.delete(nick);
}

/** Notes that the occupant says goodbye. Returns false, and forgets it, where it was not in the MUC anyway. */
export function sayGoodbye(ours: OwnOccupants, one: State): boolean {
	const there = one.stay.state === "in" || one.stay.state === "joining";
	one.wanted = false;
	one.stay = { state: there ? "leaving" : "out" };
	if (!there) mapsOf(ours).byJid.delete(one.jid);
	one.answer?.(new TemporaryError("left while joining"));
	return there;
}

/** Takes the MUC's answer to a goodbye, and forgets the occupant unless it joins again. Returns false for any other exit. */
export function finishGoodbye(ours: OwnOccupants, one: State): boolean {
	const { stay } = one;
	if (stay.state === "leaving") one.stay = { state: "out" };
	else if (stay.state === "joining" && stay.leaving) one.stay = { ...stay, leaving: false };
	else return false;
	if (!one.wanted) mapsOf(ours).byJid.delete(one.jid);
	return true;
}

/** The MUC has put the occupant out, which ends a join, too. */
export function throwOut(one: State): void {
	one.stay = { state: "out" };
	one.answer?.(new TemporaryError("thrown out while joining"));
}

/** The MUC does not know the occupant any more, whatever it told us before. */
export function putOut(ours: OwnOccupants, one: State): void {
	mapsOf(ours).byNick.delete(one.nick);
	if (one.stay.state === "in") one.stay = { state: "out" };
	else abandonJoin(one);
}

/** The link broke: all of them are out, and joins fail with a temporary error. */
export function putAllOut(ours: OwnOccupants, cause: string): void {
	mapsOf(ours).byNick.clear();
	for (const one of ours.byJid.values() as Iterable<State>) {
		one.stay = { state: "out" };
		one.answer?.(new TemporaryError(cause));
	}
}

/** Notes whether the MUC is known to have the occupant still; without effect on one that is not in. */
export function setConfirmed(one: State, confirmed: boolean): void {
	if (one.stay.state === "in") one.stay = { state: "in", confirmed };
}

/** Hands the next answer to a presence of the occupant to `take`. Returns the function that ends the wait. */
export function expectAnswer(one: State, take: (answer: Answer) => void): () => void {
	one.answer = take;
	return () => {
		if (one.answer === take) one.answer = undefined;
	};
}
