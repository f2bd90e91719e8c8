import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createBench } from "./bench.ts";
import { type Fault, growAll, mutateAll } from "./run.ts";

const usage = "script/fuzz [MINUTES] [--seed N] [--target PART OF A NAME] | script/fuzz FILE";
const folder = ".testbed/fuzz";

const { values, positionals } = parseArgs({
	options: {
		seed: { type: "string" },
		target: { type: "string" },
		help: { type: "boolean", default: false },
	},
	allowPositionals: true,
});
const [what = "10"] = positionals;
if (values.help || positionals.length > 1) {
	console.log(usage);
	process.exit(values.help ? 0 : 2);
}

if (/^[\d.]+$/.test(what)) await fuzz(Number(what));
else await repeat(what);

/** Fuzzes with one seed after the other until the time is over. The exit code is 1 where it found a fault. */
async function fuzz(minutes: number): Promise<void> {
	const end = Date.now() + minutes * 60_000;
	const known = new Set<string>();
	const report = ({ target, input, fault }: Fault, how: string) => {
		// Many inputs cause the same fault, which is reported once.
		const kind = `${target} ${fault.replace(/\d+/g, "N")}`;
		if (known.has(kind)) return;
		known.add(kind);
		mkdirSync(folder, { recursive: true });
		const file = `${folder}/${createHash("sha256").update(kind).digest("hex").slice(0, 12)}.json`;
		writeFileSync(file, JSON.stringify({ target, fault, input }));
		console.log(
			`${target}: ${fault.split("\n").slice(0, 2).join(" ")} (${how}); repeat it: script/fuzz ${file}`,
		);
	};
	let seed = Number(values.seed ?? Date.now() % 1_000_000);
	await growAll(64 * 1_024, (fault) => report(fault, "a growing input"), values.target);
	let runs = 0;
	for (; Date.now() < end; runs++, seed++) {
		const how = `seed ${seed}`;
		const onFault = (fault: Fault) => {
			report(fault, how);
			return Date.now() < end;
		};
		await mutateAll(seed, 100, onFault, values.target, () => Date.now() < end);
	}
	console.log(`${runs} seeds up to ${seed - 1}, ${known.size} faults`);
	process.exitCode = known.size > 0 ? 1 : 0;
}

/** Runs the input of a file again. The exit code is 1 where it still causes a fault. */
async function repeat(file: string): Promise<void> {
	const { target, input } = JSON.parse(readFileSync(file, "utf8")) as Fault;
	const bench = createBench();
	const { cpu, fault } = await bench.run({ target, input });
	bench.stop();
	console.log(`${target}: ${input.length} characters, ${Math.round(cpu)} ms; ${fault ?? "no fault"}`);
	process.exitCode = fault === undefined ? 0 : 1;
}
