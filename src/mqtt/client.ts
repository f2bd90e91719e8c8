import {
	connect,
	type IClientOptions,
	type IConnackPacket,
	type IPublishPacket,
	type MqttClient,
} from "mqtt";
import type { Arrival } from "./from-mqtt.ts";
import { subscriptionId } from "./topics.ts";

export type BrokerOptions = Readonly<{
	/** mqtt:, mqtts:, ws: or wss:, without user and password. */
	url: string;
	username?: string;
	password?: string;
	/** Who vouches for the broker, as PEM text. */
	ca?: string;
	/** Names our session; the same at every start. */
	clientId: string;
	protocol: "5" | "3.1.1";
}>;

/** A no of the broker. `code` is MQTT 5's reason code, whatever version was spoken. */
export class Refusal extends Error {
	override readonly name = "Refusal";
	readonly code: number;
	constructor(code: number) {
		super(`the broker refused: reason code 0x${code.toString(16)}`);
		this.code = code;
	}
}

export type Welcome = Readonly<{
	sessionPresent: boolean;
	limits: NonNullable<IConnackPacket["properties"]>;
}>;

/** None of them may throw. */
export type Events = {
	up(welcome: Welcome): void;
	/** Answered by `acknowledge`, in order, when it is safe with us. */
	arrival(arrival: Arrival): void;
	/** Once and last: it never came about, or is over. A Refusal where the broker said why. */
	down(cause: Error): void;
};

export type Connection = Readonly<{
	/** @throws Refusal, or Error when the connection broke. */
	subscribe(filter: string): Promise<void>;
	unsubscribe(filter: string): Promise<void>;
	/** Resolves with the reason code of the acknowledgement: 0, or 0x10 for nobody listening. @throws as above. */
	publish(topic: string, payload: string): Promise<number>;
	acknowledge(packetId: number): void;
	/** Says goodbye; the broker keeps the session. `down` follows. */
	close(): void;
	/** Ends it at once; what was not acknowledged will come again. */
	drop(): void;
}>;

/** In ms: how long the broker may take to let us in, and be silent while we are. */
export const patience = { deadline: 10_000, keepalive: 30_000 };
/** How many messages may be on their way to us unacknowledged. */
const receiveMaximum = 100;
const maximumPacketSize = 1024 * 1024;
/** How long the broker keeps what we missed, in seconds. */
const sessionExpiryInterval = 7 * 24 * 3600;

/**
 * One connection from dialling to its end: the one place where mqtt.js is used and its faults are worked round. Its own
 * reconnecting is off: it has no back-off, gives up for ever after a refused CONNECT, can latch up while ending, and
 * keeps stale publishes. What lives longer than a connection lives in the broker's session and with our caller.
 */
