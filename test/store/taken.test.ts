import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { MessageId, OperationId } from "../../src/core/ids.ts";
import { createTaken } from "../../src/store/taken.ts";
import { silent } from "./sample.ts";

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "trivium-taken-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const operation = (n: number) => `operation ${n}` as OperationId;
const ids = (n: number) => [`msg ${n}`, `from ${n} alice@bridge.test`] as MessageId[];
/** Starts a run, once the last one has written the notes of its turn. A run that is not closed was killed. */
async function run() {
	await Promise.resolve();
	const taken = createTaken(folder, silent);
	taken.open();
	return taken;
}

test("knows the deliveries of a run that was killed, also after two more kills", async () => {
	(await run()).set(operation(1), ids(1));
	(await run()).set(operation(2), []);
	const third = await run();
	expect([third.get(operation(1)), third.get(operation(2)), third.get(operation(3))]).toEqual([
		ids(1),
		[],
		undefined,
	]);
});

test("forgets a delivery that the target refused, in this run and in the next", async () => {
	const one = await run();
	for (const n of [1, 2]) one.set(operation(n), ids(n));
	one.delete(operation(1));
	expect(one.get(operation(1))).toBeUndefined();
	const two = await run();
	expect([two.get(operation(1)), two.get(operation(2))]).toEqual([undefined, ids(2)]);
	two.delete(operation(2));
	expect((await run()).get(operation(2))).toBeUndefined();
});

test("keeps the newest deliveries in a file of bounded size, readable by our user alone", async () => {
	const one = await run();
	for (let n = 0; n < 20_000; n++) one.set(operation(n), ids(n));
	const { size, mode } = statSync(join(folder, "taken"));
	expect(size).toBeLessThanOrEqual(262_144);
	expect(mode & 0o777).toBe(0o600);
	const two = await run();
	for (let n = 17_000; n < 20_000; n++) expect(two.get(operation(n))).toEqual(ids(n));
	expect(two.get(operation(1))).toBeUndefined();
});

test("notes deliveries of one turn with one write, and all that come before a stop", async () => {
	const one = await run();
	for (const n of [1, 2]) one.set(operation(n), ids(n));
	expect(statSync(join(folder, "taken")).size).toBe(0);
	one.close();
	expect(readFileSync(join(folder, "taken"), "utf8").trim().split("\n")).toHaveLength(2);
});

test("skips a line that is cut, and reads the others", async () => {
	const one = await run();
	for (const n of [1, 2]) one.set(operation(n), ids(n));
	await Promise.resolve();
	const text = readFileSync(join(folder, "taken"), "utf8");
	writeFileSync(join(folder, "taken"), `${text.slice(20)}\n["operation 3",["cut`);
	const two = await run();
	expect([two.get(operation(1)), two.get(operation(2)), two.get(operation(3))]).toEqual([
		undefined,
		ids(2),
		undefined,
	]);
});
