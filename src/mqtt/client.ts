import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import { bareType } from "../media/types.ts";
import { asUtf8 } from "./charset.ts";
import {
	type BrokerOptions,
	type Connection,
	type Events,
	type Extras,
	patience,
	Refusal,
	sessionExpiryInterval,
} from "./connection.ts";
import type { Arrival } from "./from-mqtt.ts";
import { offline, online, ownAnnouncement } from "./own-announcement.ts";
import { createSizeCheck } from "./packet-size.ts";
import * as phrases from "./phrases.ts";
import { subscriptionId } from "./topics.ts";

/** How the bridge publishes its own status. */
const retained = { qos: 1, retain: true } as const;

/** The error of mqtt.js for a SUBACK that refuses. */
type Suback = Error & { packet?: Readonly<{ granted?: readonly number[] }> };

/** The names of our user properties. */
const [operationProperty, passedProperty] = ["trivium-operation", "trivium-passed"];

/** Most QoS 1 and 2 messages that the broker sends before the first one is acknowledged. */
const receiveMaximum = 100;
/** Bytes of the largest payload that is read whole, without another bound in the config. */
const usualPacketSize = 8 * 1_048_576;
/** Time in ms within which a broker closes a connection that the bridge has ended, and its last values are taken. */
const ending = 3_000;
/** Bytes that are kept of a larger one. */
const headOfLarger = 16;

/**
 * Opens one connection and returns it. Only this file knows mqtt.js and works around its faults. The reconnecting of
 * mqtt.js is off: it has no backoff, gives up for ever after a refused CONNECT, can hang while ending, and keeps stale
 * publishes. The caller and the broker's session keep all state that outlives a connection. `fleeting`: the session ends
 * with the connection.
 */
