import { describe, expect, test } from "vitest";
import type { Capabilities, Support } from "../../src/core/capabilities.ts";
import { downgrade } from "../../src/core/downgrade.ts";
import type { BridgeEvent, Media, Message } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import { fakeNetwork } from "../fakes.ts";

const sender = fakeNetwork("earth").person("ann");
const id = (text: string) => text as MessageId;
const base = { id: id("e1"), room: "plaza" as RoomId, sender, at: 0 };
const message = (more: Partial<Message> = {}): Message => ({
	...base,
	kind: "message",
	style: "text",
	text: "hi",
	...more,
});
const target = { id: id("t"), author: { ...sender, name: "Bob" }, text: "lunch at twelve?" };
const known = { t: [id("there")] };

const kinds = [
	"message",
	"edit",
	"redaction",
	"reaction",
	"poll",
	"vote",
	"poll-end",
	"membership",
	"profile",
	"state",
] as const;
const features = ["rich", "reply", "thread", "media", "location"] as const;
const all = (support: Support, over: Partial<Capabilities> = {}): Capabilities =>
	({
		...Object.fromEntries([...kinds, ...features].map((name) => [name, support])),
		...over,
	}) as Capabilities;
const native = all("native");
const poor = all("text", { message: "native" });

/** Returns the downgraded event in short: "style: text" for a message, the kind for a native event, undefined for nothing. */
const read = (event: BridgeEvent, capabilities: Capabilities, refs = {}) => {
	const shown = downgrade(event, capabilities, refs);
	if (!shown) return "nothing";
	return shown.kind === "message" ? `${shown.style}: ${shown.text}` : shown.kind;
};

describe("a value that is a picture", () => {
	const media: Media = { kind: "image", source: { network: sender.network, ref: "x" }, name: "x.png" };
	const value = { ...base, kind: "state", key: "t", label: "camera", value: "a picture", media } as const;
	const able = all("native", { state: "text" });
	test("is a message with it", () =>
		expect(downgrade(value, able, {})).toEqual({
			...base,
			kind: "message",
			style: "notice",
			text: "",
			media: { ...media, alt: "camera" },
		}));
	test("takes the place of an earlier one", () =>
		expect(downgrade({ ...value, replaces: target }, able, known)).toMatchObject({
			kind: "edit",
			target,
			newMedia: true,
			media: { name: "x.png" },
		}));
	test("is told in words where there are no files, and not at all where there are no values", () => {
		expect(read(value, { ...able, media: "text" })).toContain("x.png");
		expect(read(value, { ...able, state: "drop" })).toBe("nothing");
	});
});

describe("a value in place of an earlier one", () => {
	const value = (replaces = target): BridgeEvent => {
		const { id, room, sender, at } = message();
		return { id, room, sender, at, kind: "state", key: "t", label: "kitchen", value: "21 °C", replaces };
	};
	const words = all("native", { state: "text" });
	test("edits the message of that one", () =>
		expect(downgrade(value(), words, known)).toMatchObject({
			kind: "edit",
			target,
			style: "notice",
			text: "kitchen: 21 °C",
		}));
	test.each([
		["the room does not know that one", words, {}],
		["the room has no edits", all("native", { state: "text", edit: "text" }), known],
	])("is a message if %s", (_why, capabilities, refs) =>
		expect(read(value(), capabilities, refs)).toBe("notice: kitchen: 21 °C"),
	);
});

test("a value that stands for several says how many there were, and in what time", () => {
	const { id, room, sender } = message();
	const value = { id, room, sender, kind: "state", key: "t", label: "kitchen", value: "21 °C" } as const;
	const digest = { values: 120, since: 50_000 };
	expect(read({ ...value, at: 60_000, digest }, all("native", { state: "text" }))).toBe(
		"notice: kitchen: 120 values in 10 seconds, last: 21 °C",
	);
});

describe("a reply", () => {
	const reply = message({ replyTo: target });
	test("stays a reply if the room knows its target", () => {
		expect(downgrade(reply, native, known)).toEqual(reply);
	});
	test.each([
		["its target is not known there", native, {}],
		["replies do not exist", poor, known],
	])("quotes its target with the author's name if %s", (_why, capabilities, refs) => {
		expect(read(reply, capabilities, refs)).toBe("text: > Bob: lunch at twelve?\nhi");
	});
	test("quotes every line of its target", () => {
		expect(read(message({ replyTo: { ...target, text: "a\nb" } }), poor)).toBe("text: > Bob: a\n> b\nhi");
	});
});

