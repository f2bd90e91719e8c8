import { readFileSync } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

/** Returns the start time of a process in clock ticks. The kernel reuses pids, but never a pid with the same start time. */
function started(pid: number | "self"): string | undefined {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		// proc(5): field 22; field 2 is a name in brackets and may hold anything, brackets too.
		return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
	} catch {
		return undefined;
	}
}

function alive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
}

function holds(text: string): number | undefined {
	const [pid = "", since = ""] = text.split(" ");
	if (!/^\d+$/.test(pid) || !alive(Number(pid))) return undefined;
	// Without /proc the pid alone identifies the process.
	return (started(Number(pid)) ?? since) === since ? Number(pid) : undefined;
}

/** A process creates the lock file and fills it in two steps; a file that stays empty belongs to one that died between them. */
async function read(path: string): Promise<string> {
	for (let tries = 0; tries < 10; tries++) {
		const text = await readFile(path, "utf8");
		if (text !== "") return text;
		await wait(20);
	}
	return "";
}

/** Resolves with the process that holds the lock at `path`; undefined if none does. @throws Error when it cannot be read. */
export async function holder(path: string): Promise<number | undefined> {
	try {
		return holds(await read(path));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw error;
	}
}

/**
 * Locks `path` against a second process and resolves with the function that releases it. Takes over the lock of a dead
 * process. @throws Error that names the process which holds the lock.
 */
export async function lock(path: string): Promise<() => Promise<void>> {
	const ours = `${process.pid} ${started("self") ?? ""}`;
	for (let tries = 0; tries < 5; tries++) {
		try {
			await writeFile(path, ours, { flag: "wx", mode: 0o600 });
			return () => rm(path, { force: true });
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		}
		await takeOver(path).catch((error: NodeJS.ErrnoException) => {
			// Another process released the lock, or took it over, since we read it.
			if (error.code !== "ENOENT") throw error;
		});
	}
	throw new Error(`could not lock ${path}: others keep taking it`);
}

async function takeOver(path: string): Promise<void> {
	const stale = await read(path);
	const pid = holds(stale);
	if (pid !== undefined) throw new Error(`in use by process ${pid}: stop that one first`);
	// Two processes may see the same stale lock: one moves it, and the other must not keep the new lock that it moved instead.
	const aside = `${path}.${process.pid}`;
	await rename(path, aside);
	if ((await readFile(aside, "utf8")) === stale) await rm(aside);
	else await rename(aside, path);
}
