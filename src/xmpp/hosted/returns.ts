import { TemporaryError } from "../../core/errors.ts";
import { personKey } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { xmppNetwork } from "../from-xmpp.ts";
import type { PendingLines } from "./lines/pending.ts";
import type { Memberships } from "./memberships.ts";
import { type HostedRoom, occupantOf, type Session } from "./room.ts";
import type { Rooms } from "./rooms.ts";
import type { SessionStore } from "./sessions.ts";
import type { World } from "./world.ts";

/**
 * How long people may take to come back after a crash, a stop or a broken link, and
 * how long a room without sessions is kept, in ms.
 */
const backWithin = 10 * 60_000;
/** How long a leave waits for the last lines of the person, in ms: longer than a line may wait for its first attempt. */
const lastWordsWithin = 70_000;
/** The delay before a leave that failed is tried again, in ms. */
const againAfter = 30_000;

export type Place = Readonly<{ source: RoomId; id: string; view: RoomId }>;
type Leaving = {
	readonly place: Place;
	readonly person: Person;
	at: number;
	/** The room is known to let everybody in. Else it is asked, since a leave could be for good. */
	open: boolean;
	/** Their sessions in the store, by which the next run of the bridge would know that they have to leave. */
	stored: readonly Pick<Session, "address" | "jid">[];
	underWay: boolean;
};

export const placeOf = ({ source, id: view, facts: { id } }: HostedRoom): Place => ({ source, id, view });

/** The people whose sessions have ended: those who leave their room, and those who may come back first. */
export function createReturns(
	context: World &
		Readonly<{
			rooms: Rooms;
			memberships: Memberships;
			pending: PendingLines;
			store: SessionStore;
			/** Called when a person has not come back, as the last one of the room. @throws PermanentError, TemporaryError */
			stayedAway(place: Place, person: Person): Promise<void>;
		}>,
) {
	const leaving = new Map<string, Leaving>();
	/** Rooms without sessions, and since when. */
	const resting = new Map<HostedRoom, number>();
	/** When the link broke, in ms since 1970; undefined while it is up, and before it is up for the first time. */
	let brokenAt: number | undefined;
	/** The begin of the run, until the link is up for the first time. */
	let begunAt: number | undefined = context.now().at;
	const keyOf = (source: RoomId, person: Person) => `${source} ${personKey(person)}`;

	function note(one: Omit<Leaving, "underWay">): Leaving {
		const key = keyOf(one.place.source, one.person);
		const stored = [...(leaving.get(key)?.stored ?? []), ...one.stored];
		const noted = { ...one, stored, underWay: false };
		leaving.set(key, noted);
		return noted;
	}

	const begin = (one: Leaving) => void context.guard.run("leave of a hosted room", () => leave(one));

	async function leave(one: Leaving): Promise<void> {
		const { place, person } = one;
		const key = keyOf(place.source, person);
		const isIn = (room = context.rooms.get(place.view)) =>
			!!room && !!occupantOf(room, person)?.sessions.size;
		const isBack = () => leaving.get(key) !== one || isIn();
		one.underWay = true;
		try {
			// A line that came after the leave would bring the ghost in again.
			await context.pending.idle(place.view, personKey(person), lastWordsWithin);
			if (!isBack() && (one.open || (await lets(place, person))) && !isBack())
				await context.memberships.leave(place.source, person);
			const others = [...leaving.values()].some((other) => other !== one && other.place.view === place.view);
			if (!one.open && !others && !isBack()) await context.stayedAway(place, person);
			if (leaving.get(key) === one) forget(key);
		} catch (error) {
			if (!(error instanceof TemporaryError)) {
				context.log.warn({ err: error, room: place.source }, "a ghost could not leave a hosted room");
				if (leaving.get(key) === one) forget(key);
			}
			one.at = context.now().at + againAfter;
		} finally {
			one.underWay = false;
		}
	}

	function forget(key: string): void {
		const stored = leaving.get(key)?.stored ?? [];
		leaving.delete(key);
		for (const session of stored) if (!context.rooms.joinedAs(session)) void context.store.remove(session);
	}

	/** Resolves with true if the room lets everybody in again. */
	async function lets({ id }: Place, person: Person): Promise<boolean> {
		const looked = await context.bridge().views.look(context.of, { kind: "id", id }, person);
		return looked.kind === "room" && looked.facts.entry === "everybody";
	}

	const isUsed = (room: HostedRoom) => room.sessions.size > 0;
	/** The source tells us of what happens there as long as a ghost of ours is in it, or comes in. */
	const isFollowed = (room: HostedRoom) =>
		room.people.values().some(({ person }) => person.network === xmppNetwork) ||
		context.memberships.isEntered(room.source);

	return {
		/** The person leaves a room that lets everybody in: their last session, `stored`, has ended. */
		leave(room: HostedRoom, person: Person, stored?: Pick<Session, "address" | "jid">): void {
			const at = context.now().at;
			begin(note({ place: placeOf(room), person, at, open: true, stored: stored ? [stored] : [] }));
		},
		/** The person leaves within ten minutes, unless a client of theirs joins. `stored`: a session of theirs in the store. */
		expect(place: Place, person: Person, stored: Pick<Session, "address" | "jid">): void {
			note({ place, person, at: context.now().at + backWithin, open: false, stored: [stored] });
		},
		/** Returns true for a person who has to leave now or later. */
		awaits: (source: RoomId, person: Person): boolean => leaving.has(keyOf(source, person)),
		/** A client of the person has joined. */
		back: (room: HostedRoom, person: Person): void => forget(keyOf(room.source, person)),
		/** Notes that a room may have no sessions left, and forgets one that nobody of ours is in. */
		rest(room: HostedRoom): void {
			if (!isFollowed(room)) context.rooms.remove(room);
			else if (!resting.has(room)) resting.set(room, context.now().at);
		},
		/** The link to the XMPP server is not up: nobody can come back, so the time does not count. */
		offline(): void {
			brokenAt ??= context.now().at;
		},
		/** The link is up: everybody has as much time left as when it broke. */
		online(): void {
			const { at: now } = context.now();
			const outage = now - (brokenAt ?? begunAt ?? now);
			brokenAt = undefined;
			begunAt = undefined;
			for (const one of leaving.values()) one.at += outage;
			for (const [room, since] of resting) resting.set(room, since + outage);
		},
		/** Ends what is due, while the link is up; called every few seconds. */
		sweep(): void {
			if (brokenAt !== undefined) return;
			const { at: now } = context.now();
			for (const one of leaving.values()) if (one.at <= now && !one.underWay) begin(one);
			for (const [room, since] of resting)
				if (isUsed(room) || context.rooms.get(room.id) !== room) resting.delete(room);
				else if (since <= now - backWithin || !isFollowed(room)) {
					resting.delete(room);
					context.rooms.remove(room);
				}
		},
	};
}
export type Returns = ReturnType<typeof createReturns>;
