import type { State } from "../core/event.ts";
import type { MessageId, NetworkName, UserId } from "../core/ids.ts";
import type { Person } from "../core/person.ts";
import * as phrases from "./phrases.ts";
import { nameOf, roomOf } from "./topics.ts";

export const mqttName = "mqtt" as NetworkName;

/** What a broker handed us, whatever the library. */
export type Arrival = Readonly<{
	topic: string;
	payload: Uint8Array;
	qos: 0 | 1 | 2;
	/** Sent before, on an earlier connection. */
	dup: boolean;
	/** What the topic held when we subscribed: state, not news. */
	retain: boolean;
	/** For the acknowledgement; QoS 0 has none. */
	packetId: number | undefined;
	/** Of the subscriptions that matched; empty where the broker does not say. */
	subscriptions: readonly number[];
}>;

/** Longer texts are no value to read in a chat. */
const longest = 16_384;

/** A thing publishing to one topic. */
export const device = (broker: string, topic: string): Person => ({
	network: mqttName,
	id: roomOf(broker, topic) as string as UserId,
	address: [roomOf(broker, topic)],
	name: nameOf(topic),
	handles: [topic, roomOf(broker, topic)],
	domain: broker,
});

/** A PUBLISH as what it is: a thing's current value. `at` in ms since 1970; the protocol has no time of its own. */
export const fromMqtt = (
	{ topic, payload }: Arrival,
	in_: { broker: string; filter: string; id: MessageId; at: number },
): State => ({
	kind: "state",
	id: in_.id,
	room: roomOf(in_.broker, in_.filter),
	sender: device(in_.broker, topic),
	at: in_.at,
	key: topic,
	label: nameOf(topic),
	value: readable(payload),
});

/** [MQTT-3.3.1-6]: an empty payload clears what the topic held. */
function readable(payload: Uint8Array): string | null {
	if (payload.length === 0) return null;
	const text = decode(payload);
	if (text === undefined) return phrases.binaryValue(payload.length, hex(payload.subarray(0, 16)));
	const start = text.slice(0, longest).toWellFormed();
	return text.length > longest ? phrases.longValue(start, payload.length) : text;
}

/** The text, unless it is none: invalid UTF-8, or control characters that no text has. */
function decode(payload: Uint8Array): string | undefined {
	try {
		const text = new TextDecoder("utf-8", { fatal: true }).decode(payload);
		// biome-ignore lint/suspicious/noControlCharactersInRegex: they tell binary from text
		return /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? undefined : text;
	} catch {
		return undefined;
	}
}

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
