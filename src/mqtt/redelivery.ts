import { createHash, randomUUID } from "node:crypto";
import type { MessageId } from "../core/ids.ts";
import type { Arrival } from "./from-mqtt.ts";

/** Past so many ids none of an epoch is remembered: a packet identifier has 16 bits. */
const remembered = 65_536;

/**
 * Names messages, which MQTT does not: two alike must differ, and one that the broker sends again must not.
 *
 * A redelivery has the packet identifier and content of the first time, and DUP set [MQTT-3.3.1-1] [MQTT-4.4.0-1];
 * but identifiers are used again later, for the same value too. So an id is made of both and an epoch, a stored number
 * that goes up with the first new message of a run and whenever an id would come twice. What arrives with DUP and is
 * unknown to this epoch was named in the one before. A run that dies before it saw anything new changes nothing. What
 * was sent again before an epoch began, and may be once more after it, is kept with the epoch by its name.
 */
export function redelivery(store: {
	load(): Promise<string | undefined>;
	save(text: string): Promise<void>;
}) {
	const used = new Set<string>();
	/** Names of earlier epochs that were given to what came with DUP: by the run before this epoch, and by this one. */
	let carried = new Set<string>();
	let again = new Set<string>();
	let epoch = 0;
	let begun = false;

	const name = (arrival: Arrival, ...more: readonly (string | number)[]) =>
		createHash("sha256")
			.update(JSON.stringify([arrival.topic, ...more]))
			.update(arrival.payload)
			.digest("base64url")
			.slice(0, 24) as MessageId;

	async function next(): Promise<void> {
		used.clear();
		begun = true;
		epoch++;
		carried = again;
		again = new Set();
		await store.save(JSON.stringify({ epoch, carried: [...carried] }));
	}

	function redelivered(arrival: Arrival, packetId: number): MessageId {
		const now = name(arrival, epoch, packetId);
		if (used.has(now)) return now;
		for (const back of [1, 2, 3]) {
			const before = name(arrival, epoch - back, packetId);
			if (carried.has(before)) return before;
		}
		return begun ? name(arrival, epoch - 1, packetId) : now;
	}

	return {
		async start(): Promise<void> {
			const kept: unknown = JSON.parse((await store.load()) ?? "0");
			// COMPAT the first releases kept the number alone.
			const state = typeof kept === "number" ? { epoch: kept, carried: [] } : kept;
			const { epoch: last, carried: names } = state as { epoch: number; carried: string[] };
			epoch = last;
			carried = new Set(names);
		},
		/** Call in the order of arrival, one at a time. */
		async identify(arrival: Arrival): Promise<MessageId> {
			// The broker sends it whenever somebody subscribes anew: once shown, it is known for good.
			if (arrival.retain) return name(arrival, "retained");
			const { packetId } = arrival;
			// At most once, so never again.
			if (packetId === undefined) return randomUUID() as string as MessageId;
			const now = name(arrival, epoch, packetId);
			if (arrival.dup) {
				const known = redelivered(arrival, packetId);
				if (again.size < remembered) again.add(known);
				return known;
			}
			if (begun && !used.has(now) && used.size < remembered) {
				used.add(now);
				return now;
			}
			await next();
			const fresh = name(arrival, epoch, packetId);
			used.add(fresh);
			return fresh;
		},
	};
}
