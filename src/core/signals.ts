import { dataBytes, textBytes } from "./bounded-map.ts";
import type { Guard } from "./guard.ts";
import type { NetworkName } from "./ids.ts";
import { type InFlight, referenceWithin } from "./in-flight.ts";
import type { Journal } from "./journal.ts";
import { createRateLimit } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Mapping } from "./mapping.ts";
import { withName } from "./names.ts";
import type { Network } from "./network.ts";
import type { Person } from "./person.ts";
import type { Portals } from "./portals.ts";
import { idsThere } from "./references.ts";
import { type Signal, type SignalOut, subjectOf, type Typing } from "./signal.ts";
import { type SignalTarget, targetsOf } from "./signal-targets.ts";

/** Signals of one person, and of all people of one domain. One that replaces another that waits costs nothing. */
const rateOfSender = { perMinute: 60, burst: 30 };
const rateOfDomain = { perMinute: 3_000, burst: 600 };
/** Shortest time in ms between two signals of one subject that are shown. */
const pause = 1_000;
/** Longest time in ms for which typing is shown without a new sign of it: the client may be gone. */
const typingAtMost = 120_000;
/** The part of a network's `typingLasts` after which typing is repeated. */
const repeatAt = 0.8;
/** Signals that are kept at once, and their bytes in memory. */
const [mostKept, mostBytes] = [10_000, 4 * 1_048_576];

/** The signals of one subject. */
type Slot = {
	/** The newest signal, while it waits. */
	next: Signal | undefined;
	shown: Signal | undefined;
	/** The time at which typing ends by itself, in ms of the clock. */
	until: number;
	/** Ends the wait for a signal; absent while there is no such wait. */
	wake: (() => void) | undefined;
};

const isTyping = (signal: Signal | undefined): signal is Typing => signal?.kind === "typing" && signal.active;

/**
 * Creates the way of signals to the other rooms of their portals. The newest signal of a subject counts, and
 * replaces an earlier one that still waits.
 */
export function createSignals(deps: {
	mapping: Pick<Mapping, "portalsOf">;
	portals: Pick<Portals, "chatsOf">;
	journal: Pick<Journal, "copies">;
	inFlight: Pick<InFlight, "settled">;
	network(name: NetworkName): Network;
	/** False for a person who is blocked. */
	allowed(person: Person): boolean;
	guard: Guard;
	log: Log;
	now?: () => number;
}) {
	const { mapping, portals, journal, inFlight, network, allowed, guard, log, now = Date.now } = deps;
	const ofSender = createRateLimit(rateOfSender, now);
	const ofDomain = createRateLimit(rateOfDomain, now);
	const slots = new Map<string, Slot>();
	let bytes = 0;
	let stopped = false;

	/** Returns true if the permissions and the rate limits let the signal pass. */
	function mayPass({ sender }: Signal): boolean {
		// Things need no permission: they are shown because the admin mirrors them.
		if (!network(sender.network).sources && !allowed(sender)) return false;
		return ofSender(`${sender.network} ${sender.id}`) && ofDomain(sender.domain);
	}

	function take(signal: Signal): void {
		const subject = subjectOf(signal);
		const slot = slots.get(subject);
		if (signal.kind === "typing") {
			const last = slot?.next ?? slot?.shown;
			if (isTyping(last) === signal.active) {
				if (slot) slot.until = now() + typingAtMost;
				return;
			}
		}
		// The end of typing always passes, or the typing would last.
		const passes = slot?.next !== undefined || isTyping(slot?.shown) || mayPass(signal);
		if (!passes || stopped) return;
		const until = now() + typingAtMost;
		if (slot) {
			slot.next = signal;
			slot.until = until;
			slot.wake?.();
		} else begin(subject, { next: signal, shown: undefined, until, wake: undefined });
	}

	function begin(subject: string, slot: Slot): void {
		const size = textBytes(subject) + dataBytes(slot.next);
		if (slots.size >= mostKept || bytes + size > mostBytes) return;
		slots.set(subject, slot);
		bytes += size;
		void guard
			.run("signals of a room", () => run(slot))
			.then(() => {
				slots.delete(subject);
				bytes -= size;
			});
	}

	/** Shows the signals of a slot until none waits and no typing goes on. */
	async function run(slot: Slot): Promise<void> {
		let repeat: number | undefined;
		while (!stopped) {
			const { next, shown } = slot;
			if (next) {
				slot.next = undefined;
				slot.shown = next;
				repeat = await show(next);
				await wait(pause);
			} else if (isTyping(shown)) {
				const left = slot.until - now();
				await woken(slot, Math.min(left, repeat ?? left));
				if (slot.next) continue;
				if (now() >= slot.until) slot.next = { ...shown, active: false };
				else await show(shown, true);
			} else return;
		}
	}

	/** Shows a signal; `again`: where typing would end by itself. Resolves with the time in ms after which to show it again. */
	async function show(given: Signal, again = false): Promise<number | undefined> {
		const signal = { ...given, sender: withName(given.sender) };
		const lasts = await Promise.all(
			(await targetsOf(signal, mapping, portals.chatsOf)).map(async (target) => {
				const to = network(target.link.network);
				if (again && to.typingLasts === undefined) return Number.POSITIVE_INFINITY;
				// No signal is kept for a side that is away.
				if (!to.signal || to.status?.().up === false || to.hears?.(signal.kind, target.room) === false)
					return Number.POSITIVE_INFINITY;
				const ids = await idsOf(signal, target);
				if (ids)
					await to
						.signal({ ...target, signal, ids })
						.catch((err: unknown) => log.debug({ err, kind: signal.kind }, "a signal is dropped"));
				return repeatAt * (to.typingLasts ?? Number.POSITIVE_INFINITY);
			}),
		);
		const soonest = Math.min(...lasts);
		return Number.isFinite(soonest) ? soonest : undefined;
	}

	/** Resolves with the ids of the message that a signal names; undefined if the room does not know that message. */
	async function idsOf(
		signal: Signal,
		{ portal, link, room }: SignalTarget,
	): Promise<SignalOut["ids"] | undefined> {
		if (!("target" in signal)) return [];
		const { target, sender } = signal;
		// A view names the messages of its source by the ids that they have there.
		if (link.role === "hosted" && !link.out) return [target.id];
		const at = { network: sender.network, room: signal.room };
		const find = () => idsThere(target, target.id, at, { network: link.network, room }, journal);
		const known = await find();
		if (known.length > 0) return known;
		// A client marks a message at once, before its delivery is confirmed to us.
		await inFlight.settled(portal.id, referenceWithin);
		const ids = await find();
		return ids.length > 0 ? ids : undefined;
	}

	return {
		/** As {@link Bridge.signal}. */
		take: (signal: Signal): void => void guard.run("signal", () => take(signal)),
		/** Shows no further signals. */
		stop(): void {
			stopped = true;
			for (const { wake } of slots.values()) wake?.();
		},
	};
}

const wait = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms).unref());

/** Resolves when the slot gets a signal, after `ms` at the latest. */
const woken = (slot: Slot, ms: number) =>
	new Promise<void>((resolve) => {
		const done = () => {
			clearTimeout(timer);
			slot.wake = undefined;
			resolve();
		};
		const timer = setTimeout(done, ms).unref();
		slot.wake = done;
	});
