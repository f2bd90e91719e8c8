import { backoff } from "./backoff.ts";
import { dataBytes } from "./bounded-map.ts";
import { TemporaryError } from "./errors.ts";
import type { Journal, Lane, Row } from "./journal.ts";
import { type Log, retryLevel } from "./log.ts";

/** Rows that a lane keeps in memory. All further rows wait on disk, so that memory stays bounded during a long outage. */
const inMemory = 256;
/** Estimated bytes of the rows that a lane keeps in memory. */
const bytesInMemory = 4 * 1_048_576;
/** Rows read from disk at once: rows of the largest size may exceed the bound above by one such read. */
const readAtOnce = 32;
/** Rows that a lane may hold on disk. Further rows are refused, so that a target that is away for long does not fill the disk. */
const mostRows = 100_000;
/** Rows that one commit prepares before they are sent in order. A crash leaves up to so many unsent rows in doubt. */
const ahead = 32;
const retries = { first: 1_000, most: 60_000 };

export type Sender = Readonly<{
	/** Returns how many rows of this lane may be in flight at once. */
	window(lane: Lane): number;
	/** Returns true for a row sent as a single request: after an unsent attempt it is not in doubt, and can be cancelled. */
	single(row: Row): boolean;
	/** Returns true for a row that refers to an earlier message: the lane drains its in-flight sends before it. */
	refersBack(row: Row): boolean;
	/** Writes all that must be on disk before the send. Resolves with the send, or undefined if the row is settled already. */
	prepare(row: Row): Promise<(() => Promise<void>) | undefined>;
	/** Settles a row whose delivery failed with anything but a TemporaryError. If it throws, the lane retries the row. */
	fail(row: Row, error: unknown): Promise<void>;
	/** Cancels a row that was not attempted by its `until`, and tells its sender. */
	expire(row: Row): Promise<void>;
	/** Counts an attempt that failed and will be retried. */
	retried(row: Row): void;
	/** Returns true while the target of a lane is away as a whole, which the log has told. */
	away?(lane: Lane): boolean;
}>;

type Failure = Readonly<{ row: Row; error: unknown }>;
type Prepared = Readonly<{ row: Row; send: () => Promise<void> }>;

type State = {
	lane: Lane;
	queue: Row[];
	/** Rows that are prepared and not sent yet, in order. */
	ready: Prepared[];
	/** The earliest `until` of a row in `queue` or `ready` that was never attempted, in ms since 1970. */
	expires: number;
	/** Estimated bytes of the rows that were added since the queue was empty. */
	bytes: number;
	/** Unsettled rows of this lane, on disk and in memory. */
	depth: number;
	/** The seq of the newest row that was ever in the queue: later rows are only on disk. */
	last: number;
	/** True while rows on disk are not in the queue. */
	behind: boolean;
	/** True if rows came in on disk while the queue was being refilled. */
	missed: boolean;
	running: boolean;
	flight: Set<Promise<void>>;
	failures: number;
	/** Ends the wait before a retry. */
	wake: (() => void) | undefined;
	/** Ends the wait for in-flight sends. */
	notify: (() => void) | undefined;
};

const name = (lane: Lane) => `${lane.portal} ${lane.link}`;

