import { createBoundedMap } from "./bounded-map.ts";
import type { BridgeEvent } from "./event.ts";
import type { MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Log } from "./log.ts";
import type { Link, Portal } from "./mapping.ts";
import type { Network } from "./network.ts";
import { operationId } from "./operation.ts";

/** The messages that two rooms share: for each id in the one room, all ids in the other. */
type Shared = ReadonlyMap<MessageId, readonly MessageId[]>;

/** A link whose room exists. */
type Placed = Link & Readonly<{ room: RoomId }>;

/** Pairs of rooms whose shared messages are kept in memory. */
const remembered = 50;

/**
 * Creates the recovery of message ids that the journal has forgotten or lost. One network reads the latest messages of its
 * room: our own events there name their originals, and for all other messages the operation id of their delivery can be
 * computed again. Each pair of rooms is read once a run, since the journal holds all later messages.
 */
export function createIdRecovery(deps: { network(name: NetworkName): Network; log: Log }) {
	const { network, log } = deps;
	const known = createBoundedMap<string, Promise<readonly [here: Shared, there: Shared]>>(remembered);

	async function read(here: Placed, there: Placed): Promise<readonly [Shared, Shared]> {
		const all = (await network(here.network).recentMessages?.(here.room)) ?? [];
		const born = all.filter(({ copies }) => copies === undefined);
		const deliveries = born.map(({ ids: [id], sender }) => {
			const operation = operationId({ id: id as MessageId, room: here.room, sender }, there.id);
			return { operation, sender };
		});
		const sent = (await network(there.network).idsOfDeliveries?.(there.room, deliveries)) ?? [];
		const inThere = new Map<MessageId, readonly MessageId[]>();
		const inHere = new Map<MessageId, readonly MessageId[]>();
		const share = (ours: readonly MessageId[], theirs: readonly MessageId[]) => {
			if (theirs.length === 0) return;
			for (const id of ours) inThere.set(id, theirs);
			for (const id of theirs) if (!inHere.has(id)) inHere.set(id, ours);
		};
		for (const [index, { ids }] of born.entries()) share(ids, sent[index] ?? []);
		for (const { ids, copies = [] } of all) {
			const theirs = copies.filter((copy) => copy.network === there.network && copy.room === there.room);
			share(
				ids,
				theirs.map(({ id }) => id),
			);
		}
		return [inThere, inHere];
	}

	function shared(here: Placed, there: Placed) {
		const key = `${here.id} ${there.id}`;
		const found = known.get(key) ?? read(here, there);
		known.set(key, found);
		found.catch(() => known.delete(key));
		return found;
	}

	/** Resolves with the ids in the room of `link` of the message `id` of the event's room; an empty list if they are unknown. */
	return async function recover(
		event: BridgeEvent,
		id: MessageId,
		portal: Portal,
		link: Link,
		room: RoomId,
	): Promise<readonly MessageId[]> {
		const { sender } = event;
		const from = portal.links.find((one) => one.network === sender.network && one.room === event.room);
		if (!from) return [];
		const [source, target] = [
			{ ...from, room: event.room },
			{ ...link, room },
		] as const;
		try {
			if (network(target.network).recentMessages) return (await shared(target, source))[1].get(id) ?? [];
			if (network(source.network).recentMessages) return (await shared(source, target))[0].get(id) ?? [];
		} catch (error) {
			// A room that cannot be read must not block the lane: the reference becomes words.
			log.warn(
				{ err: error, portal: portal.id },
				"the latest messages of a room could not be read to recover ids",
			);
		}
		return [];
	};
}
