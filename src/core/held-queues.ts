import { type Charge, chargeOf } from "./allowance.ts";
import { dataBytes } from "./bounded-map.ts";
import type { BridgeEvent, Kind } from "./event.ts";
import type { Copy, MessageId, RoomId } from "./ids.ts";
import { references } from "./references.ts";

/** The most that waits for one sender, of one domain and in all. The bytes are on disk; memory has the ids. */
const bounds = {
	sender: { lines: 1_000, bytes: 4 * 1_048_576 },
	domain: { lines: 10_000, bytes: 32 * 1_048_576 },
	all: { lines: 20_000, bytes: 64 * 1_048_576 },
};

/** The first ids of a record, which are those of its own event, and the latest ids of events merged into it, are remembered. */
const [ownIds, mergedIds] = [8, 64];

type Load = { lines: number; bytes: number };
/** The held events of one sender in one room, oldest first; the first `entering` of them are on their way to the lanes. */
type Queue = { items: Held[]; entering: number };
/** All held events of one sender. `owing`: the number of those for which no tokens were taken yet. */
export type HeldSender = Load & {
	readonly key: string;
	readonly queues: Map<RoomId, Queue>;
	owing: number;
};

/** A held event as memory knows it; its content is on disk. */
export type Held = {
	readonly copy: Copy;
	readonly kind: Kind;
	readonly sender: HeldSender;
	readonly domain: string;
	/** The tokens that the release of the event takes; undefined if they are taken, or it costs none. */
	charge: Charge | undefined;
	/** See {@link BridgeEvent}; absent: nobody waits for an answer. */
	readonly until?: number;
	/** The place in the order in which all held events came in. */
	readonly order: number;
	/** The held events that this one refers to, and so has to follow. */
	after: readonly Held[];
	/** The keys of its ids in its room. */
	readonly ids: string[];
	/** The key of the message that this edit changes. */
	readonly changes: string | undefined;
	bytes: number;
	/** pending: the journal has not answered yet. entering: the journal moves it to its lanes. gone: no longer held. */
	state: "pending" | "waiting" | "entering" | "gone";
	/** Edits that are being written into it: it must not enter before. */
	merging: number;
};

const keyOf = (event: BridgeEvent, id: MessageId) => `${event.sender.network}\n${event.room}\n${id}`;
const senderKey = ({ sender }: BridgeEvent) => `${sender.network}\n${sender.id}`;
/** Returns the key of the message that an edit changes, by the id that only its author can name where there is one. */
const editedBy = (event: BridgeEvent) =>
	event.kind === "edit" ? keyOf(event, event.target.own ?? event.target.id) : undefined;
const remembered = (ids: readonly MessageId[]) =>
	ids.length > ownIds + mergedIds ? [...ids.slice(0, ownIds), ...ids.slice(-mergedIds)] : ids;
const grow = (load: Load, lines: number, bytes: number) => {
	load.lines += lines;
	load.bytes += bytes;
};
const fits = (load: Load, bound: Load, lines: number, bytes: number) =>
	load.lines + lines <= bound.lines && load.bytes + bytes <= bound.bytes;

