import { createHash } from "node:crypto";
import type { MessageId } from "../core/ids.ts";
import type { Arrival } from "./from-mqtt.ts";

/** Past so many ids none of an epoch is remembered: a packet identifier has 16 bits. */
const remembered = 65_536;

/**
 * Names messages, which MQTT does not: two alike must differ, and one that the broker sends again must not.
 *
 * A redelivery has the packet identifier and content of the first time, and DUP set [MQTT-3.3.1-1] [MQTT-4.4.0-1];
 * but identifiers are used again later, for the same value too. So an id is made of both and an epoch, a stored number
 * that goes up at each start and whenever an id would come twice. What arrives with DUP and is unknown to this run was
 * named by the last one, so it takes that epoch's id. Should an epoch end between the two deliveries, the message comes
 * twice rather than never.
 */
export function redelivery(store: { load(): Promise<number>; save(epoch: number): Promise<void> }) {
	const used = new Set<string>();
	let epoch = 0;

	const name = (arrival: Arrival, ...more: readonly (string | number)[]) =>
		createHash("sha256")
			.update(JSON.stringify([arrival.topic, ...more]))
			.update(arrival.payload)
			.digest("base64url")
			.slice(0, 24) as MessageId;

	async function next(): Promise<void> {
		used.clear();
		epoch++;
		await store.save(epoch);
	}

	let nameless = 0;
	return {
		async start(): Promise<void> {
			epoch = await store.load();
			await next();
		},
		/** Call in the order of arrival, one at a time. */
		async identify(arrival: Arrival): Promise<MessageId> {
			// The broker sends it whenever somebody subscribes anew: once shown, it is known for good.
			if (arrival.retain) return name(arrival, "retained");
			// At most once, so never again.
			if (arrival.packetId === undefined) return name(arrival, "once", epoch, Date.now(), nameless++);
			const now = name(arrival, epoch, arrival.packetId);
			if (arrival.dup) return used.has(now) ? now : name(arrival, epoch - 1, arrival.packetId);
			if (!used.has(now) && used.size < remembered) {
				used.add(now);
				return now;
			}
			await next();
			const fresh = name(arrival, epoch, arrival.packetId);
			used.add(fresh);
			return fresh;
		},
	};
}
