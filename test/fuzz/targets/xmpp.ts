import { downgrade } from "../../../src/core/downgrade.ts";
import { PermanentError, TemporaryError } from "../../../src/core/errors.ts";
import type { BridgeEvent } from "../../../src/core/event.ts";
import type { MessageId, RoomId } from "../../../src/core/ids.ts";
import { nameOf as oneLineOf } from "../../../src/core/names.ts";
import { capabilities } from "../../../src/matrix/capabilities.ts";
import { asEdit, type Sayable, toMatrix } from "../../../src/matrix/to-matrix.ts";
import { newsIn } from "../../../src/xmpp/account-nodes.ts";
import { createFaces, faceAt, isFace } from "../../../src/xmpp/faces.ts";
import { account, fromChat, fromGroupchat, parseMessage } from "../../../src/xmpp/from-xmpp.ts";
import { historyRequest } from "../../../src/xmpp/hosted/archive/history-request.ts";
import { archiveQuery, pageMost } from "../../../src/xmpp/hosted/archive/query.ts";
import { factsOf } from "../../../src/xmpp/hosted/creation/locked-rooms.ts";
import { changesIn, submitted } from "../../../src/xmpp/hosted/owner/form.ts";
import { answerIq } from "../../../src/xmpp/iq/index.ts";
import { bare } from "../../../src/xmpp/jid.ts";
import { delayedBy, heldSince } from "../../../src/xmpp/message/delay.ts";
import { createArchive } from "../../../src/xmpp/muc/archive.ts";
import { roomFeatures } from "../../../src/xmpp/muc/discovery.ts";
import { occupantPresence } from "../../../src/xmpp/muc/presence.ts";
import { photoIn } from "../../../src/xmpp/photo.ts";
import { answerJoin, botAnswers } from "../../../src/xmpp/presence.ts";
import { signalsIn } from "../../../src/xmpp/signals.ts";
import { neutral, refusal, StanzaError, stanzaError } from "../../../src/xmpp/stanza-error.ts";
import { StreamParser } from "../../../src/xmpp/stream/parser.ts";
import { type Element, serialize, xml } from "../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../fakes.ts";
import { contactsOf } from "../../xmpp/contacts/world.ts";
import { fakeFinding } from "../../xmpp/finding/fake-finding.ts";
import { holds, sanitisedHtml, validXml } from "../checks.ts";
import { messages, presences, questions, streams } from "../corpus.ts";
import { filled, size, type Target } from "../target.ts";
import { inRoom, juliet, matrixRefs, mxid, noRefs, pair, person, room, roomSpeaks } from "../world.ts";

const head =
	"<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept'><handshake/>";

/** Returns the stanzas in a stream of these pieces, up to the first invalid XML. */
function stanzas(...pieces: readonly string[]): readonly Element[] {
	const found: Element[] = [];
	const take = (element: Element) => void found.push(element);
	const parser = new StreamParser({ element: take, skip: () => false, truncated: take });
	// Without a listener Node would throw the parser's “error” event, which only ends the stream.
	parser.on("error", () => undefined);
	for (const piece of [head, ...pieces]) parser.write(piece);
	return found;
}

