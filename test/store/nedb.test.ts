import { spawnSync } from "node:child_process";
import {
	appendFile,
	open as openFile,
	readdir,
	readFile,
	rm,
	stat,
	symlink,
	writeFile,
} from "node:fs/promises";
import { basename, dirname } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { PermanentError } from "../../src/core/errors.ts";
import type { Log } from "../../src/core/log.ts";
import type { Ghost } from "../../src/core/mapping.ts";
import { createNedbMapping } from "../../src/store/nedb.ts";
import { dropTornTail } from "../../src/store/torn-tail.ts";
import { eventually } from "../eventually.ts";
import { freshFile, never } from "./directory.ts";
import { mappingContract } from "./mapping.contract.ts";
import { startWriter } from "./process.ts";
import { ghost, matrix, portal, silent, user, xmpp } from "./sample.ts";

async function open(file: string, options: Partial<Parameters<typeof createNedbMapping>[0]> = {}) {
	const mapping = createNedbMapping({ file, log: silent, onFailure: never, ...options });
	await mapping.open();
	return mapping;
}

const fresh = () => freshFile("mapping.db");

/** A log that keeps its lines as "level message". */
function logTo(lines: string[]): Log {
	const log: Log = {
		debug: (_, message) => lines.push(`debug ${message}`),
		info: (_, message) => lines.push(`info ${message}`),
		warn: (_, message) => lines.push(`warn ${message}`),
		error: (_, message) => lines.push(`error ${message}`),
		child: () => log,
	};
	return log;
}

mappingContract("nedb", async () => {
	const file = await fresh();
	return { open: () => open(file) };
});

