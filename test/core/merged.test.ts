import { expect, test } from "vitest";
import type { BridgeEvent, Edit, Media, Message, State } from "../../src/core/event.ts";
import type { MessageId } from "../../src/core/ids.ts";
import { merged } from "../../src/core/merged.ts";
import { message, person } from "../store/sample.ts";

const file = (name: string): Media => ({
	kind: "file",
	name,
	source: { network: person("a").network, ref: name },
});
const held: Message = {
	...message("held", "old"),
	aka: ["held too" as MessageId],
	replyTo: { id: "question" as MessageId },
	rich: [{ type: "text", text: "old" }] as never,
	media: file("a.txt"),
};
const editOf = (more: Partial<Edit>): Edit => ({
	...message("edit", "new"),
	at: held.at + 5,
	kind: "edit",
	target: { id: held.id },
	...more,
});

test("a held message takes the content of its edit, whole, and keeps its id, time and reply", () => {
	const { rich: _rich, media: _media, ...rest } = held;
	expect(merged(held, editOf({ style: "emote" }))).toEqual({ ...rest, text: "new", style: "emote" });
	const now = merged(
		held,
		editOf({ media: file("b.txt"), newMedia: true, replyTo: { id: "x" as MessageId } }),
	);
	expect(now).toEqual({ ...rest, text: "new", media: file("b.txt") });
});

test("a held edit takes the content and the time of a later one, and still replaces a file that it replaced", () => {
	const first = editOf({ media: file("b.txt"), newMedia: true });
	const second = {
		...editOf({ text: "newer", media: file("b.txt") }),
		id: "second" as MessageId,
		at: held.at + 9,
	};
	expect(merged(first, second)).toEqual({ ...first, text: "newer", at: held.at + 9 });
});

test("a held value counts the values that it stands for, unless it is shown in place of an earlier one", () => {
	const { style: _style, text: _text, ...base } = message("value");
	const value = (text: string, at: number, more: Partial<State> = {}): State => {
		return { ...base, kind: "state", key: "k", label: "door", value: text, at, ...more };
	};
	const twice = merged(value("1", 1_000), value("2", 2_000));
	const more = value("9", 9_000, { digest: { values: 5, since: 4_000 } });
	expect(merged(twice, more)).toMatchObject({ value: "9", at: 9_000, digest: { values: 7, since: 1_000 } });
	const replaces = { id: "shown" as MessageId };
	expect(merged(value("1", 1_000, { replaces }), value("2", 2_000, { replaces }))).not.toHaveProperty(
		"digest",
	);
});

test("a held value takes the later value; an event that cannot be edited stays as it is", () => {
	const { style: _style, text: _text, ...base } = message("value");
	const state = (value: string): BridgeEvent => ({ ...base, kind: "state", key: "k", label: "door", value });
	const { digest, ...now } = merged(state("open"), state("closed")) as State;
	expect(now).toEqual(state("closed"));
	expect(digest).toEqual({ values: 2, since: base.at });
	expect(merged(state("open"), editOf({}))).toEqual(state("open"));
	expect(merged(held, state("open"))).toEqual(held);
});
