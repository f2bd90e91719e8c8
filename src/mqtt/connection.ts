import type { Arrival } from "./from-mqtt.ts";

export type BrokerOptions = Readonly<{
	/** mqtt:, mqtts:, ws: or wss:, without user and password. */
	url: string;
	username?: string;
	password?: string;
	/** The certificate authority that signed the broker's certificate, as PEM text. */
	ca?: string;
	/** The certificate and the key by which the broker knows us, as PEM text; both or none. */
	cert?: string;
	key?: string;
	/** The name that the broker's certificate has to have, which TLS tells the broker; absent: the host of the URL. */
	serverName?: string;
	/** The protocols that TLS offers (ALPN). */
	alpn?: readonly string[];
	/** The topic that says whether the bridge is online: a retained value, and the will of the connection. */
	statusTopic?: string;
	/** The first level of the topics by which devices announce themselves (Home Assistant); absent: none are read. */
	discovery?: string;
	/** Bytes of the largest payload that is shown. Absent: 8 MiB. */
	maxPacketSize?: number;
	/** The client identifier of the session, the same at every start. */
	clientId: string;
	protocol: "5" | "3.1.1";
}>;

/** A refusal by the broker. `code` is the reason code of MQTT 5, also on MQTT 3.1.1. */
export class Refusal extends Error {
	override readonly name = "Refusal";
	readonly code: number;
	constructor(code: number) {
		super(`the broker refused: reason code 0x${code.toString(16)}`);
		this.code = code;
	}
}

/** The properties of a publication besides its topic and payload; MQTT 3.1.1 has retain and qos alone. */
export type Extras = Readonly<{
	/** The id of the delivery: the same at every attempt. */
	operation?: string;
	correlation?: Uint8Array;
	retain?: boolean;
	/** Absent: 1. */
	qos?: 0 | 1;
	/** Seconds after which the broker drops the value. */
	expires?: number;
	/** The marks of the rooms that the event has passed, as the guard against loops. */
	passed?: readonly string[];
}>;

export type Welcome = Readonly<{
	sessionPresent: boolean;
	/** The limits of the broker's CONNACK, as far as it names them. // MQTT 5 §3.2.2.3 */
	limits: Readonly<{
		/** Seconds. */
		sessionExpiryInterval?: number;
		receiveMaximum?: number;
		maximumQoS?: number;
		retainAvailable?: boolean;
		/** Bytes. */
		maximumPacketSize?: number;
		wildcardSubscriptionAvailable?: boolean;
	}>;
}>;

/** Callbacks of a connection. They must not throw. */
export type Events = {
	up(welcome: Welcome): void;
	/**
	 * A message came in. The caller calls `acknowledge` once it is on disk, in the order of arrival. The connection reads
	 * nothing more until the returned promise resolves; it must not reject.
	 */
	arrival(arrival: Arrival): Promise<void>;
	/** Called once, as the last callback: the connection failed or ended. `cause` is a Refusal if the broker gave a reason. */
	down(cause: Error): void;
};

export type Connection = Readonly<{
	/**
	 * `standing`: the broker sends the retained values although the subscription exists. @throws Refusal, or Error when the
	 * connection broke.
	 */
	subscribe(filter: string, standing?: boolean): Promise<void>;
	unsubscribe(filter: string): Promise<void>;
	/** Resolves with the reason code of the PUBACK: 0, or 0x10 when the topic has no subscriber; with 0 at QoS 0. @throws as above. */
	publish(topic: string, payload: string, extras?: Extras): Promise<number>;
	acknowledge(packetId: number): void;
	/**
	 * Disconnects cleanly; the broker keeps the session. Messages that it has sent before it reads that still arrive, and are
	 * acknowledged no more. `down` follows.
	 */
	close(): void;
	/** Ends the connection at once; the broker sends unacknowledged messages again. */
	drop(): void;
}>;

/** Timeouts in ms: until the CONNACK, and the keep-alive interval. */
export const patience = { deadline: 10_000, keepalive: 30_000 };
/** Seconds for which the broker keeps the session and its messages while the bridge is away. */
export const sessionExpiryInterval = 7 * 24 * 3600;
