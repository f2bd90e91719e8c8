import { readFileSync } from "node:fs";
import type { Element } from "../../src/xmpp/stream/xml.ts";
import { type Direction, kindsOf, vectors } from "../vectors.ts";
import { stanza } from "../xmpp/stanza.ts";
import type { Json } from "./mutate.ts";

/**
 * The inputs that mutations start from: the vectors, and stanzas and events of real servers from our end-to-end
 * tests.
 */

const lines = (file: string) =>
	readFileSync(new URL(`recorded/${file}`, import.meta.url), "utf8")
		.split("\n")
		.filter(Boolean);

/** A stanza as a tree that JSON can write: name, attributes, children. */
const treeOf = (element: Element): Json => [
	element.name,
	element.attrs as Record<string, string>,
	...element.children.map((one) => (typeof one === "string" ? one : treeOf(one))),
];
const stanzaJson = (xml: string) => JSON.stringify(treeOf(stanza(xml)));

const inside = (direction: Direction, kinds: readonly string[]) =>
	kinds.flatMap((kind) =>
		vectors<{ in?: unknown }>(direction, kind)
			.map((one) => one.in)
			.filter((one) => typeof one === "string"),
	);

const recorded = lines("stanzas.txt");
const room = "verona@muc.test";
const vectorStanzas = inside(
	"from-xmpp",
	kindsOf("from-xmpp").filter((kind) => kind !== "member"),
).map((one) =>
	one.trimStart().startsWith("<message") ? one : `<message from='${room}/Romeo' id='1'>${one}</message>`,
);
const ask = (payload: string) =>
	`<iq type='get' id='1' from='romeo@montague.lit/a' to='alice@bridge.test'>${payload}</iq>`;

/** Stanzas as JSON, see {@link treeOf}. */
export const messages = [...vectorStanzas, ...recorded.filter((one) => one.startsWith("<message"))].map(
	stanzaJson,
);
export const presences = [
	...inside("from-xmpp", ["member"]).map((one) => `<presence from='${room}/Romeo'>${one}</presence>`),
	"<presence type='subscribe' from='romeo@montague.lit' to='alice@bridge.test'/>",
	"<presence type='probe' from='romeo@montague.lit' to='alice@bridge.test'/>",
	...recorded.filter((one) => one.startsWith("<presence")),
].map(stanzaJson);
export const questions = [
	ask("<ping xmlns='urn:xmpp:ping'/>"),
	ask("<query xmlns='http://jabber.org/protocol/disco#info'/>"),
	ask("<query xmlns='http://jabber.org/protocol/disco#items' node='a'/>"),
	ask("<vCard xmlns='vcard-temp'/>"),
	ask("<query xmlns='jabber:iq:version'/>"),
	...recorded.filter((one) => one.startsWith("<iq")),
].map(stanzaJson);
/** Streams as a server sends them. */
export const streams = [...vectorStanzas, ...recorded];

/** Events as a transaction contains them, with the events that they refer to. */
export const events: readonly string[] = [
	...kindsOf("from-matrix").flatMap((kind) =>
		vectors<Record<string, unknown>>("from-matrix", kind).map((one) => ({
			event: {
				type: one.type ?? (kind === "member" ? "m.room.member" : "m.room.message"),
				event_id: "$e",
				room_id: "!r",
				sender: one.sender ?? "@alice:hs.test",
				origin_server_ts: 1_700_000_000_000,
				content: one.in,
				...(one.redacts ? { redacts: one.redacts } : {}),
				...(kind === "member" ? { state_key: "@alice:hs.test" } : {}),
			},
			known: one.known ?? {},
		})),
	),
	...lines("events.txt").map((line) => ({ event: JSON.parse(line), known: {} })),
].map((one) => JSON.stringify(one));

export const bodies: readonly string[] = [
	...inside("from-matrix", []),
	...vectorStanzas.map((one) => stanza(one).getChild("body")?.getText() ?? "").filter(Boolean),
	"!bridge link xmpp verona@muc.test",
	"!bridge pub home/lamp on",
	"> quoted\nand ```code```, *bold* _it_ ~no~ ||dies|| https://x.test/a.png",
];

export const pages: readonly string[] = [
	...events
		.map((one) => JSON.parse(one).event.content?.formatted_body)
		.filter((one) => typeof one === "string" && one !== ""),
	"<ul><li>a<ol start=3><li>b</ol></ul><table><tr><td>a<td>b</table><pre><code class='language-ts'>x</code></pre>",
];

const put = "PUT /_matrix/app/v1/transactions/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hs-token\r\n";
const transaction = JSON.stringify({ events: events.slice(0, 3).map((one) => JSON.parse(one).event) });
/** HTTP requests as bytes, one character each. */
export const requests: readonly string[] = [
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET // HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /live?a=b HTTP/1.1\r\nHost: a\r\n\r\n",
	"HEAD /ready HTTP/1.0\r\n\r\n",
	"GET /metrics HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n",
	"GET /media/abc/cat.png HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9,-3\r\nIf-Range: a\r\n\r\n",
	"GET /_matrix/app/v1/users/%40_xmpp_a:hs.test?access_token=hs-token HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /_matrix/app/v1/rooms/%23_xmpp_a:hs.test HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hs-token\r\n\r\n",
	"POST /_matrix/app/v1/ping HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hs-token\r\nContent-Length: 2\r\n\r\n{}",
	"GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n",
	`${put}Content-Length: ${transaction.length}\r\n\r\n${transaction}`,
	`${put}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
	`${put}Content-Length: 4\r\nExpect: 100-continue\r\nUpgrade: h2c\r\n\r\nnull`,
];

export const configs: readonly string[] = [
	readFileSync(new URL("../../config/example.yaml", import.meta.url), "utf8"),
	"matrix:\n  homeserver: https://hs.test\nmqtt: { brokers: { a: { url: mqtt://b } } }\n",
];

export const topics: readonly string[] = [
	"home/living_room/temperature",
	"home/+/set",
	"a/#",
	"$SYS/x",
	"/",
	"a//b",
];
export const addresses: readonly string[] = [
	"romeo@montague.lit/orchard",
	"verona@muc.test/Benvolio 🎉",
	"@_xmpp_romeo=40montague.lit:hs.test",
	"#_xmpp_verona=40muc.test:hs.test",
	"@alice:hs.test:8448",
	"_mqtt_home=2fa%b@bridge.test",
	"matrix:u/bob:hs.test?action=chat",
	"https://matrix.to/#/%40bob%3Ahs.test?via=x",
];
