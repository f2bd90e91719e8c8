import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const program = (end: string) => `
	import { setTimeout as sleep } from "node:timers/promises";
	import { giveBackWhenQuiet } from "./src/heap.ts";
	let garbage = Array.from({ length: 2_000_000 }, (_, index) => ({ index, text: "number " + index }));
	await sleep(50);
	garbage = undefined;
	const before = process.memoryUsage().rss;
	${end}
	await sleep(5_000);
	console.log(Math.round((before - process.memoryUsage().rss) / 1024 / 1024));
`;
async function givenBack(end: string): Promise<number> {
	const args = ["--input-type=module-typescript", "--eval", program(end)];
	const cwd = join(import.meta.dirname, "..");
	return Number((await promisify(execFile)(process.execPath, args, { cwd })).stdout);
}

it("giveBackWhenQuiet returns the memory of freed objects to the system", async () => {
	const [ours, v8s] = await Promise.all([givenBack("giveBackWhenQuiet();"), givenBack("")]);
	expect(ours).toBeGreaterThan(60);
	// An idle V8 keeps that memory.
	expect(v8s).toBeLessThan(20);
});
