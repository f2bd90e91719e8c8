import { setTimeout as sleep } from "node:timers/promises";
import { backoff } from "./core/backoff.ts";
import type { Running } from "./core/bridge.ts";
import { PermanentError, TemporaryError } from "./core/errors.ts";
import { type Log, retryLevel } from "./core/log.ts";
import type { Mirror } from "./core/mirror-portals.ts";
import type { Network } from "./core/network.ts";

/** A mirror of the config: the address of its room, and the name of its topic. */
type Wanted = Readonly<{ room: string; topic: Mirror["topic"] }>;

/** Sets up the mirrors of the config; retries while a room does not exist, refuses the bridge or cannot be reached. */
export async function makeMirrors(
	wanted: readonly Wanted[],
	deps: Readonly<{
		here: Pick<Network, "name" | "findRoom">;
		there: Pick<Network, "name">;
		/** Returns true for a topic of a mirror that makes rooms. */
		keeps?(topic: Mirror["topic"]): boolean;
		bridge: Pick<Running, "mirror">;
		log: Log;
		wait?: (ms: number) => Promise<unknown>;
	}>,
): Promise<void> {
	const { here, there, keeps, bridge, log, wait = (ms) => sleep(ms, undefined, { ref: false }) } = deps;
	const found = new Map<Wanted, Mirror>();
	for (let attempt = 1; ; attempt++) {
		const retryMs = backoff(attempt - 1, { first: 1_000, most: 30_000 });
		/** Logs why a mirror is not up. @throws an error that no retry can mend */
		const tell = (error: unknown, refused: string, fields: object = {}) => {
			if (!(error instanceof PermanentError || error instanceof TemporaryError)) throw error;
			const message = error instanceof PermanentError ? refused : "a mirror has to wait";
			log[retryLevel(attempt)]({ err: error, ...fields, attempt, retryMs }, message);
		};
		for (const one of wanted)
			try {
				const { room } = await here.findRoom([one.room]);
				found.set(one, { here: here.name, room, there: there.name, topic: one.topic });
			} catch (error) {
				tell(error, "the room of a mirror does not exist yet", { room: one.room });
			}
		const up = await bridge.mirror([...found.values()], found.size === wanted.length, keeps).then(
			() => true,
			(error: unknown) => {
				tell(error, "a mirror is refused");
				return false;
			},
		);
		if (up && found.size === wanted.length) return log.info({ mirrors: found.size }, "all mirrors are up");
		await wait(retryMs);
	}
}
