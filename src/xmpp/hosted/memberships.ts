import { TemporaryError } from "../../core/errors.ts";
import { type Entered, type Hosting, personKey } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import type { Person } from "../../core/person.ts";

/** How long the echo of a leave of ours may take, in ms. */
const echoWithin = 5 * 60_000;

/** A join under way. `putOut`: somebody in the source has put the person out since it began. */
export type Entering = { readonly at: string; readonly room: RoomId; putOut: boolean };

/**
 * The memberships of people's ghosts in the source rooms. The changes of one person in one room happen one after the
 * other, so that a leave never overtakes the join behind it.
 */
export function createMemberships(deps: { source(): Hosting; log: Log; now(): number }) {
	const { log, now } = deps;
	/** The last change of each person in a room. */
	const last = new Map<string, Promise<unknown>>();
	/** The joins under way of each person in a room. */
	const entering = new Map<string, Set<Entering>>();
	/** The answers to joins that are under way. */
	const letIn = new Map<string, Readonly<{ name: string | undefined; answer: Promise<Entered> }>>();
	/** Leaves of ours whose echoes are still to come, and when each was made. */
	const left = new Map<string, number>();
	const key = (room: RoomId, person: Pick<Person, "network" | "id">) => `${room} ${personKey(person)}`;

	function after<T>(at: string, work: () => Promise<T>): Promise<T> {
		const mine = (last.get(at) ?? Promise.resolve()).then(work, work);
		const settled = mine
			.catch(() => undefined)
			.then(() => {
				if (last.get(at) === settled) last.delete(at);
			});
		last.set(at, settled);
		return mine;
	}

	return {
		/** As {@link Hosting.enter}. Joins of one person that are under way at once share the answer. */
		enter(room: RoomId, person: Person, knows: Readonly<{ nameIsFree: boolean }>): Promise<Entered> {
			const at = key(room, person);
			const shared = letIn.get(at);
			if (shared && shared.name === person.name) return shared.answer;
			const one = { name: person.name, answer: after(at, () => deps.source().enter(room, person, knows)) };
			letIn.set(at, one);
			const forget = () => {
				if (letIn.get(at) === one) letIn.delete(at);
			};
			one.answer.then(({ kind }) => {
				if (kind === "refused" || !entering.has(at)) forget();
			}, forget);
			return one.answer;
		},
		/** Resolves when the ghost is out. @throws TemporaryError */
		leave(room: RoomId, person: Person, reason?: string): Promise<void> {
			const at = key(room, person);
			letIn.delete(at);
			return after(at, async () => {
				left.set(at, now());
				await deps.source().leave(room, person, reason);
			});
		},
		/** Gives the ghost a name. A failure counts for nothing: people on XMPP see the nick. */
		rename(room: RoomId, person: Person): void {
			after(key(room, person), () => deps.source().rename(room, person)).catch((error: unknown) => {
				const level = error instanceof TemporaryError ? "debug" : "warn";
				log[level]({ err: error }, "a ghost could not be renamed in a hosted room");
			});
		},
		/** Notes that a join of the person begins; {@link endJoin} notes the end. */
		beginJoin(room: RoomId, person: Person): Entering {
			const at = key(room, person);
			const one: Entering = { at, room, putOut: false };
			entering.set(at, (entering.get(at) ?? new Set()).add(one));
			return one;
		},
		endJoin(one: Entering): void {
			const same = entering.get(one.at);
			same?.delete(one);
			if (same?.size !== 0) return;
			entering.delete(one.at);
			letIn.delete(one.at);
		},
		/** Notes that somebody in the source has put the person out, which may be while the person joins. */
		putOut(room: RoomId, person: Pick<Person, "network" | "id">): void {
			const at = key(room, person);
			letIn.delete(at);
			for (const one of entering.get(at) ?? []) one.putOut = true;
		},
		/** Returns true while a join of the person is under way: the join itself shows the person. */
		isEntering: (room: RoomId, person: Pick<Person, "network" | "id">): boolean =>
			entering.has(key(room, person)),
		/** Returns true while a join of anybody is under way there. */
		isEntered: (room: RoomId): boolean =>
			[...entering.values()].some((same) => [...same].some((one) => one.room === room)),
		/** Returns true, once, for the echo of a leave that we made. */
		isOwnLeave(room: RoomId, person: Pick<Person, "network" | "id">): boolean {
			const at = key(room, person);
			const since = left.get(at);
			left.delete(at);
			for (const [one, made] of left) {
				if (made > now() - echoWithin) break;
				left.delete(one);
			}
			return since !== undefined && since > now() - echoWithin;
		},
	};
}
export type Memberships = ReturnType<typeof createMemberships>;
