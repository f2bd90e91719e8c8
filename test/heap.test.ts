import { execFileSync } from "node:child_process";
import { join } from "node:path";
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
const givenBack = (end: string) => {
	const args = ["--input-type=module-typescript", "--eval", program(end)];
	return Number(
		execFileSync(process.execPath, args, { cwd: join(import.meta.dirname, ".."), encoding: "utf8" }),
	);
};

it("gives the memory that only the start needed back to the system, MiB", { timeout: 30_000 }, () => {
	expect(givenBack("giveBackWhenQuiet();")).toBeGreaterThan(60);
	// It is not V8 that does it.
	expect(givenBack("")).toBeLessThan(20);
});
