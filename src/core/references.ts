import type { BridgeEvent, Reference } from "./event.ts";
import type { Copy, MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Refs } from "./network.ts";
import { table } from "./table.ts";

/** Every message an event is about. */
export function references(event: BridgeEvent): readonly Reference[] {
	const target = "target" in event ? [event.target] : [];
	if (event.kind !== "message" && event.kind !== "edit") return target;
	return [...target, event.replyTo, event.thread].filter((one) => one !== undefined);
}

/** Whether all that has to be found for showing the event natively was found. */
export const resolved = (event: BridgeEvent, refs: Refs): boolean =>
	references(event).every(({ id }) => (refs[id]?.length ?? 0) > 0);

/**
 * Looks up the ids that the messages an event is about have in one room. `recall` is asked for those of which the journal
 * knows nothing.
 */
export async function resolve(
	event: BridgeEvent,
	journal: Pick<Journal, "copies">,
	target: Readonly<{ network: NetworkName; room: RoomId }>,
	recall?: (id: MessageId) => Promise<readonly MessageId[]>,
): Promise<Refs> {
	const refs = table<readonly MessageId[]>();
	const there = (family: readonly Copy[]) =>
		family
			.filter((copy) => copy.network === target.network && copy.room === target.room)
			.map((copy) => copy.id);
	for (const { id, own, copies = [] } of references(event))
		for (const named of own ? [id, own] : [id]) {
			const family = await journal.copies({ network: event.sender.network, room: event.room, id: named });
			// Copies that the target itself names prove no authorship, and count only where the journal has forgotten it.
			const told = there(family.length === 0 && named === id ? copies : family);
			refs[named] = told.length === 0 && family.length === 0 && recall ? await recall(named) : told;
		}
	return refs;
}

/** Without what was deleted before the room had it: nothing is left of what changes that or reacts to it. */
export async function withoutDeleted(
	event: BridgeEvent,
	journal: Pick<Journal, "gone">,
	refs: Refs,
): Promise<BridgeEvent | undefined> {
	const at = { network: event.sender.network, room: event.room };
	const gone = async (of: Reference | undefined) =>
		of !== undefined && !refs[of.id]?.length && (await journal.gone({ ...at, id: of.id }));
	if ("target" in event && (await gone(event.target))) return undefined;
	if ((event.kind !== "message" && event.kind !== "edit") || !(await gone(event.replyTo))) return event;
	const { replyTo: _, ...left } = event;
	return left;
}
