import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Message, Person, State } from "../../src/core/event.ts";
import type { NetworkName, OperationId, UserId } from "../../src/core/ids.ts";
import { fromMatrix, isEvent, type MatrixEvent } from "../../src/matrix/from-matrix.ts";
import { asFile, fits, toMatrix } from "../../src/matrix/to-matrix.ts";

type Case<In> = {
	name: string;
	type?: string;
	by?: string;
	before?: string;
	in: In;
	out?: Record<string, unknown>;
};
const vectors = <In>(file: string): Case<In>[] =>
	parse(readFileSync(new URL(`../vectors/${file}.yaml`, import.meta.url), "utf8"));

const person = (mxid: string): Person => {
	const [localpart = "", domain = ""] = mxid.slice(1).split(":");
	const network = "matrix" as NetworkName;
	return { network, id: mxid as UserId, address: [localpart], name: localpart, handles: [mxid], domain };
};
const event = (over: Partial<MatrixEvent>): MatrixEvent => ({
	type: "m.room.message",
	event_id: "$e",
	room_id: "!r",
	sender: "@alice:hs.test",
	origin_server_ts: 1_700_000_000_000,
	content: {},
	...over,
});
const strangers = { person, before: () => undefined };

describe("from Matrix", () => {
	for (const { name, type = "m.room.message", in: content, out } of vectors<MatrixEvent["content"]>(
		"from-matrix.message",
	))
		test(name, () => {
			const { style, text } = (fromMatrix(event({ type, content }), strangers) ?? {}) as Partial<Message>;
			expect(style && { style, text }).toEqual(out);
		});

	for (const { name, by = "@alice:hs.test", before, in: content, out } of vectors<MatrixEvent["content"]>(
		"from-matrix.member",
	))
		test(name, () => {
			const state = { type: "m.room.member", state_key: "@alice:hs.test", sender: by, content };
			const found = fromMatrix(event(state), { person, before: () => before });
			const { kind, change, sender, by: who, reason } = (found ?? {}) as Record<string, unknown>;
			const seen = { kind, change, sender: (sender as Person | undefined)?.name, by: who, reason };
			expect(found && JSON.parse(JSON.stringify(seen))).toEqual(out);
		});

	test("what the homeserver brings minutes late says so", () => {
		const content = { msgtype: "m.text", body: "x" };
		expect(fromMatrix(event({ content, unsigned: { age: 600_000 } }), strangers)?.late).toBe(true);
		expect(fromMatrix(event({ content, unsigned: { age: 600 } }), strangers)).not.toHaveProperty("late");
	});

	test("settings of the room are not said aloud", () => {
		const topic = event({ type: "m.room.topic", state_key: "", content: { topic: "x", body: "x" } });
		expect(fromMatrix(topic, strangers)).toBeUndefined();
	});

	test("nothing a client can send makes it fail", () => {
		const types = fc.constantFrom(
			"m.room.message",
			"m.room.member",
			"m.sticker",
			"m.reaction",
			"m.poll.start",
			"x",
		);
		const keys = fc.constantFrom(
			"msgtype",
			"body",
			"m.relates_to",
			"m.new_content",
			"membership",
			"m.poll",
			"m.text",
			"answers",
			"question",
			"rel_type",
			"key",
			"m.in_reply_to",
		);
		const words = fc.constantFrom("m.text", "m.image", "m.replace", "join", "leave");
		const content = fc.letrec((tie) => ({
			value: fc.oneof(
				{ maxDepth: 4 },
				words,
				fc.jsonValue({ maxDepth: 1 }),
				tie("object"),
				fc.array(tie("value"), { maxLength: 2 }),
			),
			object: fc.dictionary(keys, tie("value"), { maxKeys: 5 }),
		})).object;
		fc.assert(
			fc.property(types, fc.option(fc.string(), { nil: undefined }), content, (type, state_key, content) => {
				const any = {
					...event({ type, content: content as MatrixEvent["content"] }),
					...(state_key !== undefined && { state_key }),
				};
				if (isEvent(any)) fromMatrix(any, { person, before: () => "x" });
			}),
			{ numRuns: 500 },
		);
	});

	test("what is no event is told from one", () => {
		for (const wrong of [
			null,
			1,
			{},
			{ ...event({}), content: [] },
			{ ...event({}), sender: 1 },
			{ ...event({}), state_key: {} },
		])
			expect(isEvent(wrong)).toBe(false);
		expect(isEvent(event({}))).toBe(true);
	});
});

describe("to Matrix", () => {
	for (const { name, in: part, out } of vectors<Message | State>("to-matrix.message"))
		test(name, () => {
			expect(toMatrix(part, "op1" as OperationId)).toEqual(out);
		});

	const said = (text: string) =>
		toMatrix({ kind: "message", style: "text", text } as Message, "op1" as OperationId);

	test("the limit is that of the encoded event: quotes count twice", () => {
		expect(fits(said("x".repeat(59_000)))).toBe(true);
		expect(fits(said('"'.repeat(31_000)))).toBe(false);
		expect(fits(said("ü".repeat(31_000)))).toBe(false);
	});

	test("a text past it becomes a file whose caption is its beginning, whole characters only", () => {
		const content = asFile(said("🎉".repeat(20_000)), "mxc://hs.test/1", 80_000);
		expect(content).toMatchObject({
			msgtype: "m.file",
			filename: "message.txt",
			url: "mxc://hs.test/1",
			info: { mimetype: "text/plain", size: 80_000 },
			"trivium.bridge": { op: "op1" },
		});
		expect(content.body).toMatch(/^(🎉){500}\n… /u);
		expect(fits(content)).toBe(true);
	});
});
