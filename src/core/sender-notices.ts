import { setTimeout as sleep } from "node:timers/promises";
import { type PermanentError, TemporaryError } from "./errors.ts";
import type { BridgeEvent, Kind } from "./event.ts";
import type { NetworkName } from "./ids.ts";
import { createRateLimit } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Network } from "./network.ts";
import { traceId } from "./operation.ts";

/** The kinds of events whose sender gets a notice if they are not delivered. */
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

/** Delays in ms between the attempts of a notice to a sender whose own server is away; after the last it is dropped. */
const again = [5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000];
/** The most notices that wait at once, so that a flood of refusals does not fill the memory. */
const bound = 1_000;

/**
 * Sends a notice to the sender of `event`: it, or a part of it, does not reach `target`. Resolves after the first attempt;
 * a caller with many notices awaits it, so that they do not pile up. Never rejects.
 */
export type Tell = (event: BridgeEvent, error: PermanentError, target: string) => Promise<void>;

export function createSenderNotices(deps: {
	network(name: NetworkName): Pick<Network, "refuse">;
	log: Log;
	pauses?: readonly number[];
	most?: number;
}): Tell {
	const { network, log, pauses = again, most = bound } = deps;
	/** Limits the log lines of a flood of refusals. */
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
			if (logged("untold")) log.error({ trace }, "too many sender notices wait; this one is dropped");
			return;
		}
		untold++;
		const { promise, resolve: tried } = Promise.withResolvers<void>();
		tell(tried, ...about)
			.catch((failure: unknown) =>
				log.error({ err: failure, trace }, "could not send a notice to the sender"),
			)
			.finally(() => {
				untold--;
				tried();
			});
		return promise;
	};
}
