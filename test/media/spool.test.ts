import { readdirSync, readlinkSync } from "node:fs";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import { createSpool, withSize } from "../../src/media/spool.ts";

/** Returns the open files that have no name any more. */
const spooled = () =>
	readdirSync("/proc/self/fd").flatMap((fd) => {
		try {
			const name = readlinkSync(`/proc/self/fd/${fd}`);
			return /trivium-.*\(deleted\)/.test(name) ? [name] : [];
		} catch {
			// The handle by which this function reads the folder.
			return [];
		}
	});
const letters = () => Readable.from([Buffer.from("abc"), Buffer.from("def")]);

describe("a file of unknown size", () => {
	test("is passed on complete with its size, and leaves no open file", async () => {
		const got = await withSize(letters(), undefined, async (body, size) => {
			expect(spooled()).toHaveLength(1);
			return [await text(body), size];
		});
		expect(got).toEqual(["abcdef", 6]);
		expect(spooled()).toEqual([]);
	});

	test("leaves no open file if it proves too large and is not read", async () => {
		const reading = withSize(letters(), undefined, () => Promise.reject(new Error("too large")));
		await expect(reading).rejects.toThrow("too large");
		expect(spooled()).toEqual([]);
	});

	test("leaves no open file if its reader destroys it midway", async () => {
		await withSize(letters(), undefined, async (body) => void body.destroy());
		expect(spooled()).toEqual([]);
	});

	test("leaves no open file if its source fails", async () => {
		const broken = Readable.from(
			(async function* () {
				yield Buffer.from("abc");
				throw new Error("broke");
			})(),
		);
		await expect(withSize(broken, undefined, async () => undefined)).rejects.toThrow("broke");
		expect(spooled()).toEqual([]);
	});
});

describe("the total disk space of spooled files", () => {
	test("is bounded: one file too many fails temporarily, one that can never fit fails permanently", async () => {
		const spool = createSpool(10);
		const hold = Promise.withResolvers<void>();
		const began = Promise.withResolvers<void>();
		const first = spool(letters(), undefined, () => {
			began.resolve();
			return hold.promise;
		});
		await began.promise;
		await expect(spool(letters(), undefined, async () => undefined)).rejects.toThrow(TemporaryError);
		const large = Readable.from([Buffer.alloc(11)]);
		await expect(spool(large, undefined, async () => undefined)).rejects.toThrow(PermanentError);
		hold.resolve();
		await first;
		// Refused and finished files take no space any more.
		expect(await spool(letters(), undefined, async (_body, size) => size)).toBe(6);
		expect(spooled()).toEqual([]);
	});
});

test("a file of known size takes no disk space", async () => {
	const body = letters();
	await withSize(body, 6, async (same, size) => {
		expect([same === body, size, spooled()]).toEqual([true, 6, []]);
	});
});
