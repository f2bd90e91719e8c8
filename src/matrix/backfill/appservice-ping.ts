import { setTimeout as wait } from "node:timers/promises";
import { backoff } from "../../core/backoff.ts";
import { TemporaryError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Client } from "../client.ts";

/** Has the homeserver ping the appservice, again until it succeeds. A success ends the homeserver's backoff of minutes. */
export function createAppservicePing(deps: { client: Pick<Client, "ping">; registration: string; log: Log }) {
	const { client, registration, log } = deps;
	let asked = 0;

	async function ask(): Promise<void> {
		const mine = ++asked;
		for (let failures = 0; mine === asked; failures++)
			try {
				await client.ping(registration);
				return;
			} catch (error) {
				log.warn({ err: error }, "the homeserver does not reach the bridge by appservice.url");
				// The homeserver knows no such request, or has no url of ours.
				if (!(error instanceof TemporaryError)) return;
				await wait(backoff(failures, { first: 1_000, most: 60_000 }), undefined, { ref: false });
			}
	}

	return {
		/** Asks now; an earlier run of attempts ends. */
		now: (): void => void ask(),
		stop(): void {
			asked++;
		},
	};
}
