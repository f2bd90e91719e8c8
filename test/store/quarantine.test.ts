import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGuard, fingerprint, SetAside } from "../../src/core/guard.ts";
import type { Log } from "../../src/core/log.ts";
import { createItemWatch } from "../../src/store/item-in-hand.ts";
import { createQuarantine } from "../../src/store/quarantine.ts";
import { createSqliteJournal } from "../../src/store/sqlite.ts";
import { eventually } from "../eventually.ts";

let folder: string;
const lines: { message: string; fields: Record<string, unknown> }[] = [];
const note = (fields: object, message: string) => void lines.push({ message, fields: { ...fields } });
const log: Log = { debug: () => undefined, info: () => undefined, warn: note, error: note, child: () => log };
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "trivium-quarantine-"));
	lines.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const item = (name: string) => ({ key: fingerprint(name), what: `event ${name}` });
function open() {
	const quarantine = createQuarantine(folder, log);
	quarantine.open();
	return quarantine;
}
/** The journal's thread looks at the item in hand twice, as it does while an item blocks the main thread. */
function blocks(quarantine: ReturnType<typeof open>, looks = 2): void {
	const watch = createItemWatch(quarantine.watched, (error) => {
		throw error;
	});
	for (let look = 0; look < looks; look++) watch.look();
}
/** A run of the bridge that is killed while it handles the items, the innermost last. */
function dies(...names: string[]): void {
	const quarantine = open();
	for (const name of names) quarantine.begin(item(name));
	blocks(quarantine);
}

