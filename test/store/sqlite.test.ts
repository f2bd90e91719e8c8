import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { describe, expect, it, vi } from "vitest";
import { createSqliteJournal, type JournalOptions } from "../../src/store/sqlite.ts";
import { prepareFile } from "../../src/store/sqlite-schema.ts";
import { surplusRows } from "../../src/store/sqlite-statements.ts";
import { eventually } from "../eventually.ts";
import { freshFile, never } from "./directory.ts";
import { journalContract } from "./journal.contract.ts";
import { placesContract } from "./places.contract.ts";
import { startWriter } from "./process.ts";
import { entry, id, lane, matrix, newRow, original, person, room } from "./sample.ts";

async function open(file: string, onFailure: JournalOptions["onFailure"] = never) {
	const journal = createSqliteJournal({ file, onFailure });
	await journal.open();
	return journal;
}

const fresh = () => freshFile("journal.db");

journalContract("sqlite", async () => {
	const file = await fresh();
	return { open: () => open(file) };
});
placesContract("sqlite", async () => {
	const file = await fresh();
	return { open: () => open(file) };
});

describe("the SQLite journal", () => {
	it("commits 5,000 concurrent messages in a few transactions", async () => {
		const journal = await open(await fresh());
		const post = vi.spyOn(Worker.prototype, "postMessage");
		await Promise.all(Array.from({ length: 5_000 }, (_, index) => journal.accept([entry(`m${index}`)])));
		expect(post.mock.calls.length).toBeLessThan(5);
		post.mockRestore();
		expect((await journal.stats()).waiting).toBe(5_000);
		await journal.close();
	});

	it("syncs the write-ahead log at each commit, so that a power cut loses nothing", async () => {
		const db = new DatabaseSync(await fresh());
		prepareFile(db);
		// sqlite.org/pragma.html: 2 is FULL.
		expect(db.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
		expect(db.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
		db.close();
	});

	it("keeps the newest rows up to the limit, despite deletions in between", () => {
		const db = new DatabaseSync(":memory:");
		db.exec("CREATE TABLE t (seq INTEGER PRIMARY KEY) STRICT");
		db.exec("INSERT INTO t VALUES (1), (2), (5), (7), (8)");
		for (const [count, left] of [
			[5, 5],
			[3, 3],
			[3, 3],
		] as const) {
			db.exec(surplusRows("t", count));
			expect(db.prepare("SELECT count(*) AS left FROM t").get()).toEqual({ left });
		}
		expect(db.prepare("SELECT min(seq) AS first FROM t").get()).toEqual({ first: 5 });
		db.close();
	});

	it("does not block the main thread while it writes", async () => {
		const journal = await open(await fresh());
		const large = Array.from({ length: 2_000 }, (_, index) => entry(`m${index}`));
		let settled = false;
		const writing = journal.accept(large).then(() => {
			settled = true;
		});
		let turns = 0;
		while (!settled) {
			await new Promise((resolve) => setImmediate(resolve));
			turns++;
		}
		await writing;
		expect(turns).toBeGreaterThan(10);
		await journal.close();
	});

	it("keeps every acknowledged message through kill -9", async () => {
		const file = await fresh();
		const writer = startWriter("journal", file);
		await writer.until("stored", 200);
		await writer.kill();
		const journal = await open(file);
		const kept = new Set((await journal.rows(lane(), 0, 1_000_000)).map((row) => row.trace as string));
		expect(writer.said("stored").filter((name) => !kept.has(name))).toEqual([]);
		// The journal continues after the last acknowledged row.
		expect(await journal.accept([entry(writer.said("stored")[0] as string), entry("new")])).toHaveLength(1);
		await journal.close();
	});

	it("refuses a second open while an idle one holds the file", async () => {
		const file = await fresh();
		const first = await open(file);
		await expect(open(file)).rejects.toThrow("another process uses it");
		await first.close();
		await (await open(file)).close();
	});

	it("refuses a second process until the first is dead", async () => {
		const file = await fresh();
		const writer = startWriter("journal", file);
		await writer.until("open", 1);
		await expect(open(file)).rejects.toThrow("another process uses it");
		await writer.kill();
		await (await open(file)).close();
	});

	it("stops for good on a full disk, and loses no acknowledged row", async () => {
		const file = await fresh();
		const writer = startWriter("journal", file, 300);
		await writer.until("failed", 1);
		expect(writer.said("failed")).toHaveLength(1);
		expect(writer.said("failed")[0]).toMatch(/journal\.db cannot be used: the disk/);
		await writer.kill();
		const journal = await open(file);
		const kept = new Set((await journal.rows(lane(), 0, 1_000_000)).map((row) => row.trace as string));
		expect(kept.size).toBeGreaterThan(10);
		expect(writer.said("stored").filter((name) => !kept.has(name))).toEqual([]);
		await journal.close();
	});

	it("stops for good, and names the cure, when it reads a damaged page", async () => {
		const file = await fresh();
		const before = await open(file);
		await before.accept(Array.from({ length: 500 }, (_, n) => entry(`${n}`)));
		await before.close();
		const bytes = await readFile(file);
		bytes.fill(0x5a, bytes.length / 2);
		await writeFile(file, bytes);
		const failures: string[] = [];
		const journal = await open(file, (error) => failures.push(error.message));
		await expect(journal.rows(lane(), 0, 1_000)).rejects.toThrow("it is damaged: restore a backup");
		await expect(journal.accept([entry("late")])).rejects.toThrow("it is damaged");
		expect(failures).toEqual([`The journal ${file} cannot be used: it is damaged: restore a backup.`]);
		await journal.close();
	});

	it("fails once, and rejects waiting and later calls, when its thread dies", async () => {
		const file = await fresh();
		const failures: Error[] = [];
		let worker: Worker | undefined;
		const post = vi.spyOn(Worker.prototype, "postMessage").mockImplementation(function (this: Worker) {
			worker = this;
		});
		const journal = await open(file, (error) => void failures.push(error));
		const waiting = [journal.once("a"), journal.once("b")];
		for (const call of waiting) call.catch(() => {});
		await eventually(() => expect(worker).toBeDefined());
		await worker?.terminate();
		for (const call of waiting) await expect(call).rejects.toThrow("its thread ended");
		await expect(journal.once("c")).rejects.toThrow("its thread ended");
		expect(failures).toHaveLength(1);
		post.mockRestore();
		await journal.close();
	});

	it("rejects only the call that cannot be stored", async () => {
		const journal = await open(await fresh());
		const nothing = undefined as unknown as string;
		const broken = { ...entry("broken"), key: "broken" };
		const results = await Promise.allSettled([
			journal.accept([entry("before")]),
			journal.once(nothing),
			journal.accept([{ ...broken, rows: [{ ...broken.rows[0], trace: nothing } as never] }]),
			journal.accept([entry("after")]),
		]);
		expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
		const kept = await journal.rows(lane(), 0, 10);
		expect(kept.map((row) => row.trace)).toEqual(["before", "after"]);
		// The rollback removed its key, too.
		expect(await journal.once("broken")).toBe(true);
		await journal.close();
	});

	it("keeps room numbers apart after a rollback of a call that named a new room", async () => {
		const journal = await open(await fresh());
		const [here, there] = [room("!here"), room("!there")];
		const member = { network: matrix, room: here, person: person("@a:hs.test"), present: true };
		const broken = { ...newRow("broken"), trace: undefined } as never;
		await expect(journal.accept([{ key: "broken", rows: [broken], member }])).rejects.toThrow();
		await journal.accept([{ key: "whole", rows: [], member: { ...member, room: there } }]);
		expect(await journal.members(matrix, here)).toEqual([]);
		expect(await journal.members(matrix, there)).toEqual([member.person]);
		await journal.close();
	});

	it("restores a backup of one moment, despite concurrent writes", async () => {
		const [file, copy] = [await fresh(), await fresh()];
		const journal = await open(file);
		await journal.accept([{ ...entry("first"), aka: [id("also first")], cursor: { key: "c", value: "1" } }]);
		const before = Array.from({ length: 500 }, (_, n) => journal.accept([entry(`before ${n}`)]));
		const backup = journal.backup(copy);
		const after = Array.from({ length: 500 }, (_, n) => journal.accept([entry(`after ${n}`)]));
		await Promise.all([...before, backup, ...after]);
		expect((await stat(copy)).mode & 0o777).toBe(0o600);
		expect(await readdir(dirname(copy))).toEqual([basename(copy)]);
		// The running journal lost nothing by the backup.
		expect((await journal.stats()).waiting).toBe(1_001);
		const rows = await journal.rows(lane(), 0, 501);
		await journal.close();

		const restored = await open(copy);
		expect(await restored.rows(lane(), 0, 10_000)).toEqual(rows);
		expect(rows.at(-1)?.trace).toBe("before 499");
		expect(await restored.cursor("c")).toBe("1");
		expect(await restored.copies(original("first"))).toHaveLength(2);
		expect(await restored.once("before 7")).toBe(false);
		expect(await restored.once("after 7")).toBe(true);
		const [next] = await restored.accept([entry("next")]);
		expect(next?.seq).toBeGreaterThan(rows.at(-1)?.seq ?? 0);
		await restored.close();
	});

	it("continues after a failed backup, and removes its remains", async () => {
		const file = await fresh();
		const taken = await fresh();
		await writeFile(taken, "another's");
		const journal = await open(file);
		await expect(journal.backup(taken)).rejects.toThrow(
			`The backup ${taken} cannot be written: there is one`,
		);
		await expect(journal.backup("/nowhere/backup.db")).rejects.toThrow("ENOENT");
		expect(await readFile(taken, "utf8")).toBe("another's");
		expect(await readdir(dirname(taken))).toEqual([basename(taken)]);
		expect(await journal.accept([entry("a")])).toHaveLength(1);
		const last = journal.backup(`${file}.last`);
		await journal.close();
		await last;
		await expect(journal.backup(await fresh())).rejects.toThrow("closed");
	});

	it("continues when a backup fills its disk, and removes its remains", async () => {
		const file = await fresh();
		const journal = await open(file);
		await journal.accept(Array.from({ length: 1_000 }, (_, n) => entry(`m${n}`)));
		await journal.close();
		const writer = startWriter("backup", file, 200);
		await writer.until("stored", 1);
		expect(writer.said("refused")[0]).toContain(`The backup ${file}.copy cannot be written: disk I/O error`);
		expect((await readdir(dirname(file))).filter((name) => name.includes("copy"))).toEqual([]);
		await writer.kill();
	});

	it("refuses calls before it is opened and after it is closed", async () => {
		const journal = createSqliteJournal({ file: await fresh(), onFailure: never });
		await expect(journal.once("a")).rejects.toThrow("not open");
		await journal.open();
		const last = journal.once("a");
		await journal.close();
		expect(await last).toBe(true);
		await expect(journal.once("b")).rejects.toThrow("closed");
		await journal.close();
	});

	it("gives no other user read access", async () => {
		const file = await fresh();
		const journal = await open(file);
		await journal.accept([entry("a")]);
		for (const name of await readdir(dirname(file)))
			expect([name, (await stat(`${dirname(file)}/${name}`)).mode & 0o077]).toEqual([name, 0]);
		expect(await readdir(dirname(file))).toContain(`${basename(file)}-wal`);
		await journal.close();
	});

	it("opens a file of the first schema, and holds rows in it", async () => {
		const file = await freshOfSchema1();
		const journal = await open(file);
		expect((await journal.rows(lane(), 0, 10)).map(({ trace }) => trace)).toEqual(["a"]);
		await journal.accept([{ key: "b", rows: [{ ...newRow("b"), held: true }] }]);
		await journal.close();
		const again = await open(file);
		expect((await again.enter([original("b")])).map(({ trace }) => trace)).toEqual(["b"]);
		await again.close();
	});

	async function freshOfSchema1(): Promise<string> {
		const file = await fresh();
		const journal = await open(file);
		await journal.accept([entry("a")]);
		await journal.close();
		const db = new DatabaseSync(file);
		db.exec("DROP TABLE held; DROP TABLE shared; DROP TABLE places; DROP TABLE archives");
		db.exec("UPDATE meta SET value = 1 WHERE name = 'schema'");
		db.close();
		return file;
	}

	it("opens a journal of an earlier schema, and keeps all of it", async () => {
		const file = await fresh();
		const first = await open(file);
		await first.accept([{ ...entry("a"), aka: [id("b")] }]);
		await first.close();
		const db = new DatabaseSync(file);
		db.exec("DROP TABLE shared; DROP TABLE places; DROP TABLE archives");
		db.exec("UPDATE meta SET value = 2 WHERE name = 'schema'");
		db.close();
		const journal = await open(file);
		await journal.accept([{ ...entry("c"), aka: [id("d")], shared: [id("e")] }]);
		for (const [named, of] of [
			["b", "a"],
			["e", "c"],
		] as const)
			expect((await journal.copies(original(named)))[0]?.id).toBe(of);
		await journal.close();
	});

	it("opens a journal from before archives, and keeps them in it from then on", async () => {
		const file = await fresh();
		const first = await open(file);
		await first.accept([entry("a")]);
		await first.close();
		const db = new DatabaseSync(file);
		db.exec("DROP TABLE places; DROP TABLE archives; UPDATE meta SET value = 3 WHERE name = 'schema'");
		db.close();
		const journal = await open(file);
		expect((await journal.rows(lane(), 0, 10)).map(({ trace }) => trace)).toEqual(["a"]);
		await journal.places.append(matrix, room("plaza"), [{ id: id("b"), at: 1 }]);
		await journal.close();
		const again = await open(file);
		expect(await again.places.find(matrix, room("plaza"), [id("b")])).toEqual([{ id: "b", at: 1 }]);
		await again.close();
	});

	it("names the fault of a file that is no journal, and of one from a later release", async () => {
		const other = await fresh();
		await writeFile(other, "this is no database, and longer than the header of one ".repeat(10));
		await expect(open(other)).rejects.toThrow("it is no journal");
		await expect(open("/nowhere/journal.db")).rejects.toThrow(/journal\.db cannot be used/);

		const later = await fresh();
		await (await open(later)).close();
		const db = new DatabaseSync(later);
		db.exec("UPDATE meta SET value = 99 WHERE name = 'schema'");
		db.close();
		await expect(open(later)).rejects.toThrow("it is of schema 99, this release knows 4");
	});
});
