import { type Client, Unwell } from "../client.ts";

/** In ms: how often a homeserver is asked whether it is there, by what there is to lose. */
const defaults = { away: 1_000, busy: 1_000, idle: 10_000 };

/**
 * Asks the homeserver again and again whether it is there. One that is restarted forgets events it had for us, and says
 * nothing of it: where we have nothing to send it, asking is the only way to know.
 */
export function createHomeserverHealth(deps: {
	client: Pick<Client, "whoami">;
	/** Events are coming in. */
	busy(): boolean;
	/** It does not answer as it should, and why; told at each failure. `gone`: or not at all. */
	away(cause: string, gone: boolean): void;
	/** It answers again. `gone`: after it was. */
	back(gone: boolean): void;
	timing?: typeof defaults;
}) {
	const { client, busy, timing = defaults } = deps;
	let stopped = false;
	let wake: () => void = () => undefined;

	async function run(): Promise<void> {
		let [well, gone] = [true, false];
		while (!stopped) {
			const asked = Date.now();
			const error = await client.whoami().then(
				() => undefined,
				(failure: Error) => failure,
			);
			if (stopped) return;
			if (error) {
				gone ||= !(error instanceof Unwell);
				deps.away(error.message, gone);
			} else {
				if (!well) deps.back(gone);
				gone = false;
			}
			well = !error;
			await nap(well ? (busy() ? timing.busy : timing.idle) : timing.away, asked + timing.away - Date.now());
		}
	}

	/** `least`: also where somebody wants to know earlier, or failures would have us ask without end. */
	function nap(ms: number, least: number): Promise<void> {
		return new Promise((resolve) => {
			let timer = setTimeout(resolve, ms).unref();
			wake = () => {
				clearTimeout(timer);
				timer = setTimeout(resolve, stopped ? 0 : Math.min(ms, Math.max(0, least))).unref();
			};
		});
	}

	return {
		start: () => void run(),
		/** Something failed: asks soon. */
		now: () => wake(),
		stop(): void {
			stopped = true;
			wake();
		},
	};
}
