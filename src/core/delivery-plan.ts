import type { Support } from "./capabilities.ts";
import type { BridgeEvent } from "./event.ts";
import type { MessageId, RoomId } from "./ids.ts";
import type { Journal, Reaction, Row } from "./journal.ts";
import type { Link } from "./mapping.ts";
import type { Refs } from "./network.ts";

/** The event as the first attempt rendered it. Every retry sends the same, since the target may have it already. */
export type Form = Readonly<{
	event: BridgeEvent;
	refs: Refs;
	shown: readonly Reaction[];
	reactions: Support;
	/** All that its sender shows on a message from then on, be it as reactions or told in words. */
	set?: Readonly<{ on: MessageId; emoji: readonly string[] }>;
}>;
type Decided = Readonly<{
	/** The room of the first attempt. */
	room?: RoomId;
	/** Absent where the event alone makes it. */
	form?: Form;
	/** Results of {@link Outbound.once}, such as uploads, by name, as JSON. */
	made?: Readonly<Record<string, unknown>>;
}>;

/** Returns the decisions that a retry could make otherwise; none for plain words in a room of many. */
function toKeep(link: Link, room: RoomId, form: Form): Decided {
	const { event, refs } = form;
	// A file that went as words may go as itself once there is a place for it.
	const file = "media" in event && event.media !== undefined;
	const open = Object.keys(refs).length > 0 || event.kind === "poll" || file;
	// A chat of two may move to another room.
	return { ...((open || link.role === "direct") && { room }), ...(open && { form }) };
}

/** Returns the plan of a plain line as the row keeps it. Route knows it already, which spares a commit. */
export const beforehand = ({ role, room }: Link): string | undefined =>
	role === "direct" && room ? JSON.stringify({ room } satisfies Decided) : undefined;

/** Keeps the plan of each row that was attempted: in memory while the bridge runs, and in the row for the next run. */
export function createDeliveryPlans(journal: Pick<Journal, "attempt" | "keep">) {
	const kept = new Map<number, Decided>();

	return {
		/** Returns the plan of a row that was attempted before; a row that was not is planned anew. */
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
