import type { Arrival } from "../../src/mqtt/from-mqtt.ts";

/** Most messages that the broker sends without an acknowledgement. */
const window = 5;

/**
 * Models a broker's session: a message gets a packet identifier when it is first sent. After a break the broker first
 * repeats all unacknowledged messages in order with DUP set, be they read or not. [MQTT-4.4.0-1]
 */
export function modelSession(identifiers: number) {
	type Held = { n: number; packetId: number; text: string };
	const waiting: Omit<Held, "packetId">[] = [];
	let inFlight: Held[] = [];
	let last = 0;
	function identifier(): number {
		do last = (last % identifiers) + 1;
		while (inFlight.some(({ packetId }) => packetId === last));
		return last;
	}
	const arrival = ({ packetId, text }: Held, dup: boolean): Arrival => ({
		topic: "t",
		payload: Buffer.from(text),
		qos: 1,
		dup,
		retain: false,
		packetId,
		subscriptions: [],
	});
	return {
		publish: (n: number, text: string) => void waiting.push({ n, text }),
		/** Returns the packet that the broker sends next. */
		send(): Arrival[] {
			const sent: Arrival[] = [];
			while (inFlight.length < window) {
				const next = waiting.shift();
				if (!next) break;
				const held = { ...next, packetId: identifier() };
				inFlight.push(held);
				sent.push(arrival(held, false));
			}
			return sent;
		},
		again: () => inFlight.map((held) => arrival(held, true)),
		acknowledged(packetId: number): void {
			inFlight = inFlight.filter((held) => held.packetId !== packetId);
		},
		numberOf: (packetId: number) => inFlight.find((held) => held.packetId === packetId)?.n ?? -1,
		busy: () => waiting.length + inFlight.length > 0,
	};
}