describe("an edit", () => {
	const edit: BridgeEvent = {
		...base,
		kind: "edit",
		style: "text",
		text: "one",
		target: { ...target, own: id("mine") },
	};
	test("stays an edit if the sender wrote the target", () => {
		expect(read(edit, native, { ...known, mine: [id("there")] })).toBe("edit");
	});
	test("of another person's or an unknown message becomes a correction in words", () => {
		expect(read(edit, native, known)).toBe("text: Correction: one");
		expect(read(edit, poor, { mine: [id("there")] })).toBe("text: Correction: one");
	});
	test("to another picture becomes that picture in a room without edits", () => {
		const media = { kind: "image", name: "dog.png", source: { network: "earth", ref: "x" } } as Media;
		const other = { ...edit, text: "", media, newMedia: true } as const;
		expect(downgrade(other, native, known)).toEqual({
			...base,
			kind: "message",
			style: "text",
			text: "",
			media,
		});
		expect(downgrade(other, native, { mine: [id("there")] })).toEqual(other);
	});
});

describe("a reaction", () => {
	const reaction: BridgeEvent = { ...base, kind: "reaction", mode: "add", emoji: ["👍"], target };
	test("stays a reaction if the room knows its target, else it becomes words", () => {
		expect(read(reaction, native, known)).toBe("reaction");
		expect(read(reaction, native)).toBe("emote: reacted with 👍 to “lunch at twelve?”");
		expect(read(reaction, poor, known)).toBe("emote: reacted with 👍 to “lunch at twelve?”");
	});
	test("never becomes words when it is taken back", () => {
		expect(read({ ...reaction, mode: "remove" }, poor, known)).toBe("nothing");
		expect(read({ ...reaction, mode: "set", emoji: [] }, poor, known)).toBe("nothing");
	});
});

test("a redaction of a message that the room never got shows nothing", () => {
	expect(read({ ...base, kind: "redaction", target }, native)).toBe("nothing");
	expect(read({ ...base, kind: "redaction", target }, native, known)).toBe("redaction");
});

test("media and locations become words in a room without them", () => {
	const source = { network: sender.network, ref: "x" };
	expect(read(message({ text: "my cat", media: { kind: "image", name: "cat.png", source } }), poor)).toMatch(
		/cat\.png.*my cat/s,
	);
	const [media, dog] = ["cat.png", "dog.png"].map((name) => ({ kind: "image" as const, name, source }));
	const both = message({ text: "pets", ...(media && dog && { media, more: [dog] }) });
	expect(read(both, poor)).toMatch(/cat\.png\n.*dog\.png\npets/s);
	expect(
		read(message({ text: "", location: { geo: "geo:51.5,0.1", description: "Big Ben" } }), poor),
	).toMatch(/Big Ben.*geo:51\.5,0\.1/);
});

test("a thread becomes its name, and a poll its question with numbered answers, in a room without them", () => {
	expect(read(message({ thread: target }), poor, known)).toBe("text: (in thread: lunch at twelve?) hi");
	const answers = [
		{ id: "a", text: "yes" },
		{ id: "b", text: "no" },
	];
	expect(read({ ...base, kind: "poll", question: "Lunch?", answers }, poor)).toMatch(
		/Lunch\?.*1.*yes.*2.*no/s,
	);
});

test("a vote becomes the texts of its answers, and nothing if only their ids are known", () => {
	const vote: BridgeEvent = { ...base, kind: "vote", target, answers: [{ id: "a1b2", text: "yes" }] };
	expect(read(vote, poor, known)).toBe("emote: voted: yes");
	expect(read({ ...vote, answers: [{ id: "a1b2", text: "" }] }, poor, known)).toBe("nothing");
	expect(read({ ...vote, answers: [] }, poor, known)).toBe("nothing");
	expect(read(vote, native, known)).toBe("vote");
});

test("a message keeps its formatting only in a room with formatting", () => {
	const rich = [{ tag: "bold", children: ["hi"] }] as const;
	expect(downgrade(message({ rich }), native, {})).toEqual(message({ rich }));
	expect(downgrade(message({ rich }), poor, {})).toEqual(message());
});

test("an event of a dropped kind is not shown", () => {
	for (const kind of ["message", "reaction"] as const)
		expect(
			read(
				kind === "message" ? message() : { ...base, kind, mode: "add", emoji: ["👍"], target },
				all("drop"),
				known,
			),
		).toBe("nothing");
});