/** Creates the index of held events: one queue per sender and room, and the events by the ids that others refer to. */
export function createHeldQueues() {
	const senders = new Map<string, HeldSender>();
	const domains = new Map<string, Load>();
	const all: Load = { lines: 0, bytes: 0 };
	const named = new Map<string, Held[]>();
	/** The newest held edit of each message. */
	const edits = new Map<string, Held>();
	let count = 0;

	function name(one: Held, key: string): void {
		one.ids.push(key);
		const known = named.get(key);
		if (known) known.push(one);
		else named.set(key, [one]);
	}
	function unname(one: Held, key: string): void {
		const left = named.get(key)?.filter((other) => other !== one) ?? [];
		if (left.length > 0) named.set(key, left);
		else named.delete(key);
	}
	function grows(one: Held, lines: number, bytes: number): void {
		const load = domains.get(one.domain) ?? { lines: 0, bytes: 0 };
		for (const each of [one.sender, load, all]) grow(each, lines, bytes);
		if (load.lines > 0) domains.set(one.domain, load);
		else domains.delete(one.domain);
	}

	const queueOf = (event: BridgeEvent) => senders.get(senderKey(event))?.queues.get(event.room);
	const targetsOf = (event: BridgeEvent): readonly Held[] =>
		named.size === 0
			? []
			: references(event).flatMap(({ id, own, or = [] }) =>
					[id, ...(own ? [own] : []), ...or].flatMap((each) => named.get(keyOf(event, each)) ?? []),
				);

	/** Returns the newest held value of the thing that `event` is about. */
	function newest(event: BridgeEvent): Held | undefined {
		const one = queueOf(event)?.items.at(-1);
		return event.kind === "state" && one && one.state !== "entering" ? one : undefined;
	}

	return {
		/** The senders with held events. The first one is the next to get a turn. */
		senders: senders as ReadonlyMap<string, HeldSender>,
		targetsOf,
		/** Returns true if earlier events of the sender wait in this room. */
		waits: (event: BridgeEvent): boolean => queueOf(event) !== undefined,
		/** Returns true if events of the sender wait, in any room, for which no tokens were taken. */
		owes: (event: BridgeEvent): boolean => (senders.get(senderKey(event))?.owing ?? 0) > 0,

		/** Returns true if `lines` more events of this sender, with `bytes` more in all, are within the bounds. */
		hasRoom: (event: BridgeEvent, lines: number, bytes: number): boolean =>
			fits(senders.get(senderKey(event)) ?? { lines: 0, bytes: 0 }, bounds.sender, lines, bytes) &&
			fits(domains.get(event.sender.domain) ?? { lines: 0, bytes: 0 }, bounds.domain, lines, bytes) &&
			fits(all, bounds.all, lines, bytes),

		/**
		 * Returns the held event into which a later one of the same sender may be merged: for an edit the edited message, or
		 * its newest edit; for a value in place of an earlier one the newest held value. Undefined if there is none, or the
		 * later event refers to a message that comes after it.
		 */
		mergesInto(event: BridgeEvent): Held | undefined {
			if (event.kind === "state") return event.replaces && newest(event);
			const key = editedBy(event);
			if (key === undefined) return undefined;
			const own = (one: Held) =>
				one.sender.key === senderKey(event) && (one.kind === "message" || one.kind === "edit");
			const still = (one: Held) => one.state === "pending" || one.state === "waiting";
			const others = event.kind === "edit" ? (event.target.or ?? []).map((id) => keyOf(event, id)) : [];
			const into = [key, ...others]
				.map((each) => edits.get(each) ?? named.get(each)?.findLast(own))
				.find((one) => one !== undefined);
			if (!into || !own(into) || !still(into)) return undefined;
			return targetsOf(event).every((one) => one.order <= into.order) ? into : undefined;
		},
		newest,

		/** Returns a new record of an event, which waits in no queue yet. `ids`: its further ids. */
		make(event: BridgeEvent, ids: readonly MessageId[], paid: boolean): Held {
			const { sender, room, id } = event;
			const key = senderKey(event);
			return {
				copy: { network: sender.network, room, id },
				kind: event.kind,
				sender: senders.get(key) ?? { key, queues: new Map(), lines: 0, bytes: 0, owing: 0 },
				domain: sender.domain,
				charge: paid ? undefined : chargeOf(event),
				...(event.until !== undefined && { until: event.until }),
				order: ++count,
				after: targetsOf(event),
				// Nothing refers to the value of a thing.
				ids: event.kind === "state" ? [] : remembered([id, ...ids]).map((each) => keyOf(event, each)),
				changes: editedBy(event),
				bytes: dataBytes(event),
				state: "pending",
				merging: 0,
			};
		},
		/** Queues a record in its place by `order`, which is the end of its queue unless later ones came in meanwhile. */
		add(one: Held): void {
			const sender = senders.get(one.sender.key) ?? one.sender;
			if (sender !== one.sender) Object.assign(one, { sender });
			senders.set(sender.key, sender);
			const queue = sender.queues.get(one.copy.room) ?? { items: [], entering: 0 };
			sender.queues.set(one.copy.room, queue);
			const before = queue.items.findLastIndex((other) => other.order < one.order);
			queue.items.splice(Math.max(before + 1, queue.entering), 0, one);
			for (const key of one.ids.splice(0)) name(one, key);
			if (one.changes !== undefined) edits.set(one.changes, one);
			if (one.charge) sender.owing++;
			grows(one, 1, one.bytes);
		},
		/** Notes that a later event is merged into a record: its ids name the record, too. */
		merge(one: Held, event: BridgeEvent, ids: readonly MessageId[], bytes: number): void {
			if (event.kind !== "state") for (const id of [event.id, ...ids]) name(one, keyOf(event, id));
			// A bot can edit a held message without end.
			for (const key of one.ids.splice(ownIds, one.ids.length - ownIds - mergedIds)) unname(one, key);
			grows(one, 0, bytes);
			one.bytes += bytes;
		},
		/** Notes that the tokens for a record were taken. */
		pay(one: Held): void {
			if (one.charge) one.sender.owing--;
			one.charge = undefined;
		},
		/** Takes an entering record back: the journal could not move it. */
		back(one: Held): void {
			const queue = one.sender.queues.get(one.copy.room);
			if (!queue || one.state !== "entering") return;
			one.state = "waiting";
			queue.entering--;
		},
		/** Removes a record from its queue and from all that refers to it. */
		remove(one: Held): void {
			if (one.state === "gone") return;
			const { sender, copy } = one;
			const queue = sender.queues.get(copy.room);
			const index = queue?.items.indexOf(one) ?? -1;
			if (!queue || index < 0) return;
			queue.items.splice(index, 1);
			if (index < queue.entering) queue.entering--;
			if (queue.items.length === 0) sender.queues.delete(copy.room);
			if (one.charge) sender.owing--;
			one.state = "gone";
			// Without this, a chain of replies would keep all its records in memory.
			one.after = [];
			for (const key of one.ids) unname(one, key);
			if (one.changes !== undefined && edits.get(one.changes) === one) edits.delete(one.changes);
			grows(one, -1, -one.bytes);
			if (sender.queues.size === 0) senders.delete(sender.key);
		},
		/** Gives the other queues of a sender, and the other senders, their turn before the next event of this one. */
		rotate({ sender, copy }: Held): void {
			const queue = sender.queues.get(copy.room);
			if (queue) {
				sender.queues.delete(copy.room);
				sender.queues.set(copy.room, queue);
			}
			senders.delete(sender.key);
			senders.set(sender.key, sender);
		},
		/** Returns the held records of an event, by its own id. */
		of: (event: BridgeEvent): readonly Held[] =>
			(named.get(keyOf(event, event.id)) ?? []).filter(({ copy }) => copy.id === event.id),
		/** Returns the number of held events of a room. */
		count: (of: Pick<Copy, "network" | "room">): number => {
			let found = 0;
			for (const { queues } of senders.values())
				for (const { copy } of queues.get(of.room)?.items ?? []) if (copy.network === of.network) found++;
			return found;
		},
	};
}
export type HeldQueues = ReturnType<typeof createHeldQueues>;
