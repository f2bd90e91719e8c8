import { type Client, Unwell } from "../client.ts";

/** The intervals, in ms, at which the homeserver is asked whether it is there: while it is away, while events come in, else. */
const defaults = { away: 1_000, busy: 1_000, idle: 10_000 };

/**
 * Asks the homeserver at intervals whether it is there. A homeserver that restarts forgets events that it had for us and
 * does not tell; while we send it nothing, only such a request shows that it was away.
 */
export function createHomeserverHealth(deps: {
	client: Pick<Client, "whoami">;
	/** Whether events come in. */
	busy(): boolean;
	/** Called at each failed request with its cause. `gone`: the homeserver did not answer at all. */
	away(cause: string, gone: boolean): void;
	/** The homeserver answers again. `gone`: it had not answered at all. */
	back(gone: boolean): void;
	timing?: typeof defaults;
}) {
	const { client, busy, timing = defaults } = deps;
	let stopped = false;
	let wake: () => void = () => undefined;

	async function run(): Promise<void> {
		let [well, gone] = [true, false];
		while (!stopped) {
			const asked = performance.now();
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
			await nap(well ? (busy() ? timing.busy : timing.idle) : timing.away, asked + timing.away);
		}
	}

	/**
	 * Sleeps `ms`, or until {@link wake}, but until `earliest` in any case, so that failures do not become a flood of requests.
	 * A further failure does not put that off: during a restart requests fail all the time.
	 */
	function nap(ms: number, earliest: number): Promise<void> {
		return new Promise((resolve) => {
			let timer = setTimeout(resolve, ms).unref();
			wake = () => {
				clearTimeout(timer);
				timer = setTimeout(resolve, stopped ? 0 : Math.max(0, earliest - performance.now())).unref();
			};
		});
	}

	return {
		start: () => void run(),
		/** Asks soon: another request failed, a connection ended, or events begin to come in. */
		now: () => wake(),
		stop(): void {
			stopped = true;
			wake();
		},
	};
}