export function dial(
	broker: BrokerOptions,
	events: Events,
	how: { fleeting?: true; patience?: typeof patience } = {},
): Connection {
	const { deadline, keepalive } = how.patience ?? patience;
	const five = broker.protocol === "5";
	const options: IClientOptions = {
		clientId: broker.clientId,
		...(broker.username !== undefined && { username: broker.username }),
		...(broker.password !== undefined && { password: broker.password }),
		...(broker.ca !== undefined && { ca: broker.ca }),
		protocolVersion: five ? 5 : 4,
		...(five && {
			properties: { ...(!how.fleeting && { sessionExpiryInterval }), receiveMaximum, maximumPacketSize },
		}),
		// A fleeting one ends with its connection; a session waits for us on the broker. [MQTT-3.1.2-4..6]
		clean: how.fleeting ?? false,
		keepalive: keepalive / 1000,
		connectTimeout: deadline,
		reconnectPeriod: 0,
		resubscribe: false,
		queueQoSZero: false,
		// What waits in the session arrives right behind the CONNACK, so handlers are there before we connect.
		manualConnect: true,
	};
	const client = connect(broker.url, options);
	const pending = new Set<(error: Error) => void>();
	/** What sends the PUBREC of each QoS 2 message that is not safe with us yet. */
	const receiving = new Map<number, () => void>();
	let over = false;
	let closing = false;

	const end = (cause: Error) => {
		if (over) return;
		over = true;
		clearTimeout(watchdog);
		// The library may destroy its stream a second time, and then says so.
		client.on("error", () => undefined);
		client.stream?.destroy();
		// It leaves its callbacks uncalled when it does not reconnect.
		for (const reject of pending) reject(cause);
		events.down(cause);
	};
	// The library has a timer of its own for the CONNACK, which is no use where it gets stuck itself: this one is ours.
	const watchdog = setTimeout(() => end(new Error("no answer")), deadline + 2000);

	client.handleMessage = (packet, done) => {
		if (!over && !closing && packet.qos !== 2) events.arrival(arrived(packet));
		refrain(packet, done);
	};
	/**
	 * We subscribe at QoS 1, but the session may hold what another program of our name subscribed to at QoS 2. PUBREC says
	 * that we own the message [MQTT-4.3.3-8], so it waits until we do, and the library handles nothing else meanwhile.
	 * Set here since as an option the library takes this for MQTT 5 only.
	 */
	client.options.customHandleAcks = (_topic, _payload, packet, done) => {
		if (packet.qos !== 2) return done(0);
		if (over || closing) return;
		receiving.set(packet.messageId as number, () => done(0));
		events.arrival(arrived(packet as IPublishPacket));
	};
	client.on("connect", (packet) => {
		clearTimeout(watchdog);
		events.up({ sessionPresent: packet.sessionPresent, limits: packet.properties ?? {} });
	});
	client.on("error", (error) => end(refusal(error)));
	client.on("close", () => end(new Error(closing ? "closed" : "the connection broke")));
	client.on("disconnect", ({ reasonCode = 0 }) => end(new Refusal(reasonCode)));
	// The library swallows this one code of a PUBACK.
	const unheard = new Set<number>();
	client.on("packetreceive", (packet) => {
		if (packet.cmd === "puback" && packet.reasonCode === nobodyListens && packet.messageId !== undefined)
			unheard.add(packet.messageId);
	});
	client.connect();

	/** One request of ours with its answer, or the end of the connection. */
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
		subscribe: (filter) =>
			ask<void>((settle) => {
				// QoS 1: with QoS 2 the library loses what arrived before a crash. rap is off, so that a set RETAIN means
				// [MQTT-3.3.1-8]: the value from before we subscribed; rh 1: and that only once. [MQTT-3.3.1-10]
				const options = five
					? {
							qos: 1 as const,
							nl: true,
							rap: false,
							rh: 1,
							properties: { subscriptionIdentifier: subscriptionId(filter) },
						}
					: { qos: 1 as const };
				client.subscribe(filter, options, (error, granted) => {
					// COMPAT MQTT 3.1.1 brokers and the library's own error give the code here only.
					const code = granted?.[0]?.qos as number | undefined;
					settle(code !== undefined && code >= 0x80 ? new Refusal(code) : error, undefined);
				});
			}),
		unsubscribe: (filter) =>
			ask<void>((settle) => {
				client.unsubscribe(filter, (error) => settle(error, undefined));
			}),
		publish: (topic, payload) =>
			ask<number>((settle) => {
				client.publish(topic, payload, { qos: 1 }, (error) =>
					settle(error, unheard.delete(id) ? nobodyListens : 0),
				);
				const id = client.getLastMessageId();
			}),
		acknowledge: (packetId) => {
			if (over) return;
			const received = receiving.get(packetId);
			if (!received) return acknowledge(client, packetId);
			receiving.delete(packetId);
			received();
		},
		close() {
			if (over) return;
			closing = true;
			client.end(false);
			setTimeout(() => end(new Error("closed")), 1000).unref();
		},
		drop: () => end(new Error("dropped")),
	};
}

const nobodyListens = 0x10;

/**
 * The library acknowledges when its handler is done and handles nothing else until then, which is one journal write a
 * message. Told of an error it goes on and leaves the acknowledgement to us; of that error nobody hears. What is QoS 2
 * comes here at its PUBREL, long safe.
 */
function refrain(packet: IPublishPacket, done: (error?: Error) => void): void {
	if (packet.qos !== 1) done();
	else done(new Error("acknowledged later"));
}

/** PUBACK by our own hand; `_sendPacket` is not public, so this is the one place that knows it. */
function acknowledge(client: MqttClient, messageId: number): void {
	const send = (client as unknown as { _sendPacket(packet: object): void })._sendPacket;
	send.call(client, { cmd: "puback", messageId, reasonCode: 0 });
}

function arrived({ topic, payload, qos, dup, retain, messageId, properties }: IPublishPacket): Arrival {
	const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
	const packetId = qos === 0 ? undefined : messageId;
	const subscriptions = [properties?.subscriptionIdentifier ?? []].flat();
	return { topic, payload: bytes, qos, dup, retain, packetId, subscriptions };
}

/** CONNACK return codes of MQTT 3.1.1 in the words of MQTT 5. [MQTT-3.2.2.3 of 3.1.1] */
const older: Readonly<Record<number, number>> = { 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87 };

/** The library puts reason codes into `code`, where the system puts its names. */
function refusal(error: Error & { code?: unknown }): Error {
	if (error instanceof Refusal || typeof error.code !== "number") return error;
	return new Refusal(older[error.code] ?? error.code);
}
