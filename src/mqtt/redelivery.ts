import { createHash, randomUUID } from "node:crypto";
import type { MessageId } from "../core/ids.ts";
import type { Cursor } from "../core/network.ts";
import type { Arrival } from "./from-mqtt.ts";

/** `cursor` has to be on disk with the message. */
export type Named = Readonly<{ id: MessageId; cursor?: Cursor }>;

/**
 * Names messages, which MQTT does not: two alike must differ, and one that the broker sends again must not.
 *
 * A redelivery has the packet identifier and content of the first time, and DUP set [MQTT-3.3.1-1] [MQTT-4.4.0-1]; but
 * what was written into a connection that broke has that as well, though nobody read it, and identifiers are used again
 * later, for the same value too. So by each identifier is kept which message came under it last: on disk with that
 * message, so that what is known there and what is taken never differ, however a run ends.
 */
export function createRedelivery(broker: string, load: (key: string) => Promise<string | undefined>) {
	const last = new Map<number, string>();

	const digest = ({ topic, payload }: Arrival) =>
		createHash("sha256").update(`${topic}\0`).update(payload).digest("base64url").slice(0, 24);

	return {
		/** Call in the order of arrival, one at a time. */
		async identify(arrival: Arrival): Promise<Named> {
			const content = digest(arrival);
			// The broker sends it whenever somebody subscribes anew: once shown, it is known for good.
			if (arrival.retain) return { id: `retained.${content}` as MessageId };
			const { packetId } = arrival;
			// At most once, so never again.
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
