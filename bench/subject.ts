import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const up = `"msg":"running"`;

export type Subject = Awaited<ReturnType<typeof startSubject>>;

/** Starts the measured program as a process. `log` returns its output; a line “running” means that it is up. */
export async function startSubject(options: {
	program: string;
	args: readonly string[];
	log: string;
	/** The folder for a CPU profile. */
	profile?: string;
}) {
	const output = openSync(options.log, "w");
	const began = performance.now();
	const profile = options.profile ? ["--cpu-prof", "--cpu-prof-dir", options.profile] : [];
	// The process ends with a killed benchmark.
	const command = ["--pdeathsig", "KILL", process.execPath, ...profile, options.program, ...options.args];
	// The same flags as in docs/install.md.
	const env = { ...process.env, NODE_COMPILE_CACHE: join(dirname(options.log), "cache") };
	const child = spawn("setpriv", command, { stdio: ["ignore", output, output], env });
	closeSync(output);
	const { pid = 0 } = child;
	const log = () => readFileSync(options.log, "utf8");
	while (!log().includes(up)) {
		if (child.exitCode !== null) throw new Error(`${options.program} ended:\n${log()}`);
		await sleep(2);
	}
	const startMs = performance.now() - began;

	return {
		pid,
		startMs,
		/** Returns the user and system time of all threads so far, in ms. */
		cpu: (): number =>
			readdirSync(`/proc/${pid}/task`)
				.map((task) => readFileSync(join(`/proc/${pid}/task`, task, "schedstat"), "utf8"))
				.reduce((sum, text) => sum + Number(text.split(" ")[0]) / 1e6, 0),
		/** Returns the resident memory in MiB. */
		rss: (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024,
		/** Returns the peak of the resident memory in MiB. */
		peak: (): number =>
			Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024,
		log,
		async stop(): Promise<void> {
			if (child.exitCode !== null) return;
			child.kill("SIGTERM");
			await once(child, "exit");
		},
	};
}
