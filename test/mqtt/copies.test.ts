import { beforeEach, describe, expect, test } from "vitest";
import { createCopyFilter } from "../../src/mqtt/copies.ts";
import type { Arrival } from "../../src/mqtt/from-mqtt.ts";

let now = 0;
let copies: ReturnType<typeof createCopyFilter>;
beforeEach(() => {
	now = 0;
	copies = createCopyFilter(() => now);
});

const message = (topic: string, text: string): Arrival => ({
	topic,
	payload: Buffer.from(text),
	qos: 1,
	dup: false,
	retain: false,
	packetId: 1,
	subscriptions: [],
});
/** Returns the messages that are no copies; each is "topic value", and comes on so many matching subscriptions. */
const shown = (subscriptions: number, ...all: string[]) =>
	all.filter((one) => !copies.isCopy(message(...(one.split(" ") as [string, string])), subscriptions));

describe("a broker of MQTT 3.1.1 that sends a copy for each of several subscriptions", () => {
	test("has each message taken once, equal ones, too", () => {
		expect(shown(2, "a 1", "a 1", "a 1", "a 1", "b 1", "b 1", "a 2", "a 2")).toEqual([
			"a 1",
			"a 1",
			"b 1",
			"a 2",
		]);
		expect(shown(3, "c 1", "c 1", "c 1", "c 1", "c 1", "c 1")).toEqual(["c 1", "c 1"]);
		expect(shown(1, "d 1", "d 1")).toEqual(["d 1", "d 1"]);
	});

	test("has a lone copy taken, the first of a connection or after a break, and goes on as before", () => {
		expect(shown(2, "a 0", "a 1", "a 1", "a 2", "a 3", "a 3")).toEqual(["a 0", "a 1", "a 2", "a 3"]);
		expect(shown(2, "a 4", "a 4")).toEqual(["a 4"]);
	});

	test("has copies recognised between which values of another topic come that waited in the mailbox", () => {
		for (let n = 0; n < 5; n++) {
			expect(shown(2, `a ${n}`)).toEqual([`a ${n}`]);
			expect(copies.isCopy({ ...message("b", "1"), superseded: 0 }, 1)).toBe(false);
			expect(shown(2, `a ${n}`)).toEqual([]);
		}
	});

	test("has copies recognised that a full journal held up", () => {
		expect(shown(2, "a 1")).toEqual(["a 1"]);
		now += 60_000;
		copies.resumed();
		expect(shown(2, "a 1")).toEqual([]);
	});
});

describe("a broker of MQTT 3.1.1 that sends one message for several subscriptions", () => {
	test("has every message taken after two that came alone", () => {
		expect(shown(2, "a 0", "a 1", "a 2", "a 3")).toHaveLength(4);
		expect(shown(2, "a 4", "a 4", "a 4", "b 4", "b 4")).toHaveLength(5);
	});

	test("has equal messages taken that are more than two seconds apart", () => {
		for (let count = 0; count < 5; count++) {
			expect(shown(2, "a 1")).toEqual(["a 1"]);
			now += 3_000;
		}
	});
});
