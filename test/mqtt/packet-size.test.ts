import fc from "fast-check";
import { generate } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { createSizeCheck } from "../../src/mqtt/packet-size.ts";

const publish = (size: number) =>
	generate({
		cmd: "publish",
		topic: "t",
		payload: Buffer.alloc(size, 0xff),
		qos: 0,
		dup: false,
		retain: false,
	});

describe("createSizeCheck", () => {
	test("reports the length of the first packet that exceeds the limit, however the stream is split", () => {
		fc.assert(
			fc.property(
				fc.array(fc.constantFrom(0, 1, 120, 125, 126, 200, 16_380, 16_381, 30_000), { maxLength: 6 }),
				fc.boolean(),
				fc.integer({ min: 1, max: 5_000 }),
				(sizes, large, cut) => {
					const sizeOf = createSizeCheck(40_000);
					const stream = Buffer.concat([...sizes, large ? 40_000 : 0].map(publish));
					let excess: number | undefined;
					for (let at = 0; at < stream.length; at += cut) excess = sizeOf(stream.subarray(at, at + cut));
					expect(excess).toBe(large ? 40_003 : undefined);
				},
			),
		);
	});

	test("reports a packet by its length alone, before its content arrives", () => {
		expect(createSizeCheck(1_000)(publish(2_000).subarray(0, 3))).toBe(2_003);
	});
});
