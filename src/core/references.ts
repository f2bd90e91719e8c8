import type { BridgeEvent, Reference } from "./event.ts";
import type { Copy, MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Refs } from "./network.ts";
import { table } from "./table.ts";

/** Returns every message that an event refers to. */
export function references(event: BridgeEvent): readonly Reference[] {
	if (event.kind === "state") return event.replaces ? [event.replaces] : [];
	const target = "target" in event ? [event.target] : [];
	if (event.kind !== "message" && event.kind !== "edit") return target;
	return [...target, event.replyTo, event.thread].filter((one) => one !== undefined);
}

/** Returns true if each message that the event refers to has an id in the target room. */
export const resolved = (event: BridgeEvent, refs: Refs): boolean =>
	references(event).every(({ id }) => (refs[id]?.length ?? 0) > 0);

type Room = Readonly<{ network: NetworkName; room: RoomId }>;

/**
 * Resolves with the target room's ids of each message that the event refers to. `recover` recovers the ids of unknown
 * messages.
 */
export async function resolve(
	event: BridgeEvent,
	journal: Pick<Journal, "copies">,
	target: Room,
	recover?: (id: MessageId) => Promise<readonly MessageId[]>,
): Promise<Refs> {
	const refs = table<readonly MessageId[]>();
	const at = { network: event.sender.network, room: event.room };
	for (const reference of references(event)) {
		const { id, own } = reference;
		for (const named of new Set(own ? [id, own] : [id]))
			refs[named] = await idsThere(reference, named, at, target, journal, recover);
		const { [id]: found = [] } = refs;
		if (found.length === 0) refs[id] = await idsByCopies(event, reference, target, journal);
	}
	return refs;
}

/**
 * Resolves with the ids in a room of the message that an event answers, by the copies that the reference names: one of a view names
 * the message of its source alone. An edit or a deletion needs proof of its author, which that is not.
 */
const idsByCopies = async (
	{ kind }: BridgeEvent,
	{ copies = [] }: Reference,
	target: Room,
	journal: Pick<Journal, "copies">,
): Promise<readonly MessageId[]> =>
	kind === "message" || kind === "reaction"
		? first(copies, async (copy) => idsIn(target, await journal.copies(copy)))
		: [];

/** Resolves with true if an event answers a message that came from a room. */
export async function answers(
	event: BridgeEvent,
	of: Room,
	journal: Pick<Journal, "copies">,
): Promise<boolean> {
	const reference = event.kind === "message" ? event.replyTo : "target" in event ? event.target : undefined;
	if (!reference) return false;
	const family = await journal.copies({ network: event.sender.network, room: event.room, id: reference.id });
	return idsIn(of, family).length > 0 || (await idsByCopies(event, reference, of, journal)).length > 0;
}

/** Returns the ids in a room among the copies of a message. */
const idsIn = ({ network, room }: Room, family: readonly Copy[]): readonly MessageId[] =>
	family.filter((copy) => copy.network === network && copy.room === room).map((copy) => copy.id);

/** Resolves with the ids in the room `target` of the message that a reference in the room `at` names as `named`. */
export async function idsThere(
	{ id, or = [], copies = [] }: Reference,
	named: MessageId,
	at: Room,
	target: Room,
	journal: Pick<Journal, "copies">,
	recover?: (id: MessageId) => Promise<readonly MessageId[]>,
): Promise<readonly MessageId[]> {
	const family = await first([named, ...or], (one) => journal.copies({ ...at, id: one }));
	// Copies that the target itself names prove no authorship, and count only if the journal has forgotten the target.
	const ids = idsIn(target, family.length === 0 && named === id ? copies : family);
	return ids.length === 0 && family.length === 0 && recover ? first([named, ...or], recover) : ids;
}

/** Resolves with the first result that is not empty, of the messages in order. */
async function first<K, T>(
	all: readonly K[],
	find: (one: K) => Promise<readonly T[]>,
): Promise<readonly T[]> {
	for (const one of all) {
		const found = await find(one);
		if (found.length > 0) return found;
	}
	return [];
}

/** Resolves with the message without its thread if it begins that thread: no earlier message is known by the thread's id. */
export async function threaded(event: BridgeEvent, journal: Pick<Journal, "copies">): Promise<BridgeEvent> {
	if (event.kind !== "message" || !event.thread || !event.aka?.includes(event.thread.id)) return event;
	const { thread, aka, ...message } = event;
	const known = await journal.copies({ network: event.sender.network, room: event.room, id: thread.id });
	if (known.length === 0) return { ...message, aka };
	return { ...message, thread, aka: aka.filter((id) => id !== thread.id) };
}

/**
 * Resolves with the edit or redaction whose target has the one of its ids that
 * the journal knows; with any other event as it is.
 */
export async function withKnownTarget(
	event: BridgeEvent,
	journal: Pick<Journal, "copies">,
): Promise<BridgeEvent> {
	if ((event.kind !== "edit" && event.kind !== "redaction") || !event.target.or) return event;
	const { id: wanted, own, or = [], ...about } = event.target;
	const at = { network: event.sender.network, room: event.room };
	for (const id of [wanted, ...or])
		if ((await journal.copies({ ...at, id })).length > 0)
			return { ...event, target: { ...about, id, ...(own && { own: id }) } };
	return event;
}

/**
 * Resolves with the event without a reply to a message that was deleted before the room got it; undefined if that is its
 * target.
 */
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
