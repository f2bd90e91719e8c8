/** The part of @xmpp/client 0.14 that tests use; it ships no types. */
declare module "@xmpp/client" {
	import type { EventEmitter } from "node:events";
	import type { Element } from "@xmpp/component";

	export type { Element };

	type Attributes = Record<string, string | undefined>;
	export function xml(
		name: string,
		attrs?: Attributes,
		...children: (Element | string | undefined)[]
	): Element;

	export interface Client extends EventEmitter {
		/** The timeout of one step of the login, in ms. */
		timeout: number;
		readonly status: string;
		/** Null once the stream is closed. */
		readonly parser: object | null;
		_onData(data: Buffer): void;
		readonly reconnect: { stop(): void };
		readonly iqCaller: {
			/** The answers that are awaited, by the id of their IQ. */
			readonly handlers: ReadonlyMap<string, { promise: Promise<Element> }>;
			request(iq: Element, timeout?: number): Promise<Element>;
		};
		/** Connects and binds. Resolves with the full JID. */
		start(): Promise<{ toString(): string }>;
		stop(): Promise<unknown>;
		send(stanza: Element): Promise<void>;
		write(text: string): Promise<void>;
	}

	export function client(options: {
		service: string;
		domain: string;
		username: string;
		password: string;
		resource?: string;
	}): Client;
}
