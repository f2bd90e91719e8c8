import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Answer, Question } from "./serve.ts";

/**
 * Returns the processor time in ms that an input of this length may take. Load of the machine does not add to it.
 */
const allowed = (characters: number) => 1_500 + (60 * characters) / 1_024;
/** Milliseconds between two checks of a busy worker. */
const glance = 250;
/** Milliseconds of real time after which a worker that waits counts as blocked. */
const forever = 120_000;

type Running = { child: ChildProcess; heard: (answer: Answer) => void; ended: (why: string) => void };

/**
 * Creates a runner of inputs in a child process, which is killed and replaced when an input takes too much time or
 * memory. A thread would not do, because V8 ends the whole process of a thread that is out of memory.
 */
export function createBench(file = new URL("./worker.ts", import.meta.url)) {
	let running: Running | undefined;

	function start(): Promise<Running> {
		const { promise, resolve, reject } = Promise.withResolvers<Running>();
		const child = fork(file, {
			execArgv: ["--max-old-space-size=400"],
			serialization: "advanced",
			stdio: ["ignore", "ignore", "ignore", "ipc"],
		});
		const made: Running = { child, heard: () => undefined, ended: (why) => reject(new Error(why)) };
		child.once("message", () => {
			child.on("message", (answer: Answer) => made.heard(answer));
			resolve(made);
		});
		child.on("error", (error) => made.ended(error.message));
		child.on("exit", (code, signal) => made.ended(`${signal ?? `exit code ${code}`}`));
		return promise;
	}

	return {
		async run(question: Question): Promise<Answer> {
			running ??= await start();
			const mine = running;
			const { promise, resolve } = Promise.withResolvers<Answer>();
			const broken = (cpu: number, fault: string) => {
				running = undefined;
				mine.child.kill("SIGKILL");
				resolve({ cpu, fault });
			};
			mine.heard = resolve;
			mine.ended = (why) => broken(0, `the worker ended: ${why}`);
			const started = performance.now();
			const before = usedBy(mine.child);
			const timer = setInterval(() => {
				if (performance.now() - started > forever) broken(0, "not done at all");
				const cpu = usedBy(mine.child) - before;
				if (cpu > allowed(question.input.length)) broken(cpu, `not done after ${Math.round(cpu)} ms`);
			}, glance);
			mine.child.send(question);
			const answer = await promise;
			clearInterval(timer);
			mine.ended = () => {
				if (running === mine) running = undefined;
			};
			return answer;
		},
		stop: () => void running?.child.kill("SIGKILL"),
	};
}
export type Bench = ReturnType<typeof createBench>;

/** Returns the processor time of a process in ms so far; 0 where /proc does not tell. */
function usedBy({ pid }: ChildProcess): number {
	try {
		// proc_pid_stat(5): fields 14 and 15 count hundredths of a second; the name before them may contain blanks.
		const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
		return 10 * (Number(fields[11]) + Number(fields[12]));
	} catch {
		return 0;
	}
}
