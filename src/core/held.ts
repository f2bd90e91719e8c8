import { type Allowance, type Charge, chargeOf } from "./allowance.ts";
import { dataBytes } from "./bounded-map.ts";
import type { BridgeEvent } from "./event.ts";
import type { Guard } from "./guard.ts";
import { createHeldQueues, type Held, type HeldSender } from "./held-queues.ts";
import type { Copy } from "./ids.ts";
import type { Entry, Journal, Row } from "./journal.ts";
import { createRateLimit } from "./limits.ts";
import type { Log } from "./log.ts";
import { type Meter, noMeter } from "./meter.ts";
import { traceId } from "./operation.ts";

/** The most events that enter their lanes in one transaction, and the bytes after which no further one joins. */
const atOnce = { lines: 256, bytes: 4 * 1_048_576 };
/**
 * Returns the shortest time in ms between two looks at the queues of so many senders: events that are due by then share a
 * transaction, and the work of the looks stays small.
 */
const glance = (senders: number) => 10 + senders / 50;
/** Time in ms after which a transaction that failed is repeated. */
const afterFault = 1_000;
/** Events that are read at once at the start. */
const page = 256;

/** The note of a decision, until the journal has answered. `into`: the held event that `one` is merged into. */
type Ticket = Readonly<{ one: Held; into?: Held }>;

/**
 * Creates the delay of events above a rate limit. Their rows are on disk outside the lanes, in a queue for each sender and
 * room, until their tokens are there; the senders of a domain take turns. All later events of that sender in the room queue
 * up behind, and so does whatever refers to a held message: both without a charge of their own if their sender is within the
 * limits.
 */
