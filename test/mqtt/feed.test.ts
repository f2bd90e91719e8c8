import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { MessageId, OperationId, RoomId } from "../../src/core/ids.ts";
import { type FedEvent, fedTo, feedRoom, isFed, passedIn, toFeed } from "../../src/mqtt/feed.ts";
import { fromMqtt } from "../../src/mqtt/from-mqtt.ts";
import { roomOf } from "../../src/mqtt/topics.ts";
import { message, person } from "../store/sample.ts";

const schema = JSON.parse(readFileSync("docs/mqtt-message.schema.json", "utf8")) as object;
const isValid = new Ajv({ validateFormats: false, allowUnionTypes: true }).compile(schema);
const room = feedRoom({ broker: "home", topic: "chat/lobby", events: ["message"] });
const alice = { ...person("alice"), network: "matrix" as never, name: "Alice", handles: ["@alice:hs.test"] };
const { id, at } = message("$1");
const base = { id, at, room: "!lobby:hs.test" as RoomId, sender: alice };
const target = { id: "$0" as MessageId };

/** Returns the topic and the JSON of an event, which fits the published schema. */
function fed(event: BridgeEvent, refs = {}) {
	const out = { event, room, refs, operation: "op" as OperationId, passed: ["mark"] };
	const { topic, payload } = toFeed(out);
	const record = JSON.parse(payload) as Record<string, unknown>;
	expect(isValid(record), JSON.stringify(isValid.errors)).toBe(true);
	return { topic, record, payload };
}

describe("the JSON of a room", () => {
	test("has a message with its sender, and the message that it answers", () => {
		const event: BridgeEvent = { ...base, kind: "message", style: "text", text: "hi", replyTo: target };
		const { topic, record } = fed(event, { $0: ["op0"] });
		expect(topic).toBe("chat/lobby/message");
		expect(record).toEqual({
			schema: "trivium/1",
			kind: "message",
			id: "op",
			time: new Date(at).toISOString(),
			network: "matrix",
			room: "!lobby:hs.test",
			sender: { address: "@alice:hs.test", name: "Alice" },
			style: "text",
			text: "hi",
			reply_to: "op0",
			passed: ["mark"],
		});
	});

	test.each([
		["edit", { kind: "edit", style: "text", text: "ho", target }, { target: "op0", text: "ho" }],
		["deletion", { kind: "redaction", target }, { target: "op0" }],
		["reaction", { kind: "reaction", mode: "set", emoji: ["👍"], target }, { target: "op0", emoji: ["👍"] }],
		["membership", { kind: "membership", change: "join" }, { change: "join" }],
	] as const)("has an event of the kind %s on a topic of its own", (kind, content, shown) => {
		const { topic, record } = fed({ ...base, ...content } as BridgeEvent, { $0: ["op0"] });
		expect(topic).toBe(`chat/lobby/${kind}`);
		expect(record).toMatchObject({ kind, ...shown });
	});

	test("has the files of a message, and a deletion of a message that the feed did not have", () => {
		const source = { network: "matrix" as never, ref: "mxc://secret/key" };
		const media = { kind: "image", name: "cat.png", mime: "image/png", size: 7, source } as const;
		const { record, payload } = fed({ ...base, kind: "message", style: "text", text: "", media });
		expect(record.files).toEqual([{ kind: "image", name: "cat.png", mime: "image/png", size: 7 }]);
		expect(payload).not.toContain("secret");
		expect(fed({ ...base, kind: "redaction", target }).record.target).toBeNull();
	});

	test.each([
		[["message"], "message", true],
		[["message"], "edit", false],
		[["message", "deletion"], "redaction", true],
		[["message", "edit", "deletion", "reaction", "membership"], "state", false],
	] as const)("of a feed of %j has %s: %s", (events, kind, wanted) => {
		const fed = fedTo(feedRoom({ broker: "home", topic: "t", events })) as readonly FedEvent[];
		expect(isFed(fed, { kind } as BridgeEvent)).toBe(wanted);
	});

	test("is no feed of a room that shows a topic", () => {
		expect(fedTo(roomOf("home", "a/#"))).toBeUndefined();
		expect(fedTo(roomOf("home", "a/#", '{"value":"/x"}'))).toBeUndefined();
	});

	test("brings the rooms that it has passed back with it, also without user properties", () => {
		const { payload } = fed({ ...base, kind: "message", style: "text", text: "hi" });
		const arrival = {
			...{ topic: "t", payload: Buffer.from(payload), qos: 1 as const, dup: false, retain: false },
			...{ packetId: 1, subscriptions: [] },
		};
		const at = { broker: "home", room: roomOf("home", "t"), id, at: 0 };
		expect(fromMqtt(arrival, at).event.passed).toEqual(["mark"]);
		expect(fromMqtt({ ...arrival, payload: Buffer.from("{}"), passed: ["x", "<"] }, at).event.passed).toEqual(
			["x"],
		);
	});

	test.each(['{"schema":"trivium/1"', '{"schema":"trivium/1","passed":{}}', "{}", ""])(
		"of a strange payload %j has passed nothing",
		(text) => expect(passedIn(Buffer.from(text))).toEqual([]),
	);
});
