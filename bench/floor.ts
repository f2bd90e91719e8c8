// The durable floor, against which the bridge is measured: the least work that keeps every message. It sends one HTTP
// request or stanza per message, writes one fsync'd transaction per batch, and keeps the order within a room. It has no
// ghosts, confirmations, retries or translation.
import { createHash } from "node:crypto";
import http from "node:http";
import net from "node:net";
import { DatabaseSync } from "node:sqlite";
import { json } from "node:stream/consumers";
import { SaxesParser } from "saxes";
import type { FloorOptions } from "./world.ts";

const options = JSON.parse(process.argv[2] ?? "") as FloorOptions;
const { domain } = options;
const { component } = options.xmpp;
const base = new URL(options.homeserver);
const agent = new http.Agent({ keepAlive: true });
const always = { authorization: `Bearer ${options.token}`, "content-type": "application/json" };
const there = new Map<string, { type: string; to: string }>();
const rooms = new Map<string, string>();
/** The full JIDs of those who have joined the hosted room. */
const recipients: string[] = [];
let count = 0;

const db = new DatabaseSync(options.file);
db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
db.exec("CREATE TABLE rows (seq INTEGER PRIMARY KEY, text TEXT)");
const insert = db.prepare("INSERT INTO rows VALUES (?, ?)");
const remove = db.prepare("DELETE FROM rows WHERE seq = ?");
let delivered: number[] = [];
/** Stores a batch; returns the number of its first row. The same transaction deletes the rows sent since the last batch. */
function keep(texts: readonly string[]): number {
	const first = count + 1;
	db.exec("BEGIN");
	for (const seq of delivered) remove.run(seq);
	delivered = [];
	for (const text of texts) insert.run(++count, text);
	db.exec("COMMIT");
	return first;
}

// To Matrix: one request after the other in each room.
const tails = new Map<string, Promise<unknown>>();
function put(room: string, ghost: string, seq: number, text: string): void {
	const as = encodeURIComponent(`@_xmpp_${ghost}:${domain}`);
	const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/send/m.room.message/${seq}?user_id=${as}`;
	const body = Buffer.from(JSON.stringify({ msgtype: "m.text", body: text }));
	const headers = { ...always, "content-length": body.length };
	const target = { agent, method: "PUT", path, headers, hostname: base.hostname, port: base.port };
	const ask = async () => {
		await new Promise((resolve) => {
			http.request(target, (response) => response.resume().on("end", resolve)).end(body);
		});
		delivered.push(seq);
	};
	tails.set(room, (tails.get(room) ?? Promise.resolve()).then(ask));
}
type Line = readonly [room: string, ghost: string, text: string];
function toMatrix(batch: readonly Line[]): void {
	if (batch.length === 0) return;
	const first = keep(batch.map(([, , text]) => text));
	for (const [index, [room, ghost, text]] of batch.entries()) put(room, ghost, first + index, text);
}

// To XMPP: all stanzas of a transaction in one write.
const escaped = (text: string) => text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);
const jidOf = (mxid: string) => `${mxid.slice(1, mxid.indexOf(":"))}@${component}/floor`;
type Event = { type: string; room_id: string; sender: string; content: { body?: string } };
function fromMatrix(events: readonly Event[]): void {
	const words = events.filter((one) => one.type === "m.room.message" && !one.sender.startsWith("@_xmpp_"));
	if (words.length === 0) return;
	const first = keep(words.map((one) => one.content.body ?? ""));
	let out = "";
	for (const [index, { room_id: room, sender, content }] of words.entries()) {
		const { body = "" } = content;
		if (room === options.hosted?.room) {
			// A ready string for each recipient.
			const head = `<message type='groupchat' from='${options.hosted.address}/${jidOf(sender)}' id='${first + index}' to='`;
			const tail = `'><body>${escaped(body)}</body></message>`;
			for (const to of recipients) out += head + to + tail;
			delivered.push(first + index);
			continue;
		}
		const link = there.get(room);
		if (link)
			out += `<message type='${link.type}' from='${jidOf(sender)}' to='${link.to}' id='${first + index}'><body>${escaped(body)}</body></message>`;
		else if (body.startsWith("!bridge link xmpp ")) out += serve({ room, muc: body.split(" ")[3] ?? "" });
		delivered.push(first + index);
	}
	if (out) socket.write(out);
}
function serve({ room, muc, account }: FloorOptions["pairs"][number]): string {
	there.set(room, muc ? { type: "groupchat", to: muc } : { type: "chat", to: account ?? "" });
	rooms.set(muc ?? account ?? "", room);
	const enter = (jid: string) => `<presence from='${jid}' to='${muc}/${jid.split("@")[0]}'/>`;
	return muc ? [`listener@${component}/floor`, ...options.people.map(jidOf)].map(enter).join("") : "";
}

