import { backoff } from "./backoff.ts";
import { dataBytes } from "./bounded-map.ts";
import { TemporaryError } from "./errors.ts";
import type { Journal, Lane, Row } from "./journal.ts";
import type { Log } from "./log.ts";

/** Rows a lane keeps in memory; the rest waits on disk, so that memory stays bounded however long an outage is. */
const inMemory = 256;
/** Bytes of those rows, as estimated. */
const bytesInMemory = 4 * 1_048_576;
/** Rows read from disk at once: of the largest size they may take more than the bound above until they are counted. */
const readAtOnce = 32;
/** Rows a lane may hold on disk; what comes on top is given up, so that one nobody takes from does not fill the disk. */
const mostRows = 100_000;
/** Rows prepared in one commit and then sent one after the other: so many more are in doubt after a crash. */
const ahead = 32;
const retries = { first: 1_000, most: 60_000 };

export type Sender = Readonly<{
	/** How many rows of this lane may be under way at once. */
	window(lane: Lane): number;
	/** True for a row that is sent at once, or not at all: while its server is away it only waits, and can be cancelled. */
	single(row: Row): boolean;
	/** True for a row that may be about one before it: everything under way is settled first. */
	alone(row: Row): boolean;
	/** All that must be on disk before sending. Resolves with the sending itself, or nothing when the row is settled. */
	prepare(row: Row): Promise<(() => Promise<void>) | undefined>;
	/** Called for what is no TemporaryError: settles the row. Throwing makes it temporary. */
	fail(row: Row, error: unknown): Promise<void>;
	/** Told of an attempt that failed and will be repeated. */
	retried(row: Row): void;
}>;

type Prepared = Readonly<{ row: Row; send: () => Promise<void> }>;

type State = {
	lane: Lane;
	queue: Row[];
	/** What the rows in the queue take in memory, as far as they were added since it was empty. */
	bytes: number;
	/** Rows of this lane that are not settled, on disk and in memory. */
	depth: number;
	/** The seq of the newest row ever queued here: what is on disk after it still has to be fetched. */
	last: number;
	/** More rows are on disk than in the queue. */
	behind: boolean;
	/** Some were added there while the queue was being refilled. */
	missed: boolean;
	running: boolean;
	flight: Set<Promise<void>>;
	failures: number;
	/** Ends a wait to retry. */
	wake: (() => void) | undefined;
	/** Ends a wait for what is under way. */
	tell: (() => void) | undefined;
};

const name = (lane: Lane) => `${lane.portal} ${lane.link}`;