const spellText = (text: string, more: RegExp) =>
	text
		.toWellFormed()
		.replace(more, (char) => `&#${char.codePointAt(0)};`)
		.replace(/[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "");
const nameOf = (value: unknown) => (/^[A-Za-z_][\w.:-]{0,200}$/.test(String(value)) ? String(value) : "a");
/** Returns the XML of a tree of corpus.ts, or of its mutation. */
function spell(tree: unknown): string {
	if (!Array.isArray(tree))
		return spellText(typeof tree === "string" ? tree : JSON.stringify(tree), /[<>&]/g);
	const [name, attrs, ...children] = tree;
	const list =
		typeof attrs === "object" && attrs !== null && !Array.isArray(attrs) ? Object.entries(attrs) : [];
	const unique = new Map(
		list.map(([key, value]) => [nameOf(key), typeof value === "string" ? value : JSON.stringify(value)]),
	);
	const spelt = [...unique].map(([key, value]) => ` ${key}="${spellText(value, /[<>&"\n\t\r]/g)}"`).join("");
	return `<${nameOf(name)}${spelt}>${children.map(spell).join("")}</${nameOf(name)}>`;
}
const stanzaOf = (input: string) => stanzas(spell(JSON.parse(input)))[0];

/** Returns the Matrix contents of an event, after the checks. */
export function asMatrix(event: BridgeEvent): readonly unknown[] {
	holds(Number.isFinite(event.at) && Math.abs(event.at) <= 8.64e15, "a time that no calendar has");
	return [matrixRefs, noRefs].map((refs) => {
		const shown = downgrade(event, capabilities, refs);
		if (!shown || !["message", "edit", "poll", "vote", "poll-end", "state"].includes(shown.kind))
			return shown?.kind;
		const around = { mxid, event: () => undefined };
		const { content, edits } = toMatrix(
			{ event: shown as Sayable, passed: [], operation: "op" as never, refs },
			around,
		);
		const whole = edits ? asEdit(content, edits) : content;
		JSON.stringify(whole, (_key, one) => {
			if (typeof one === "string")
				holds(one.isWellFormed() || one.length < 2, "Matrix is sent a lone surrogate");
			return one;
		});
		if (typeof content.formatted_body === "string") sanitisedHtml(content.formatted_body);
		if (!("person" in event))
			holds(
				!/@_xmpp_[^\s:]*=[0-9a-f]{2}/.test(String(content.body)) ||
					/=[0-9a-f]{2}/.test(JSON.stringify(event)),
				"the body shows a ghost's MXID",
			);
		return whole;
	});
}

const line = (element: Element) =>
	fromGroupchat(element, { room, sender: juliet, stanzaIds: true, now: 5, place: inRoom });

const messageTree = (body: string, ...more: readonly unknown[]) =>
	JSON.stringify(["message", { from: `${room}/Romeo`, id: "1" }, ["body", {}, body], ...more]);
const repeats = (unit: string) => (length: number) =>
	messageTree(unit.repeat(Math.ceil(length / unit.length)));
const parts =
	(body: (count: number) => string, one: (index: number, count: number) => unknown) => (length: number) => {
		const count = Math.ceil(length / JSON.stringify(one(1_000, 1_000)).length);
		return messageTree(body(count), ...Array.from({ length: count }, (_, index) => one(index, count)));
	};
/** Returns one element whose children are numbered. */
const list =
	(name: string, ns: string, one: (index: number, count: number) => unknown) => (length: number) => {
		const count = Math.ceil(length / JSON.stringify(one(1_000, 1_000)).length);
		const children = Array.from({ length: count }, (_, index) => one(index, count));
		return messageTree("x".repeat(count), [name, { xmlns: ns }, ...children]);
	};
const markup = "urn:xmpp:markup:0";
/** Returns one list whose items start at the positions that `start` returns. // XEP-0394 */
const items = (start: (index: number, count: number) => number) => (length: number) => {
	const count = Math.ceil(length / 22);
	const all = Array.from({ length: count }, (_, i) => ["li", { start: String(start(i, count)) }]);
	return messageTree("x".repeat(count), [
		"markup",
		{ xmlns: markup },
		["list", { start: "0", end: String(count) }, ...all],
	]);
};

/** One pixel. */
const onePixel =
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const pictureInfo = ["metadata", { xmlns: "urn:xmpp:avatar:metadata" }, ["info", { id: "a".repeat(40) }]];
const nodeItems = (inside: unknown) => ["items", {}, ["item", {}, inside]];
/** News of a node, and the answers of three nodes, each as one tree. */
const accountNodes = [
	["message", {}, ["event", { xmlns: "http://jabber.org/protocol/pubsub#event" }, nodeItems(pictureInfo)]],
	...[
		pictureInfo,
		["data", { xmlns: "urn:xmpp:avatar:data" }, onePixel],
		[
			"vcard",
			{ xmlns: "urn:ietf:params:xml:ns:vcard-4.0" },
			["fn", {}, ["text", {}, "Romeo"]],
			["photo", {}, ["uri", {}, `data:image/png;base64,${onePixel}`]],
		],
	].map((inside) => [
		"iq",
		{},
		["pubsub", { xmlns: "http://jabber.org/protocol/pubsub" }, nodeItems(inside)],
	]),
].map((tree) => JSON.stringify(tree));
const vcardTree = (...photo: readonly unknown[]) =>
	JSON.stringify([
		"iq",
		{ type: "result", from: "romeo@x.test", to: "a@bridge.test/b" },
		[
			"vCard",
			{ xmlns: "vcard-temp" },
			["FN", {}, "Romeo"],
			["PHOTO", {}, ["TYPE", {}, "image/png"], ...photo],
		],
	]);

/** A search for people (query) or for rooms (search), by a form with these fields. */
const searchTree = (name: "query" | "search", ...fields: readonly unknown[]) =>
	JSON.stringify([
		"iq",
		{ type: name === "query" ? "set" : "get", from: "romeo@x.test/r", to: "bridge.test", id: "1" },
		[
			name,
			{ xmlns: name === "query" ? "jabber:iq:search" : "urn:xmpp:channel-search:0:search" },
			["x", { xmlns: "jabber:x:data", type: "submit" }, ...fields],
			[
				"set",
				{ xmlns: "http://jabber.org/protocol/rsm" },
				["max", {}, "1"],
				["after", {}, "7 #a@bridge.test"],
			],
		],
	]);
const searches = [
	searchTree("query", ["field", { var: "nick" }, ["value", {}, "alice"]]),
	searchTree(
		"search",
		["field", { var: "q" }, ["value", {}, "room"]],
		["field", { var: "sinname" }, ["value", {}, "0"]],
	),
	searchTree(
		"search",
		["field", { var: "all" }, ["value", {}, "true"]],
		["field", { var: "key" }, ["value", {}, "{urn:xmpp:channel-search:0:order}address"]],
	),
	JSON.stringify([
		"iq",
		{ type: "set", from: "romeo@x.test/r", to: "bridge.test", id: "1" },
		["query", { xmlns: "jabber:iq:gateway" }, ["prompt", {}, "@alice:hs.test"]],
	]),
];
const foundRooms = ["a", "b", "c"].map((name, n) => ({
	...{ jid: `#${name}@bridge.test`, name: `Room ${name}`, description: "a room", users: n, open: true },
}));

const archiveQueryTree = (fields: readonly unknown[], ...more: readonly unknown[]) =>
	JSON.stringify([
		"iq",
		{ type: "set", from: "romeo@x.test/r", to: room },
		[
			"query",
			{ xmlns: "urn:xmpp:mam:2", queryid: "q" },
			[
				"x",
				{ xmlns: "jabber:x:data", type: "submit" },
				["field", { var: "FORM_TYPE" }, ["value", {}, "urn:xmpp:mam:2"]],
				...fields,
			],
			...more,
		],
	]);
const valuesOf = (length: number) =>
	Array.from({ length: Math.ceil(length / 20) }, (_, i) => ["value", {}, `$${i}`]);
const ownedRoom = factsOf({
	...{ address: "verona@bridge.test", alias: "verona", person: account("romeo@x.test"), seed: "seed" },
	...{ jid: "romeo@x.test/a", nick: "Romeo", join: xml("presence"), until: 0, state: "open" },
});
/** The form of an owner of a room, with these fields. */
const ownerFormTree = (fields: readonly unknown[]) =>
	JSON.stringify([
		"query",
		{ xmlns: "http://jabber.org/protocol/muc#owner" },
		["x", { xmlns: "jabber:x:data", type: "submit" }, ...fields],
	]);
const ownerField = (name: string, ...values: readonly string[]) => [
	"field",
	{ var: `muc#roomconfig_${name}` },
	...values.map((value) => ["value", {}, value]),
];
const ownerForms = [
	ownerFormTree([
		ownerField("roomname", "Verona"),
		ownerField("roomdesc", "Two households"),
		ownerField("membersonly", "1"),
		ownerField("enablelogging", "true"),
		ownerField("maxusers", "20"),
		ownerField("allowpm", "moderators"),
		ownerField("whois", "anyone"),
		ownerField("roomowners", "romeo@x.test", "alice@bridge.test"),
		ownerField("roomadmins", "juliet@x.test"),
	]),
	ownerFormTree([ownerField("passwordprotectedroom", "1"), ownerField("roomsecret", "balcony")]),
	ownerFormTree([]),
];
const archiveQueries = [
	archiveQueryTree(
		[
			["field", { var: "start" }, ["value", {}, "2026-06-07T00:00:00Z"]],
			["field", { var: "end" }, ["value", {}, "2026-06-07T00:00:00.123+02:00"]],
			["field", { var: "with" }, ["value", {}, `${room}/Alice`]],
			["field", { var: "ids" }, ["value", {}, "$1"], ["value", {}, "$2#1"]],
		],
		["set", { xmlns: "http://jabber.org/protocol/rsm" }, ["max", {}, "50"], ["before", {}]],
		["flip-page", {}],
	),
	archiveQueryTree([["field", { var: "after-id" }, ["value", {}, "$1"]]]),
	JSON.stringify([
		"x",
		{},
		["history", { maxstanzas: "20", maxchars: "1000", seconds: "60", since: "2026-06-07T00:00:00Z" }],
	]),
];

export const xmppTargets: Readonly<Record<string, Target>> = {
	"XMPP messages to Matrix": {
		weight: 4,
		kind: "tree",
		corpus: messages,
		run(input) {
			const stanza = stanzaOf(input);
			if (!stanza) return size();
			const events = [line(stanza)];
			const says = parseMessage(stanza, pair);
			if (says)
				events.push(
					fromChat(stanza, says, { room: "r" as RoomId, to: person("@alice:hs.test"), at: 1, missing: "m" }),
				);
			parseMessage(stanza, roomSpeaks);
			const passes = signalsIn(stanza, { room: room as RoomId, sender: juliet, named: "sid" });
			holds(passes.length <= 2, "a message is more than typing and a read position");
			delayedBy(stanza, room);
			heldSince(stanza, "bridge.test");
			validXml(serialize(stanza));
			return size(...events.flatMap((event) => (event ? asMatrix(event) : [])));
		},
		grows: {
			...Object.fromEntries(
				[
					"a, ",
					"Alice, ",
					"a: ",
					"n1, ",
					"> ",
					"> a\n",
					"*a* ",
					"* ",
					"_",
					"~a",
					"`",
					"```\n",
					"||a",
					"@",
					"@a ",
					"https://x.test/a.png ",
					"\n",
					"/",
					"🎉",
				].map((unit) => [`a body of ${JSON.stringify(unit)}`, repeats(unit)]),
			),
			"nested quotes": (length) => messageTree(filled(length, (i) => `${">".repeat((i % 300) + 1)} a\n`)),
			"list markup, sorted": list("markup", markup, (i, n) => [
				"list",
				{ start: "0", end: String(n) },
				["li", { start: String(i) }],
			]),
			"lists in lists, with items in disorder": (length) => {
				const starts = ["50", "10", "90"].map((start) => ["li", { start }]);
				const lists = Array.from({ length: length / 100 }, () => [
					"list",
					{ start: "0", end: "100" },
					...starts,
				]);
				return messageTree("x".repeat(100), ["markup", { xmlns: markup }, ...lists]);
			},
			"one list of items in order": items((i) => i),
			"one list of items in reverse": items((i, count) => count - i),
			"one list of items in disorder": items((i, count) => (i * 7_919) % count),
			"one list of items to and fro": items((i) => (i % 2 === 0 ? i : 0)),
			"one list of items at one place": items(() => 1),
			"overlapping spans": list("markup", markup, (i, n) => [
				"span",
				{ start: String(i), end: String(n) },
				["emphasis", {}],
			]),
			"nested quotes as markup": list("markup", markup, (i, n) => [
				"bquote",
				{ start: String(i), end: String(2 * n - i) },
			]),
			references: parts(
				(count) => "x".repeat(count),
				(i) => [
					"reference",
					{
						xmlns: "urn:xmpp:reference:0",
						type: "mention",
						begin: String(i),
						end: String(i + 1),
						uri: `xmpp:${room}/Alice`,
					},
				],
			),
			"overlapping fallbacks": parts(
				(count) => "x".repeat(count),
				(i) => [
					"fallback",
					{ xmlns: "urn:xmpp:fallback:0", for: "urn:xmpp:reply:0" },
					["body", { start: "0", end: String(i) }],
				],
			),
			"many links": parts(
				() => "https://x.test/0",
				(i) => ["x", { xmlns: "jabber:x:oob" }, ["url", {}, `https://x.test/${i}`]],
			),
			"many reactions": (length) =>
				messageTree("", [
					"reactions",
					{ xmlns: "urn:xmpp:reactions:0", id: "S" },
					...Array.from({ length: Math.ceil(length / 20) }, (_, i) => [
						"reaction",
						{},
						String.fromCodePoint(0x1f300 + (i % 500)),
					]),
				]),
			"a long id": (length) =>
				JSON.stringify(["message", { from: `${room}/Romeo`, id: "x".repeat(length) }, ["body", {}, "a"]]),
		},
	},
	"XMPP presence of occupants": {
		kind: "tree",
		corpus: presences,
		run(input) {
			const stanza = stanzaOf(input);
			return stanza ? size({ ...occupantPresence(stanza), codes: [] }) : size();
		},
	},
	"XMPP presence to ghosts": {
		kind: "tree",
		corpus: presences,
		async run(input) {
			const stanza = stanzaOf(input);
			if (!stanza) return size();
			const { contacts, wire, chat } = contactsOf();
			chat(bare(stanza.attrs.from ?? ""), person("@alice:hs.test"));
			const join = answerJoin(stanza);
			const answers = join ? [join] : await contacts.presence(stanza);
			const all = [...answers, ...botAnswers(stanza, "trivium", "Trivium"), ...wire].map(serialize);
			all.forEach(validXml);
			return size(...all);
		},
	},
	"XMPP questions": {
		kind: "tree",
		corpus: [...questions, ...searches],
		grows: {
			"many words": (length) =>
				searchTree("search", ["field", { var: "q" }, ["value", {}, "a ".repeat(length / 2)]]),
			"many fields": (length) =>
				searchTree(
					"search",
					...Array.from({ length: Math.ceil(length / 40) }, (_, i) => ["field", { var: `f${i}` }]),
				),
			"a name to search for": (length) =>
				searchTree("query", ["field", { var: "nick" }, ["value", {}, " ".repeat(length)]]),
		},
		async run(input) {
			const stanza = stanzaOf(input);
			if (!stanza) return size();
			const software = { name: "Trivium", version: "1", uri: "xmpp:bridge.test" };
			const finding = fakeFinding({
				people: [{ jid: "alice@bridge.test", name: "Alice" }],
				rooms: foundRooms,
			});
			const ghost = async () => ({ name: "Alice" });
			const answer = await answerIq(stanza, { software, finding, ghost, log: quiet });
			const { type } = stanza.attrs;
			holds((answer === undefined) === (type === "result" || type === "error"), "a question has no answer");
			if (!answer) return size();
			const text = serialize(answer);
			validXml(text);
			return size(text);
		},
	},
	"XMPP errors": {
		kind: "tree",
		corpus: [...messages, ...questions].slice(-40),
		run(input) {
			const stanza = stanzaOf(input);
			if (!stanza) return size();
			const error = neutral(stanzaError(stanza));
			holds(
				error instanceof PermanentError || error instanceof TemporaryError,
				"an error that core does not know",
			);
			const text = serialize(refusal(stanza, error, quiet));
			validXml(text);
			return size(text, error.message);
		},
	},
	"vCards on XMPP": {
		kind: "tree",
		corpus: [
			vcardTree(["BINVAL", {}, onePixel]),
			vcardTree(["BINVAL", {}, ""]),
			vcardTree(),
			...accountNodes,
			...presences.slice(0, 10),
		],
		grows: {
			"a picture": (length) => vcardTree(["BINVAL", {}, "iVBORw0KGgo".repeat(Math.ceil(length / 11))]),
			"blanks in a picture": (length) => vcardTree(["BINVAL", {}, " \n".repeat(Math.ceil(length / 3))]),
			"a name": (length) =>
				JSON.stringify([
					"iq",
					{},
					["vCard", { xmlns: "vcard-temp" }, ["FN", {}, "\u202e ".repeat(Math.ceil(length / 9))]],
				]),
		},
		async run(input) {
			const stanza = stanzaOf(input);
			if (!stanza) return size();
			const faces = createFaces({
				link: { iq: async () => stanza },
				asker: () => "a@bridge.test/b",
				now: () => 0,
			});
			const { name, hash } = await faces.profile("romeo@x.test");
			holds(hash === undefined || isFace(`face ${hash} romeo@x.test`), "a picture without a hash");
			holds(name === undefined || (name !== "" && name === oneLineOf(name)), "a name of several lines");
			const photo = photoIn(stanza);
			holds(!photo || faceAt("romeo@x.test", photo)?.hash === photo, "a presence names no hash");
			const news = newsIn(stanza);
			holds(!news.photo || /^[0-9a-f]{40}$/.test(news.photo), "a node names no hash");
			holds(news.name === undefined || news.name === oneLineOf(news.name), "a name of several lines");
			return size(name ?? "", hash ?? "", news.name ?? "");
		},
	},
	"XMPP archives and disco": {
		kind: "tree",
		corpus: messages,
		async run(input) {
			const stanza = stanzaOf(input);
			if (!stanza) return size();
			roomFeatures(stanza);
			const result = `<result xmlns='urn:xmpp:mam:2' id='1' queryid='q'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>${serialize(stanza)}</forwarded></result>`;
			const [found] = stanzas(`<message from='${room}'>${result}</message>`);
			const archive = createArchive(
				{
					iq: async () => {
						if (found) archive.takes(found);
						return stanza;
					},
				},
				() => "q",
			);
			const { lines } = await archive.page({ jid: room, asker: "a@b/c" }, { before: "" });
			const events = lines.map(line);
			for (const one of lines) validXml(serialize(one));
			return size(...events.flatMap((event) => (event ? asMatrix(event) : [])));
		},
	},
	"XMPP queries for the archives of hosted rooms": {
		kind: "tree",
		corpus: archiveQueries,
		run(input) {
			const stanza = stanzaOf(input);
			const query = stanza?.getChildElements()[0];
			if (!query) return size();
			const wish = historyRequest(query, Date.now());
			holds(wish.lines >= 0 && wish.lines <= pageMost, "more history than a page has");
			try {
				const { filter, page, ...rest } = archiveQuery(query);
				holds(page.max >= 0 && page.max <= pageMost, "a page that is too large");
				holds(!Number.isNaN(filter.start ?? 0) && !Number.isNaN(filter.end ?? 0), "a time that is none");
				return size(wish, filter, page, rest);
			} catch (error) {
				if (!(error instanceof StanzaError)) throw error;
				return size(wish, error.message);
			}
		},
		grows: {
			"many ids": (length) => archiveQueryTree([["field", { var: "ids" }, ...valuesOf(length)]]),
			"many fields": (length) =>
				archiveQueryTree(valuesOf(length).map((value) => ["field", { var: "with" }, value])),
			"a long time": (length) =>
				archiveQueryTree([
					["field", { var: "start" }, ["value", {}, `2026-06-07T00:00:00.${"0".repeat(length)}Z`]],
				]),
		},
	},
	"XMPP forms of the owners of hosted rooms": {
		kind: "tree",
		corpus: ownerForms,
		run(input) {
			const query = stanzaOf(input);
			if (!query) return size();
			const at = (jid: string) => {
				if (!jid.includes("@")) throw new StanzaError("jid-malformed", "modify");
				return account(jid);
			};
			try {
				const form = submitted(query);
				if (form.kind !== "form") return size(form.kind);
				const changes = changesIn(form.values, { facts: ownedRoom, own: {}, ranked: new Map(), at });
				holds((changes.settings.levels?.length ?? 0) <= 2_000, "more ranks than a form may change");
				return size(changes);
			} catch (error) {
				if (!(error instanceof StanzaError)) throw error;
				return size(error.message);
			}
		},
		grows: {
			"many owners": (length) =>
				ownerFormTree([ownerField("roomowners", ...valuesOf(length).map((_, n) => `a${n}@x.test`))]),
			"many fields": (length) => ownerFormTree(valuesOf(length).map((_, n) => ownerField(`f${n}`, "1"))),
			"a long name": (length) => ownerFormTree([ownerField("roomname", "x".repeat(length))]),
		},
	},
	"XMPP stream": {
		kind: "text",
		corpus: streams,
		run(input) {
			// Bytes that are no UTF-8 decode to no lone surrogate, and the decoder cuts no surrogate pair in two.
			const [...points] = input.toWellFormed();
			const at = points.length >> 1;
			const whole = stanzas(points.join("")).map(serialize);
			const inPieces = stanzas(points.slice(0, at).join(""), ...points.slice(at)).map(serialize);
			holds(whole.join() === inPieces.join(), "the stanzas depend on how the stream was cut");
			whole.forEach(validXml);
			return size(...whole);
		},
		grows: {
			"a long text": (length) => `<message><body>${"x".repeat(length)}</body></message>`,
			"a deep stanza": (length) => "<a>".repeat(length / 3),
			"many attributes": (length) => `<message ${filled(length, (i) => `a${i}='' `)}/>`,
			"many entities": (length) => `<message><body>${"&amp;".repeat(length / 5)}</body></message>`,
			"many stanzas": (length) => "<message/>".repeat(length / 10),
		},
	},
	"neutral events to Matrix": {
		kind: "shape",
		corpus: [
			...messages.flatMap((one) => {
				const stanza = stanzaOf(one);
				const event = stanza && line(stanza);
				return event ? [JSON.stringify(event)] : [];
			}),
			JSON.stringify({
				kind: "state",
				id: "1" as MessageId,
				room: "a/b",
				sender: account("a@b"),
				at: 1,
				key: "k",
				label: "a b",
				value: "21",
			}),
		],
		// XML and UTF-8 have no lone surrogates.
		run: (input) =>
			size(
				...asMatrix(JSON.parse(input, (_key, one) => (typeof one === "string" ? one.toWellFormed() : one))),
			),
	},
};