export function dial(
	broker: BrokerOptions,
	events: Events,
	how: { fleeting?: true; patience?: typeof patience } = {},
): Connection {
	const { deadline, keepalive } = how.patience ?? patience;
	const five = broker.protocol === "5";
	const { maxPacketSize: largest = usualPacketSize } = broker;
	/**
	 * The maximum that the CONNECT announces. A broker drops a larger packet without a word [MQTT-3.1.2-25], so a payload up to
	 * this one is still read, and people are told of its size. MQTT 3.1.1 has no maximum, and a hostile broker ignores it: a
	 * larger packet ends the connection.
	 */
	const maximumPacketSize = 2 * largest;
	const status = how.fleeting ? undefined : broker.statusTopic;
	const announcement = how.fleeting ? undefined : ownAnnouncement(broker);
	const options: IClientOptions = {
		clientId: broker.clientId,
		...(broker.username !== undefined && { username: broker.username }),
		...(broker.password !== undefined && { password: broker.password }),
		...(broker.ca !== undefined && { ca: broker.ca }),
		...(broker.cert !== undefined && { cert: broker.cert }),
		...(broker.key !== undefined && { key: broker.key }),
		...(broker.serverName !== undefined && { servername: broker.serverName }),
		...(broker.alpn && { ALPNProtocols: [...broker.alpn] }),
		...(status !== undefined && { will: { ...retained, topic: status, payload: Buffer.from(offline) } }),
		protocolVersion: five ? 5 : 4,
		...(five && {
			properties: { ...(!how.fleeting && { sessionExpiryInterval }), receiveMaximum, maximumPacketSize },
		}),
		// A fleeting session ends with its connection; any other is resumed. [MQTT-3.1.2-4..6]
		clean: how.fleeting ?? false,
		keepalive: keepalive / 1000,
		connectTimeout: deadline,
		reconnectPeriod: 0,
		resubscribe: false,
		queueQoSZero: false,
		// Waiting messages of the session follow the CONNACK at once, so the handlers are set before connecting.
		manualConnect: true,
	};
	const client = connect(broker.url, options);
	const pending = new Set<(error: Error) => void>();
	/** By packet id, a function that sends the PUBREC of a QoS 2 message that is not on disk yet. */
	const receiving = new Map<number, () => void>();
	let over = false;
	let closing = false;

	const end = (cause: Error) => {
		if (over) return;
		over = true;
		clearTimeout(watchdog);
		// The library may destroy its stream a second time, which emits an error.
		client.on("error", () => undefined);
		client.stream?.destroy();
		// Without reconnecting, the library never calls the callbacks of open requests.
		for (const reject of pending) reject(cause);
		events.down(cause);
	};
	// The library's own timer for the CONNACK does not fire when the library hangs, so this one backs it up.
	const watchdog = setTimeout(() => end(new Error("no answer")), deadline + 2000);

	/** Resolves when the message that came last has been handled. */
	let handled = Promise.resolve();
	client.handleMessage = (packet, done) => {
		if (over || packet.qos === 2) return refrain(packet, done);
		handled = events.arrival(arrived(packet, largest));
		void handled.then(() => refrain(packet, done));
	};
	/** Resolves when all messages that the connection has read are handled: the library goes on with them after its end. */
	async function allHandled(): Promise<void> {
		for (let last: unknown; last !== handled; ) {
			last = handled;
			await handled;
			await new Promise((resolve) => setImmediate(resolve));
		}
	}
	/**
	 * The bridge subscribes at QoS 1, but another program with our client_id may have subscribed at QoS 2 in this session.
	 * PUBREC takes ownership of the message [MQTT-4.3.3-8], so it waits until the message is on disk; the library handles
	 * nothing else meanwhile. The handler is set here because the library accepts it as an option for MQTT 5 only.
	 */
	client.options.customHandleAcks = (_topic, _payload, packet, done) => {
		if (packet.qos !== 2) return done(0);
		if (over || closing) return;
		receiving.set(packet.messageId as number, () => done(0));
		void events.arrival(arrived(packet as IPublishPacket, largest));
	};
	client.on("connect", (packet) => {
		clearTimeout(watchdog);
		if (status !== undefined) client.publish(status, online, retained);
		if (announcement) client.publish(announcement.topic, announcement.payload, retained);
		events.up({ sessionPresent: packet.sessionPresent, limits: packet.properties ?? {} });
	});
	client.on("error", (error) => end(refusal(error)));
	client.on("close", () => {
		void allHandled().then(() => end(new Error(closing ? "closed" : "the connection broke")));
	});
	client.on("disconnect", ({ reasonCode = 0 }) => end(new Refusal(reasonCode)));
	/** Packet ids of PUBACKs with reason code 0x10, which the library reports as 0. */
	const unmatched = new Set<number>();
	client.on("packetreceive", (packet) => {
		if (packet.cmd === "puback" && packet.reasonCode === nobodyListens && packet.messageId !== undefined)
			unmatched.add(packet.messageId);
	});
	client.connect();
	const excessOf = createSizeCheck(maximumPacketSize);
	client.stream?.on("data", (chunk: Buffer) => {
		const excess = excessOf(chunk);
		if (excess !== undefined) end(new Error(phrases.packetTooLarge(excess, largest)));
	});

	/** Sends a request; resolves with its answer and rejects when the connection ends. */
	const ask = <T>(request: (settle: (error: unknown, answer: T) => void) => void): Promise<T> =>
		new Promise((resolve, reject) => {
			if (over || !client.connected) return reject(new Error("not connected"));
			pending.add(reject);
			request((error, answer) => {
				pending.delete(reject);
				if (error) reject(refusal(error as Error));
				else resolve(answer);
			});
		});

	return {
		subscribe: (filter, standing = false) =>
			ask<void>((settle) => {
				// QoS 1: at QoS 2 the library loses messages in a crash. With rap off, a set RETAIN marks the value from
				// before the subscription [MQTT-3.3.1-8]; with rh 1 the broker sends that only once [MQTT-3.3.1-10].
				const options = five
					? {
							qos: 1 as const,
							nl: true,
							rap: false,
							rh: standing ? 0 : 1,
							properties: { subscriptionIdentifier: subscriptionId(filter) },
						}
					: { qos: 1 as const };
				client.subscribe(filter, options, (error) => {
					// The library's error for a refusal has no code, but the SUBACK, whose reason codes MQTT 3.1.1 has as well.
					const code = (error as Suback | null)?.packet?.granted?.[0];
					settle(code !== undefined && code >= 0x80 ? new Refusal(code) : error, undefined);
				});
			}),
		unsubscribe: (filter) =>
			ask<void>((settle) => {
				client.unsubscribe(filter, (error) => settle(error, undefined));
			}),
		publish: (topic, payload, extras = {}) =>
			ask<number>((settle) => {
				const { qos = 1, retain = false } = extras;
				client.publish(topic, payload, { qos, retain, ...(five && propertiesOf(extras)) }, (error) =>
					settle(error, qos === 1 && unmatched.delete(id) ? nobodyListens : 0),
				);
				const id = client.getLastMessageId();
			}),
		acknowledge: (packetId) => {
			// [MQTT-3.14.4-1]: nothing follows the DISCONNECT. The broker sends the message again.
			if (over || closing) return;
			const received = receiving.get(packetId);
			if (!received) return acknowledge(client, packetId);
			receiving.delete(packetId);
			received();
		},
		close() {
			if (over) return;
			closing = true;
			// A connection that ends in order leaves no will. [MQTT-3.14.4-3]
			if (status !== undefined && client.connected) client.publish(status, offline, retained);
			client.end(false);
			setTimeout(() => end(new Error("closed")), ending).unref();
		},
		drop: () => end(new Error("dropped")),
	};
}

