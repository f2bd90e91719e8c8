import { describe, expect, test } from "vitest";
import type { CommandCall } from "../../src/core/command.ts";
import { parse } from "../../src/core/command-parameters.ts";
import { PermanentError } from "../../src/core/errors.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Bridge } from "../../src/core/network.ts";
import { type Arrival, fromMqtt } from "../../src/mqtt/from-mqtt.ts";
import { choose, publishCommand } from "../../src/mqtt/pub.ts";
import { toMqtt } from "../../src/mqtt/to-mqtt.ts";

const shown = (payload: string | Uint8Array, more: Partial<Arrival> = {}) => {
	const arrival: Arrival = {
		topic: "home/living_room/temperature",
		payload: typeof payload === "string" ? Buffer.from(payload) : payload,
		qos: 1,
		dup: false,
		retain: false,
		packetId: 7,
		subscriptions: [],
		...more,
	};
	return fromMqtt(arrival, { broker: "home", room: "home/home/#" as RoomId, id: "m1" as MessageId, at: 5 })
		.event;
};

describe("a published value", () => {
	test("becomes the state of a device that is named after its topic", () => {
		expect(shown("21.5 °C")).toEqual({
			kind: "state",
			id: "m1",
			room: "home/home/#",
			at: 5,
			key: "home/living_room/temperature",
			label: "living room temperature",
			value: "21.5 °C",
			sender: {
				network: "mqtt",
				id: "home/home/living_room/temperature",
				address: ["home/home/living_room/temperature"],
				name: "living room temperature",
				handles: ["home/living_room/temperature", "home/home/living_room/temperature"],
				domain: "home",
			},
		});
	});

	test("clears the state when it is empty", () => expect(shown("").value).toBeNull());

	test.each([
		["invalid UTF-8", Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), "4 bytes, no text (ff d8 ff e0…)"],
		["a NUL", Uint8Array.of(0x41, 0), "2 bytes, no text (41 00…)"],
	])("with %s is told by size and first bytes", (_, payload, text) =>
		expect(shown(payload).value).toBe(text),
	);

	test("a value that is too large is told by its size and the limit", () =>
		expect(shown("head", { tooLarge: { bytes: 5_452_595, largest: 1_048_576 } }).value).toBe(
			"a value of 5.2 MiB, which is too large to be shown: the limit is 1.0 MiB. An admin of the bridge can raise “max_packet_size” of the broker",
		));

	test("keeps line breaks, tabs and terminal colours as text", () =>
		expect(shown("a\tb\r\nc\u001b[1m").value).toBe("a\tb\r\nc\u001b[1m"));

	test.each(["text/plain", "application/json", "application/senml+json"])(
		"of the type %s is text in spite of control characters",
		(mime) => expect(shown("a\0b", { mime }).value).toBe("a\ufffdb"),
	);

	test("a value of a type that is neither text nor a picture is text if its bytes are", () =>
		expect(shown("on", { mime: "application/octet-stream" }).value).toBe("on"));

	test("is cut between two characters when it is too long", () => {
		const { value } = shown(`${"x".repeat(16_383)}🎉${"y".repeat(100)}`);
		expect(value?.isWellFormed()).toBe(true);
		expect(value).toContain("bytes in all");
		expect(value?.length).toBeLessThan(16_500);
	});
});

describe("pub", () => {
	const published: string[] = [];
	const deps: Parameters<typeof publishCommand>[0] = {
		brokers: ["home"],
		hasExpiry: () => true,
		bridge: () => ({ portal: async () => undefined, allows: () => true }) as unknown as Bridge,
		publish: async (broker, topic, payload, { retain, qos, expires } = {}) =>
			0 *
			published.push(
				`${broker} ${topic} ${payload}${retain ? ", retained" : ""}${qos === 0 ? ", unacknowledged" : ""}${expires ? `, for ${expires} s` : ""}`,
			),
		mayPublish: () => ({ kind: "yes" }),
	};
	const { parameters, run } = publishCommand(deps);
	const typed = (args: string) => toMqtt(parse("pub", parameters, args) as { topic: string; value: string });

	test("takes all text after the topic as the value, spaces and line breaks included", () =>
		expect(typed("home/lamp on  now\n!")).toEqual({ topic: "home/lamp", payload: "on  now\n!" }));

	test.each([
		"",
		"home/lamp",
		"home/+/set on",
		"# on",
		"$SYS/broker on",
		"a\0b on",
		`a ${"x".repeat(65_537)}`,
	])("refuses %.20j with the reason", (args) => expect(() => typed(args)).toThrow(PermanentError));

	test("publishes to a quoted topic with spaces, and refuses an unclosed quote", async () => {
		expect(await run({} as CommandCall, '"a/Living Room/set" ON')).toBe("Published to a/Living Room/set.");
		await expect(run({} as CommandCall, '"a/Living Room/set ON')).rejects.toThrow(/quote .* is not closed/);
		expect(published).toEqual(["home a/Living Room/set ON"]);
	});

	test("has the broker keep a value that is to be retained, and no other", async () => {
		published.splice(0);
		for (const args of ["retain home/mode away", "home/mode retain", '"retain" on'])
			await run({} as CommandCall, args);
		expect(published).toEqual(["home home/mode away, retained", "home home/mode retain", "home retain on"]);
	});

	test("publishes at the QoS and with the expiry that a person types, in any order, and says that QoS 0 may lose it", async () => {
		published.splice(0);
		expect(await run({} as CommandCall, "expires 60 qos 0 retain lamp on")).toMatch(
			/^Sent to lamp at QoS 0.*may be lost/,
		);
		expect(await run({} as CommandCall, "qos 1 lamp expires 5")).toBe("Published to lamp.");
		expect(published).toEqual(["home lamp on, retained, unacknowledged, for 60 s", "home lamp expires 5"]);
	});

	test.each([
		["qos 2 lamp on", /did not understand/],
		["expires 0 lamp on", /“expires” is wrong.*1 to 4294967295/],
		["expires 1.5 lamp on", /“expires” is wrong/],
		["expires 4294967296 lamp on", /“expires” is wrong/],
	])("refuses %s, and publishes nothing", async (typed, why) => {
		published.splice(0);
		await expect(run({} as CommandCall, typed)).rejects.toThrow(why);
		expect(published).toEqual([]);
	});

	test("refuses a value that expires on a broker of MQTT 3.1.1", async () => {
		const older = publishCommand({ ...deps, hasExpiry: () => false });
		await expect(older.run({} as CommandCall, "expires 5 lamp on")).rejects.toThrow(/MQTT 3.1.1/);
	});

	test("publishes on the only broker, else on the room's, else on the named one", () => {
		expect(choose("home/lamp", ["home"])).toEqual({ broker: "home", topic: "home/lamp" });
		expect(choose("home/lamp", ["home", "work"], "work")).toEqual({ broker: "work", topic: "home/lamp" });
		expect(choose("home/lamp", ["home", "work"])).toEqual({ broker: "home", topic: "lamp" });
		expect(() => choose("lamp/on", ["home", "work"])).toThrow(/home, work.*begin the topic/);
	});
});
