import { EventEmitter } from "node:events";
import { SaxesParser } from "saxes";
import { type Element, received } from "./xml.ts";

/** Callbacks for the stanzas of a stream. None of them may throw. */
export type Sinks = {
	/** Takes a complete stanza; the handshake is not one. */
	element(element: Element): void;
	/** Returns true to pass over a stanza without building it. */
	skip(from: string, to: string, name: string, type: string | undefined): boolean;
	/** Takes the start tag of a stanza that exceeds one of the bounds below. */
	truncated(head: Element): void;
};

/** Characters of one stanza: above every server's default limit. A larger stanza is not built. */
export const MAX_CHARACTERS = 1 << 20;
/** Levels of one stanza: deeper than any payload. Functions that walk a stanza recurse this deep. */
export const MAX_DEPTH = 64;
/**
 * Elements and texts of one stanza: each takes 300 bytes as a tree, `<a/>` four on the wire. The largest formatted message
 * and disco answer that clients and servers send have a few hundred.
 */
export const MAX_NODES = 5_000;
/** Attributes of one element: payloads have up to ten. */
export const MAX_ATTRIBUTES = 64;
/** Characters of one stanza after which the stream is closed, because the stanza may never end. */
const ENDLESS = 16 << 20;

/**
 * Parses a component stream. It replaces the parser of @xmpp/xml, which throws out of the socket handler on an unknown
 * entity, takes quadratic time for long texts, accepts malformed XML and has no bounds. Emits the events that
 * @xmpp/connection waits for: start, element (for the handshake only), end, error.
 */
export class StreamParser extends EventEmitter {
	readonly #sax = new SaxesParser({ xmlns: false, position: false });
	readonly #sinks: Sinks;
	#root: Element | undefined;
	/** The stanza that is being read; absent between stanzas, and while one is skipped. */
	#head: Element | undefined;
	#cursor: Element | undefined;
	#depth = 0;
	#nodes = 0;
	#begin = 0;
	#ended = false;

	constructor(sinks: Sinks) {
		super();
		this.#sinks = sinks;
		// RFC 6120 §11.1: a stream must not contain a document type, and so no entity definitions.
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
			// saxes throws its errors, because it has no error handler here.
			this.#sax.write(text);
			if (this.#size() > ENDLESS) throw new Error("policy-violation: endless stanza");
		} catch (error) {
			// Errors after the end of the stream do not matter.
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
		const tooMany = countsMoreThan(MAX_ATTRIBUTES, attrs);
		const { from, to, id, type } = attrs;
		const element = received(name, tooMany ? withValues({ from, to, id, type }) : attrs);
		if (depth === 0) {
			this.#root = element;
			this.emit("start", element);
		} else if (depth === 1) {
			this.#begin = this.#sax.position;
			if (this.#sinks.skip(attrs.from ?? "", attrs.to ?? "", name, attrs.type)) return;
			element.parent = this.#root!;
			this.#head = element;
			this.#nodes = 0;
			this.#cursor = tooMany ? undefined : element;
		} else if (tooMany || depth > MAX_DEPTH || ++this.#nodes > MAX_NODES || this.#size() > MAX_CHARACTERS) {
			this.#cursor = undefined;
		} else {
			this.#cursor!.append(element);
			this.#cursor = element;
		}
	}

	#text(text: string) {
		if (this.#depth < 2 || !this.#cursor) return;
		if (++this.#nodes > MAX_NODES || this.#size() > MAX_CHARACTERS) this.#cursor = undefined;
		else this.#cursor.append(text);
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

function countsMoreThan(most: number, attrs: Readonly<Record<string, string>>): boolean {
	let count = 0;
	for (const _ in attrs) if (++count > most) return true;
	return false;
}

/** Returns the attributes that have a value. */
const withValues = (attrs: Readonly<Record<string, string | undefined>>): Record<string, string> =>
	Object.fromEntries(Object.entries(attrs).filter((one): one is [string, string] => one[1] !== undefined));
