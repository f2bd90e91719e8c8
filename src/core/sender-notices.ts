import { setTimeout as sleep } from "node:timers/promises";
import { type PermanentError, TemporaryError } from "./errors.ts";
import type { BridgeEvent, Kind } from "./event.ts";
import type { NetworkName } from "./ids.ts";
import { createRateLimit } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Network } from "./network.ts";
import { traceId } from "./operation.ts";

/** Kinds of events whose sender waits to see them on the other side, and is told where they reach nobody. */
export const isToldOf: Readonly<Record<Kind, boolean>> = {
	message: true,
	edit: true,
	redaction: true,
	reaction: true,
	poll: true,
	vote: true,
	"poll-end": true,
	membership: false,
	profile: false,
	state: false,
};

/** Before somebody is told again whose own server is away, in ms; after the last they are told no more. */
const again = [5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000];
/** How many may have yet to be told: a flood of refusals is not to fill the memory. */
const bound = 1_000;

/**
 * Tells the sender of `event` that it reaches nobody on `target`, or not all of it. Nothing has to wait for that; who has
 * many to tell waits until it was tried, lest they be too many at once. Never rejects.
 */
export type Tell = (event: BridgeEvent, error: PermanentError, target: string) => Promise<void>;

export function createSenderNotices(deps: {
	network(name: NetworkName): Pick<Network, "refuse">;
	log: Log;
	pauses?: readonly number[];
	most?: number;
}): Tell {
	const { network, log, pauses = again, most = bound } = deps;
	/** A flood of refusals is not to become a flood of lines either. */
	const logged = createRateLimit({ perMinute: 10, burst: 20 });
	let untold = 0;

	async function tell(tried: () => void, ...[event, error, target]: Parameters<Tell>): Promise<void> {
		for (const pause of [...pauses, undefined])
			try {
				return await network(event.sender.network).refuse(event, error, target);
			} catch (failure) {
				if (!(failure instanceof TemporaryError) || pause === undefined) throw failure;
				tried();
				await sleep(Math.max(pause, failure.retryAfter ?? 0), undefined, { ref: false });
			}
	}

	return async (...about) => {
		const trace = traceId(about[0]);
		if (untold >= most) {
			if (logged("untold")) log.error({ trace }, "too many senders have to be told: this one is not");
			return;
		}
		untold++;
		const { promise, resolve: tried } = Promise.withResolvers<void>();
		tell(tried, ...about)
			.catch((failure: unknown) => log.error({ err: failure, trace }, "could not tell the sender"))
			.finally(() => {
				untold--;
				tried();
			});
		return promise;
	};
}
