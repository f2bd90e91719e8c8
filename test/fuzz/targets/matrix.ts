import { downgrade } from "../../../src/core/downgrade.ts";
import type { BridgeEvent } from "../../../src/core/event.ts";
import { plain } from "../../../src/core/rich.ts";
import type { Signal } from "../../../src/core/signal.ts";
import { commandIn } from "../../../src/matrix/commands.ts";
import { createEphemeral } from "../../../src/matrix/ephemeral.ts";
import { isEvent, type MatrixEvent, type ReadContext } from "../../../src/matrix/event.ts";
import { fromMatrix, subjects } from "../../../src/matrix/from-matrix.ts";
import { parseHtml } from "../../../src/matrix/html.ts";
import { writeHtml } from "../../../src/matrix/to-html.ts";
import { direct, joined, withoutIds } from "../../../src/xmpp/capabilities.ts";
import { parseMessage } from "../../../src/xmpp/from-xmpp.ts";
import type { Sayable } from "../../../src/xmpp/message/feature.ts";
import { serialize } from "../../../src/xmpp/stream/xml.ts";
import * as to from "../../../src/xmpp/to-xmpp.ts";
import { stanza } from "../../xmpp/stanza.ts";
import { noRawMxid, sanitisedHtml, validXml } from "../checks.ts";
import { events, pages } from "../corpus.ts";
import { filled, size, type Target } from "../target.ts";
import { event, inRoom, members, mxid, noRefs, person, room, writing, xmppRefs } from "../world.ts";

const around = (known: Readonly<Record<string, unknown>>): ReadContext => ({
	person,
	before: () => "before",
	event: (id) => {
		const one = Object.hasOwn(known, id) ? event({ event_id: id, ...(known[id] as object) }) : undefined;
		return isEvent(one) ? one : undefined;
	},
	votes: Object.values(known).filter(isEvent),
	isOurs: (id) => id.startsWith("@_xmpp_"),
});

const nothing: readonly string[] = [];
/** Returns the MXIDs that the event mentions and whose members have a name of their own. */
function meant(content: MatrixEvent["content"]): readonly string[] {
	const ids = (content["m.mentions"] as { user_ids?: unknown } | null | undefined)?.user_ids;
	if (!Array.isArray(ids)) return nothing;
	return ids.filter((id) => /^[^@:]+$/.test(members.get(id) ?? "@")).slice(0, 20);
}

/** Returns the stanzas that an event becomes, after the checks. */
function asXmpp(given: BridgeEvent, mxids: readonly string[]): readonly string[] {
	const kinds = [
		[joined, xmppRefs],
		[withoutIds, noRefs],
		[direct(() => "text"), noRefs],
	] as const;
	return kinds.flatMap(([capabilities, refs]) => {
		const shown = downgrade(given, capabilities, refs);
		if (!shown || !["message", "edit", "redaction", "reaction"].includes(shown.kind)) return [];
		const sayable = shown as Sayable;
		const context = writing({ refs });
		const relay = to.relayed(sayable, given.sender.name ?? "", []);
		return [sayable, ...(relay ? [relay] : [])].map((one) => {
			const words = to.draft(one, context);
			noRawMxid(words.body ?? "", mxids);
			const text = serialize(to.groupchat("a@bridge.test/b", room, "op", words));
			validXml(text);
			parseMessage(stanza(text), inRoom);
			return text;
		});
	});
}

const message = (content: object) =>
	JSON.stringify({ event: event({ content: { msgtype: "m.text", ...content } }), known: {} });
const body = (unit: string) => (length: number) =>
	message({ body: unit.repeat(Math.ceil(length / unit.length)) });
const html = (page: string) => message({ body: "x", format: "org.matrix.custom.html", formatted_body: page });
const pageUnits = [
	"<li>",
	"<li>a",
	"<b>",
	"<b>a</b>",
	"<b>a",
	"<p>a",
	"<ul>",
	"<ol>",
	"<blockquote>",
	"<blockquote>a",
	"<pre>",
	"<table><tr><td>",
	"<td>",
	"<br>",
	"<span data-mx-spoiler>a",
	"<a href='https://matrix.to/#/@alice:hs.test'>a</a>",
	"<a href='https://x.test'>",
	"<code>",
	"<!--",
	"&lt;",
	"&",
	"a ",
	" ",
	"<h1>",
	"<mx-reply>",
	"<img alt=a>",
	"<hr>",
	"</b>",
	"<i><b>",
];

const passing = [
	{ type: "m.typing", room_id: "!r", content: { user_ids: ["@alice:hs.test", "@_xmpp_a:hs.test"] } },
	{
		type: "m.receipt",
		room_id: "!r",
		content: { $1: { "m.read": { "@alice:hs.test": { ts: 1, thread_id: "main" } }, "m.read.private": {} } },
	},
];
/** Returns a transaction's ephemeral part of about this size. */
const crowd = (content: (count: number) => object) => (length: number) =>
	JSON.stringify([{ room_id: "!r", ...content(Math.ceil(length / 30)) }]);
const many = <T>(count: number, one: (index: number) => T) => Array.from({ length: count }, (_, i) => one(i));

