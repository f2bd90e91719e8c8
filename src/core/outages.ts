import type { NetworkName } from "./ids.ts";
import type { Log } from "./log.ts";
import type { Meter } from "./meter.ts";
import type { Network } from "./network.ts";

/** Time in ms that a side gets for its first connection before it counts as away. */
const firstWithin = 10_000;
/** Longest time, in ms, for which the deliveries after an outage are counted for one line of the log. */
const countFor = 600_000;

type Side = {
	/** Since when the side is away, in ms since 1970; undefined while it is up. */
	away: number | undefined;
	/** True once the side was up, or has had the time for that. */
	met: boolean;
	/** The deliveries since the side went away, of rows that came in before it was back. */
	delivered: number;
	/** When the side came back, and the number of deliveries that ends the count, until the line about them is logged. */
	back: { at: number; goal: number } | undefined;
};

/**
 * Logs an outage with one line when a side goes away, one when it is back, and one when all that waited for it is delivered.
 * The caller has it look at the sides about once a second; a shorter outage may leave no line.
 */
export function createOutageLog(deps: {
	networks: readonly Pick<Network, "name" | "status">[];
	/** Returns the number of rows that wait for a network. */
	waiting(name: NetworkName): number;
	log: Log;
	now?: () => number;
}) {
	const { networks, waiting, log, now = Date.now } = deps;
	const begun = now();
	const sides = new Map<NetworkName, Side>(
		networks.map(({ name }) => [name, { away: undefined, met: false, delivered: 0, back: undefined }]),
	);

	function look(): void {
		for (const { name, status } of networks) {
			const side = sides.get(name);
			const { up, cause, since = now() } = status?.() ?? { up: true };
			if (!side) continue;
			side.met ||= up || now() - begun >= firstWithin;
			const fields = { net: name, waiting: waiting(name) };
			if (!up && side.away === undefined && side.met) {
				Object.assign(side, { away: since, delivered: 0, back: undefined });
				log.warn({ ...fields, cause }, "a side is away; deliveries to it wait on disk");
			} else if (up && side.away !== undefined) {
				log.info({ ...fields, awayMs: now() - side.away }, "a side is back");
				side.away = undefined;
				side.back = { at: now(), goal: side.delivered + fields.waiting };
			}
			finish(name, side);
		}
	}

	function finish(name: NetworkName, side: Side): void {
		if (!side.back) return;
		const { delivered } = side;
		const ms = now() - side.back.at;
		const left = waiting(name);
		if (delivered < side.back.goal && left > 0 && ms < countFor) return;
		side.back = undefined;
		if (delivered > 0)
			log.info({ net: name, delivered, waiting: left, ms }, "the deliveries that waited for a side are done");
	}

	return {
		look,
		/** Returns true for a network that is known to be away. */
		isAway: (name: NetworkName | undefined): boolean =>
			name !== undefined && sides.get(name)?.away !== undefined,
		/** Returns a meter that counts deliveries for the lines above as well. */
		counting: (meter: Meter): Meter => ({
			...meter,
			delivered(from, to, kind, how, waited) {
				const side = sides.get(to);
				if (side && (side.away !== undefined || (side.back && now() - waited <= side.back.at)))
					side.delivered += 1;
				meter.delivered(from, to, kind, how, waited);
			},
		}),
	};
}
