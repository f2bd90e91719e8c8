import type { Log } from "../core/log.ts";
import type { Status } from "../core/network.ts";
import { createTrouble } from "../core/trouble.ts";
import * as phrases from "./phrases.ts";

/** Keeps the subscriptions that a broker refuses. Each is logged once, and once more when the broker grants it. */
export function createRefusedSubscriptions(broker: string, log: Log) {
	/** The reason codes, by filter. */
	const refused = new Map<string, number>();
	const trouble = createTrouble("");
	trouble.end();

	function noteTrouble(): void {
		const causes = [...refused].map(([filter, code]) => phrases.subscriptionRefused(filter, code));
		if (causes.length === 0) trouble.end();
		else trouble.begin(causes.join(" "));
	}

	return {
		note(filter: string, code: number): void {
			if (refused.get(filter) === code) return;
			refused.set(filter, code);
			noteTrouble();
			log.error({ broker, filter, cause: phrases.brokerRefused(code) }, "subscription refused");
		},
		granted(filter: string): void {
			if (!refused.delete(filter)) return;
			noteTrouble();
			log.info({ broker, filter }, "the broker grants a subscription that it refused");
		},
		/** Notes that nobody wants the subscription any more. */
		forget(filter: string): void {
			refused.delete(filter);
			noteTrouble();
		},
		/** Returns the reason code of a refused subscription. */
		code: (filter: string): number | undefined => refused.get(filter),
		filters: (): readonly string[] => [...refused.keys()],
		status: (): Status => trouble.status(),
	};
}
