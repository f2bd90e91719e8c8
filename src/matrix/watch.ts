import type { Client } from "./client.ts";

/** In ms: how often a homeserver is asked whether it is there, by what there is to lose. */
const defaults = { away: 2_000, busy: 1_000, idle: 10_000 };

/**
 * Asks the homeserver again and again whether it is there. One that is restarted forgets events it had for us, and says
 * nothing of it: where we have nothing to send it, asking is the only way to know.
 */
export function keepWatch(deps: {
	client: Pick<Client, "whoami">;
	/** Events are coming in. */
	busy(): boolean;
	/** It does not answer, and why; told at each failure. */
	away(cause: string): void;
	/** It answers again. */
	back(): void;
	timing?: typeof defaults;
}) {
	const { client, away, back, busy, timing = defaults } = deps;
	let stopped = false;
	let wake: () => void = () => undefined;

	async function run(): Promise<void> {
		for (let there = true; !stopped; ) {
			const cause = await client.whoami().then(
				() => undefined,
				(error: Error) => error.message,
			);
			if (stopped) return;
			if (cause !== undefined) away(cause);
			else if (!there) back();
			there = cause === undefined;
			const nap = there ? (busy() ? timing.busy : timing.idle) : timing.away;
			await new Promise<void>((resolve) => {
				const timer = setTimeout(resolve, nap).unref();
				wake = () => {
					clearTimeout(timer);
					resolve();
				};
			});
		}
	}

	return {
		start: () => void run(),
		/** Something failed: asks at once. */
		now: () => wake(),
		stop(): void {
			stopped = true;
			wake();
		},
	};
}
