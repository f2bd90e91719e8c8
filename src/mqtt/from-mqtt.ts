import type { State } from "../core/event.ts";
import type { MessageId, NetworkName, RoomId, UserId } from "../core/ids.ts";
import { marksIn } from "../core/passed-rooms.ts";
import type { Person } from "../core/person.ts";
import type { Thing } from "./devices.ts";
import { passedIn } from "./feed.ts";
import * as phrases from "./phrases.ts";
import type { CompiledShape } from "./shape.ts";
import { compareFilters, matches, nameOf, roomOf, subscriptionId } from "./topics.ts";

export const mqttName = "mqtt" as NetworkName;

/** The topic to which the answer to a message goes, and the data that it has to bring back. // MQTT 5 §4.10 */
export type Response = Readonly<{ topic: string; correlation?: Uint8Array }>;

/** A PUBLISH packet, independent of the library. */
export type Arrival = Readonly<{
	topic: string;
	payload: Uint8Array;
	qos: 0 | 1 | 2;
	/** The payload is the beginning of one that is larger than the bridge shows. */
	tooLarge?: Readonly<{ bytes: number; largest: number }>;
	/** The DUP flag: the broker may have sent it before, on an earlier connection. */
	dup: boolean;
	/** The RETAIN flag: the topic's value from before the subscription. */
	retain: boolean;
	/** The packet identifier for the acknowledgement; QoS 0 has none. */
	packetId: number | undefined;
	/** The identifiers of the subscriptions that matched; empty for a broker that does not support them. */
	subscriptions: readonly number[];
	/** The time until which the message is of use, in ms since 1970. // MQTT 5 §3.3.2.3.3 */
	expires?: number;
	response?: Response;
	/** The media type that the thing gives the payload, without parameters. // MQTT 5 §3.3.2.3.9 */
	mime?: string;
	/** The user properties, the last of each name. // MQTT 5 §3.3.2.3.7 */
	properties?: Readonly<Record<string, string>>;
	/** The marks of the rooms that a message of another bridge has passed. */
	passed?: readonly string[];
}>;

/** The session's own subscriptions at the arrival of a message. */
export type Placed = Readonly<{ subscribed: readonly string[] }>;

/**
 * Returns the filters that a message was sent for, each with the more specific filters that match it, too. When
 * several match, a broker sends one message for all or one for each, told apart by the subscription identifiers.
 * [MQTT-3.3.4-2..5] COMPAT Brokers without identifiers: each of `wanted` that matches. A filter that the broker refused is
 * in `wanted` and not in `subscribed`; it brings nothing.
 */
export function placesOf(
	{ topic, subscriptions, subscribed }: Arrival & Placed,
	wanted: readonly string[],
): readonly Readonly<{ filter: string; preferred: readonly string[] }>[] {
	const known = wanted.filter((filter) => matches(filter, topic));
	const sent =
		subscriptions.length === 0
			? known
			: known.filter((filter) => subscriptions.includes(subscriptionId(filter)));
	const bringing = known.filter((filter) => sent.includes(filter) || subscribed.includes(filter));
	return sent.map((filter) => ({
		filter,
		preferred: bringing.filter((other) => compareFilters(other, filter) < 0),
	}));
}

/**
 * Returns the subscriptions of a message that stands for an earlier one as well: a broker that sends one message for each
 * subscription may have sent them for different ones. [MQTT-3.3.4-5]
 */
export function subscriptionsOfBoth(earlier: readonly number[], later: readonly number[]): readonly number[] {
	if (earlier.length === 0 || later.length === 0) return [];
	const others = earlier.filter((one) => !later.includes(one));
	return others.length === 0 ? later : [...later, ...others];
}

/** Most characters of a value that are shown in a room. */
const longest = 16_384;

/** Returns the person of a topic: the device that publishes to it. */
export const device = (broker: string, topic: string): Person => ({
	network: mqttName,
	id: roomOf(broker, topic) as string as UserId,
	address: [roomOf(broker, topic)],
	name: nameOf(topic),
	handles: [topic, roomOf(broker, topic)],
	domain: broker,
});

/**
 * Returns the state event of a PUBLISH. `at` is the time of arrival in ms since 1970: MQTT has no timestamp. `room` is the
 * mirror that shows it, `shape` how, and `thing` what is known of the topic's device.
 */