const sax = new SaxesParser({ xmlns: false, position: false });
let depth = 0;
let stanza: Record<string, string> = {};
let [inBody, text] = [false, ""];
let heard: Line[] = [];
sax.on("opentag", ({ name, attributes }) => {
	if (depth++ === 1) [stanza, text] = [attributes, ""];
	inBody = depth === 3 && name === "body";
	if (depth === 1) {
		const secret = createHash("sha1").update(`${attributes.id}${options.xmpp.secret}`).digest("hex");
		socket.write(`<handshake>${secret}</handshake>`);
	}
});
sax.on("text", (chunk) => {
	if (inBody) text += chunk;
});
sax.on("closetag", ({ name }) => {
	inBody = false;
	if (--depth !== 1) return;
	if (name === "handshake") socket.write(options.pairs.map(serve).join(""));
	if (name === "presence" && options.hosted && stanza.to?.startsWith(`${options.hosted.address}/`)) {
		recipients.push(stanza.from ?? "");
		socket.write(`<message from='${options.hosted.address}' to='${stanza.from}'><subject/></message>`);
	}
	const [place = "", nick = ""] = stanza.from?.split("/") ?? [];
	const mine = stanza.type === "chat" || (stanza.to?.startsWith("listener@") && !stanza.id?.match(/^\d+$/));
	const room = rooms.get(place);
	if (text && mine && room) heard.push([room, encodeURIComponent(nick || place), text]);
});
const socket = net.connect(options.xmpp.port, "127.0.0.1");
const streams = "http://etherx.jabber.org/streams";
socket.write(`<stream:stream xmlns='jabber:component:accept' xmlns:stream='${streams}' to='${component}'>`);
socket.setEncoding("utf8").on("data", (chunk) => {
	sax.write(String(chunk));
	toMatrix(heard);
	heard = [];
});

if (options.mqtt) {
	const { port, filter, room } = options.mqtt;
	// CONNECT of MQTT 3.1.1 with the client id "floor", then SUBSCRIBE with QoS 1.
	const hello = Buffer.from([0x10, 17, 0, 4, 77, 81, 84, 84, 4, 2, 0, 0, 0, 5, ...Buffer.from("floor")]);
	const subscribe = Buffer.from([0x82, filter.length + 5, 0, 1, 0, filter.length, ...Buffer.from(filter), 1]);
	const broker = net.connect(port, "127.0.0.1");
	broker.write(Buffer.concat([hello, subscribe]));
	let rest: Buffer = Buffer.alloc(0);
	broker.on("data", (chunk: Buffer) => {
		rest = Buffer.concat([rest, chunk]);
		const batch: Line[] = [];
		const acknowledge: number[] = [];
		for (; rest.length > 1 && rest.length >= 2 + (rest[1] ?? 0); rest = rest.subarray(2 + (rest[1] ?? 0))) {
			if (rest[0] !== 0x32) continue;
			const at = 4 + rest.readUInt16BE(2);
			acknowledge.push(0x40, 2, rest[at] ?? 0, rest[at + 1] ?? 0);
			batch.push([room, "thing", rest.toString("utf8", at + 2, 2 + (rest[1] ?? 0))]);
		}
		toMatrix(batch);
		broker.write(Buffer.from(acknowledge));
	});
}

http
	.createServer(async (request, response) => {
		fromMatrix(((await json(request)) as { events: Event[] }).events);
		response.end("{}");
	})
	.listen(options.listen, "127.0.0.1", () => console.log(`{"msg":"running"}`));
process.on("SIGTERM", () => process.exit(0));
