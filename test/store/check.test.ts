import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkStore } from "../../src/store/check.ts";
import { lock } from "../../src/store/lock.ts";

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "trivium-store-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const look = () => checkStore(folder, join(folder, "mapping.db"));

test("checkStore leaves nothing behind in a folder that works", async () => {
	expect(await look()).toEqual({ finding: { ok: true, what: "store", detail: folder }, running: false });
	expect(readdirSync(folder)).toEqual([]);
});

test("checkStore finds a running bridge by its lock alone, not by one that a dead process left", async () => {
	const release = await lock(join(folder, "mapping.db.lock"));
	expect(await look()).toMatchObject({ finding: { ok: true }, running: true });
	await release();
	writeFileSync(join(folder, "mapping.db.lock"), "4194304 1");
	expect(await look()).toMatchObject({ finding: { ok: true }, running: false });
});

test.each([false, true])("checkStore names a full disk, while a bridge runs: %s", async (runs) => {
	const release = runs ? await lock(join(folder, "mapping.db.lock")) : undefined;
	symlinkSync("/dev/full", join(folder, `.check-${process.pid}`));
	const { finding, running } = await look();
	await release?.();
	expect(finding).toMatchObject({
		ok: false,
		detail: expect.stringMatching(/ENOSPC.*the disk of .* is full/),
	});
	expect(running).toBe(runs);
});

test("checkStore makes no folder, and says that the first start makes it", async () => {
	const missing = join(folder, "data");
	expect(await checkStore(missing, join(missing, "mapping.db"))).toEqual({
		finding: { ok: true, what: "store", detail: `${missing} is not there yet: the first start makes it` },
		running: false,
	});
	expect(readdirSync(folder)).toEqual([]);
});
