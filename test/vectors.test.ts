import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Capabilities } from "../src/core/capabilities.ts";
import { linesOf, seenBy, stories } from "./scenarios/script.ts";
import { directions, kindsOf, vectors } from "./vectors.ts";

/** The vectors' file for each kind of event; the compiler reports a missing kind. */
const kinds: Record<keyof Capabilities, string> = {
	message: "message",
	edit: "edit",
	redaction: "redaction",
	reaction: "reaction",
	poll: "poll",
	vote: "poll",
	"poll-end": "poll",
	rich: "formatted",
	reply: "reply",
	thread: "thread",
	media: "files",
	location: "location",
	membership: "member",
	moderation: "member",
	profile: "member",
	state: "state",
};
/** Further files, for variants that people tell apart although the kind of event is the same. */
const more = ["emote", "mention", "voice", "sticker", "encrypted", "late", "other", "happening"];
const all = [...new Set([...Object.values(kinds), ...more])];

/** Files that cannot exist, with the reason. */
const none: Readonly<Record<string, string>> = {
	"from-matrix.state": "values of things come from MQTT",
	"from-xmpp.state": "values of things come from MQTT",
	"to-matrix.member": "joining and names are calls (test/matrix/network.test.ts)",
	"to-xmpp.member": "joining and names are presence (test/xmpp/joined/joined.test.ts)",
	"to-xmpp.encrypted":
		"a line that Matrix people encrypt is refused before it is an event (test/matrix/network.test.ts)",
	"to-matrix.happening": "a happening is in words by then",
	"to-xmpp.happening": "a happening is in words by then",
	"to-matrix.other": "an event without a translation is text by then",
	"to-xmpp.other": "an event without a translation is text by then",
};
/** Files that only one network has. */
const own = ["from-xmpp.groupchat"];

test.each(directions)("every kind of event has vectors %s", (direction) => {
	const wanted = all.map((kind) => `${direction}.${kind}`).filter((file) => !none[file]);
	const there = kindsOf(direction).map((kind) => `${direction}.${kind}`);
	expect(there.filter((file) => !own.includes(file)).sort()).toEqual(wanted.sort());
});

describe("the texts that people read", () => {
	/** An MXID, the URI of a file, an event id, or a JID or MXID in an escaped spelling. */
	const address = /@[\w.=/+-]+:[\w-]+(?:\.[\w-]+)|mxc:\/\/|\$[\w-]{20,}|=40|\\40|@_xmpp_/;
	const fields = new Set(["text", "body", "formatted_body", "children", "name", "question", "description"]);
	/** Returns the texts that a vector's output shows, without the tags of HTML. */
	function shown(value: unknown, field = ""): readonly string[] {
		if (typeof value === "string") return fields.has(field) ? [value.replace(/<[^>]*>/g, "")] : [];
		if (Array.isArray(value)) return value.flatMap((one) => shown(one, field));
		if (typeof value !== "object" || value === null) return [];
		return Object.entries(value).flatMap(([key, one]) => shown(one, key));
	}
	const body = (xml: string) => [/<body>(.*?)<\/body>/s.exec(xml)?.[1] ?? ""];

	test.each(directions)("hold no address in any vector %s", (direction) => {
		const cases = kindsOf(direction).flatMap((kind) =>
			vectors<{ out?: unknown; caption?: string }>(direction, kind).map((one) => ({ kind, ...one })),
		);
		const texts = cases.flatMap(({ kind, name, out, caption = "" }) =>
			(typeof out === "string" ? body(out) : [...shown(out), caption]).map(
				(one) => `${kind}, ${name}: ${one}`,
			),
		);
		expect(texts.length).toBeGreaterThan(20);
		expect(texts.filter((one) => address.test(one))).toEqual([]);
	});
	test("hold no address in any scenario", () => {
		const lines = stories.flatMap(({ steps }) =>
			steps.flatMap((step) => [
				...seenBy("Matrix", step),
				...seenBy("XMPP", step),
				...seenBy("XMPP", step, "MUC"),
				...linesOf(step.told),
			]),
		);
		expect(lines.length).toBeGreaterThan(20);
		expect(lines.filter((one) => address.test(one))).toEqual([]);
	});
});

test("every vector has a name of its own", () => {
	const names = directions.flatMap((direction) =>
		kindsOf(direction).flatMap((kind) =>
			vectors<object>(direction, kind).map(({ name }) => `${direction}.${kind}: ${name}`),
		),
	);
	expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
	expect(names.filter((name) => / (undefined|null)$/.test(name))).toEqual([]);
});

test("every file of vectors is read by a test", () => {
	const read = directions.flatMap((direction) =>
		kindsOf(direction).map((kind) => `${direction}.${kind}.yaml`),
	);
	const files = readdirSync(new URL("./vectors/", import.meta.url));
	expect(files.filter((file) => file !== "README.md").sort()).toEqual(read.sort());
});
