import type { Log } from "../core/log.ts";
import { type Client, MatrixError } from "./client.ts";
import { isEvent, type MatrixEvent } from "./event.ts";
import { operationOf } from "./features/origin.ts";

/** Own events kept in mind; what is older was confirmed by its answer, or is looked up. */
const remembered = 2_000;
/** How far back an event in doubt is looked for: so many pages of so many events. */
const [pages, pageSize] = [30, 100];
/** What two clocks may differ by, in ms. */
const skew = 10 * 60_000;

export type Doubt = ReturnType<typeof keepDoubt>;

/**
 * Settles whether an event of ours that was never answered is there. The homeserver knows a repeated txnId, but Synapse
 * does so in memory only: half an hour long, and not across its restart. So what was tried before is looked for first, by
 * the mark it carries: in what the homeserver told us of our own events, then in the room.
 */
export function keepDoubt(client: Pick<Client, "messages">, log: Log) {
	const seen = new Map<string, string>();
	const waiting = new Map<string, (event_id: string) => void>();

	/** `since`: when it can have been sent at the earliest. */
	async function find(operation: string, room: string, ghost: string, since: number) {
		let from: string | undefined;
		for (let page = 0; page < pages; page++) {
			const { chunk, end } = await client.messages(room, { limit: pageSize, as: ghost, from });
			const events = chunk.filter(isEvent);
			const found = events.find(
				(event) => event.sender === ghost && operationOf(event.content) === operation,
			);
			if (found) return found.event_id;
			// What carries a mark may bear the time it had elsewhere, which says nothing about when it came.
			const passed = events.some(
				(event) => operationOf(event.content) === undefined && event.origin_server_ts < since - skew,
			);
			if (passed || end === undefined) return undefined;
			from = end;
		}
		log.warn({ operation, room }, "looked for a message in doubt as far back as we do, and send it again");
		return undefined;
	}

	return {
		/** Takes note of an event of our own that the homeserver told us of. */
		heard(event: MatrixEvent): void {
			const operation = operationOf(event.content);
			if (operation === undefined) return;
			seen.set(operation, event.event_id);
			if (seen.size > remembered) seen.delete(seen.keys().next().value as string);
			waiting.get(operation)?.(event.event_id);
		},

		/** Sends what carries the mark of `operation`, where it is not there yet. Resolves with the id it has. */
		async once(
			what: Readonly<{ operation: string; attempt: number; room: string; ghost: string; since: number }>,
			send: () => Promise<{ event_id: string }>,
		): Promise<{ event_id: string }> {
			const { operation, attempt, room, ghost, since } = what;
			if (attempt > 0) {
				const event_id =
					seen.get(operation) ??
					(await find(operation, room, ghost, since).catch((error: unknown) => {
						// Who never was in the room never said anything there.
						if (error instanceof MatrixError && error.status === 403) return undefined;
						throw error;
					}));
				if (event_id !== undefined) {
					log.info({ operation }, "a message in doubt was there already");
					return { event_id };
				}
			}
			const echo = new Promise<{ event_id: string }>((resolve) => {
				waiting.set(operation, (event_id) => resolve({ event_id }));
			});
			const sent = send();
			// An answer that comes after the echo is not awaited any more.
			sent.catch(() => undefined);
			try {
				return await Promise.race([sent, echo]);
			} finally {
				waiting.delete(operation);
			}
		},
	};
}
