/** The faults of nedb that src/store/nedb-file.ts works round. A failing test means that nedb mended one: drop the workaround. */
import { readFile, rm, symlink, writeFile } from "node:fs/promises";
import Datastore from "nedb-promises";
import { describe, expect, it } from "vitest";
import { freshFile } from "./directory.ts";

type Doc = { _id: string; value?: string };

async function load(file: string): Promise<Datastore<Doc>> {
	const db = Datastore.create(file) as Datastore<Doc>;
	await db.load();
	return db;
}

describe("nedb still", () => {
	it("breaks a line in two at U+2028, U+2029 and U+0085", async () => {
		for (const character of ["\u2028", "\u2029", "\u0085"]) {
			const file = await freshFile("db");
			await (await load(file)).insert({ _id: "a", value: `one${character}two` });
			await expect(load(file)).rejects.toThrow("corrupt");
		}
	});

	it("refuses a small file for its torn tail", async () => {
		const file = await freshFile("db");
		await writeFile(file, '{"_id":"a"}\n{"_id":"b"}\n{"_id":');
		await expect(load(file)).rejects.toThrow("corrupt");
	});

	it("silently drops a damaged line of a larger file, on the disk too", async () => {
		const file = await freshFile("db");
		const lines = Array.from({ length: 50 }, (_, n) => (n === 25 ? "\0\0\0" : `{"_id":"${n}"}`));
		await writeFile(file, `${lines.join("\n")}\n`);
		expect(await (await load(file)).count({})).toBe(49);
		expect(await readFile(file, "utf8")).not.toContain("\0");
	});

	it("keeps a change in memory after a failed write", async () => {
		const file = await freshFile("db");
		const db = await load(file);
		await rm(file);
		await symlink("/dev/full", file);
		await expect(db.insert({ _id: "a" })).rejects.toThrow("ENOSPC");
		expect(await db.findOne({ _id: "a" })).toEqual({ _id: "a" });
	});

	it("lets two processes open one file, and the compaction of one drop the writes of the other", async () => {
		const file = await freshFile("db");
		const [one, other] = [await load(file), await load(file)];
		await one.insert({ _id: "a" });
		await (other as unknown as { compactDatafileAsync(): Promise<void> }).compactDatafileAsync();
		expect(await readFile(file, "utf8")).toBe("");
	});
});
