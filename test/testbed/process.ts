import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const bedFolder = resolve(import.meta.dirname, "../../.testbed");
export const rootFolder = resolve(bedFolder, "root");

/** A process named so that a later process with the same number is not taken for it. */
export type ProcessId = { pid: number; started: string };

/** Start time of a living process (field 22 of its stat line; the name before it may hold anything). */
function startTime(pid: number): string | undefined {
	try {
		const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
			.replace(/^.*\) /s, "")
			.split(" ");
		return fields[0] === "Z" ? undefined : fields[19];
	} catch {
		return undefined;
	}
}

export function identify(pid: number): ProcessId {
	return { pid, started: startTime(pid) ?? "gone" };
}

export function isAlive({ pid, started }: ProcessId): boolean {
	return startTime(pid) === started;
}

export function recordProcess(file: string, id: ProcessId): void {
	writeFileSync(file, `${id.pid} ${id.started}\n`);
}

export function recordedProcess(file: string): ProcessId | undefined {
	if (!existsSync(file)) return undefined;
	const [pid, started] = readFileSync(file, "utf8").trim().split(" ");
	const id = { pid: Number(pid), started: started ?? "" };
	return isAlive(id) ? id : undefined;
}

export function signal(id: ProcessId, name: NodeJS.Signals): void {
	if (isAlive(id)) process.kill(id.pid, name);
}

export async function hasEnded(id: ProcessId, milliseconds: number): Promise<boolean> {
	const deadline = Date.now() + milliseconds;
	while (isAlive(id)) {
		if (Date.now() > deadline) return false;
		await sleep(10);
	}
	return true;
}

// Every server runs in a mount namespace of its own, where its testbed's folder is /tb. The mounts end with the
// process, so nothing is ever left mounted and nothing below the root can be deleted by accident.
const enter = `
mount -t proc proc "$0/proc"
mount -t tmpfs tmpfs "$0/dev/shm"
mount -t tmpfs tmpfs "$0/run"
mount -t tmpfs tmpfs "$0/tmp"
mount --bind "$1" "$0/tb"
[ ! -e "$1/hosts" ] || mount --bind "$1/hosts" "$0/etc/hosts"
root=$0; shift; exec chroot "$root" "$@"`;

/**
 * Returns the command that runs `command` in the Debian root, with `folder` as /tb. It holds a lock as long as it lives:
 * script/root never replaces a root in use.
 */
export const inRoot = (folder: string, command: readonly string[]): string[] => [
	...["flock", "--shared", "--no-fork", resolve(bedFolder, "root.lock")],
	...["unshare", "--mount", "--", "sh", "-euc", enter, rootFolder, folder],
	...command,
];

export type SpawnOptions = {
	/** The host's folder seen as /tb. */
	folder: string;
	log: string;
	command: readonly string[];
	/** Outlive this process: a developer's testbed does, a test's servers must not. */
	survive: boolean;
	/** Without it writes are not synced to disk: as safe against kill -9, and much faster. */
	durable: boolean;
};

export function spawnInRoot(options: SpawnOptions): ProcessId {
	const { folder, command } = options;
	mkdirSync(folder, { recursive: true });
	const log = openSync(options.log, "a");
	const environment = ["HOME=/tb", "LANG=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"];
	if (!options.durable) environment.push("LD_PRELOAD=libeatmydata.so");
	const steps = [
		...(options.survive ? [] : ["setpriv", "--pdeathsig", "KILL", "--"]),
		...inRoot(folder, ["env", "-i", ...environment, ...command]),
	];
	const child = spawn(steps[0] as string, steps.slice(1), { detached: true, stdio: ["ignore", log, log] });
	child.unref();
	if (child.pid === undefined) throw new Error(`cannot start ${steps[0]}`);
	return identify(child.pid);
}
