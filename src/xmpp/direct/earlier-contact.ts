import type { Log } from "../../core/log.ts";
import type { Bridge } from "../../core/network.ts";
import { createMemory } from "./memory.ts";

/**
 * Remembers, also over a restart, which pairs a line has reached. A line to such a pair counts as arrived when the XMPP
 * server has taken it; the first line of all can still come back.
 */
export function createEarlierContact(bridge: () => Pick<Bridge, "cursor" | "saveCursor">, log: Log) {
	const known = createMemory<boolean>(() => []);
	const key = (room: string) => `xmpp reached ${room}`;

	function save(room: string, reached: boolean): void {
		bridge()
			.saveCursor({ key: key(room), value: reached ? "yes" : undefined })
			.catch((error: unknown) => log.warn({ err: error }, "the first contact of a chat could not be noted"));
	}

	return {
		/** Resolves with true if a line has reached the pair, in this run or in an earlier one, and none has come back since. */
		async had(room: string): Promise<boolean> {
			const now = known.get(room);
			if (now !== undefined) return now;
			const had = (await bridge().cursor(key(room))) === "yes";
			known.set(room, had);
			return had;
		},
		/** Notes that a line reached the pair, or that one came back. */
		note(room: string, reached: boolean): void {
			if (known.get(room) === reached) return;
			known.set(room, reached);
			save(room, reached);
		},
		/** Forgets a pair whose chat has ended. */
		forget(room: string): void {
			known.delete(room);
			save(room, false);
		},
	};
}
export type EarlierContact = ReturnType<typeof createEarlierContact>;
