import { Worker } from "node:worker_threads";
import { base, factor, type Target } from "./target.ts";

export type Question = Readonly<{ target: string; input: string }>;
export type Answer = Readonly<{
	/** Processor time of this thread in ms; other processes do not add to it. */
	cpu: number;
	fault?: string;
}>;

const describeError = (error: unknown) =>
	error instanceof Error ? (error.stack ?? error.message).split("\n").slice(0, 4).join("\n") : String(error);

/** Serves inputs in a forked process, one at a time. An uncaught error counts for the input that is running. */
export function serve(targets: Readonly<Record<string, Target>>): void {
	let stray: string | undefined;
	const note = (error: unknown) => {
		stray ??= `thrown past every guard: ${describeError(error)}`;
	};
	process.on("uncaughtException", note);
	process.on("unhandledRejection", note);

	async function run({ target, input }: Question): Promise<Answer> {
		stray = undefined;
		const { run, factor: own = factor } = targets[target] as Target;
		const before = process.threadCpuUsage();
		let fault: string | undefined;
		try {
			const { size } = await run(input);
			if (size > base + own * input.length) fault = `${size} characters come of ${input.length}`;
		} catch (error) {
			fault = describeError(error);
		}
		const { user, system } = process.threadCpuUsage(before);
		// An error thrown in a callback is reported one turn of the event loop later.
		await new Promise((resolve) => setImmediate(resolve));
		fault ??= stray;
		return { cpu: (user + system) / 1_000, ...(fault !== undefined && { fault }) };
	}

	// A worker that is busy with an input would otherwise outlive a killed run.
	const watch = `setInterval(() => { if (process.ppid !== ${process.ppid}) process.kill(process.pid, "SIGKILL") }, 1000)`;
	new Worker(watch, { eval: true }).unref();
	process.on("disconnect", () => process.exit());
	process.on("message", (question: Question) => {
		void run(question).then((answer) => process.send?.(answer));
	});
	process.send?.("ready");
}
