import { readdirSync, readlinkSync } from "node:fs";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import { createSpool, withSize } from "../../src/media/spool.ts";

/** Files we hold open that have no name any more. */
const spooled = () =>
	readdirSync("/proc/self/fd").flatMap((fd) => {
		try {
			const name = readlinkSync(`/proc/self/fd/${fd}`);
			return /trivium-.*\(deleted\)/.test(name) ? [name] : [];
		} catch {
			// The one the folder itself was read by.
			return [];
		}
	});
const letters = () => Readable.from([Buffer.from("abc"), Buffer.from("def")]);

describe("a file nobody told the size of", () => {
	test("is given on whole, with its size, and leaves nothing behind", async () => {
		const got = await withSize(letters(), undefined, async (body, size) => {
			expect(spooled()).toHaveLength(1);
			return [await text(body), size];
		});
		expect(got).toEqual(["abcdef", 6]);
		expect(spooled()).toEqual([]);
	});

	test("leaves nothing behind either when nobody reads it, for it turned out to be too large", async () => {
		const reading = withSize(letters(), undefined, () => Promise.reject(new Error("too large")));
		await expect(reading).rejects.toThrow("too large");
		expect(spooled()).toEqual([]);
	});

	test("nor when its reader lets go of it midway", async () => {
		await withSize(letters(), undefined, async (body) => void body.destroy());
		expect(spooled()).toEqual([]);
	});

	test("nor when it breaks on its way to us", async () => {
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

describe("the disk that such files may take together", () => {
	test("is bounded: one more file comes later, one that can never fit does not", async () => {
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
		// What was refused, and what is done, takes nothing any more.
		expect(await spool(letters(), undefined, async (_body, size) => size)).toBe(6);
		expect(spooled()).toEqual([]);
	});
});

test("a file whose size is known goes through no disk", async () => {
	const body = letters();
	await withSize(body, 6, async (same, size) => {
		expect([same === body, size, spooled()]).toEqual([true, 6, []]);
	});
});
