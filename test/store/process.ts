import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** Starts `writer.ts` and collects its output. `kilobytes` limits the size of its files. */
export function startWriter(engine: "journal" | "mapping" | "backup", file: string, kilobytes?: number) {
	const limit = kilobytes === undefined ? "" : `ulimit -f ${kilobytes};`;
	const script = fileURLToPath(new URL("./writer.ts", import.meta.url));
	const child: ChildProcess = spawn(
		"bash",
		["-c", `${limit} exec "$0" "$@"`, process.execPath, script, engine, file],
		{ stdio: ["ignore", "pipe", "inherit"] },
	);
	let text = "";
	child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
		text += chunk;
	});
	onTestFinished(() => void child.kill("SIGKILL"));
	const said = (word: string) =>
		text
			.slice(0, text.lastIndexOf("\n") + 1)
			.split("\n")
			.filter((line) => line.startsWith(word))
			.map((line) => line.slice(word.length + 1));

	return {
		pid: child.pid,
		said,
		/** Resolves once this many lines of its output begin with the word. */
		async until(word: string, lines: number): Promise<void> {
			while (said(word).length < lines) {
				if (child.exitCode !== null) throw new Error(`the writer ended after: ${text.slice(-500)}`);
				await new Promise((resolve) => setTimeout(resolve, 5));
			}
		},
		async kill(): Promise<void> {
			const closed = once(child, "close");
			child.kill("SIGKILL");
			await closed;
		},
	};
}
