import { createHash } from "node:crypto";
import type { PermanentError, Reason } from "../core/errors.ts";
import type { Client } from "./client.ts";
import * as phrases from "./phrases.ts";
import { answer } from "./to-matrix.ts";

/** Time in ms within which a room gets the same sender notice only once. */
const once = 60_000;

const reasons: Record<Reason, string> = {
	forbidden: "m.no_permission",
	"not-found": "m.foreign_network_error",
	invalid: "com.beeper.unsupported_event",
	busy: "m.foreign_network_error",
	failed: "m.foreign_network_error",
	expired: "m.event_too_old",
};

const failure = ({ reason }: PermanentError) =>
	reason === "busy" || reason === "expired" ? "FAIL_RETRIABLE" : "FAIL_PERMANENT";

/** Returns `refuse`, which tells a sender that their message was not delivered. */
export function createMessageStatus(client: Pick<Client, "send">, now: () => number = Date.now) {
	const sentAt = new Map<string, number>();

	/** Sends a notice, unless the same one was sent within {@link once}. */
	async function news(key: string, send: () => Promise<unknown>): Promise<void> {
		for (const [old, at] of sentAt) if (now() - at >= once) sentAt.delete(old);
		if (sentAt.has(key)) return;
		sentAt.set(key, now());
		try {
			await send();
		} catch (error) {
			sentAt.delete(key);
			throw error;
		}
	}

	/** Sends the status that clients show at the event, and a sender notice as a reply to `about`. */
	return async function refuse(
		{ room, event, about, as }: { room: string; event: string; about: string; as: string | undefined },
		error: PermanentError,
		target: string,
	): Promise<void> {
		const message = phrases.deliveryReport(error, target);
		const who = as ? { as } : {};
		const txn = createHash("sha256").update(`${event} ${target} ${message}`).digest("base64url");
		const status = {
			network: "trivium",
			"m.relates_to": { rel_type: "m.reference", event_id: event },
			// A message that arrived in another form, or without a part, has not failed: clients would offer to send it again.
			...(error.partly ? { status: "SUCCESS" } : { status: failure(error), reason: reasons[error.reason] }),
			message,
		};
		await client.send(room, "com.beeper.message_send_status", `status.${txn}`, { ...who, body: status });
		await news(`${room} ${message}`, () =>
			client.send(room, "m.room.message", `refusal.${txn}`, { ...who, body: answer(message, about) }),
		);
	};
}
