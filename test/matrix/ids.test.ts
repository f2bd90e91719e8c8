import { describe, expect, test } from "vitest";
import { isEvent } from "../../src/matrix/event.ts";
import { fromMatrix, subjects } from "../../src/matrix/from-matrix.ts";
import { personIn } from "../../src/matrix/html.ts";
import { createMembers } from "../../src/matrix/members.ts";
import { sampleEvent, samplePerson } from "./samples.ts";

const event = (over: object) =>
	sampleEvent({ sender: "@a:hs.test", content: { msgtype: "m.text", body: "hi" }, ...over });
const read = (over: object) =>
	fromMatrix(event(over), {
		person: samplePerson,
		before: () => undefined,
		event: () => undefined,
		votes: [],
		isOurs: () => false,
	});
const [longest, tooLong, tooLongInBytes] = ["$".padEnd(255, "x"), "$".padEnd(256, "x"), "$".padEnd(200, "ü")];

describe("ids longer than 255 bytes", () => {
	test.each(["event_id", "room_id", "sender", "state_key", "type"])(
		"make an event invalid in %s",
		(field) => {
			expect(isEvent(event({ [field]: longest }))).toBe(true);
			expect(isEvent(event({ [field]: tooLong }))).toBe(false);
			expect(isEvent(event({ [field]: tooLongInBytes }))).toBe(false);
		},
	);
	test("are no target of a reply, edit, reaction or redaction", () => {
		const relation = (more: object) => ({ content: { msgtype: "m.text", body: "hi", "m.relates_to": more } });
		expect(read(relation({ "m.in_reply_to": { event_id: tooLong } }))).not.toHaveProperty("replyTo");
		expect(read(relation({ "m.in_reply_to": { event_id: longest } }))).toHaveProperty("replyTo");
		expect(read(relation({ rel_type: "m.replace", event_id: tooLong }))).toBeUndefined();
		const reaction = relation({ rel_type: "m.annotation", event_id: tooLong, key: "x" });
		expect(read({ ...reaction, type: "m.reaction" })).toBeUndefined();
		expect(read({ type: "m.room.redaction", redacts: tooLong, content: {} })).toBeUndefined();
	});
	test("are text and no mention", () => {
		const mxid = `@${"x".repeat(260)}:hs.test`;
		expect(personIn(`https://matrix.to/#/${mxid}`)).toBeUndefined();
		const content = {
			...{ body: `> <${mxid}> hi\n\nhi`, "m.mentions": { user_ids: [mxid] } },
			"m.relates_to": { "m.in_reply_to": { event_id: "$1" } },
		};
		expect(subjects(event({ content })).people).toEqual([]);
	});
});

describe("names in member events", () => {
	test("are kept as one short line each", async () => {
		const members = createMembers({ joinedMembers: async () => ({ joined: {} }) }, "hs.test");
		await members.read("!r");
		const join = (displayname: unknown) =>
			members.apply(
				event({
					type: "m.room.member",
					state_key: "@a:hs.test",
					content: { membership: "join", displayname },
				}),
			);
		join("Ann\nBob");
		expect(members.of("!r").get("@a:hs.test")).toBe("Ann Bob");
		join("x".repeat(60_000));
		expect(members.of("!r").get("@a:hs.test")).toHaveLength(256);
		join({});
		expect(members.of("!r").get("@a:hs.test")).toBe("a");
	});
	test("are the same name when they differ only in line breaks", () => {
		const join = {
			type: "m.room.member",
			state_key: "@a:hs.test",
			content: { membership: "join", displayname: "A\nB" },
		};
		const seen = fromMatrix(event(join), {
			person: samplePerson,
			before: () => "A\nB",
			event: () => undefined,
			votes: [],
			isOurs: () => false,
		});
		expect(seen).toBeUndefined();
	});
});
