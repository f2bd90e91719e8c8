import type { Support } from "./capabilities.ts";
import type { BridgeEvent } from "./event.ts";
import type { MessageId, RoomId } from "./ids.ts";
import type { Journal, Reaction, Row } from "./journal.ts";
import type { Link } from "./mapping.ts";
import type { Refs } from "./network.ts";

/** The event as the first attempt rendered it. Each retry sends the same, since the target may have it already. */
export type Form = Readonly<{
	event: BridgeEvent;
	refs: Refs;
	shown: readonly Reaction[];
	reactions: Support;
	/** The sender's reactions to a message after this delivery, both those shown as reactions and those told in words. */
	set?: Readonly<{ on: MessageId; emoji: readonly string[] }>;
}>;
type DeliveryPlan = Readonly<{
	/** The room of the first attempt. */
	room?: RoomId;
	/** Absent if the event alone determines it. */
	form?: Form;
	/** Results of {@link Outbound.once} by name, such as upload URLs, as JSON. */
	made?: Readonly<Record<string, unknown>>;
}>;

/** Returns the decisions that a retry could make differently; none for plain text in a group room. */
function toKeep(link: Link, room: RoomId, form: Form): DeliveryPlan {
	const { event, refs } = form;
	// A file that was sent as its name could be sent as a file later, once an upload service is there.
	const file = "media" in event && event.media !== undefined;
	const open = Object.keys(refs).length > 0 || event.kind === "poll" || file;
	// A 1:1 chat may move to another room.
	return { ...((open || link.role === "direct") && { room }), ...(open && { form }) };
}

/** Returns the plan of a plain message as its row stores it. The router knows it already, which saves a commit. */
export const beforehand = ({ role, room }: Link): string | undefined =>
	role === "direct" && room ? JSON.stringify({ room } satisfies DeliveryPlan) : undefined;

/** Creates the store of delivery plans of attempted rows: in memory while the bridge runs, and in the row for the next run. */
export function createDeliveryPlans(journal: Pick<Journal, "attempt" | "keep">) {
	const kept = new Map<number, DeliveryPlan>();

	return {
		/** Returns the plan of an earlier attempt; undefined at the first attempt. */
		before: ({ seq, attempts, request }: Row): DeliveryPlan | undefined =>
			attempts === 0
				? undefined
				: (kept.get(seq) ?? (request ? (JSON.parse(request) as DeliveryPlan) : undefined)),

		/** Notes an attempt and, at the first one, its plan. Resolves with false as {@link Journal.attempt} does. */
		attempt(
			row: Row,
			before: DeliveryPlan | undefined,
			link: Link,
			room: RoomId,
			form: Form,
		): Promise<boolean> {
			const plan = before ?? toKeep(link, room, form);
			const some = Object.keys(plan).length > 0;
			if (some) kept.set(row.seq, plan);
			const request = some ? JSON.stringify(plan) : undefined;
			// The journal noted this attempt when it accepted the row.
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
				const plan = { ...kept.get(row.seq), made: { ...kept.get(row.seq)?.made, [name]: value } };
				kept.set(row.seq, plan);
				await journal.keep(row, JSON.stringify(plan));
				return value;
			},

		/** Forgets the plan of a row that was delivered or refused. */
		forget: ({ seq }: Row) => void kept.delete(seq),
	};
}