/** Runs one FIFO per portal and target: a slow or broken one never delays another. */
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
			bytes: 0,
			depth: 0,
			last: 0,
			behind: false,
			missed: false,
			running: false,
			flight: new Set(),
			failures: 0,
			wake: undefined,
			tell: undefined,
		};
		states.set(name(lane), fresh);
		return fresh;
	};

	function begin(of: State): void {
		if (of.running || stopping || !started) return;
		of.running = true;
		const run = work(of)
			.catch(async (error: unknown) => {
				log.error({ err: error, lane: of.lane }, "lane stopped, will go on");
				await pause(of, retries.first);
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
		/** Prepared, in order, and not sent yet. */
		const ready: Prepared[] = [];
		const again: Row[] = [];
		let wait = 0;
		const settle = () => {
			of.depth -= 1;
		};
		const retry = (row: Row, error: unknown, sent = true) => {
			const tried = sent && { attempts: row.attempts + 1, state: "doubt" as const };
			again.push({ ...row, ...tried, begun: false });
			wait = Math.max(wait, (error instanceof TemporaryError && error.retryAfter) || 0);
			log.warn({ err: error, trace: row.trace, attempt: row.attempts + 1 }, "delivery failed, will retry");
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
					// At once: those behind it would go out in the meantime if the link is back by then.
					retry(row, error, false);
					await journal.release([row]);
				})
				.finally(() => flight.delete(task));
			flight.add(task);
		}
		/** Nothing of what is ready went out, so nothing has to be looked up, and it can still be cancelled. */
		async function release(): Promise<void> {
			const begun = of.queue.filter((row) => row.begun);
			const rows = ready.splice(0).map(({ row }) => row);
			of.queue = [...rows, ...of.queue].map((row) => (row.begun ? { ...row, begun: false } : row));
			if (rows.length + begun.length > 0) await journal.release([...rows, ...begun]);
		}

		while (!stopping) {
			// What failed holds back the rows behind it, and none before it: order before speed.
			const held = Math.min(...again.map(({ seq }) => seq));
			const [next] = ready;
			if (next && next.row.seq < held) {
				if (flight.size < sender.window(of.lane)) launch(ready.shift() as Prepared);
				else await news(of);
			} else if (again.length > 0) {
				await Promise.all(flight);
				await release();
				of.queue = [...again.splice(0), ...of.queue].sort((a, b) => a.seq - b.seq);
				await pause(of, wait);
				wait = 0;
			} else if (of.queue[0]) {
				if (sender.alone(of.queue[0]) && flight.size > 0) await Promise.all(flight);
				else ready.push(...(await Promise.all(take(of).map(prepare))).flat());
			} else if (of.behind) await refill(of);
			else if (flight.size > 0) await news(of);
			else break;
		}
		await Promise.all([release(), ...flight]);
	}

	/** Something under way is settled, a row came, or the end. */
	async function news(of: State): Promise<void> {
		const told = new Promise<void>((resolve) => {
			of.tell = resolve;
		});
		await Promise.race([...of.flight, told]);
	}

	/** The next rows, up to the one that has to wait for those before it. */
	function take(of: State): Row[] {
		const next = of.queue.slice(0, ahead).findIndex((row, index) => index > 0 && sender.alone(row));
		return of.queue.splice(0, next < 0 ? ahead : next);
	}

	async function refill(of: State): Promise<void> {
		of.missed = false;
		let more = true;
		for (of.bytes = 0; more && of.queue.length < inMemory && of.bytes < bytesInMemory; ) {
			const rows = await journal.rows(of.lane, of.last, readAtOnce);
			of.queue.push(...rows);
			for (const row of rows) of.bytes += dataBytes(row.event);
			of.last = rows.at(-1)?.seq ?? of.last;
			more = rows.length === readAtOnce;
		}
		of.behind = of.missed || more;
	}

	function pause(of: State, least: number): Promise<void> {
		if (stopping) return Promise.resolve();
		const delay = Math.max(least, backoff(of.failures++, retries));
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, delay);
			of.wake = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}

	return {
		/** Takes up what an earlier run left, and after it what came in before this call. */
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
		 * Asked in turn for each row of a batch before it is taken in: whether it can go out as soon as it is. What a lane
		 * cannot send at once waits unbegun.
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
		/** Has them delivered. Returns those that are one too many for their lane. */
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
				// Before the start nobody knows what lies on disk before this row.
				if (of.queue.length === 0) of.bytes = 0;
				const bytes = dataBytes(row.event);
				const full = of.queue.length >= inMemory || of.bytes + bytes > bytesInMemory;
				if (!started || of.behind || (full && of.queue.length > 0)) {
					of.behind = true;
					of.missed = true;
				} else {
					of.queue.push(row);
					of.bytes += bytes;
					of.last = row.seq;
				}
				touched.add(of);
			}
			// All that came together is prepared together.
			for (const of of touched) {
				of.tell?.();
				begin(of);
			}
			return tooMany;
		},
		/** How many rows were sent and are not confirmed. */
		inDoubt: (): number =>
			[...states.values()].reduce(
				(sum, of) => sum + of.flight.size + of.queue.filter((row) => row.state === "doubt").length,
				0,
			),
		/** Ends the waiting of every lane for which `which` holds. */
		resume(which: (lane: Lane) => boolean): void {
			for (const of of states.values()) {
				if (!which(of.lane)) continue;
				of.failures = 0;
				of.wake?.();
			}
		},
		/** Rows under way finish, for at most `ms`; what is not done by then is on disk and goes on at the next start. */
		async stop(ms: number): Promise<void> {
			stopping = true;
			for (const of of states.values()) {
				of.wake?.();
				of.tell?.();
			}
			let timer: NodeJS.Timeout | undefined;
			const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
			await Promise.race([Promise.all(running), late]);
			clearTimeout(timer);
		},
	};
}
