/** Types for the part of @xmpp/component 0.13 that we use; it ships none. */
declare module "@xmpp/component" {
	import type { EventEmitter } from "node:events";
	import type { Socket } from "node:net";

	/** An XML element of ltx: attributes and children are plain data. */
	export interface Element {
		name: string;
		parent: Element | null;
		attrs: Record<string, string>;
		children: (Element | string)[];
		is(name: string, xmlns?: string): boolean;
		/** The name without prefix. */
		getName(): string;
		getNS(): string | undefined;
		getChild(name: string, xmlns?: string): Element | undefined;
		getChildren(name: string, xmlns?: string): Element[];
		getChildElements(): Element[];
		/** Returns the text of this element without that of its children. */
		getText(): string;
		append(...nodes: (Element | string)[]): void;
		remove(child: Element | string, xmlns?: string): this;
		toString(): string;
	}

	export const xml: {
		Element: new (name: string, attrs?: Record<string, string>) => Element;
	};

	/** One connection; EventEmitter of status, connect, open, close, online, disconnect, error. */
	export interface Entity extends EventEmitter {
		readonly status: string;
		readonly socket: Socket | null;
		readonly reconnect: { stop(): void };
		/** The library's own timeout, in ms; 0 disables it. */
		timeout: number;
		Parser: new () => EventEmitter & { write(text: string): void };
		connect(service: string): Promise<void>;
		open(options: { domain: string }): Promise<unknown>;
		/** Resolves when the kernel took the text. */
		write(bytes: string | Uint8Array): Promise<void>;
	}

	export function component(options: { service: string; domain: string; password: string }): Entity;
}