const nobodyListens = 0x10;

/**
 * Ends the library's handling of a message without an acknowledgement. The library acknowledges when its handler is done
 * and handles nothing else until then, which would cost one journal write per message. After an error it goes on without
 * a PUBACK and reports that error nowhere. A QoS 2 message comes here at its PUBREL, when it is on disk.
 */
function refrain(packet: IPublishPacket, done: (error?: Error) => void): void {
	if (packet.qos !== 1) done();
	else done(new Error("acknowledged later"));
}

/** Sends a PUBACK. Only this function knows `_sendPacket`, which is not public. */
function acknowledge(client: MqttClient, messageId: number): void {
	const send = (client as unknown as { _sendPacket(packet: object): void })._sendPacket;
	send.call(client, { cmd: "puback", messageId, reasonCode: 0 });
}

/**
 * Returns the properties of a publication; none where they would say nothing: of an empty set of user properties the
 * library writes a packet that the broker waits for the end of.
 */
function propertiesOf({ operation, correlation, expires, passed = [] }: Extras) {
	const userProperties = {
		...(operation !== undefined && { [operationProperty]: operation }),
		...(passed.length > 0 && { [passedProperty]: [...passed] }),
	};
	const properties = {
		...(Object.keys(userProperties).length > 0 && { userProperties }),
		...(correlation && { correlationData: Buffer.from(correlation) }),
		...(expires !== undefined && { messageExpiryInterval: expires }),
	};
	return Object.keys(properties).length > 0 ? { properties } : {};
}

function arrived(
	{ topic, payload, qos, dup, retain, messageId, properties }: IPublishPacket,
	largest: number,
): Arrival {
	const whole = typeof payload === "string" ? Buffer.from(payload) : payload;
	const tooLarge = whole.length > largest;
	const contentType = properties?.contentType?.slice(0, longestProperty);
	const bytes = tooLarge ? whole.subarray(0, headOfLarger) : asUtf8(whole, contentType);
	const packetId = qos === 0 ? undefined : messageId;
	const subscriptions = [properties?.subscriptionIdentifier ?? []].flat();
	const { messageExpiryInterval, responseTopic, correlationData, userProperties } = properties ?? {};
	const mime = bareType(contentType);
	const passed = [userProperties?.[passedProperty] ?? []].flat();
	return {
		...{ topic, payload: bytes, qos, dup, retain, packetId, subscriptions },
		...(tooLarge && { tooLarge: { bytes: whole.length, largest } }),
		...(messageExpiryInterval !== undefined && { expires: Date.now() + messageExpiryInterval * 1_000 }),
		...(responseTopic !== undefined && {
			response: {
				topic: responseTopic,
				...(correlationData && { correlation: new Uint8Array(correlationData) }),
			},
		}),
		...(mime !== undefined && { mime }),
		...(userProperties && { properties: propertiesIn(userProperties) }),
		...(passed.length > 0 && { passed }),
	};
}

/** Most user properties of a publication that are read, and characters of one. */
const [mostProperties, longestProperty] = [20, 256];

const propertiesIn = (all: NonNullable<NonNullable<IPublishPacket["properties"]>["userProperties"]>) =>
	Object.fromEntries(
		Object.entries(all)
			.slice(0, mostProperties)
			.map(([name, value]) => [name, ([value].flat().at(-1) ?? "").slice(0, longestProperty).toWellFormed()]),
	);

/** Maps CONNACK return codes of MQTT 3.1.1 to reason codes of MQTT 5. [MQTT-3.2.2.3 of 3.1.1] */
const older: Readonly<Record<number, number>> = { 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87 };

/** Returns a Refusal for an error with a reason code, any other error unchanged; a system error's `code` is a name. */
function refusal(error: Error & { code?: unknown }): Error {
	if (error instanceof Refusal || typeof error.code !== "number") return error;
	return new Refusal(older[error.code] ?? error.code);
}