export function fromMqtt(
	arrival: Arrival & Pick<State, "digest">,
	in_: { broker: string; room: RoomId; id: MessageId; at: number; shape?: CompiledShape; thing?: Thing },
): Readonly<{ event: State; compared: string | null; bytes?: Uint8Array; mime?: string }> {
	const { topic, payload, digest, expires, passed: given } = arrival;
	const name = in_.thing?.name ?? nameOf(topic);
	const { line, compared, name: called = name, device: key, bytes, mime } = shapeOf(arrival, name, in_);
	const sender =
		key === undefined
			? { ...device(in_.broker, topic), name: called }
			: {
					...device(in_.broker, key),
					handles: [topic, roomOf(in_.broker, key)],
					name: in_.thing?.name ?? nameOf(key),
				};
	const passed = marksIn(given ?? passedIn(payload));
	const event: State = {
		kind: "state",
		id: in_.id,
		room: in_.room,
		sender,
		at: in_.at,
		key: topic,
		label: called,
		value: line,
		...(digest && { digest }),
		...(expires !== undefined && { until: expires }),
		...(passed.length > 0 && { passed }),
	};
	return { event, compared, ...(bytes && { bytes }), ...(mime !== undefined && { mime }) };
}

/** Returns a payload as text, null for an empty one, which clears a retained value. [MQTT-3.3.1-6] */
function shapeOf(
	{ payload, topic, tooLarge, mime, properties }: Arrival,
	name: string,
	{ shape, thing }: Readonly<{ shape?: CompiledShape; thing?: Thing }>,
): Readonly<{
	line: string | null;
	compared: string | null;
	bytes?: Uint8Array;
	mime?: string;
	name?: string;
	device?: string;
}> {
	/** A value without a text has the name and the device of its topic all the same. */
	const around = () => {
		const { name: called, device: key } = shape?.("", topic, name, properties) ?? {};
		return { ...(called && { name: called }), ...(key && { device: key }) };
	};
	if (payload.length === 0) return { ...around(), line: null, compared: null };
	if (tooLarge) {
		const line = phrases.tooLargeValue(tooLarge.bytes, tooLarge.largest);
		return { ...around(), line, compared: line };
	}
	const text = isFile(mime) && !shape?.isImage ? undefined : decode(payload, isWritten(mime));
	if (text === undefined) {
		const line = mime
			? phrases.fileValue(mime, payload.length)
			: phrases.binaryValue(payload.length, hex(payload.subarray(0, 16)));
		return { ...around(), line, compared: line, bytes: payload, ...(mime !== undefined && { mime }) };
	}
	const own = shape?.(text, topic, name, properties);
	const read = shape?.takesValue ? undefined : thing?.read(text);
	const shaped = { ...(own ?? { line: text, compared: text }), ...read };
	const bytes = shape?.isImage ? encoded(shaped.compared) : undefined;
	if (bytes) return { ...shaped, line: phrases.binaryValue(bytes.length, hex(bytes.subarray(0, 16))), bytes };
	const { line } = shaped;
	const start = line.slice(0, longest).toWellFormed();
	return line.length > longest ? { ...shaped, line: phrases.longValue(start, payload.length) } : shaped;
}

/** Returns whether a payload of this type is a file, also where its bytes could be read as text. */
const isFile = (mime = "") => /^(?:image|audio|video)\//.test(mime);
/** Returns whether a payload of this type is text, also where it has control characters. */
const isWritten = (mime = "") => /^text\/|^application\/json$|\+json$/.test(mime);

// biome-ignore lint/suspicious/noControlCharactersInRegex: they tell binary from text
const control = /[\0-\x08\x0e-\x1a\x1c-\x1f]/g;

/**
 * Returns the payload as text; undefined for invalid UTF-8, and for control characters that no text has. `written`: it is text,
 * so these become replacement characters.
 */
function decode(payload: Uint8Array, written: boolean): string | undefined {
	try {
		const text = new TextDecoder("utf-8", { fatal: true }).decode(payload);
		const readable = text.replace(control, "\ufffd");
		return written || readable === text ? readable : undefined;
	} catch {
		return undefined;
	}
}

/** Returns the bytes that a text encodes in base64, also as the URL of its data; undefined for any other text. */
function encoded(text: string): Uint8Array | undefined {
	const base64 = text.replace(/^data:[a-z0-9.+/-]{1,100};base64,/i, "").replace(/\s/g, "");
	return base64.length >= 16 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(base64)
		? Buffer.from(base64, "base64")
		: undefined;
}

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
