import { createHash, randomUUID } from "node:crypto";
import type { MessageId } from "../core/ids.ts";
import type { Cursor } from "../core/network.ts";
import type { Arrival } from "./from-mqtt.ts";

/** The message id; the journal stores `cursor` in one commit with the message. */
export type Named = Readonly<{ id: MessageId; cursor?: Cursor }>;

/**
 * Gives each message an id, which MQTT does not: two equal messages get different ids, a redelivery gets the same one.
 *
 * A redelivery has DUP set and the packet identifier and content of the first delivery [MQTT-3.3.1-1] [MQTT-4.4.0-1]. DUP
 * alone proves nothing: the broker also sets it on a message that it wrote into a breaking connection and that was never
 * read, and it reuses packet identifiers, also for an equal value. So the last message id of each packet identifier is
 * kept, in one commit with that message: however a run ends, cursor and journal agree.
 */
export function createRedelivery(broker: string, load: (key: string) => Promise<string | undefined>) {
	const last = new Map<number, string>();

	const digest = ({ topic, payload }: Arrival) =>
		createHash("sha256").update(`${topic}\0`).update(payload).digest("base64url").slice(0, 24);

	return {
		/** Resolves with the id of a message. Call it in the order of arrival, one at a time. */
		async identify(arrival: Arrival): Promise<Named> {
			const content = digest(arrival);
			// The broker repeats a retained value at each new subscription, so its id depends on its content alone.
			if (arrival.retain) return { id: `retained.${content}` as MessageId };
			const { packetId } = arrival;
			// QoS 0: the broker never repeats it.
			if (packetId === undefined) return { id: randomUUID() as string as MessageId };
			const key = `mqtt ${broker} ${packetId}`;
			const before = arrival.dup ? (last.get(packetId) ?? (await load(key))) : undefined;
			const again = before?.startsWith(`${content}.`);
			const id = again ? (before as string) : `${content}.${randomUUID().slice(0, 8)}`;
			last.set(packetId, id);
			return { id: id as MessageId, cursor: { key, value: id } };
		},
	};
}
