import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import type { Capabilities } from "../src/core/capabilities.ts";
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
	profile: "member",
	state: "state",
};
/** Further files, for variants that people tell apart although the kind of event is the same. */
const more = ["emote", "mention", "voice", "sticker", "encrypted", "late", "other"];
const all = [...new Set([...Object.values(kinds), ...more])];

/** Files that cannot exist, with the reason. */
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
/** Files that only one network has. */
const own = ["from-xmpp.groupchat"];

test.each(directions)("every kind of event has vectors %s", (direction) => {
	const wanted = all.map((kind) => `${direction}.${kind}`).filter((file) => !none[file]);
	const there = kindsOf(direction).map((kind) => `${direction}.${kind}`);
	expect(there.filter((file) => !own.includes(file)).sort()).toEqual(wanted.sort());
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