describe("the quarantine", () => {
	test("sets an item aside after the second death, and says so with item and cure", () => {
		dies("poison");
		expect(open().holds(item("poison").key)).toBe(false);
		dies("poison");
		const quarantine = open();
		expect(quarantine.holds(item("poison").key)).toBe(true);
		expect(quarantine.holds(item("another").key)).toBe(false);
		expect(quarantine.size()).toBe(1);
		expect(lines.at(-1)).toMatchObject({
			message: expect.stringContaining("died twice"),
			fields: { item: "event poison", deaths: 2, cure: expect.stringContaining("quarantine.json") },
		});
	});
	test("blames the innermost item in hand, and none whose handling was over", () => {
		for (const _ of [1, 2]) {
			const quarantine = open();
			quarantine.begin(item("done"))();
			quarantine.begin(item("outer"));
			quarantine.begin(item("inner"))();
			quarantine.begin(item("poison"));
			blocks(quarantine);
		}
		const quarantine = open();
		expect(["done", "outer", "inner", "poison"].map((name) => quarantine.holds(item(name).key))).toEqual([
			false,
			false,
			false,
			true,
		]);
	});
	test("blames an outer item that goes on after an inner one", () => {
		for (const _ of [1, 2]) {
			const quarantine = open();
			quarantine.begin(item("outer"));
			quarantine.begin(item("inner"))();
			blocks(quarantine);
		}
		expect(["outer", "inner"].map((name) => open().holds(item(name).key))).toEqual([true, false]);
	});
	test.each([
		[
			"was over before the process died",
			(quarantine: ReturnType<typeof open>, end: () => void) => {
				const watch = createItemWatch(quarantine.watched, () => undefined);
				watch.look();
				watch.look();
				end();
				watch.look();
			},
		],
		["was in hand for a moment only", (quarantine: ReturnType<typeof open>) => blocks(quarantine, 1)],
		[
			"was in hand at a stop in order",
			(quarantine: ReturnType<typeof open>) => {
				blocks(quarantine);
				quarantine.close();
			},
		],
	])("counts no death for an item that %s", (_, ends) => {
		for (const _ of [1, 2, 3]) {
			const quarantine = open();
			ends(quarantine, quarantine.begin(item("long")));
		}
		expect(open().size()).toBe(0);
		expect(lines).toEqual([]);
	});
	test.each(["looks", "sleeps"])(
		"notes an item while it blocks the main thread, and the other thread %s",
		async (does) => {
			const quarantine = open();
			const failed = { onFailure: (error: Error) => expect.fail(error.message) };
			const journal = createSqliteJournal({
				...{ file: join(folder, "journal.db"), watched: quarantine.watched },
				...failed,
			});
			await journal.open();
			const header = new Int32Array(quarantine.watched.memory, 0, 3);
			if (does === "sleeps") await eventually(() => expect(header[2]).toBe(1));
			const end = quarantine.begin(item("blocks"));
			const note = () => readFileSync(join(folder, "handling"), "utf8");
			// Time is no measure on a busy machine, so the main thread blocks until the note is there.
			for (const until = Date.now() + 10_000; !note().includes("event blocks") && Date.now() < until; );
			expect(note()).toContain("event blocks");
			end();
			await eventually(() => expect(note()).not.toContain("event blocks"));
			await journal.close();
		},
	);
	test("keeps the stack of an error that nothing caught, without its message", () => {
		const quarantine = open();
		for (const _ of [1, 2]) quarantine.died(item("poison"), new TypeError("secret text of a person"));
		const kept = readFileSync(join(folder, "quarantine.json"), "utf8");
		expect(JSON.parse(kept)).toMatchObject({ version: 1, items: [{ what: "event poison", deaths: 2 }] });
		expect(kept).toContain("quarantine.test.ts");
		expect(kept).not.toContain("secret");
		expect(open().holds(item("poison").key)).toBe(true);
	});
	test("releases an item that an admin removes from the file", () => {
		dies("poison");
		dies("poison");
		open().close();
		writeFileSync(join(folder, "quarantine.json"), JSON.stringify({ version: 1, items: [] }));
		expect(open().holds(item("poison").key)).toBe(false);
	});
	test.each(["", "{", '{"version":9,"items":[]}', '{"version":1}', "null"])(
		"begins anew over a file that holds %j, and says so",
		(text) => {
			writeFileSync(join(folder, "quarantine.json"), text);
			expect(open().size()).toBe(0);
			expect(lines).toMatchObject([{ message: expect.stringContaining("cannot be read") }]);
		},
	);
	test.each(["{", "null", '{"key":1}', "\xff"])("takes the half note %j for no death", (text) => {
		writeFileSync(join(folder, "handling"), text);
		expect(open().size()).toBe(0);
	});
	test("keeps both files small, whatever comes in", () => {
		dies("first");
		open();
		// A thousand deaths would write the whole list a thousand times.
		const list = join(folder, "quarantine.json");
		const { version, items: known } = JSON.parse(readFileSync(list, "utf8"));
		expect(known).toHaveLength(1);
		const earlier = Array.from({ length: 995 }, (_, n) => ({
			...known[0],
			key: fingerprint(`earlier ${n}`),
		}));
		writeFileSync(list, JSON.stringify({ version, items: earlier }));
		for (let n = 0; n < 20; n++) {
			const quarantine = open();
			quarantine.begin({ key: fingerprint(`${n}`), what: "\u0001".repeat(10_000) });
			blocks(quarantine);
		}
		open();
		expect(readFileSync(join(folder, "handling")).length).toBeLessThanOrEqual(1_024);
		const { items } = JSON.parse(readFileSync(list, "utf8"));
		expect(items).toHaveLength(1_000);
	});
});

describe("the guard", () => {
	test("does not handle what is set aside, and logs each such item once", () => {
		dies("poison");
		dies("poison");
		const guard = createGuard(log, open());
		lines.length = 0;
		for (const _ of [1, 2]) expect(() => guard.handle(item("poison"), () => "handled")).toThrow(SetAside);
		expect(guard.handle(item("next"), () => "handled")).toBe("handled");
		expect(lines).toMatchObject([{ fields: { item: "event poison" } }]);
	});
	test("leaves no note of an item whose handling threw", () => {
		for (const _ of [1, 2, 3]) {
			const quarantine = open();
			const guard = createGuard(log, quarantine);
			expect(() =>
				guard.handle(item("throws"), () => {
					throw new TypeError("of our own");
				}),
			).toThrow("of our own");
			blocks(quarantine);
		}
		expect(open().size()).toBe(0);
	});
	test("lets nothing past it, not even a fault of what answers a fault", async () => {
		const guard = createGuard(log);
		const fails = () => Promise.reject(new TypeError("again"));
		await guard.run("entry", fails, fails);
		expect(lines.map(({ fields }) => fields.entry)).toEqual(["entry", "entry"]);
	});
});
