import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { StreamParser } from "../../src/xmpp/stream/parser.ts";
import { type Element, serialize } from "../../src/xmpp/stream/xml.ts";

export const domain = "bridge.test";
export const secret = "s3crét";

/** What goes wrong; by default nothing does. */
export type Faults = {
	/** Accepts the connection and says nothing. */
	mute?: boolean;
	/** Opens the stream and does not answer the handshake. */
	noHandshake?: boolean;
	/** Answers the handshake with this stream error. */
	refuse?: string;
	/** Does not route pings. */
	deaf?: boolean;
	/** Written in one piece with the answer to the handshake. */
	greeting?: string;
};

export type FakeServer = {
	readonly service: string;
	/** Every stanza the component wrote, keepalive pings left out. */
	readonly received: Element[];
	/** How many connections there were so far, and are. */
	readonly connections: { total: number; open: number };
	readonly pings: number;
	faults: Faults;
	/** Writes to the component exactly these bytes. */
	write(raw: string | Uint8Array): void;
	/** Reads no more, or again. */
	pause(paused: boolean): void;
	/** Cuts the line. */
	drop(): void;
	/** Stops and starts listening on the same port. */
	stop(): Promise<void>;
	restart(): Promise<void>;
};

/** The server end of XEP-0114, on a real socket. Stanzas stand in `received`, unless `take` has them. */
export async function fakeServer(faults: Faults = {}, take?: (stanza: Element) => void): Promise<FakeServer> {
	let listener: Server;
	let port = 0;
	const sockets = new Set<Socket>();
	const fake = {
		received: [] as Element[],
		connections: { total: 0, open: 0 },
		pings: 0,
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
			listener = createServer({ noDelay: true }, serve);
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
				if (from !== domain || to !== `${domain}/ping`) {
					if (take) take(element);
					else fake.received.push(element);
					return;
				}
				fake.pings++;
				if (!fake.faults.deaf) socket.write(serialize(element));
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
			else socket.write(`<handshake/>${fake.faults.greeting ?? ""}`);
		});
		parser.on("end", () => socket.end("</stream:stream>"));
		// What we may not send must show in the tests.
		parser.on("error", () => socket.end(streamError("not-well-formed")));
		socket.setEncoding("utf8");
		socket.on("data", (text) => parser.write(String(text)));
		socket.on("error", () => undefined);
		socket.on("close", () => {
			fake.connections.open--;
			sockets.delete(socket);
		});
	}

	await fake.restart();
	return fake;
}

export const streamError = (condition: string) =>
	`<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`;
