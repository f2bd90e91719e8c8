import { createAppservicePing } from "./appservice-ping.ts";
import { createCatchUp } from "./catch-up.ts";
import { createHomeserverHealth } from "./homeserver-health.ts";

type Deps = Omit<Parameters<typeof createCatchUp>[0], "client" | "ping" | "isAway"> &
	Readonly<{
		client: Parameters<typeof createCatchUp>[0]["client"] &
			Parameters<typeof createAppservicePing>[0]["client"] &
			Parameters<typeof createHomeserverHealth>[0]["client"];
		registration: Readonly<{ id: string; url: string | null }>;
		/** Called at each failed request to the homeserver, with its cause. */
		away(cause: string): void;
		/** The homeserver answers again. */
		back(): void;
	}>;

export type Backfill = ReturnType<typeof createBackfill>;

/**
 * Keeps the bridge complete: asks whether the homeserver is there, has it hand over its events, and reads the rooms that
 * may lack some.
 */
export function createBackfill(deps: Deps) {
	const { client } = deps;
	const ping = createAppservicePing({ client: deps.client, registration: deps.registration, log: deps.log });
	let isAway = false;
	const catchUp = createCatchUp({ ...deps, ping: ping.now, isAway: () => isAway });
	const health = createHomeserverHealth({
		client,
		busy: catchUp.busy,
		away(cause, gone) {
			isAway = true;
			deps.away(cause);
			if (gone) catchUp.doubt();
		},
		back(gone) {
			isAway = false;
			deps.back();
			if (!gone) return;
			catchUp.disturbed();
			ping.now();
		},
	});

	return {
		follow: catchUp.follow,
		begin: catchUp.begin,
		suspect: catchUp.suspect,
		takeTransaction(...transaction: Parameters<typeof catchUp.takeTransaction>): Promise<void> {
			ping.arrived();
			// It was asked seldom until now, and a restart would pass unnoticed.
			if (!catchUp.busy()) health.now();
			return catchUp.takeTransaction(...transaction);
		},
		/** A request without our hs_token came: the homeserver may have another one. */
		doubtPath: ping.doubt,
		/** Returns why the homeserver does not reach the bridge, with the cure; undefined while it does. */
		notReached: ping.cause,
		noteSent: catchUp.noteSent,
		start(): void {
			ping.now();
			catchUp.disturbed();
			health.start();
		},
		/** A request to the homeserver failed, or a connection ended: asks it soon. */
		checkNow: health.now,
		/** Takes nothing more; resolves when `drained` does and the positions are saved. */
		pause: catchUp.stop,
		stop(): void {
			ping.stop();
			health.stop();
		},
	};
}
