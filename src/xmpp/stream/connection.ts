import { randomUUID } from "node:crypto";
import { component } from "@xmpp/component";
import { StreamParser } from "./parser.ts";
import { type Element, serialize, xml } from "./xml.ts";

/** Why a connection is over: the server's stream error condition where it gave one. */
export type Cause = Readonly<{ condition?: string; text: string }>;

export type Connection = Readonly<{
	/** Resolves when the kernel took the text. */
	write(text: string): Promise<void>;
	/** Resolves when it is over, or never came about. Never rejects. */
	ended: Promise<Cause>;
	/** Says goodbye to the server; `ended` follows. */
	close(): void;
}>;

export type ConnectionOptions = Readonly<{
	component: string;
	service: string;
	secret: string;
	/** How long each step of the negotiation may take, in ms. */
	deadline: number;
	/** After how much silence the server is asked whether it is there, in ms. */
	idle: number;
}>;

/** None of them may throw. */
export type Events = {
	online(): void;
	stanza(stanza: Element): void;
	truncated(head: Element): void;
	skip(from: string, to: string, name: string, type: string | undefined): boolean;
	/** Resolves when what was handed on so far has been taken; no more than so much is read ahead of it. */
	taken?(): Promise<void>;
};

/** Characters read before we look whether they were taken: what a flood can cost in memory, whoever sends it. */
const READ_AHEAD = 4 << 20;
const STREAM = "http://etherx.jabber.org/streams";

/**
 * One connection from dialling to its end: the one place where @xmpp/component is used and its faults are worked
 * round. Of the library it takes socket, stream header and handshake; what it lacks or does dangerously is switched
 * off: reconnecting (fixed delay, can hang for ever, connects on its own), middleware (throws on JIDs it does not
 * like), its parser (throws out of the socket handler).
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
		// The library says "online" only after the chunk is read in which the handshake came.
		else if (!online) early.push(el);
		else events.stanza(el);
	};
	entity.Parser = class extends StreamParser {
		constructor() {
			super({ element, truncated: events.truncated, skip: events.skip });
		}
	};

	/**
	 * XEP-0199 to ourselves, which the server has to route: nothing need be known about its own names. The resource is
	 * for ejabberd with mod_privilege, which drops what components ask a JID without one (processone/ejabberd#4472).
	 */
	const askWhetherThere = () => {
		// Whom we do not listen to cannot answer.
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
		// The library decodes chunk by chunk, which would break a character that two chunks share.
		socket.setEncoding("utf8");
		socket.setNoDelay(true);
		socket.setKeepAlive(true, 30_000);
		socket.on("data", (text) => {
			quiet = 0;
			ahead += text.length;
			if (ahead < READ_AHEAD || !events.taken) return;
			ahead = 0;
			// XEP-0114 has no acknowledgements: the one way to say "not so fast" is TCP's.
			socket.pause();
			void events.taken().then(() => socket.resume());
		});
		await connected;
		await entity.open({ domain });
	};
	negotiate().catch((error: unknown) => end({ text: describe(error) }));

	return {
		write: (text) => entity.write(text),
		ended,
		close() {
			if (!online || over) return end({ text: "stopped" });
			entity.socket?.end("</stream:stream>");
			setTimeout(() => end({ text: "stopped" }), 2000).unref();
		},
	};
}

// RFC 6120 §4.9.2: the condition, then perhaps a text.
function streamError(element: Element): Cause {
	const children = element.getChildElements();
	const condition = children.find((el) => el.getName() !== "text")?.getName() ?? "undefined-condition";
	const said = children.find((el) => el.getName() === "text")?.getText();
	return { condition, text: said ? `${condition}: ${said}` : condition };
}

/** A refused connection to a name with two addresses is an AggregateError without a message. */
const describe = (error: unknown) =>
	error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code) : String(error);
