import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { MucFaults } from "../fake-muc.ts";
import { alice, link, world } from "./muc-world.ts";

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

const lines = (from: number, to: number) =>
	Array.from({ length: to - from + 1 }, (_, n) => `Romeo: ${from + n}`);
/** Returns a MUC with this many lines of Romeo, who has left. */
async function spoken(count: number, faults: MucFaults = {}) {
	const w = world(faults);
	w.muc.come("Romeo");
	for (let n = 1; n <= count; n++) {
		w.muc.say("Romeo", String(n), `id ${n}`);
		await vi.advanceTimersByTimeAsync(60_000);
	}
	w.muc.go("Romeo");
	return w;
}
const attach = (w: ReturnType<typeof world>) => w.done(w.rooms.attach(link, [alice], [], true));

describe.each([
	["an archive", {}],
	["an archive that answers in small pages", { pageSize: 7 }],
] as [string, MucFaults][])("a portal whose other room was made for a MUC with %s", (_, faults) => {
	test("begins with the last fifty lines, in order and with their times, and goes on with new ones", async () => {
		const w = await spoken(60, faults);
		await attach(w);
		expect(w.lines()).toEqual(lines(11, 60));
		const first = w.told.find(({ kind }) => kind === "message");
		expect(first?.at).toBe(1_700_000_000_000 + 10 * 60_000);
		// A speaker who is not there any more leaves again.
		expect(w.told.at(-1)).toMatchObject({ kind: "membership", change: "leave", sender: { name: "Romeo" } });
		w.muc.come("Romeo");
		w.muc.say("Romeo", "61");
		await w.settle();
		expect(w.lines()).toEqual(lines(11, 61));
	});

	test("begins with all lines of a short past, and with none of an empty one", async () => {
		const short = await spoken(3, faults);
		await attach(short);
		expect(short.lines()).toEqual(lines(1, 3));
		const empty = await spoken(0, faults);
		await attach(empty);
		expect(empty.lines()).toEqual([]);
	});

	test("has no line twice after a restart", async () => {
		const w = await spoken(60, faults);
		await attach(w);
		w.crash();
		await attach(w);
		w.rooms.online();
		await w.pass(15_000);
		expect(w.lines()).toEqual(lines(11, 60));
	});
});

test.each([
	["without an archive", { noArchive: true }],
	["with an archive that is not for us", { refuseArchive: ["auth", "forbidden"] }],
] as [string, MucFaults][])(
	"a portal whose other room was made for a MUC %s begins with the history of its join",
	async (_, faults) => {
		const w = await spoken(10, { ...faults, history: 5 });
		void attach(w);
		await w.pass(15_000);
		expect(w.lines()).toEqual(lines(6, 10));
	},
);

test("a room of people that is linked to a MUC gets no lines from before the link", async () => {
	const w = await spoken(10);
	await w.attach(alice);
	expect(w.lines()).toEqual([]);
});
