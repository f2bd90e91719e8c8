import type { BridgeEvent } from "../core/event.ts";
import type {
	Copy,
	LinkId,
	MessageId,
	NetworkName,
	OperationId,
	PortalId,
	RoomId,
	TraceId,
} from "../core/ids.ts";
import type { Entry, NewRow, ReactionSet, Row } from "../core/journal.ts";

// The records that cross to the journal's worker thread and back. The main thread writes and reads `event` and `person`
// as JSON, so that each is encoded once.

export type Place = readonly [network: string, room: string];
/** A row as a list, since an object would copy its key names with each row. `network`, `room` and `id` are the event's. */
export type RowText = readonly [
	operation: string,
	trace: string,
	portal: string,
	link: string,
	network: string,
	room: string,
	id: string,
	event: string,
	attempts: number,
	request: string | null,
];
/** One target of a held event: all of a {@link RowText} but the event and its attempts. */
export type HeldTarget = readonly [
	operation: string,
	trace: string,
	portal: string,
	link: string,
	request: string | null,
];
export type ReactionText = Readonly<{
	place: Place;
	message: string;
	sender: string;
	now: readonly Readonly<{ emoji: string; id?: string }>[];
}>;
export type EntryText = Readonly<{
	key: string;
	repeats?: Entry["repeats"];
	value?: Entry["value"];
	rows: readonly RowText[];
	/** The rows outside their lanes. */
	held?: readonly RowText[];
	into?: string;
	aka?: readonly string[];
	shared?: readonly string[];
	of?: string;
	cursor?: Readonly<{ key: string; value: string }>;
	reaction?: ReactionText;
	member?: Readonly<{ place: Place; network: string; id: string; person: string; present: boolean }>;
}>;
export type StoredRow = Readonly<{
	seq: number;
	operation: string;
	trace: string;
	portal: string;
	link: string;
	attempts: number;
	queuedAt: number;
	event: string;
	request: string | null;
	held?: true;
}>;
export type StoredHeld = Readonly<{
	seq: number;
	room: number;
	id: string;
	event: string;
	targets: string;
}>;
export type StoredCopy = Readonly<{ network: string; room: string; id: string }>;

export function reactionText({ network, room, message, sender, now }: ReactionSet): ReactionText {
	return { place: [network, room], message, sender, now };
}

export function entryText({
	key,
	repeats,
	value,
	rows,
	into,
	aka,
	shared,
	of,
	cursor,
	reaction,
	member,
}: Entry): EntryText {
	// Most entries hold one event on its way to several rooms: encode it once.
	let last: BridgeEvent | undefined;
	let text = "";
	const rowText = ({ operation, trace, lane, event, begun, request }: NewRow): RowText => {
		if (event !== last) text = JSON.stringify(event);
		last = event;
		const { sender, room, id } = event;
		const origin = [sender.network, room, id] as const;
		return [operation, trace, lane.portal, lane.link, ...origin, text, begun ? 1 : 0, request ?? null];
	};
	const some = rows.some((row) => row.held);
	return {
		key,
		...(repeats && { repeats }),
		...(value && { value }),
		rows: (some ? rows.filter((row) => !row.held) : rows).map(rowText),
		...(some && { held: rows.filter((row) => row.held).map(rowText) }),
		...(into !== undefined && { into }),
		...(aka && { aka }),
		...(shared && { shared }),
		...(of !== undefined && { of }),
		...(cursor && { cursor }),
		...(reaction && { reaction: reactionText(reaction) }),
		...(member && {
			member: {
				place: [member.network, member.room],
				network: member.person.network,
				id: member.person.id,
				person: JSON.stringify(member.person),
				present: member.present,
			},
		}),
	};
}

export const row = (stored: StoredRow): Row => ({
	seq: stored.seq,
	operation: stored.operation as OperationId,
	trace: stored.trace as TraceId,
	lane: { portal: stored.portal as PortalId, link: stored.link as LinkId },
	state: stored.attempts > 0 ? "doubt" : "waiting",
	attempts: stored.attempts,
	queuedAt: stored.queuedAt,
	event: JSON.parse(stored.event) as BridgeEvent,
	...(stored.request !== null && { request: stored.request }),
	...(stored.held && { held: true }),
});

export const copy = (stored: StoredCopy): Copy => ({
	network: stored.network as NetworkName,
	room: stored.room as RoomId,
	id: stored.id as MessageId,
});