describe("the nedb mapping", () => {
	it("keeps every acknowledged ghost through kill -9", async () => {
		const file = await fresh();
		const writer = startWriter("mapping", file);
		await writer.until("stored", 200);
		await writer.kill();
		const mapping = await open(file);
		for (const name of writer.said("stored"))
			expect(await mapping.ghost(user(name), xmpp, matrix)).toEqual(ghost(name));
		await mapping.close();
	});

	it("stops for good on a full disk, and starts again with every acknowledged document", async () => {
		const file = await fresh();
		const writer = startWriter("mapping", file, 100);
		await writer.until("failed", 1);
		expect(writer.said("failed")).toHaveLength(1);
		expect(writer.said("failed")[0]).toMatch(/mapping\.db cannot be used/);
		await writer.kill();
		// The failed write left half a line.
		expect((await readFile(file, "utf8")).endsWith("\n")).toBe(false);
		const mapping = await open(file);
		expect(writer.said("stored").length).toBeGreaterThan(10);
		for (const name of writer.said("stored"))
			expect(await mapping.ghost(user(name), xmpp, matrix)).toEqual(ghost(name));
		await mapping.close();
	});

	it("rejects all calls after a failed write, since memory and disk differ", async () => {
		const file = await fresh();
		const failures: Error[] = [];
		const mapping = await open(file, { onFailure: (error) => void failures.push(error) });
		await mapping.saveSetting("a", "1");
		await rm(file);
		await symlink("/dev/full", file);
		await expect(mapping.saveSetting("b", "2")).rejects.toThrow("ENOSPC");
		await expect(mapping.saveSetting("c", "3")).rejects.toThrow("ENOSPC");
		await expect(mapping.setting("b")).rejects.toThrow("ENOSPC");
		await expect(mapping.once("a", () => "4")).rejects.toThrow("ENOSPC");
		expect(failures).toHaveLength(1);
		await mapping.close();
	});

	it("resolves a write only when it is on disk, and shares one fsync among concurrent writes", async () => {
		const file = await fresh();
		const mapping = await open(file);
		const handle = await openFile(file, "r");
		const sync = vi.spyOn(Object.getPrototypeOf(handle), "datasync");
		await handle.close();
		await mapping.saveSetting("a", "1");
		expect(sync).toHaveBeenCalledTimes(1);
		// This fsync is as slow as a spinning disk.
		sync.mockImplementation(() => new Promise((resolve) => setTimeout(resolve, 20)));
		await Promise.all(Array.from({ length: 500 }, (_, n) => mapping.saveSetting(`s${n}`, "value")));
		expect(sync.mock.calls.length).toBeLessThan(50);
		sync.mockRejectedValue(new Error("EIO"));
		const failures: Error[] = [];
		const failing = await open(await fresh(), { onFailure: (error) => void failures.push(error) }).catch(
			(error: unknown) => error,
		);
		expect(failing).toBeInstanceOf(Error);
		expect(failures).toHaveLength(1);
		sync.mockRestore();
		await mapping.close();
	});

	it("returns a secret only once it is on disk", async () => {
		const file = await fresh();
		const mapping = await open(file);
		const handle = await openFile(file, "r");
		let synced = false;
		const sync = vi.spyOn(Object.getPrototypeOf(handle), "datasync").mockImplementation(async () => {
			await new Promise((resolve) => setTimeout(resolve, 50));
			synced = true;
		});
		await handle.close();
		const first = mapping.once("secret", () => "made");
		await eventually(async () => expect(await mapping.setting("secret")).toBe("made"));
		expect(synced).toBe(false);
		expect(await mapping.once("secret", () => "other")).toBe("made");
		expect(synced).toBe(true);
		await first;
		sync.mockRestore();
		await mapping.close();
	});

	it("starts with a torn last line, however small the file, and keeps its bytes beside", async () => {
		const file = await fresh();
		const lines: string[] = [];
		let mapping = await open(file);
		await mapping.saveSetting("a", "1");
		await mapping.close();
		await appendFile(file, '{"_id":"setting b","val');
		mapping = await open(file, { log: logTo(lines) });
		expect(await mapping.setting("a")).toBe("1");
		expect(lines).toEqual(["warn an unfinished line at the end of the mapping was set aside"]);
		const kept = (await readdir(dirname(file))).find((name) => name.includes(".torn-"));
		expect(await readFile(`${dirname(file)}/${kept}`, "utf8")).toBe('{"_id":"setting b","val');
		await mapping.saveSetting("b", "2");
		await mapping.close();
		mapping = await open(file);
		expect(await mapping.setting("b")).toBe("2");
		await mapping.close();
	});

	it("refuses a file that is damaged in the middle, and leaves it unchanged", async () => {
		const file = await fresh();
		const mapping = await open(file);
		await Promise.all(Array.from({ length: 100 }, (_, n) => mapping.saveSetting(`s${n}`, "value")));
		await mapping.close();
		const damaged = (await readFile(file, "utf8")).replace(/"setting s50"/, "\0\0\0\0");
		await writeFile(file, damaged);
		await expect(open(file)).rejects.toThrow(/mapping\.db cannot be used: .*corrupt/);
		expect(await readFile(file, "utf8")).toBe(damaged);
		// The attempt leaves no lock behind.
		expect(await readdir(dirname(file))).toEqual(["mapping.db"]);
	});

	it("refuses a second process, and names the first", async () => {
		const file = await fresh();
		const writer = startWriter("mapping", file);
		await writer.until("open", 1);
		await expect(open(file)).rejects.toThrow(`in use by process ${writer.pid}: stop that one first`);
		await writer.kill();
		await (await open(file)).close();
	});

	it("refuses a second open in the same process", async () => {
		const file = await fresh();
		const mapping = await open(file);
		await expect(open(file)).rejects.toThrow(`in use by process ${process.pid}`);
		await mapping.close();
		await (await open(file)).close();
	});

	it("takes over the lock of a dead process, of a reused pid, and a lock that was never filled", async () => {
		const file = await fresh();
		const dead = spawnSync("true").pid;
		for (const stale of [`${dead} 12345`, `${process.pid} 1`, "", "rubbish"]) {
			await writeFile(`${file}.lock`, stale);
			await (await open(file)).close();
			expect(await readdir(dirname(file))).toEqual(["mapping.db"]);
		}
	});

	it("gives no other user read access, from the first start and after a compaction", async () => {
		const file = await fresh();
		for (let starts = 0; starts < 2; starts++) {
			const mapping = await open(file);
			for (const name of await readdir(dirname(file)))
				expect([name, (await stat(`${dirname(file)}/${name}`)).mode & 0o077]).toEqual([name, 0]);
			await mapping.close();
		}
	});

	it("refuses a file of a later release", async () => {
		const file = await fresh();
		await writeFile(file, '{"_id":"schema","version":99}\n');
		await expect(open(file)).rejects.toThrow("is of schema 99, this release knows 1");
		expect(await readdir(dirname(file))).toEqual(["mapping.db"]);
	});

	it("warns once when it grows large, and refuses new ghosts when it is full", async () => {
		const lines: string[] = [];
		const limits = { warnAt: 3, refuseAt: 5, compactAfter: 50_000 };
		const mapping = await open(await fresh(), { log: logTo(lines), limits });
		for (const name of ["a", "b", "c", "d", "e"]) await mapping.saveGhost(ghost(name));
		expect(lines).toEqual(["warn the mapping grows large: plan to use PostgreSQL"]);
		await expect(mapping.saveGhost(ghost("f"))).rejects.toThrow(PermanentError);
		expect(lines[1]).toBe("error the mapping is full, new people are refused: use PostgreSQL");
		// Known ghosts, rooms and settings can still change.
		await mapping.saveGhost({ ...ghost("a"), name: "A" });
		await mapping.savePortal(portal("p", "!a"));
		expect(await mapping.count()).toBe(6);
		await mapping.close();
	});

	it("keeps space for others when one room or domain brings more ghosts than its share, also after a restart", async () => {
		const file = await fresh();
		const limits = { ofRoom: 3, ofDomain: 5 };
		let mapping = await open(file, { limits });
		const occupant = (muc: string, name: string, domain = "muc.evil"): Ghost => ({
			...ghost(name),
			person: { ...ghost(name).person, address: [muc, name], domain },
		});
		for (const name of ["a", "b", "c"]) await mapping.saveGhost(occupant("one@muc.evil", name));
		const more = occupant("one@muc.evil", "d");
		expect(await mapping.takes(more.person)).toBe(false);
		await expect(mapping.saveGhost(more)).rejects.toThrow(PermanentError);
		await mapping.saveGhost({ ...occupant("one@muc.evil", "a"), name: "A" });
		await mapping.close();
		mapping = await open(file, { limits });
		expect(await mapping.takes(more.person)).toBe(false);
		for (const name of ["e", "f"]) await mapping.saveGhost(occupant("two@muc.evil", name));
		expect(await mapping.takes(occupant("three@muc.evil", "g").person)).toBe(false);
		expect(await mapping.takes(occupant("verona@muc.good", "h", "muc.good").person)).toBe(true);
		await mapping.saveGhost(occupant("verona@muc.good", "h", "muc.good"));
		await mapping.close();
	});

	it("restores a backup with all documents of its moment, despite concurrent writes", async () => {
		const [file, copy] = [await fresh(), await fresh()];
		// The small limit makes a compaction run during the backup.
		const limits = { warnAt: 10_000, refuseAt: 10_000, compactAfter: 100 };
		const mapping = await open(file, { limits });
		await mapping.savePortal(portal("p", "!a"));
		for (let n = 0; n < 200; n++) await mapping.saveSetting("old", `${n}`);
		let ended = false;
		let written = 0;
		const writing = (async () => {
			for (; !ended; written++) await mapping.saveGhost(ghost(`g${written}`));
		})();
		await eventually(() => expect(written).toBeGreaterThan(50), 1);
		const known = written;
		await mapping.backup(copy);
		const most = written + 1;
		ended = true;
		await writing;
		await mapping.close();
		expect((await stat(copy)).mode & 0o777).toBe(0o600);
		expect(await readdir(dirname(copy))).toEqual([basename(copy)]);

		const restored = await open(copy);
		expect(await restored.portals()).toEqual([portal("p", "!a")]);
		expect(await restored.setting("old")).toBe("199");
		const ghosts = (await restored.count()) - 2;
		expect(ghosts).toBeGreaterThanOrEqual(known);
		expect(ghosts).toBeLessThanOrEqual(most);
		// The backup holds no ghost without all earlier ones.
		for (let n = 0; n < ghosts; n++)
			expect(await restored.ghost(user(`g${n}`), xmpp, matrix)).toEqual(ghost(`g${n}`));
		await restored.close();
	});

	it("omits an unfinished line from a backup", async () => {
		const file = await fresh();
		const half = "x".repeat(70_000);
		for (const [text, whole] of [
			["", ""],
			["one\n", "one\n"],
			[`one\ntwo\n${half}`, "one\ntwo\n"],
			[half, ""],
		] as const) {
			await writeFile(file, text);
			await dropTornTail(file);
			expect(await readFile(file, "utf8")).toBe(whole);
		}
	});

	it("continues after a failed backup, and removes its remains", async () => {
		const taken = await fresh();
		await writeFile(taken, "another's");
		const mapping = await open(await fresh());
		await expect(mapping.backup(taken)).rejects.toThrow(
			`The backup ${taken} cannot be written: there is one`,
		);
		await expect(mapping.backup("/nowhere/backup.db")).rejects.toThrow("ENOENT");
		expect(await readFile(taken, "utf8")).toBe("another's");
		expect(await readdir(dirname(taken))).toEqual([basename(taken)]);
		await mapping.saveSetting("a", "1");
		await mapping.close();
	});

	it("does not compact at each open, and yet does not grow without end", async () => {
		const file = await fresh();
		const limits = { warnAt: 100, refuseAt: 100, compactAfter: 60 };
		let inode: number | undefined;
		let longest = 0;
		for (let round = 0; round < 20; round++) {
			const mapping = await open(file, { limits });
			if (round === 1) inode = (await stat(file)).ino;
			if (round === 2) expect((await stat(file)).ino).toBe(inode);
			await Promise.all(Array.from({ length: 10 }, (_, n) => mapping.saveSetting("a", `${round} ${n}`)));
			expect(await mapping.setting("a")).toBe(`${round} 9`);
			await mapping.close();
			longest = Math.max(longest, (await readFile(file, "utf8")).split("\n").length);
		}
		expect(longest).toBeGreaterThan(50);
		expect(longest).toBeLessThan(90);
	});

	it("does not grow without end when one document changes again and again", async () => {
		const file = await fresh();
		const limits = { warnAt: 100, refuseAt: 100, compactAfter: 200 };
		let mapping = await open(file, { limits });
		await mapping.saveSetting("kept", "value");
		for (let round = 0; round < 30; round++)
			await Promise.all(
				Array.from({ length: 50 }, (_, n) => mapping.saveSetting(`s${n % 5}`, `${round} ${n}`)),
			);
		await mapping.close();
		expect((await readFile(file, "utf8")).split("\n").length).toBeLessThan(500);
		mapping = await open(file);
		expect(await mapping.setting("kept")).toBe("value");
		expect(await mapping.setting("s4")).toBe("29 49");
		await mapping.close();
	});
});
