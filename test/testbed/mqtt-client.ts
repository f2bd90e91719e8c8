import {
	type MqttClient as Connection,
	connectAsync,
	type IClientOptions,
	type IClientPublishOptions,
	type IPublishPacket,
} from "mqtt";
import { Inbox } from "./inbox.ts";
import type { MqttAccount } from "./index.ts";

export type SeenMessage = {
	topic: string;
	payload: string;
	qos: number;
	retain: boolean;
	/** MQTT 5 user properties. */
	properties: Record<string, string | string[]>;
};

/** A client of a thing or a person on a real broker. */
export class MqttClient {
	readonly inbox: Inbox<SeenMessage>;
	readonly #connection: Connection;

	constructor(name: string, connection: Connection) {
		this.#connection = connection;
		this.inbox = new Inbox(name, (message) => JSON.stringify(message));
		connection.on("error", () => {}); // a test notices it by the missing messages
		connection.on("message", (topic, payload, { qos, retain, properties }) => {
			const user = { ...properties?.userProperties };
			this.inbox.push({ topic, payload: payload.toString(), qos, retain, properties: user });
		});
	}

	/** Connects to the broker. The client does not reconnect by itself. */
	static async connect(
		{ url, username, password }: MqttAccount,
		options: IClientOptions = {},
	): Promise<MqttClient> {
		const own = { protocolVersion: 5, reconnectPeriod: 0, connectTimeout: 10_000 } as const;
		const connection = await connectAsync(url, { ...own, username, password, ...options }, false);
		return new MqttClient(`${username} on ${url}`, connection);
	}

	/** Subscribes. Resolves when the broker has acknowledged the subscription. */
	async subscribe(filter: string, qos: 0 | 1 | 2 = 1): Promise<void> {
		await this.#connection.subscribeAsync(filter, { qos });
	}

	/** Calls `see` with each message and its MQTT 5 properties. */
	onPacket(see: (packet: IPublishPacket) => void): void {
		this.#connection.on("message", (_topic, _payload, packet) => see(packet));
	}

	/** Publishes at QoS 1 unless `options` say otherwise. Resolves when the broker has acknowledged the message. */
	async publish(topic: string, payload: string | Buffer, options: IClientPublishOptions = {}): Promise<void> {
		await this.#connection.publishAsync(topic, payload, { qos: 1, ...options });
	}

	waitFor(what: string, fits: (message: SeenMessage) => boolean, ms?: number): Promise<SeenMessage> {
		return this.inbox.waitFor(what, fits, ms);
	}

	/** Resolves with the first message on this topic, with exactly this payload if one is given. */
	waitForMessage(topic: string, payload?: string, ms?: number): Promise<SeenMessage> {
		const what = payload === undefined ? `a message on ${topic}` : `"${payload}" on ${topic}`;
		return this.waitFor(what, (m) => m.topic === topic && (payload ?? m.payload) === m.payload, ms);
	}

	async close(): Promise<void> {
		await this.#connection.endAsync(true);
	}
}
