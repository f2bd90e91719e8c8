import { setTimeout as sleep } from "node:timers/promises";
import { type PermanentError, TemporaryError } from "./errors.ts";
import type { BridgeEvent, Kind } from "./event.ts";
import type { NetworkName } from "./ids.ts";
import { createRateLimit } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Network } from "./network.ts";
import { traceId } from "./operation.ts";

/** The kinds of events whose sender gets a notice if they are not delivered. */
export const hasSenderNotice: Readonly<Record<Kind, boolean>> = {
	message: true,
	edit: true,
	redaction: true,
	reaction: true,
	poll: true,
	vote: true,
	"poll-end": true,
	membership: false,
	moderation: true,
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
export type SendNotice = (event: BridgeEvent, error: PermanentError, target: string) => Promise<void>;

export function createSenderNotices(deps: {
	network(name: NetworkName): Pick<Network, "refuse">;
	log: Log;
	pauses?: readonly number[];
	most?: number;
}): SendNotice {
	const { network, log, pauses = again, most = bound } = deps;
	/** Limits the log lines of a flood of refusals. */
	const mayLog = createRateLimit({ perMinute: 10, burst: 20 });
	let waiting = 0;

	async function trySend(
		tried: () => void,
		...[event, error, target]: Parameters<SendNotice>
	): Promise<void> {
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
		if (waiting >= most) {
			if (mayLog("untold")) log.error({ trace }, "too many sender notices wait; this one is dropped");
			return;
		}
		waiting++;
		const { promise, resolve: tried } = Promise.withResolvers<void>();
		trySend(tried, ...about)
			.catch((failure: unknown) =>
				log.error({ err: failure, trace }, "could not send a notice to the sender"),
			)
			.finally(() => {
				waiting--;
				tried();
			});
		return promise;
	};
}
