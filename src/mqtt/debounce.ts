import { dataBytes } from "../core/bounded-map.ts";
import type { State } from "../core/event.ts";
import type { RoomId } from "../core/ids.ts";
import type { Cursor } from "../core/network.ts";

/** Values that wait, and bytes of all of them; past these the value that waits longest is shown early. */
const [most, mostBytes] = [10_000, 16 * 1_048_576];

/** Values that are due within so many ms are shown together, so that the work of the looks stays small. */
const glance = 50;
/** Longest time in ms for which a flood holds a value of a topic back. */
const comesWithin = 2_000;
/** Time in ms after which values that could not be shown are tried again. */
const afterFault = 1_000;

/** The beginning of the keys under which the waiting values are stored. */
const prefix = "mqtt debounced ";

/** A value that a mirror may show. `compared`: the text that its conditions compare; null clears the thing. */
export type Candidate = Readonly<{
	event: State;
	compared: string | null;
	/** The rooms from which a portal takes the value, if it is linked to one of them. */
	preferred: readonly RoomId[];
	/** The conditions are asked. edit: the value waits for the next edit of the message that shows the latest one. */
	decided?: "shown" | "edit";
	/** The value is no message of its own. */
	quiet?: true;
}>;
/** `due`: the time in ms since 1970 at which the value is shown, if no other one comes before. */
type Waiting = Readonly<{ candidate: Candidate; due: number; bytes: number }>;

/**
 * Keeps values until their topic has sent nothing for a while. A waiting value is stored, since its broker has had the
 * acknowledgement: it is shown after a restart, too.
 */
export function createDebounce(deps: {
	/** Shows values whose time has come. Rejects if they have to wait. */
	show(due: readonly Candidate[]): Promise<void>;
	/** Runs `work` after `ms`. Returns the function that cancels it. */
	later(ms: number, work: () => Promise<void>): () => void;
	now(): number;
}) {
	const { show, later, now } = deps;
	/** By key, the value that waits longest first. */
	const waiting = new Map<string, Waiting>();
	let bytes = 0;
	/** Keys that began to wait or got another value since the last call of `changes`. */
	const changed = new Set<string>();
	let cancel: (() => void) | undefined;
	let planned = Number.POSITIVE_INFINITY;
	const keyOf = (room: RoomId, topic: string) => `${prefix}${room}\n${topic}`;

	function remove(key: string): void {
		bytes -= waiting.get(key)?.bytes ?? 0;
		waiting.delete(key);
	}

	function plan(due: number): void {
		if (due >= planned) return;
		cancel?.();
		planned = due;
		cancel = later(Math.max(0, due - now()), release);
	}

	/** Shows the values that are due, and forgets them when they are taken. */
	async function release(): Promise<void> {
		planned = Number.POSITIVE_INFINITY;
		const due = [...waiting].filter(([, one]) => one.due <= now() + glance);
		try {
			if (due.length > 0) await show(due.map(([, { candidate }]) => candidate));
			for (const [key, one] of due)
				if (waiting.get(key) === one) {
					remove(key);
					changed.add(key);
				}
		} finally {
			const next = Math.min(...[...waiting.values()].map((one) => one.due));
			// A value that is due still could not be shown, and is tried again.
			if (Number.isFinite(next)) plan(next <= now() + glance ? now() + afterFault : next);
		}
	}

	function put(key: string, candidate: Candidate, due: number): boolean {
		const supersedes = waiting.has(key);
		remove(key);
		const size = 400 + dataBytes(candidate);
		waiting.set(key, { candidate, due, bytes: size });
		bytes += size;
		plan(due);
		return supersedes;
	}

	return {
		prefix,
		/** Takes the stored values of an earlier run. */
		load(cursors: readonly Cursor[]): void {
			for (const { key, value } of cursors) {
				const { candidate, due } = JSON.parse(value) as Pick<Waiting, "candidate" | "due">;
				put(key, candidate, due);
			}
		},
		/** Takes a value that is shown after `ms`. Returns true if it takes the place of one that waits. */
		put(candidate: Candidate, ms: number): boolean {
			const key = keyOf(candidate.event.room, candidate.event.key);
			changed.add(key);
			const supersedes = put(key, candidate, now() + ms);
			for (const [oldest, one] of waiting) {
				if (waiting.size <= most && bytes <= mostBytes) break;
				if (one.due <= now()) continue;
				waiting.set(oldest, { ...one, due: now() });
				plan(now());
				break;
			}
			return supersedes;
		},
		/** Puts a value in the place of the one of its topic that waits, if one does, without a new wait. An edit stays as it is. */
		renew(candidate: Candidate): void {
			const key = keyOf(candidate.event.room, candidate.event.key);
			const one = waiting.get(key);
			if (!one || one.candidate.decided === "edit") return;
			changed.add(key);
			put(key, candidate, one.due);
		},
		/** Lets the value of a topic wait further, which has sent another one. The other value comes later, or not at all. */
		heard(room: RoomId, topic: string, ms: number): void {
			const key = keyOf(room, topic);
			const one = waiting.get(key);
			if (one) waiting.set(key, { ...one, due: Math.max(one.due, now() + ms + comesWithin) });
		},
		/** Forgets the waiting value of a topic, such as one that was cleared. `but`: a value that is decided so waits on. */
		forget(room: RoomId, topic: string, but?: Candidate["decided"]): void {
			const key = keyOf(room, topic);
			const one = waiting.get(key);
			if (!one || (but && one.candidate.decided === but)) return;
			remove(key);
			changed.add(key);
		},
		/** Returns what to store since the last call; a value of undefined removes a key. */
		changes(): readonly Readonly<{ key: string; value: string | undefined }>[] {
			const all = [...changed].map((key) => {
				const { candidate, due } = waiting.get(key) ?? {};
				return { key, value: candidate && JSON.stringify({ candidate, due }) };
			});
			changed.clear();
			return all;
		},
		/** Returns the beginning of the keys of a room. */
		ofRoom: (room: RoomId): string => `${prefix}${room}\n`,
		forgetRoom(room: RoomId): void {
			for (const key of [...waiting.keys()]) if (key.startsWith(`${prefix}${room}\n`)) remove(key);
		},
		stop: (): void => cancel?.(),
	};
}
