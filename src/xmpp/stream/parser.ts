import { EventEmitter } from "node:events";
import { SaxesParser } from "saxes";
import { type Element, received } from "./xml.ts";

/** What becomes of what the server sends. None of them may throw. */
export type Sinks = {
	/** A complete child of the stream other than the handshake. */
	element(element: Element): void;
	/** True to leave a stanza unbuilt. */
	skip(from: string, to: string, name: string, type: string | undefined): boolean;
	/** A stanza that was too large or too deep, without its content. */
	truncated(head: Element): void;
};

/** More than any server lets a stanza be by default; one that is larger is not built. */
export const MAX_CHARACTERS = 1 << 20;
/** Deeper than any payload is; the functions that walk a stanza call themselves this often. */
export const MAX_DEPTH = 64;
/** A stanza that never ends is no stanza: the stream is given up. */
const ENDLESS = 16 << 20;

/**
 * The parser of a component stream, in place of the one in @xmpp/xml, which throws out of the socket handler on a bad
 * entity, is quadratic in the length of a text, takes what is not well-formed, and knows no bounds. Emits what
 * @xmpp/connection waits for: start, element (of the handshake alone), end, error.
 */
export class StreamParser extends EventEmitter {
	readonly #sax = new SaxesParser({ xmlns: false, position: false });
	readonly #sinks: Sinks;
	#root: Element | undefined;
	/** The stanza being read; absent between stanzas, and while one is passed over. */
	#head: Element | undefined;
	#cursor: Element | undefined;
	#depth = 0;
	#begin = 0;
	#ended = false;

	constructor(sinks: Sinks) {
		super();
		this.#sinks = sinks;
		// RFC 6120 §11.1: no document types on a stream, and with them no entities.
		this.#sax.on("doctype", () => {
			throw new Error("restricted-xml: document type");
		});
		this.#sax.on("opentag", (tag) => this.#open(tag.name, tag.attributes));
		this.#sax.on("closetag", () => this.#close());
		this.#sax.on("text", (text) => this.#text(text));
		this.#sax.on("cdata", (text) => this.#text(text));
	}

	write(text: string): void {
		if (this.#ended) return;
		try {
			// Without a handler for errors saxes throws them.
			this.#sax.write(text);
			if (this.#size() > ENDLESS) throw new Error("policy-violation: endless stanza");
		} catch (error) {
			// What follows the end of the stream is nobody's concern.
			if (this.#ended) return;
			this.#ended = true;
			this.emit("error", error);
		}
	}

	#size() {
		return this.#sax.position - this.#begin;
	}

	#open(name: string, attrs: Record<string, string>) {
		const depth = this.#depth++;
		if (depth > 1 && !this.#cursor) return;
		const element = received(name, attrs);
		if (depth === 0) {
			this.#root = element;
			this.emit("start", element);
		} else if (depth === 1) {
			this.#begin = this.#sax.position;
			if (this.#sinks.skip(attrs.from ?? "", attrs.to ?? "", name, attrs.type)) return;
			element.parent = this.#root!;
			this.#head = element;
			this.#cursor = element;
		} else if (depth > MAX_DEPTH || this.#size() > MAX_CHARACTERS) {
			this.#cursor = undefined;
		} else {
			this.#cursor!.append(element);
			this.#cursor = element;
		}
	}

	#text(text: string) {
		if (this.#size() > MAX_CHARACTERS) this.#cursor = undefined;
		if (this.#depth > 1) this.#cursor?.append(text);
	}

	#close() {
		const depth = --this.#depth;
		if (depth === 1) this.#begin = this.#sax.position;
		if (depth === 0) {
			this.#ended = true;
			this.emit("end", this.#root);
		} else if (depth > 1) {
			if (this.#cursor) this.#cursor = this.#cursor.parent!;
		} else if (this.#head) {
			const head = this.#head;
			const whole = this.#cursor === head;
			this.#head = undefined;
			this.#cursor = undefined;
			if (!whole) {
				head.children = [];
				this.#sinks.truncated(head);
			} else if (head.name === "handshake") this.emit("element", head);
			else this.#sinks.element(head);
		}
	}
}
