import { randomUUID } from "node:crypto";
import { component } from "@xmpp/component";
import { StreamParser } from "./parser.ts";
import { type Element, serialize, xml } from "./xml.ts";

/** Why a connection ended, with the condition of the server's stream error if there was one. */
export type Cause = Readonly<{ condition?: string; text: string }>;

export type Connection = Readonly<{
	/** Resolves when the kernel took the text. */
	write(bytes: string | Buffer): Promise<void>;
	/** Resolves when the connection has ended or could not be opened. Never rejects. */
	ended: Promise<Cause>;
	/**
	 * Closes the stream in order: writes the closing tag and nothing after it, and reads on to the server's own closing tag.
	 * Then `ended` resolves, or when the server has sent nothing for 2 s.
	 */
	close(): void;
}>;

export type ConnectionOptions = Readonly<{
	component: string;
	service: string;
	secret: string;
	/** How long each step of the negotiation may take, in ms. */
	deadline: number;
	/** The interval of keepalive pings, in ms. */
	idle: number;
}>;

/** Callbacks of a connection. None of them may throw. */
export type Events = {
	online(): void;
	stanza(stanza: Element): void;
	truncated(head: Element): void;
	skip(from: string, to: string, name: string, type: string | undefined): boolean;
	/** Resolves when all stanzas so far have been processed. At most {@link READ_AHEAD} is read ahead of that. */
	taken?(): Promise<void>;
};

/** Characters that are read before waiting for their processing: bounds the memory that a flood of stanzas takes. */
const READ_AHEAD = 4 << 20;
/**
 * In ms. ejabberd loses each stanza that it routes to a component while it processes its closing tag. So the tag is written
 * in a lull of the stream, for which a close waits no longer than `lullWithin`.
 */
const [lull, lullWithin] = [5, 250];
/** How long a close waits for the next byte of the server before its closing tag, in ms. */
const closingDeadline = 2_000;
const STREAM = "http://etherx.jabber.org/streams";

/**
 * Opens one connection and follows it to its end. Only this file uses @xmpp/component, and works around its faults. The
 * library provides socket, stream header and handshake. Three of its parts are switched off: reconnecting (has a fixed
 * delay, can hang for ever, connects on its own), middleware (throws on malformed JIDs), and its parser (throws out of
 * the socket handler).
 */
export function dial(options: ConnectionOptions, events: Events): Connection {
	const { component: domain, service, deadline, idle } = options;
	// The library hashes the low byte of each UTF-16 unit; XEP-0114 §3 wants the UTF-8 bytes of the secret.
	const password = Buffer.from(options.secret).toString("latin1");
	const entity = component({ service, domain, password });
	entity.reconnect.stop();
	entity.removeAllListeners("element");
	entity.timeout = 0;

	const { promise: ended, resolve } = Promise.withResolvers<Cause>();
	let online = false;
	let over = false;
	let closing = false;
	let quiet = 0;
	let ahead = 0;
	let ping: string | undefined;
	let watch: NodeJS.Timeout | undefined;
	const early: Element[] = [];

	const end = (cause: Cause) => {
		if (over) return;
		over = true;
		clearTimeout(timer);
		clearInterval(watch);
		entity.socket?.destroy();
		resolve(cause);
	};
	const timer = setTimeout(() => end({ text: `no answer (${entity.status})` }), deadline);

	const element = (el: Element) => {
		if (over) return;
		if (el.is("error", STREAM)) end(streamError(el));
		else if (ping !== undefined && el.attrs.id === ping) ping = undefined;
		// The library emits "online" only after it has read the whole chunk that contains the handshake.
		else if (!online) early.push(el);
		else events.stanza(el);
	};
	entity.Parser = class extends StreamParser {
		constructor() {
			super({ element, truncated: events.truncated, skip: events.skip });
		}
	};

	/**
	 * Sends a ping (XEP-0199) to our own domain, which the server must route back, whatever its own name is. The resource
	 * is for ejabberd with mod_privilege, which drops IQs from components to a JID without one (processone/ejabberd#4472).
	 */
	const askWhetherThere = () => {
		// A paused socket delivers no answer.
		if (entity.socket?.isPaused()) return;
		if (++quiet > 2) return end({ text: "the server went silent" });
		ping = randomUUID();
		const request = xml(
			"iq",
			{ type: "get", id: ping, from: domain, to: `${domain}/ping` },
			xml("ping", { xmlns: "urn:xmpp:ping" }),
		);
		entity.write(serialize(request)).catch((error: unknown) => end({ text: describe(error) }));
	};

	entity.on("status", () => !online && timer.refresh());
	entity.on("error", (error: unknown) => end({ text: describe(error) }));
	entity.on("close", () => end({ text: "the server closed the stream" }));
	entity.on("disconnect", () => end({ text: "the connection closed" }));
	entity.on("online", () => {
		if (over) return;
		online = true;
		clearTimeout(timer);
		watch = setInterval(askWhetherThere, idle);
		events.online();
		for (const el of early.splice(0)) element(el);
	});

	const negotiate = async () => {
		const connected = entity.connect(service);
		const socket = entity.socket!;
		// The library decodes each chunk by itself, which would break a character that is split over two chunks.
		socket.setEncoding("utf8");
		socket.setNoDelay(true);
		socket.setKeepAlive(true, 30_000);
		socket.on("data", (text) => {
			quiet = 0;
			ahead += text.length;
			if (ahead < READ_AHEAD || !events.taken) return;
			ahead = 0;
			// XEP-0114 has no acknowledgements, so TCP's back-pressure is the only way to slow the server down.
			socket.pause();
			void events.taken().then(() => socket.resume());
		});
		await connected;
		await entity.open({ domain });
	};
	negotiate().catch((error: unknown) => end({ text: describe(error) }));

	return {
		write: (text) => (closing ? Promise.reject(new Error("the stream is being closed")) : entity.write(text)),
		ended,
		close() {
			const { socket } = entity;
			if (!online || over || !socket) return end({ text: "stopped" });
			clearInterval(watch);
			const begun = Date.now();
			let timer = setTimeout(() => {
				closing = true;
				// RFC 6120 §4.4: each side closes its own stream, and the server may still send stanzas. The socket stays open
				// for them: Prosody drops what it has not written yet when it reads the end of the connection with the tag.
				socket.write("</stream:stream>");
				timer = setTimeout(
					() => (socket.isPaused() ? timer.refresh() : end({ text: "stopped" })),
					closingDeadline,
				);
			}, lull);
			socket.on("data", () => {
				if (closing || Date.now() - begun < lullWithin) timer.refresh();
			});
			void ended.then(() => clearTimeout(timer));
		},
	};
}

// RFC 6120 §4.9.2: a stream error has a condition and an optional text.
function streamError(element: Element): Cause {
	const children = element.getChildElements();
	const condition = children.find((el) => el.getName() !== "text")?.getName() ?? "undefined-condition";
	const detail = children.find((el) => el.getName() === "text")?.getText();
	return { condition, text: detail ? `${condition}: ${detail}` : condition };
}

/**
 * Returns the error's text. A refused connection to a host with two addresses is an AggregateError without a message.
 */
const describe = (error: unknown) =>
	error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code) : String(error);