/** Creates one FIFO queue per portal and target link: a slow or broken target delays no other. */
export function createLanes(journal: Journal, sender: Sender, log: Log, most = mostRows) {
	const states = new Map<string, State>();
	let [started, stopping] = [false, false];
	const running = new Set<Promise<void>>();

	const state = (lane: Lane): State => {
		const known = states.get(name(lane));
		if (known) return known;
		const fresh: State = {
			lane,
			queue: [],
			ready: [],
			expires: Number.POSITIVE_INFINITY,
			bytes: 0,
			depth: 0,
			last: 0,
			behind: false,
			missed: false,
			running: false,
			flight: new Set(),
			failures: 0,
			wake: undefined,
			notify: undefined,
		};
		states.set(name(lane), fresh);
		return fresh;
	};

	function begin(of: State): void {
		if (of.running || stopping || !started) return;
		of.running = true;
		const run = work(of)
			.catch(async (error: unknown) => {
				log.error({ err: error, lane: of.lane }, "a lane failed; it starts again after a pause");
				await pause(of, retries.first).done;
			})
			.finally(() => {
				of.running = false;
				running.delete(run);
				if (of.queue.length > 0 || of.behind) begin(of);
				else if (states.get(name(of.lane)) === of) states.delete(name(of.lane));
			});
		running.add(run);
	}

	async function work(of: State): Promise<void> {
		const { flight } = of;
		const again: Row[] = [];
		/** The errors of the rows that are retried next. */
		const failures: Failure[] = [];
		let wait = 0;
		const settle = () => {
			of.depth -= 1;
		};
		const retry = (row: Row, error: unknown, sent = true) => {
			const tried = sent && { attempts: row.attempts + 1, state: "doubt" as const };
			again.push({ ...row, ...tried, begun: false });
			wait = Math.max(wait, (error instanceof TemporaryError && error.retryAfter) || 0);
			failures.push({ row, error });
			sender.retried(row);
		};
		const failed = (row: Row, error: unknown) =>
			error instanceof TemporaryError
				? retry(row, error)
				: sender.fail(row, error).then(settle, (unsettled: unknown) => retry(row, unsettled));
		async function prepare(row: Row): Promise<readonly Prepared[]> {
			try {
				const send = await sender.prepare(row);
				if (send) return [{ row, send }];
				settle();
			} catch (error) {
				await failed(row, error);
			}
			return [];
		}
		function launch({ row, send }: Prepared): void {
			const task: Promise<void> = send()
				.then(() => {
					of.failures = 0;
					settle();
				})
				.catch(async (error: unknown) => {
					if (!(error instanceof TemporaryError && error.unsent && sender.single(row)))
						return failed(row, error);
					// Note the retry before the commit: rows behind it would overtake it if the link came back meanwhile.
					retry(row, error, false);
					await journal.release([row]);
				})
				.finally(() => flight.delete(task));
			flight.add(task);
		}
		/** Takes prepared rows back into the queue: none was sent, so none is in doubt, and each can be cancelled. */
		async function release(): Promise<void> {
			const begun = of.queue.filter((row) => row.begun);
			const rows = of.ready.splice(0).map(({ row }) => row);
			of.queue = [...rows, ...of.queue].map((row) => (row.begun ? { ...row, begun: false } : row));
			if (rows.length + begun.length > 0) await journal.release([...rows, ...begun]);
		}

		while (!stopping) {
			if (of.expires <= Date.now()) await expire(of);
			// A failed row blocks the rows behind it, to keep the order, and none before it.
			const firstFailed = Math.min(...again.map(({ seq }) => seq));
			const [next] = of.ready;
			if (next && next.row.seq < firstFailed) {
				if (flight.size < sender.window(of.lane)) launch(of.ready.shift() as Prepared);
				else await progress(of);
			} else if (again.length > 0) {
				await Promise.all(flight);
				await release();
				of.queue = [...again.splice(0), ...of.queue].sort((a, b) => a.seq - b.seq);
				const { ms, done } = pause(of, wait);
				tell(of, failures.splice(0), ms);
				await done;
				// Rows that were accepted as begun before the failure, and came in after the release above, have waited, too.
				await release();
				wait = 0;
			} else if (of.queue[0]) {
				if (sender.refersBack(of.queue[0]) && flight.size > 0) await Promise.all(flight);
				else of.ready.push(...(await Promise.all(take(of).map(prepare))).flat());
			} else if (of.behind) await refill(of);
			else if (flight.size > 0) await progress(of);
			else break;
		}
		await Promise.all([release(), ...flight]);
	}

	const expiryOf = ({ attempts, event }: Row): number =>
		attempts === 0 && event.until !== undefined ? event.until : Number.POSITIVE_INFINITY;

	/** Cancels the rows whose `until` has passed, of those in memory that were never sent. The others stay where they are. */
	async function expire(of: State): Promise<void> {
		const now = Date.now();
		const isDue = (row: Row) => expiryOf(row) <= now;
		const prepared = of.ready.map(({ row }) => row).filter(isDue);
		const queued = of.queue.filter(isDue);
		of.ready = of.ready.filter(({ row }) => !isDue(row));
		of.queue = of.queue.filter((row) => !isDue(row));
		of.expires = Math.min(...[...of.ready.map(({ row }) => row), ...of.queue].map(expiryOf));
		const begun = [...prepared, ...queued.filter((row) => row.begun)];
		if (begun.length > 0) await journal.release(begun);
		for (const row of [...prepared, ...queued]) {
			await sender.expire(row);
			of.depth -= 1;
		}
		// Rows on disk may be due as well.
		if (of.queue.length === 0 && of.behind) of.wake?.();
	}

	/** Resolves when an in-flight send settles, a row comes in, or the lanes stop. */
	async function progress(of: State): Promise<void> {
		const notified = new Promise<void>((resolve) => {
			of.notify = resolve;
		});
		await Promise.race([...of.flight, notified]);
	}

	/** Removes and returns the next rows, up to one that has to wait for the rows before it. */
	function take(of: State): Row[] {
		const next = of.queue.slice(0, ahead).findIndex((row, index) => index > 0 && sender.refersBack(row));
		return of.queue.splice(0, next < 0 ? ahead : next);
	}

	async function refill(of: State): Promise<void> {
		of.missed = false;
		let more = true;
		for (of.bytes = 0; more && of.queue.length < inMemory && of.bytes < bytesInMemory; ) {
			const rows = await journal.rows(of.lane, of.last, readAtOnce);
			of.queue.push(...rows);
			for (const row of rows) {
				of.bytes += dataBytes(row.event);
				of.expires = Math.min(of.expires, expiryOf(row));
			}
			of.last = rows.at(-1)?.seq ?? of.last;
			more = rows.length === readAtOnce;
		}
		of.behind = of.missed || more;
	}

	/** Waits before a retry for the returned `ms`, or until the lane is woken. */
	function pause(of: State, least: number): { ms: number; done: Promise<void> } {
		if (stopping) return { ms: 0, done: Promise.resolve() };
		const ms = Math.max(least, backoff(of.failures++, retries));
		const { promise: done, resolve } = Promise.withResolvers<void>();
		const timer = setTimeout(resolve, ms);
		of.wake = () => {
			clearTimeout(timer);
			resolve();
		};
		return { ms, done };
	}

	/**
	 * Logs the rows of a lane that failed together. Only the first row can be a warning, since the others mostly share its
	 * cause, and none while the whole target is away.
	 */
	function tell(of: State, failed: readonly Failure[], retryMs: number): void {
		const inOrder = failed.toSorted((a, b) => a.row.seq - b.row.seq);
		for (const [index, { row, error }] of inOrder.entries()) {
			// A row does not count an attempt of which nothing was sent; the lane does.
			const attempt = Math.max(row.attempts + 1, of.failures);
			const level = index > 0 || sender.away?.(of.lane) ? "debug" : retryLevel(attempt);
			log[level]({ err: error, trace: row.trace, attempt, retryMs }, "delivery failed, will retry");
		}
	}

	return {
		/** Starts the lanes: first with the rows of earlier runs, then with those that came in before this call. */
		async start(): Promise<void> {
			const left = await journal.lanes();
			started = true;
			for (const { portal, link, depth } of left) {
				const of = state({ portal, link });
				of.depth = depth;
				of.behind = true;
			}
			for (const of of states.values()) begin(of);
		},
		/**
		 * Returns a function to call with the lane of each row of a batch, in order, before the journal accepts the batch: it
		 * returns true if the lane can send the row at once, so that the row is stored as begun.
		 */
		begins(): (lane: Lane) => boolean {
			const counts = new Map<string, number>();
			return (lane) => {
				const of = states.get(name(lane));
				const count = (counts.get(name(lane)) ?? 0) + 1;
				counts.set(name(lane), count);
				return started && !stopping && count <= ahead && !of?.behind && !of?.queue.length;
			};
		},
		/**
		 * Queues the rows for delivery, in the order of their seq over all calls.
		 * Returns the rows that exceed the bound of their lane.
		 */
		push(rows: readonly Row[]): readonly Row[] {
			const tooMany: Row[] = [];
			const touched = new Set<State>();
			for (const row of rows) {
				const of = state(row.lane);
				if (of.depth >= most) {
					tooMany.push(row);
					continue;
				}
				of.depth += 1;
				// A read from disk that ended just before this call has brought the row already.
				if (row.seq <= of.last) continue;
				// Before `start`, rows of earlier runs may be on disk before this one.
				if (of.queue.length === 0) of.bytes = 0;
				const bytes = dataBytes(row.event);
				const full = of.queue.length >= inMemory || of.bytes + bytes > bytesInMemory;
				if (!started || of.behind || (full && of.queue.length > 0)) {
					of.behind = true;
					of.missed = true;
				} else {
					of.queue.push(row);
					of.expires = Math.min(of.expires, expiryOf(row));
					of.bytes += bytes;
					of.last = row.seq;
				}
				touched.add(of);
			}
			// A lane begins after all rows of the batch are queued, so that it prepares them together.
			for (const of of touched) {
				of.notify?.();
				begin(of);
			}
			return tooMany;
		},
		/** Cancels the rows in memory whose `until` has passed; to be called every second or so. */
		async expire(): Promise<void> {
			const now = Date.now();
			await Promise.all([...states.values()].filter(({ expires }) => expires <= now).map(expire));
		},
		/** Returns true if the row may wait in its lane: it has not been sent, or it is on disk alone. */
		mayWait({ lane, seq }: Pick<Row, "lane" | "seq">): boolean {
			const of = states.get(name(lane));
			return of !== undefined && (of.behind || of.queue.some((row) => row.seq === seq));
		},
		/** Takes out a row that was removed from the journal before its first attempt. */
		drop({ lane, seq }: Pick<Row, "lane" | "seq">): void {
			const of = states.get(name(lane));
			const left = of?.queue.filter((row) => row.seq !== seq) ?? [];
			// A row that is being prepared finds out by itself.
			if (!of || (left.length === of.queue.length && seq <= of.last)) return;
			of.queue = left;
			of.depth -= 1;
		},
		/** Returns the number of unsettled rows in the lanes for which `which` returns true. */
		depth: (which: (lane: Lane) => boolean): number =>
			[...states.values()].reduce((sum, of) => sum + (which(of.lane) ? of.depth : 0), 0),
		/** Returns the number of rows in doubt: sent and not confirmed. */
		inDoubt: (): number =>
			[...states.values()].reduce(
				(sum, of) => sum + of.flight.size + of.queue.filter((row) => row.state === "doubt").length,
				0,
			),
		/** Ends the wait before a retry in each lane for which `which` returns true. */
		resume(which: (lane: Lane) => boolean): void {
			for (const of of states.values()) {
				if (!which(of.lane)) continue;
				of.failures = 0;
				of.wake?.();
			}
		},
		/** Waits up to `ms` for the in-flight sends. Rows that are left are on disk and go out after the next start. */
		async stop(ms: number): Promise<void> {
			stopping = true;
			for (const of of states.values()) {
				of.wake?.();
				of.notify?.();
			}
			let timer: NodeJS.Timeout | undefined;
			const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
			await Promise.race([Promise.all(running), late]);
			clearTimeout(timer);
		},
	};
}
