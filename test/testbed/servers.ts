import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Definition } from "./definition.ts";
import { ejabberd } from "./ejabberd.ts";
import type { Layout, ServerName } from "./layout.ts";
import { mosquitto } from "./mosquitto.ts";
import {
	hasEnded,
	isAlive,
	type ProcessId,
	recordedProcess,
	recordProcess,
	signal,
	spawnInRoot,
} from "./process.ts";
import { prosodyServer } from "./prosody.ts";
import { synapseServer } from "./synapse.ts";

const definitions: Record<ServerName, Definition> = {
	synapse: synapseServer("synapse"),
	synapse2: synapseServer("synapse2"),
	prosody: prosodyServer("prosody"),
	prosody2: prosodyServer("prosody2"),
	ejabberd,
	mosquitto,
};

const printed = "printed.log";
const patience = { ready: 60_000, stop: 15_000 };

/** Returns the log files of one server of one testbed. */
export function logFiles({ folder }: Layout, name: ServerName): string[] {
	return [printed, ...definitions[name].logs].map((log) => resolve(folder, name, log));
}

function logTails(layout: Layout, name: ServerName): string {
	const tail = (file: string) => readFileSync(file, "utf8").trimEnd().split("\n").slice(-20).join("\n");
	const existing = logFiles(layout, name).filter((file) => existsSync(file));
	return existing.map((file) => `--- ${file}\n${tail(file)}`).join("\n");
}

export function runningServer({ folder }: Layout, name: ServerName): ProcessId | undefined {
	return recordedProcess(resolve(folder, name, "pid"));
}

/** Starts a server with the layout's current options, and waits until it answers. */
export async function startServer(
	layout: Layout,
	name: ServerName,
	how: { survive: boolean; durable: boolean },
): Promise<void> {
	if (runningServer(layout, name)) throw new Error(`${name} runs already`);
	const definition = definitions[name];
	const folder = resolve(layout.folder, name);
	for (const [path, text] of Object.entries(definition.files(layout))) {
		const file = resolve(folder, path);
		mkdirSync(dirname(file), { recursive: true });
		writeFileSync(file, text, { mode: 0o600 });
	}
	const command = definition.command(layout);
	const id = spawnInRoot({ ...how, folder: layout.folder, log: resolve(folder, printed), command });
	recordProcess(resolve(folder, "pid"), id);
	const deadline = Date.now() + patience.ready;
	while (!(await definition.ready(layout))) {
		if (!isAlive(id)) throw new Error(`${name} ended while starting\n${logTails(layout, name)}`);
		if (Date.now() > deadline) throw new Error(`${name} does not answer\n${logTails(layout, name)}`);
		await sleep(20);
	}
}

/** Stops a server by SIGTERM, which lets it close its connections and save its data. */
export async function stopServer(layout: Layout, name: ServerName): Promise<void> {
	const id = runningServer(layout, name);
	if (!id) return;
	signal(id, "SIGTERM");
	signal(id, "SIGCONT");
	if (!(await hasEnded(id, patience.stop))) await killServer(layout, name);
}

/** Kills a server by SIGKILL. Unlike after a power cut, writes in the kernel's cache survive. */
export async function killServer(layout: Layout, name: ServerName): Promise<void> {
	const id = runningServer(layout, name);
	if (!id) return;
	signal(id, "SIGKILL");
	if (!(await hasEnded(id, 5_000))) throw new Error(`${name} (process ${id.pid}) cannot be killed`);
}

/** Stops a server's process by SIGSTOP: it keeps its connections and answers nothing, like a hung machine. */
export function pauseServer(layout: Layout, name: ServerName): void {
	const id = runningServer(layout, name);
	if (!id) return;
	signal(id, "SIGSTOP");
	// The kernel stops the threads one after the other, and one of them may still pass a stanza on.
	for (const end = Date.now() + 1_000; !isStopped(id.pid) && Date.now() < end; );
}

/** Returns true if all threads of a process are stopped. */
const isStopped = (pid: number): boolean =>
	readdirSync(`/proc/${pid}/task`).every((thread) =>
		/\) T /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8")),
	);

export function resumeServer(layout: Layout, name: ServerName): void {
	const id = runningServer(layout, name);
	if (id) signal(id, "SIGCONT");
}
