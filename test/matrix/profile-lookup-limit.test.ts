import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import { createProfileLookupLimit } from "../../src/matrix/profile-lookup-limit.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Returns lookups that the test answers. */
function homeserver() {
	const open: ((name: string | undefined) => void)[] = [];
	const ask = () => new Promise<string | undefined>((resolve) => open.push(resolve));
	return { ask, open };
}

describe("createProfileLookupLimit", () => {
	test("runs few lookups at once, lets others wait, and refuses too many", async () => {
		const strangers = createProfileLookupLimit();
		const { ask, open } = homeserver();
		const answers = Array.from({ length: 210 }, (_, n) => strangers.find(`@${n}:far.test`, ask));
		await vi.advanceTimersByTimeAsync(0);
		expect(open).toHaveLength(10);
		await expect(strangers.find("@one-more:far.test", ask)).rejects.toThrow(TemporaryError);
		for (let n = 0; n < 210; n++) {
			open[n]?.(`name ${n}`);
			await vi.advanceTimersByTimeAsync(0);
		}
		expect((await Promise.all(answers)).at(-1)).toBe("name 209");
		expect(open).toHaveLength(210);
		const next = strangers.find("@next:far.test", ask);
		await vi.advanceTimersByTimeAsync(0);
		open.at(-1)?.("next");
		expect(await next).toBe("next");
	});

	test("remembers a miss for a while, and no hit", async () => {
		const strangers = createProfileLookupLimit();
		const ask = vi.fn(async () => undefined as string | undefined);
		for (let n = 0; n < 3; n++) expect(await strangers.find("@nobody:far.test", ask)).toBeUndefined();
		expect(ask).toHaveBeenCalledTimes(1);
		await vi.advanceTimersByTimeAsync(5 * 60_000);
		ask.mockResolvedValue("somebody");
		for (let n = 0; n < 2; n++) expect(await strangers.find("@nobody:far.test", ask)).toBe("somebody");
		expect(ask).toHaveBeenCalledTimes(3);
	});

	test("gives the slot of a failed lookup to the next one, and repeats it when asked again", async () => {
		const strangers = createProfileLookupLimit();
		const ask = vi.fn(async (): Promise<string> => {
			throw new TemporaryError("away");
		});
		for (let n = 0; n < 12; n++)
			await expect(strangers.find("@slow:far.test", ask)).rejects.toThrow(TemporaryError);
		expect(ask).toHaveBeenCalledTimes(12);
	});
});
