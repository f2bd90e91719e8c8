import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { StreamParser } from "../../src/xmpp/stream/parser.ts";
import { type Element, serialize } from "../../src/xmpp/stream/xml.ts";

export const domain = "bridge.test";
export const secret = "s3crét";

/** The faults of the fake server; by default it has none. */
export type Faults = {
	/** The server accepts the connection and sends nothing. */
	mute?: boolean;
	/** The server opens the stream and does not answer the handshake. */
	noHandshake?: boolean;
	/** The server answers the handshake with this stream error. */
	refuse?: string;
	/** The server does not route pings. */
	deaf?: boolean;
	/** The server drops what the component asks its own address without a resource, as ejabberd with mod_privilege does. */
	dropsBare?: boolean;
	/** The stanzas that the server writes in one packet with the handshake's answer. */
	greeting?: string;
	/** The server processes the component's closing tag when this resolves. */
	slowToClose?: () => Promise<void>;
};

export type FakeServer = {
	readonly service: string;
	/** All stanzas that the component wrote, without keepalive pings. */
	readonly received: Element[];
	/** The number of connections so far, and of those open now. */
	readonly connections: { total: number; open: number };
	readonly pings: number;
	/** True while stanzas to the component reach it; the server bounces them otherwise. */
	readonly routes: boolean;
	faults: Faults;
	/** Writes exactly these bytes to the component. */
	write(raw: string | Uint8Array): void;
	/** Stops reading from the component, or resumes. */
	pause(paused: boolean): void;
	/** Resets all connections. */
	drop(): void;
	/** Closes all connections and stops listening; `restart` listens on the same port again. */
	stop(): Promise<void>;
	restart(): Promise<void>;
};

/** Starts the server side of XEP-0114 on a real socket. Stanzas go to `take`, or else to `received`. */
export async function fakeServer(faults: Faults = {}, take?: (stanza: Element) => void): Promise<FakeServer> {
	let listener: Server;
	let port = 0;
	const sockets = new Set<Socket>();
	const fake = {
		received: [] as Element[],
		connections: { total: 0, open: 0 },
		pings: 0,
		routes: false,
		faults,
		get service() {
			return `xmpp://127.0.0.1:${port}`;
		},
		write(raw: string | Uint8Array) {
			for (const socket of sockets) socket.write(raw);
		},
		pause(paused: boolean) {
			for (const socket of sockets) paused ? socket.pause() : socket.resume();
		},
		drop() {
			for (const socket of sockets) socket.resetAndDestroy();
		},
		async stop() {
			for (const socket of sockets) socket.destroy();
			await new Promise((done) => listener.close(done));
		},
		async restart() {
			listener = createServer({ noDelay: true, allowHalfOpen: true }, serve);
			listener.listen(port, "127.0.0.1");
			await once(listener, "listening");
			port = (listener.address() as { port: number }).port;
		},
	};

	function serve(socket: Socket) {
		fake.connections.total++;
		fake.connections.open++;
		sockets.add(socket);
		const parser = new StreamParser({
			element: (element) => {
				const { from, to } = element.attrs;
				// A server routes what the component asks itself, and the answers, back to it.
				const own = (jid: string | undefined) => jid === domain || jid?.startsWith(`${domain}/`);
				if (!own(from) || !own(to)) {
					if (take) take(element);
					else fake.received.push(element);
					return;
				}
				if (to === `${domain}/ping`) fake.pings++;
				if (!fake.faults.deaf && !(fake.faults.dropsBare && to === domain)) socket.write(serialize(element));
			},
			skip: () => false,
			truncated: (head) => fake.received.push(head),
		});
		parser.on("start", () => {
			if (fake.faults.mute) return;
			socket.write(
				`<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' from='${domain}' id='stream-1'>`,
			);
		});
		parser.on("element", (handshake: Element) => {
			if (fake.faults.noHandshake) return;
			const expected = createHash("sha1").update(`stream-1${secret}`, "utf8").digest("hex");
			const refusal = fake.faults.refuse ?? (handshake.getText() === expected ? undefined : "not-authorized");
			if (refusal) socket.end(streamError(refusal));
			else {
				socket.write(`<handshake/>${fake.faults.greeting ?? ""}`);
				fake.routes = true;
			}
		});
		parser.on("end", async () => {
			await fake.faults.slowToClose?.();
			fake.routes = false;
			socket.end("</stream:stream>");
		});
		// Malformed XML from the component must fail the test.
		parser.on("error", () => socket.end(streamError("not-well-formed")));
		socket.setEncoding("utf8");
		socket.on("data", (text) => parser.write(String(text)));
		socket.on("error", () => undefined);
		// As in Prosody, the end of the connection drops what is not written yet.
		socket.on("end", () => socket.destroy());
		socket.on("close", () => {
			fake.routes = false;
			fake.connections.open--;
			sockets.delete(socket);
		});
	}

	await fake.restart();
	return fake;
}

export const streamError = (condition: string) =>
	`<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`;
