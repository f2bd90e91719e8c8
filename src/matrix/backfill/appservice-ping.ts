import { setTimeout as wait } from "node:timers/promises";
import { backoff } from "../../core/backoff.ts";
import { TemporaryError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Client } from "../client.ts";

/** Has the homeserver knock at our listener until it gets through: that ends its back-off, which grows to minutes. */
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
				log.warn({ err: error }, "the homeserver does not reach us by its url");
				// It knows no such question, or no url of ours.
				if (!(error instanceof TemporaryError)) return;
				await wait(backoff(failures, { first: 1_000, most: 60_000 }), undefined, { ref: false });
			}
	}

	return {
		/** Begins anew where it is at it already. */
		now: (): void => void ask(),
		stop(): void {
			asked++;
		},
	};
}
