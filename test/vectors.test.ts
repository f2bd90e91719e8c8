import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import type { Capabilities } from "../src/core/capabilities.ts";
import { directions, kindsOf, vectors } from "./vectors.ts";

/** The file of everything that can cross; the compiler misses a kind that is forgotten. */
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
	profile: "member",
	state: "state",
};
/** What people tell apart though the event is the same. */
const more = ["emote", "mention", "voice", "sticker", "encrypted", "late", "other"];
const all = [...new Set([...Object.values(kinds), ...more])];

/** What there cannot be, and why. */
const none: Readonly<Record<string, string>> = {
	"from-matrix.state": "values of things come from MQTT",
	"from-xmpp.state": "values of things come from MQTT",
	"to-matrix.member": "joining and names are calls (test/matrix/network.test.ts)",
	"to-xmpp.member": "joining and names are presence (test/xmpp/joined/joined.test.ts)",
	"to-xmpp.encrypted":
		"what Matrix people encrypt is refused before it is an event (test/matrix/network.test.ts)",
	"to-matrix.other": "what has no translation is text by then",
	"to-xmpp.other": "what has no translation is text by then",
};
/** What only one network has. */
const own = ["from-xmpp.groupchat"];

test.each(directions)("every kind of thing has its vectors %s", (direction) => {
	const wanted = all.map((kind) => `${direction}.${kind}`).filter((file) => !none[file]);
	const there = kindsOf(direction).map((kind) => `${direction}.${kind}`);
	expect(there.filter((file) => !own.includes(file)).sort()).toEqual(wanted.sort());
});

test("every vector says what it shows, once", () => {
	const names = directions.flatMap((direction) =>
		kindsOf(direction).flatMap((kind) =>
			vectors<object>(direction, kind).map(({ name }) => `${direction}.${kind}: ${name}`),
		),
	);
	expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
	expect(names.filter((name) => / (undefined|null)$/.test(name))).toEqual([]);
});

test("no vector is forgotten under a name that nobody reads", () => {
	const read = directions.flatMap((direction) =>
		kindsOf(direction).map((kind) => `${direction}.${kind}.yaml`),
	);
	const files = readdirSync(new URL("./vectors/", import.meta.url));
	expect(files.filter((file) => file !== "README.md").sort()).toEqual(read.sort());
});
