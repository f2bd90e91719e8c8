import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const bedFolder = resolve(import.meta.dirname, "../../.testbed");
export const rootFolder = resolve(bedFolder, "root");

/** A process id with the process's start time, so that a later process with the same number is another one. */
export type ProcessId = { pid: number; started: string };

/**
 * Returns the start time of a living process: field 22 of its stat line. The name before it may hold any character.
 */
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

// Each server runs in a mount namespace of its own, in which its testbed's folder is /tb. The mounts end with the
// process, so none outlives it, and no deletion below the root can reach through one.
const enter = `
mount -t proc proc "$0/proc"
mount -t tmpfs tmpfs "$0/dev/shm"
mount -t tmpfs tmpfs "$0/run"
mount -t tmpfs tmpfs "$0/tmp"
mount --bind "$1" "$0/tb"
[ ! -e "$1/hosts" ] || mount --bind "$1/hosts" "$0/etc/hosts"
root=$0; shift; exec chroot "$root" "$@"`;

/**
 * Returns the command that runs `command` in the Debian root, with `folder` as /tb. The command holds a lock while
 * it runs, because script/root must not replace a root in use.
 */
export const inRoot = (folder: string, command: readonly string[]): string[] => [
	...["flock", "--shared", "--no-fork", resolve(bedFolder, "root.lock")],
	...["unshare", "--mount", "--", "sh", "-euc", enter, rootFolder, folder],
	...command,
];

export type SpawnOptions = {
	/** The host's folder that is mounted as /tb. */
	folder: string;
	log: string;
	command: readonly string[];
	/** True where the process outlives this one: servers of a developer's testbed do, servers of a test must not. */
	survive: boolean;
	/** True where writes are synced to disk. Unsynced writes survive kill -9 as well, and are much faster. */
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
