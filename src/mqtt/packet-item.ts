import { fingerprint, type Guard, type Item, SetAside } from "../core/guard.ts";
import type { Log } from "../core/log.ts";
import type { Arrival } from "./from-mqtt.ts";
import { plain, type Sort } from "./sorts.ts";

/** Returns the item of a packet, which is the same for a redelivery. */
export const packetItem = (broker: string, { topic, payload }: Pick<Arrival, "topic" | "payload">): Item => ({
	key: fingerprint("mqtt", broker, topic, payload),
	what: `MQTT packet of ${broker} on ${topic}`,
});

/**
 * Returns a sorter in the guard, which never throws: it reads payloads as their mirrors do. A value on which the sorter fails
 * goes on by itself to the guard of these mirrors, which leaves it out and has it acknowledged.
 */
export const guardedSorter =
	({ guard, log }: Readonly<{ guard: Guard; log: Log }>) =>
	(broker: string, sort: (arrival: Arrival) => Sort) =>
	(arrival: Arrival): Sort => {
		try {
			return guard.handle(packetItem(broker, arrival), () => sort(arrival));
		} catch (error) {
			// The guard has logged what it set aside.
			if (!(error instanceof SetAside))
				log.error(
					{ err: error, broker, topic: arrival.topic },
					"the conditions of a mirror failed on a packet because of a fault in the bridge; please report it",
				);
			return plain;
		}
	};