export const matrixTargets: Readonly<Record<string, Target>> = {
	"what passes on Matrix": {
		kind: "tree",
		corpus: passing.map((one) => JSON.stringify([one])),
		run(input) {
			const given = JSON.parse(input) as unknown;
			const told: Signal[] = [];
			const { take, note } = createEphemeral({
				bridge: { signal: (signal) => void told.push(signal) },
				members: { person, of: () => members },
				isOurs: (id) => id.startsWith("@_xmpp_"),
				// The guard of the bridge would hide a fault.
				guard: {
					run: async (_entry, work) => void work(),
					handle: (_item, work) => work(),
				},
			});
			note([event({ event_id: "$0", content: { msgtype: "m.text", body: "x" } }) as MatrixEvent]);
			const all = Array.isArray(given) ? given : [given];
			for (const one of [all, all]) take(one);
			return size(...told);
		},
		grows: {
			"a list of people who type": crowd((count) => ({
				type: "m.typing",
				content: { user_ids: many(count, (i) => `@${i}:hs.test`) },
			})),
			"receipts of many people": crowd((count) => ({
				type: "m.receipt",
				content: { $1: { "m.read": Object.fromEntries(many(count, (i) => [`@${i}:hs.test`, { ts: i }])) } },
			})),
			"receipts of many events": crowd((count) => ({
				type: "m.receipt",
				content: Object.fromEntries(many(count, (i) => [`$${i}`, { "m.read": { "@a:hs.test": { ts: i } } }])),
			})),
		},
	},
	"Matrix events to XMPP": {
		weight: 4,
		kind: "tree",
		corpus: events,
		run(input) {
			const { event: given, known } = (JSON.parse(input) ?? {}) as {
				event?: unknown;
				known?: Record<string, unknown>;
			};
			if (!isEvent(given)) return size();
			subjects(given);
			commandIn(given, "!bridge", true);
			const found = fromMatrix(given, around(typeof known === "object" && known ? known : {}));
			return found ? size(...asXmpp(found, meant(given.content))) : size();
		},
		grows: {
			...Object.fromEntries(
				[
					"[",
					"[a](",
					"[a](https://matrix.to/#/@a",
					"@",
					"@alice:hs.test ",
					"@room ",
					"a ",
					"> ",
					"> a\n",
					"*",
					"*a* ",
					"_",
					"`",
					"```\n",
					"||",
					"/me ",
					"\n",
					"https://a ",
					"🎉",
					" ",
				].map((unit) => [`a body of ${JSON.stringify(unit)}`, body(unit)]),
			),
			...Object.fromEntries(
				pageUnits.map((unit) => [
					`a page of ${unit}`,
					(length: number) => html(unit.repeat(Math.ceil(length / unit.length))),
				]),
			),
			"mentions whose names contain each other's MXIDs": (length) =>
				message({
					body: filled(length, () => "@c:hs.test @d:hs.test "),
					"m.mentions": { user_ids: ["@c:hs.test", "@d:hs.test", "@f:hs.test", "@alice:hs.test"] },
				}),
			"many mentions": (length) =>
				message({
					body: filled(length / 2, (i) => `@p${i}:hs.test `),
					"m.mentions": {
						user_ids: Array.from({ length: Math.ceil(length / 40) }, (_, i) => `@p${i}:hs.test`),
					},
				}),
			"one mention whose name is everywhere": (length) =>
				message({ body: "aa ".repeat(length / 3), "m.mentions": { user_ids: ["@f:hs.test"] } }),
			"a page of pills": (length) =>
				html(filled(length, (i) => `<a href='https://matrix.to/#/@p${i}:hs.test'>@p${i}:hs.test</a> `)),
			"a poll of many answers": (length) =>
				JSON.stringify({
					event: event({
						type: "m.poll.start",
						content: {
							"m.poll": {
								question: { "m.text": [{ body: "?" }] },
								answers: Array.from({ length: Math.ceil(length / 40) }, (_, i) => ({
									"m.id": `${i}`,
									"m.text": [{ body: `${i}` }],
								})),
							},
						},
					}),
					known: {},
				}),
			"an answer with a long quote": (length) =>
				JSON.stringify({
					event: event({
						content: {
							msgtype: "m.text",
							body: "a",
							"m.relates_to": { "m.in_reply_to": { event_id: "$1" } },
						},
					}),
					known: { $1: { content: { msgtype: "m.text", body: "> a\n".repeat(length / 4) } } },
				}),
			"an answer whose fallback is long": (length) =>
				message({
					body: `${"> <@alice:hs.test> a\n".repeat(length / 20)}\nb`,
					"m.relates_to": { "m.in_reply_to": { event_id: "$1" } },
				}),
		},
	},
	"Matrix HTML": {
		kind: "text",
		corpus: pages,
		run(input) {
			const rich = parseHtml(input, (id) => (members.has(id) ? person(id) : undefined));
			const page = writeHtml(rich, mxid);
			sanitisedHtml(page);
			parseHtml(page, () => undefined);
			return size(page, plain(rich), plain(rich, "> "));
		},
		grows: Object.fromEntries(
			pageUnits.map((unit) => [unit, (length: number) => unit.repeat(Math.ceil(length / unit.length))]),
		),
	},
	"neutral events to XMPP": {
		kind: "shape",
		corpus: events.flatMap((one) => {
			const { event: given, known } = JSON.parse(one);
			const found = isEvent(given) ? fromMatrix(given, around(known)) : undefined;
			return found ? [JSON.stringify(found)] : [];
		}),
		run: (input) => size(...asXmpp(JSON.parse(input), [])),
	},
};
