import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RoomId } from "../../src/core/ids.ts";
import { createReadings } from "../../src/store/readings.ts";
import { quiet } from "../fakes.ts";

let folder: string;
let open: ReturnType<typeof createReadings>[] = [];
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "trivium-readings-"));
});
afterEach(() => {
	for (const one of open) one.close();
	open = [];
	rmSync(folder, { recursive: true });
});

function begin(bounds: Parameters<typeof createReadings>[2] = {}) {
	const readings = createReadings(folder, quiet, bounds);
	readings.open();
	open.push(readings);
	return readings;
}
const room = "home/#" as RoomId;
const now = Date.now();
const value = (topic: string, text: string | null, at = now) => ({
	room,
	topic,
	label: topic,
	value: text,
	at,
});

describe("the readings of things", () => {
	test("are there after a restart", () => {
		const before = begin();
		before.save({
			latest: [value("a", "1"), value("b", null)],
			samples: [{ room, topic: "a", at: now, value: 1.5 }],
		});
		before.save({ latest: [{ ...value("a", "2"), file: "h" }], gone: [{ room, topic: "b" }] });
		before.save({
			descriptions: [{ key: "x", text: "{}" }],
			files: [{ hash: "h", bytes: Buffer.from("abc"), mime: "image/png" }],
		});
		before.close();
		const after = begin();
		expect(after.latest()).toEqual([{ ...value("a", "2"), file: "h" }]);
		expect(after.samples(room, "a", 0)).toEqual([{ room, topic: "a", at: now, value: 1.5 }]);
		expect(after.samples(room, "a", now + 1)).toEqual([]);
		expect(after.descriptions()).toEqual([{ key: "x", text: "{}" }]);
		expect(Buffer.from(after.file("h")?.bytes ?? []).toString()).toBe("abc");
		expect(after.file("h")?.mime).toBe("image/png");
	});

	test("are there for a process that was killed: a second connection reads what the first has not closed", () => {
		begin().save({ latest: [value("a", "1")] });
		expect(begin().latest()).toEqual([value("a", "1")]);
	});

	test("are forgotten with their room, and an announcement with its device", () => {
		const readings = begin();
		readings.save({
			latest: [value("a", "1")],
			samples: [{ room, topic: "a", at: now, value: 1 }],
			descriptions: [{ key: "x", text: "{}" }],
		});
		readings.forget(room);
		readings.save({ descriptions: [{ key: "x", text: null }] });
		expect([readings.latest(), readings.samples(room, "a", 0), readings.descriptions()]).toEqual([
			[],
			[],
			[],
		]);
	});

	test("keep the newest within their bounds", () => {
		const readings = begin({ samples: 100, latest: 10, descriptions: 3, files: 2, fileBytes: 1_000 });
		for (let n = 0; n < 400; n++)
			readings.save({
				latest: [value(`${n}`, "x", now + n)],
				samples: [{ room, topic: "a", at: now + n, value: n }],
				descriptions: [{ key: `${n}`, text: "{}" }],
			});
		expect(readings.samples(room, "a", 0).map((one) => one.value)).toEqual(
			Array.from({ length: 100 }, (_, n) => 300 + n),
		);
		expect(readings.latest().map(({ topic }) => topic)).toEqual(
			Array.from({ length: 10 }, (_, n) => `${390 + n}`),
		);
		expect(readings.descriptions().map(({ key }) => key)).toEqual(["397", "398", "399"]);
		for (const [hash, size] of [
			["one", 10],
			["two", 10],
			["three", 10],
			["large", 995],
		] as const)
			readings.save({ files: [{ hash, bytes: Buffer.alloc(size) }] });
		expect(["one", "two", "three", "large"].filter((hash) => readings.file(hash))).toEqual(["large"]);
	});

	test("forget samples of more than a month ago", () => {
		const readings = begin();
		readings.save({ samples: [{ room, topic: "a", at: now - 40 * 24 * 3_600_000, value: 1 }] });
		readings.close();
		expect(begin().samples(room, "a", 0)).toEqual([]);
	});

	test("begin anew where their file is damaged", () => {
		const before = begin();
		before.save({ latest: [value("a", "1")] });
		before.close();
		for (const name of readdirSync(folder))
			writeFileSync(join(folder, name), "no database, but long enough to be read as one".repeat(100));
		const after = begin();
		expect(after.latest()).toEqual([]);
		after.save({ latest: [value("b", "2")] });
		expect(after.latest()).toEqual([value("b", "2")]);
	});

	test("cost nothing but themselves where the folder is gone", () => {
		const readings = createReadings(join(folder, "none"), quiet);
		readings.open();
		readings.save({ latest: [value("a", "1")] });
		expect(readings.latest()).toEqual([]);
	});
});
