import { TemporaryError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { type Client, MatrixError } from "../client.ts";
import type { MatrixEvent } from "../event.ts";
import { createPages } from "../pages.ts";

/** How far back in a room what is missing is looked for. */
const [pages, pageSize] = [30, 30];
/** How soon a homeserver that is busy is asked again, in ms. */
const pause = 300;
/** How long it may take to answer, in ms. */
const timeout = 10_000;
/** What the clocks of two homeservers may differ by, in ms. */
const skew = 10 * 60_000;

/** How far we were handed a room. */
export type Read = Readonly<{ event: string; at: number }>;
/** What is in a room and we were not handed, oldest first. */
export type Found = Readonly<{
	/** What people said; with a transaction at hand only before its events. */
	before: readonly MatrixEvent[];
	/** Ids of all that is behind those: on its way, as it seems. */
	behind: readonly string[];
}>;

/** Keeps no process alive. */
export const wait = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms).unref());

/** Reads a room back to what we were handed last. */
export function createBackfillReader(deps: {
	client: Pick<Client, "messages">;
	/** As whom a room can be read; undefined is the bot. */
	reader(room: string): Promise<string | undefined>;
	isOurs(mxid: string): boolean;
	/** Whether we were handed it, or read it. */
	seen(event: string): boolean;
	log: Log;
}) {
	const { client, isOurs, seen, log } = deps;
	const ended = Promise.withResolvers<never>();
	ended.promise.catch(() => undefined);
	let stopped = false;

	/** `until`: the ids of a transaction. */
	async function missing(name: string, read: Read, until: ReadonlySet<string>): Promise<Found> {
		const as = await deps.reader(name);
		let before: MatrixEvent[] = [];
		const behind: string[] = [];
		let reached = until.size === 0;
		const found = () => ({ before: reached ? before.reverse() : [], behind: behind.reverse() });
		const history = createPages(pages, (from) =>
			client.messages(name, { limit: pageSize, from, timeout, ...(as && { as }) }),
		);
		for await (const page of history)
			for (const event of page) {
				const { event_id: id, origin_server_ts: at } = event;
				const said = event.state_key === undefined && !isOurs(event.sender);
				if (id === read.event || (said && at < read.at - skew)) return found();
				if (until.has(id)) {
					reached = true;
					before = [];
				} else if (seen(id)) continue;
				else if (!reached) behind.push(id);
				else if (said) before.push(event);
			}
		return found();
	}

	return {
		/** Asks a homeserver that may be busy until `deadline`, in ms since 1970. @throws TemporaryError after that */
		async read(
			name: string,
			from: Read,
			deadline: number,
			until: ReadonlySet<string> = new Set(),
		): Promise<Found> {
			for (;;)
				try {
					const found = await Promise.race([missing(name, from, until), ended.promise]);
					const count = found.before.length;
					if (count > 0) log.info({ room: name, count }, "read what the homeserver may never hand over");
					return found;
				} catch (error) {
					// We are not in that room any more.
					if (error instanceof MatrixError) return { before: [], behind: [] };
					const again = Math.max(pause, (error instanceof TemporaryError && error.retryAfter) || 0);
					if (stopped || Date.now() + again > deadline) throw error;
					await Promise.race([wait(again), ended.promise]);
				}
		},
		/** Whoever waits is told at once. */
		stop(): void {
			stopped = true;
			ended.reject(new TemporaryError("stopping"));
		},
	};
}
