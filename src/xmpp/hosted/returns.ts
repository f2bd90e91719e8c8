import { TemporaryError } from "../../core/errors.ts";
import { personKey } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import type { Memberships } from "./memberships.ts";
import type { HostedRoom, Session } from "./room.ts";
import type { Rooms } from "./rooms.ts";
import type { SessionStore } from "./sessions.ts";
import type { World } from "./world.ts";

/** How long people may take to come back after a crash, a stop or a broken link, and how long a room without sessions is kept, in ms. */
const backWithin = 10 * 60_000;
/** The delay before a leave that failed is tried again, in ms. */
const againAfter = 30_000;

type Place = Readonly<{ source: RoomId; id: string; view: RoomId }>;
type Leaving = Readonly<{
	place: Place;
	person: Person;
	at: number;
	/** The room is known to let everybody in. Else it is asked, since a leave could be for good. */
	open: boolean;
	stored: readonly Pick<Session, "address" | "jid">[];
}>;

/** The people whose sessions have ended: those who leave their room, and those who may come back first. */
export function createReturns(
	context: World & Readonly<{ rooms: Rooms; memberships: Memberships; store: SessionStore }>,
) {
	const leaving = new Map<string, Leaving>();
	/** Rooms without sessions, and since when. */
	const resting = new Map<HostedRoom, number>();
	const keyOf = (source: RoomId, person: Person) => `${source} ${personKey(person)}`;
	const placeOf = ({ source, id: view, facts: { id } }: HostedRoom): Place => ({ source, id, view });

	function note(one: Leaving): void {
		const key = keyOf(one.place.source, one.person);
		const stored = [...(leaving.get(key)?.stored ?? []), ...one.stored];
		leaving.set(key, { ...one, stored });
	}

	async function leave(one: Leaving): Promise<void> {
		const { place, person, stored } = one;
		const key = keyOf(place.source, person);
		const isBack = () => leaving.get(key) !== one;
		try {
			if (!isBack() && (one.open || (await lets(place, person))) && !isBack())
				await context.memberships.leave(place.source, person);
		} catch (error) {
			if (error instanceof TemporaryError) {
				if (leaving.get(key) === one) leaving.set(key, { ...one, at: context.now().at + againAfter });
				return;
			}
			context.log.warn({ err: error, room: place.source }, "a ghost could not leave a hosted room");
		}
		if (leaving.get(key) === one) leaving.delete(key);
		for (const session of stored) if (!context.rooms.joinedAs(session)) void context.store.remove(session);
	}

	/** Resolves with true if the room lets everybody in again. */
	async function lets({ id }: Place, person: Person): Promise<boolean> {
		const looked = await context.bridge().views.look(context.of, { kind: "id", id }, person);
		return looked.kind === "room" && looked.facts.entry === "everybody";
	}

	return {
		/** The person leaves a room that lets everybody in: their last session has ended. */
		leave(room: HostedRoom, person: Person): void {
			const one: Leaving = { place: placeOf(room), person, at: context.now().at, open: true, stored: [] };
			note(one);
			const noted = leaving.get(keyOf(room.source, person)) as Leaving;
			void context.guard.run("leave of a hosted room", () => leave(noted));
		},
		/** The person leaves within ten minutes, unless a client of theirs joins. `stored`: a session of theirs in the store. */
		expect(place: Place, person: Person, stored?: Pick<Session, "address" | "jid">): void {
			const at = context.now().at + backWithin;
			note({ place, person, at, open: false, stored: stored ? [stored] : [] });
		},
		/** A client of the person has joined. */
		back(room: HostedRoom, person: Person): void {
			const key = keyOf(room.source, person);
			const stored = leaving.get(key)?.stored ?? [];
			leaving.delete(key);
			for (const session of stored) if (!context.rooms.joinedAs(session)) void context.store.remove(session);
		},
		/** Notes that a room may have no sessions left. */
		rest(room: HostedRoom): void {
			if (!resting.has(room)) resting.set(room, context.now().at);
		},
		/** Ends what is due; called every few seconds. */
		sweep(): void {
			const { at: now } = context.now();
			for (const one of leaving.values())
				if (one.at <= now) void context.guard.run("leave of a hosted room", () => leave(one));
			for (const [room, since] of resting) {
				const used = [...room.people.values()].some(({ sessions }) => sessions.size > 0);
				if (used) resting.delete(room);
				else if (since <= now - backWithin) {
					resting.delete(room);
					context.rooms.remove(room);
				}
			}
		},
	};
}
export type Returns = ReturnType<typeof createReturns>;
