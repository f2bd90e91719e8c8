import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { contentRange, parseRange, partOf, rangeHeader, slice } from "../../src/media/range.ts";

test.each([
	["bytes=0-", { start: 0 }],
	["bytes=5-9", { start: 5, end: 9 }],
	["bytes=-3", { last: 3 }],
	["bytes=9-5", undefined],
	["bytes=-", undefined],
	["bytes=0-1,4-5", undefined],
	["items=0-1", undefined],
	["bytes=0-99999999999999999999", undefined],
	[undefined, undefined],
])("parseRange reads %s", (header, range) => expect(parseRange(header)).toEqual(range));

test("a range of 0 bytes is undefined", () => {
	expect(partOf({ start: 10 }, 10)).toBeUndefined();
	expect(partOf({ last: 0 }, 10)).toBeUndefined();
	expect(partOf({ start: 0 }, 0)).toBeUndefined();
	expect(partOf({ last: 99 }, 10)).toEqual({ start: 0, end: 9 });
	expect(partOf({ start: 8, end: 99 }, 10)).toEqual({ start: 8, end: 9 });
});

test("a Content-Range of another server is parsed", () => {
	expect(contentRange("bytes 2-5/10")).toEqual({ start: 2, end: 5, size: 10 });
	expect(contentRange("bytes 2-5/*")).toEqual({ start: 2, end: 5 });
	expect(contentRange("bytes */10")).toBeUndefined();
});

test("the range that the bridge requests is the range that it was asked for", () => {
	const range = fc.oneof(
		fc.record({ last: fc.nat() }),
		fc.record({ start: fc.nat() }),
		fc.tuple(fc.nat(), fc.nat()).map(([start, more]) => ({ start, end: start + more })),
	);
	fc.assert(
		fc.property(range, (one) => {
			expect(parseRange(rangeHeader(one))).toEqual(one);
		}),
	);
});

test("a slice has the requested bytes for any chunks of the file, and destroys its source", async () => {
	const file = fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 10 });
	await fc.assert(
		fc.asyncProperty(file, fc.nat(), fc.nat(), async (chunks, a, b) => {
			const all = Buffer.concat(chunks);
			const [start, end] = [a % all.length, b % all.length].sort((x, y) => x - y) as [number, number];
			const source = Readable.from(chunks, { objectMode: false });
			expect(await buffer(slice(source, start, end))).toEqual(all.subarray(start, end + 1));
			expect(source.destroyed).toBe(true);
		}),
	);
});

test("a slice fails if the file ends before the range", async () => {
	await expect(buffer(slice(Readable.from([Buffer.alloc(5)]), 0, 9))).rejects.toThrow("5 bytes early");
});