export function createHeld(deps: {
	journal: Pick<Journal, "held" | "enter">;
	allowance: Allowance;
	/** Takes over the rows of events that have entered their lanes. Resolves when it can take more. */
	deliver(rows: readonly Row[]): Promise<void>;
	guard: Pick<Guard, "run">;
	log: Log;
	meter?: Meter;
}) {
	const { journal, allowance, guard, log, meter = noMeter } = deps;
	const queues = createHeldQueues();
	const tickets = new WeakMap<Entry, Ticket>();
	/** The number of tickets. */
	let open = 0;
	/** The domains with an event that waits for a token of the domain alone: events that come in later wait behind it. */
	let dry = new Set<string>();
	/** Logs a sender, or the things of a domain, once an hour. */
	const mayLog = createRateLimit({ perMinute: 1 / 60, burst: 1 });
	const mayLogOfDomain = createRateLimit({ perMinute: 10, burst: 20 });
	let timer: NodeJS.Timeout | undefined;
	let due = Number.POSITIVE_INFINITY;
	/** The time in ms from the last look to the next one, by what it found and what came in since. */
	let next = Number.POSITIVE_INFINITY;
	let running: Promise<void> | undefined;
	let [started, stopped] = [false, false];

	/** Looks at the queues after `ms`, or sooner if that is planned already. */
	function wake(ms: number): void {
		next = Math.min(next, ms);
		const at = Date.now() + Math.max(ms, glance(queues.senders.size));
		if (!started || stopped || running || at >= due) return;
		clearTimeout(timer);
		due = at;
		timer = setTimeout(() => guard.run("timer of the rate limits", look), at - Date.now());
	}

	function look(): Promise<void> {
		clearTimeout(timer);
		due = Number.POSITIVE_INFINITY;
		running ??= release().finally(() => {
			running = undefined;
			if (queues.senders.size > 0) wake(next);
		});
		return running;
	}
	/** Lets all events that are due enter their lanes. */
	async function release(): Promise<void> {
		for (let batch = choose(); batch.length > 0 && !stopped; batch = choose()) {
			let rows: readonly Row[];
			try {
				rows = await journal.enter(batch.map(({ copy }) => copy));
			} catch (error) {
				for (const one of batch) queues.back(one);
				next = afterFault;
				throw error;
			}
			// Until the lanes have the rows, new events of these senders queue up behind, so that none overtakes a row.
			await deps.deliver(rows).finally(() => {
				for (const one of batch) queues.remove(one);
			});
		}
	}

	/** Takes the tokens of events that are due and returns the events, in order. Senders take turns, and so do their rooms. */
	function choose(): readonly Held[] {
		const batch: Held[] = [];
		const waiting = new Set<string>();
		let bytes = 0;
		next = Number.POSITIVE_INFINITY;
		// A sender that had its turn moves to the end of the map, where this loop meets it again.
		for (const sender of queues.senders.values()) {
			if (batch.length >= atOnce.lines || bytes >= atOnce.bytes) {
				// The senders that this look did not reach wait as before.
				for (const domain of dry) waiting.add(domain);
				next = 0;
				break;
			}
			const one = firstDue(sender, waiting);
			if (!one) continue;
			one.state = "entering";
			batch.push(one);
			bytes += one.bytes;
			queues.rotate(one);
		}
		dry = waiting;
		return batch;
	}

	function firstDue(sender: HeldSender, waiting: Set<string>): Held | undefined {
		for (const queue of sender.queues.values()) {
			const one = queue.items[queue.entering];
			if (one?.state !== "waiting" || one.merging > 0) continue;
			// All that enters in one batch keeps its order.
			if (one.after.some(({ state }) => state === "pending" || state === "waiting")) continue;
			// The lane gives up an event whose sender has waited long enough for an answer.
			const left = (one.until ?? Number.POSITIVE_INFINITY) - Date.now();
			if (left > 0 && one.charge && (waiting.has(one.domain) || !pays(one.charge, waiting))) {
				next = Math.min(next, left);
				continue;
			}
			queues.pay(one);
			queue.entering++;
			return one;
		}
		return undefined;
	}

	function pays(charge: Charge, waiting: Set<string>): boolean {
		if (allowance.take(charge)) return true;
		const { own, shared } = allowance.wait(charge);
		next = Math.min(next, Math.max(own, shared));
		if (own === 0) waiting.add(charge.domain);
		return false;
	}

	function hold(one: Held, event: BridgeEvent): void {
		queues.add(one);
		if (!one.charge) return;
		const { own, shared } = allowance.wait(one.charge);
		if (own === 0 && shared > 0) dry.add(one.domain);
		const ofDomain = one.charge.sender === undefined || (own === 0 && dry.has(one.domain));
		const key = ofDomain ? `domain ${one.domain}` : one.sender.key;
		if (!mayLog(key) || !mayLogOfDomain(one.domain)) return;
		const { domain, id } = event.sender;
		const fields = { trace: traceId(event), domain, ...(!ofDomain && { sender: id }) };
		log.warn(fields, "a rate limit is exceeded; the excess is delayed");
	}

	function noted(entry: Entry, ticket: Ticket): Entry {
		tickets.set(entry, ticket);
		open++;
		return entry;
	}

	const idsOf = ({ aka = [], shared = [] }: Entry) => [...aka, ...shared];
	const outside = (entry: Entry): Entry["rows"] => entry.rows.map((row) => ({ ...row, held: true }));

	/** Returns the entry of an event that changes the content of a held one. */
	function mergeInto(into: Held, event: BridgeEvent, entry: Entry, bytes: number): Entry {
		const one = queues.make(event, idsOf(entry), false);
		into.merging++;
		queues.merge(into, event, idsOf(entry), Math.max(0, bytes - into.bytes));
		const merging: Entry = { ...entry, rows: outside(entry), into: into.copy.id };
		return noted(merging, { one, into });
	}

	function settle(entry: Entry, fresh: boolean): void {
		const ticket = tickets.get(entry);
		if (!ticket) return;
		const { one, into } = ticket;
		open--;
		if (into) into.merging--;
		if (!fresh && !into) queues.remove(one);
		else if (fresh) {
			one.state = one.state === "gone" ? "gone" : "waiting";
			// The event was to be merged into one that the journal does not hold.
			if (into) queues.add(one);
		}
		wake(0);
	}

	return {
		/**
		 * Takes the tokens of an event and returns true, or takes none and returns false: then the event has to wait. `late`:
		 * takes the tokens of a late event in another way.
		 */
		pays(event: BridgeEvent, late?: () => boolean): boolean {
			const charge = chargeOf(event);
			if (!charge) return true;
			if (queues.senders.size > 0 && queues.owes(event)) return false;
			if (late) return late();
			return !dry.has(charge.domain) && allowance.take(charge);
		},

		/**
		 * Returns the entry of an event as the journal is to write it: with its rows outside their lanes if `paid` is false,
		 * or if the event has to follow one that waits. Undefined if too much waits already. A call of `settled` has to follow
		 * for each returned entry.
		 */
		place(event: BridgeEvent, entry: Entry, paid: boolean): Entry | undefined {
			if (entry.rows.length === 0) return entry;
			if (paid && queues.senders.size === 0) return entry;
			if (paid && !queues.waits(event) && queues.targetsOf(event).length === 0) return entry;
			const bytes = dataBytes(event);
			const into = queues.mergesInto(event);
			const mergedInto = (one: Held) => {
				if (event.kind === "state") meter.merged(event.sender.network);
				return mergeInto(one, event, entry, bytes);
			};
			if (into && queues.hasRoom(event, 0, Math.max(0, bytes - into.bytes))) return mergedInto(into);
			if (!queues.hasRoom(event, 1, bytes)) {
				// A room where things are shown must not end with a value of the past.
				const newest = queues.newest(event);
				if (newest) {
					meter.limited(event.sender.network, event.kind);
					return mergedInto(newest);
				}
				// Joins and leaves have a limit of their own, and a lost one would never be mended.
				return chargeOf(event) ? undefined : entry;
			}
			const one = queues.make(event, idsOf(entry), paid);
			hold(one, event);
			const later = { ...entry, rows: outside(entry) };
			return noted(later, { one });
		},

		/** Takes the journal's answer for entries from `place`: which of their operations are new. */
		settled(entries: readonly Entry[], fresh: ReadonlySet<string>): void {
			if (open === 0) return;
			for (const entry of entries) settle(entry, fresh.has(entry.rows[0]?.operation ?? ""));
		},

		/** Forgets the events whose held rows the journal has cancelled. */
		cancelled(rows: readonly Row[]): void {
			for (const { held, event } of rows)
				if (held) for (const one of queues.of(event)) if (one.state !== "entering") queues.remove(one);
		},

		count: (of: Pick<Copy, "network" | "room">): number => queues.count(of),

		/** Reads what earlier runs left. Events that come in before this would overtake it. */
		async load(): Promise<void> {
			for (let after = 0, more = true; more; ) {
				const found = await journal.held(after, page);
				for (const { position, event, ids } of found) {
					const one = queues.make(event, ids, false);
					one.state = "waiting";
					queues.add(one);
					after = position;
				}
				more = found.length === page;
			}
		},
		start(): void {
			started = true;
			if (queues.senders.size > 0) wake(0);
		},
		async stop(): Promise<void> {
			stopped = true;
			clearTimeout(timer);
			await running?.catch(() => undefined);
		},
	};
}
export type HeldBack = ReturnType<typeof createHeld>;
