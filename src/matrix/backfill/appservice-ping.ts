import { backoff } from "../../core/backoff.ts";
import type { Log } from "../../core/log.ts";
import { type Client, MatrixError, Unwell } from "../client.ts";
import * as phrases from "../phrases.ts";
import { isPingUnknown, whyNotReached } from "../reach.ts";

/** In ms: the first and the longest pause after a ping that failed, and the interval at which the path is proven again. */
const defaults = { first: 1_000, most: 60_000, every: 600_000 };

/**
 * Proves the path from the homeserver to the appservice, by a ping or by a transaction, and logs each change once. It
 * repeats a failed ping until one succeeds; a success ends the homeserver's backoff of minutes.
 */
export function createAppservicePing(deps: {
	client: Pick<Client, "ping">;
	registration: Readonly<{ id: string; url: string | null }>;
	log: Log;
	timing?: typeof defaults;
}) {
	const { client, registration, log, timing = defaults } = deps;
	let asked = 0;
	let doubtedAt = 0;
	/** A transaction came since the path was proven last. */
	let busy = false;
	/** Why the path does not work, with the cure; undefined once it is proven. */
	let cause: string | undefined = phrases.reachUnproven;
	let reported = false;

	function note(found: string | undefined): void {
		if (found === undefined && reported) log.info({}, "the homeserver reaches the bridge again");
		if (found !== undefined && found !== cause)
			log.error({ cure: found }, "the homeserver does not reach the bridge by appservice.url");
		reported = found !== undefined;
		cause = found;
	}

	/** Asks once. Resolves with true if nothing is left to prove. */
	async function prove(): Promise<boolean> {
		try {
			await client.ping(registration.id);
			note(undefined);
			return true;
		} catch (error) {
			if (error instanceof MatrixError && isPingUnknown(error.status, { errcode: error.errcode })) {
				// Nothing can be proven but by a transaction.
				note(undefined);
				return true;
			}
			// Any other error tells that the homeserver is away, which the log has from elsewhere.
			const answer = error instanceof MatrixError ? { errcode: error.errcode } : undefined;
			const body = error instanceof Unwell ? error.body : answer;
			if (body !== undefined && body.errcode !== "M_LIMIT_EXCEEDED")
				note(whyNotReached(registration.url ?? "?", body, (error as Error).message));
			return false;
		}
	}

	async function run(): Promise<void> {
		const mine = ++asked;
		const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
		for (let failures = 0; mine === asked; )
			if (await prove()) {
				failures = 0;
				do {
					busy = false;
					await pause(timing.every);
				} while (busy && mine === asked);
			} else await pause(backoff(failures++, timing));
	}

	return {
		/** Asks now, and from then on. */
		now: (): void => void run(),
		/** Notes that a transaction came in, which proves the path. */
		arrived(): void {
			busy = true;
			if (cause !== undefined) note(undefined);
		},
		/** Asks now, once in a minute: something says that the path does not work. */
		doubt(): void {
			const at = Date.now();
			if (cause !== undefined || at - doubtedAt < timing.most) return;
			doubtedAt = at;
			void run();
		},
		/** Returns a sentence with the cure while the path is not proven, else undefined. */
		cause: (): string | undefined => cause,
		stop(): void {
			asked++;
		},
	};
}
