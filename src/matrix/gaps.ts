import type { Log } from "../core/log.ts";
import { type Client, MatrixError } from "./client.ts";
import { isEvent, type MatrixEvent } from "./event.ts";

/** When we look after a disturbance, in ms: soon, and when the homeserver's own repeating is over. */
const looks = [5_000, 20_000, 60_000];
/** How long before a disturbance was noticed it can have begun, in ms; two clocks may differ by some of it. */
const unnoticed = 10 * 60_000;
/** Ids of handed events kept in mind, and how many of a room's newest are looked at. */
const [remembered, pageSize] = [20_000, 100];

export type Gaps = ReturnType<typeof keepGaps>;

/**
 * Finds what a homeserver never handed over. Synapse keeps the events of its next transaction in memory, which a restart
 * forgets, and leaves a transaction lying that it made in the moment between the end of its repeating and being up
 * again (until it repeats the next time, which may be weeks). So after each disturbance the rooms that were heard from
 * since our start are read, and what is missing is taken as if it had come.
 */
export function keepGaps(deps: {
	client: Pick<Client, "messages">;
	/** As whom a room can be read; undefined is the bot. */
	reader(room: string): Promise<string | undefined>;
	isOurs(mxid: string): boolean;
	take(events: readonly MatrixEvent[]): Promise<void>;
	log: Log;
}) {
	const { client, reader, isOurs, take, log } = deps;
	const seen = new Set<string>();
	/** When the first event came that we heard of in a room: what is older may be from before it was ours. */
	const since = new Map<string, number>();
	let timers: NodeJS.Timeout[] = [];
	let begun = 0;

	function heard(events: readonly unknown[]): void {
		for (const { event_id, room_id, origin_server_ts } of events.filter(isEvent)) {
			if (!since.has(room_id)) since.set(room_id, origin_server_ts);
			seen.add(event_id);
			if (seen.size > remembered) seen.delete(seen.values().next().value as string);
		}
	}

	async function look(): Promise<void> {
		for (const [room, from] of since)
			try {
				const as = await reader(room);
				const { chunk } = await client.messages(room, { limit: pageSize, ...(as && { as }) });
				const missing = chunk
					.filter(isEvent)
					.filter((event) => event.state_key === undefined && !isOurs(event.sender))
					.filter((event) => event.origin_server_ts >= Math.max(from, begun) && !seen.has(event.event_id))
					.reverse();
				if (missing.length === 0) continue;
				log.warn({ room, count: missing.length }, "the homeserver did not hand these over: they were read");
				await take(missing);
				heard(missing);
			} catch (error) {
				// We are not in that room any more.
				if (error instanceof MatrixError) since.delete(room);
				else log.warn({ err: error, room }, "could not look whether the homeserver handed all over");
			}
	}

	function stop(): void {
		for (const timer of timers) clearTimeout(timer);
		timers = [];
	}

	return {
		/** Takes note of what was handed over. */
		heard,
		/** One of us was away, or failed the other. */
		disturbed(): void {
			stop();
			begun = Date.now() - unnoticed;
			timers = looks.map((ms) => setTimeout(() => void look(), ms).unref());
		},
		stop,
	};
}
