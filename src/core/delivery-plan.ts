import type { Support } from "./capabilities.ts";
import type { BridgeEvent } from "./event.ts";
import type { MessageId, RoomId } from "./ids.ts";
import type { Journal, Reaction, Row } from "./journal.ts";
import type { Link } from "./mapping.ts";
import type { Refs } from "./network.ts";

/** What the first attempt made of an event; every later one sends the same, for it may be there already. */
export type Form = Readonly<{
	event: BridgeEvent;
	refs: Refs;
	shown: readonly Reaction[];
	reactions: Support;
	/** All that its sender shows on a message from then on, be it as reactions or told in words. */
	set?: Readonly<{ on: MessageId; emoji: readonly string[] }>;
}>;
type Decided = Readonly<{
	/** Where it went to. */
	room?: RoomId;
	/** Absent where the event alone makes it. */
	form?: Form;
	/** What was made on the way, on other servers; by name, as JSON. */
	made?: Readonly<Record<string, unknown>>;
}>;

/** What a later look might decide otherwise; nothing for plain words in a room of many. */
function toKeep(link: Link, room: RoomId, form: Form): Decided {
	const { event, refs } = form;
	// A file that went as words may go as itself once there is a place for it.
	const file = "media" in event && event.media !== undefined;
	const open = Object.keys(refs).length > 0 || event.kind === "poll" || file;
	// A chat of two may move to another room.
	return { ...((open || link.role === "direct") && { room }), ...(open && { form }) };
}

/** What a plain line is decided by, as it is kept: known when it is taken in, which spares a commit. */
export const beforehand = ({ role, room }: Link): string | undefined =>
	role === "direct" && room ? JSON.stringify({ room } satisfies Decided) : undefined;

/** What attempts leave behind for the next one: here while the bridge runs, in the row for after that. */
export function createDeliveryPlans(journal: Pick<Journal, "attempt" | "keep">) {
	const kept = new Map<number, Decided>();

	return {
		/** Of a row that was sent; one that never was is looked at anew. */
		before: ({ seq, attempts, request }: Row): Decided | undefined =>
			attempts === 0
				? undefined
				: (kept.get(seq) ?? (request ? (JSON.parse(request) as Decided) : undefined)),

		/** Notes the attempt and, at the first, what it goes by. False as {@link Journal.attempt}. */
		attempt(row: Row, before: Decided | undefined, link: Link, room: RoomId, form: Form): Promise<boolean> {
			const decided = before ?? toKeep(link, room, form);
			const some = Object.keys(decided).length > 0;
			if (some) kept.set(row.seq, decided);
			const request = some ? JSON.stringify(decided) : undefined;
			// Noted when it was taken in.
			if (row.begun && request === row.request) return Promise.resolve(true);
			return journal.attempt(row, request);
		},

		/** As {@link Outbound.once}. */
		once:
			(row: Row) =>
			async <T>(name: string, make: () => Promise<T>): Promise<T> => {
				const made = kept.get(row.seq)?.made ?? {};
				if (name in made) return made[name] as T;
				const value = await make();
				const decided = { ...kept.get(row.seq), made: { ...kept.get(row.seq)?.made, [name]: value } };
				kept.set(row.seq, decided);
				await journal.keep(row, JSON.stringify(decided));
				return value;
			},

		/** The row is settled, one way or the other. */
		forget: ({ seq }: Row) => void kept.delete(seq),
	};
}
