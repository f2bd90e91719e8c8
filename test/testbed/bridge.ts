import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { Inbox } from "./inbox.ts";
import {
	startTestbed,
	type Testbed,
	type TestbedOptions,
	type XmppAddresses,
	type XmppServerName,
} from "./index.ts";
import { type AnyXmppServerName, domains, type HomeserverName } from "./layout.ts";
import type { Ports } from "./ports.ts";

/** One line of the bridge's log. */
export type LogLine = Record<string, unknown> & { msg: string; level: string };

export type BridgedOptions = TestbedOptions & {
	/** The XMPP server that the bridge connects to as a component. */
	xmpp: XmppServerName;
	/** The URL of a proxy between the bridge and the homeserver; without it the bridge connects directly. */
	homeserver?: string;
	/** The URL of a proxy between the homeserver and the appservice. */
	appservice?: string;
	/** Returns options that are merged over the config's sections. */
	config?: (bed: Pick<Testbed, "ports">) => Record<string, unknown>;
	/** The bridge has a key, and so takes the passwords of MUCs. */
	secretsKey?: true;
	/** Mirrors of topics in the config; without it the config has no MQTT. */
	mirrors?: readonly ({ topic: string; room: string } & Record<string, unknown>)[];
};

const program = join(import.meta.dirname, "../../src/main.ts");

/**
 * Runs a command of the bridge's command line to its end, as an admin does. @throws Error when the command fails.
 */
export function cli(verb: string, config: string, ...more: string[]): string {
	return execFileSync(process.execPath, [program, verb, "--config", config, ...more], { encoding: "utf8" });
}

/** The servers that a bridge connects, and the names of its own ports. */
type Place = Readonly<{
	synapse: HomeserverName;
	xmpp: AnyXmppServerName;
	appservice: "appservice" | "appservice2";
	health: "health" | "health2";
}>;
const firstPlace = (xmpp: XmppServerName): Place => ({
	...{ synapse: "synapse", appservice: "appservice", health: "health" },
	xmpp,
});
const secondPlace: Place = {
	...{ synapse: "synapse2", appservice: "appservice2", health: "health2" },
	xmpp: "prosody2",
};

/** The real bridge in its own process, on real servers. */
export class Bridged {
	readonly bed: Testbed;
	readonly xmpp: XmppAddresses;
	readonly configFile: string;
	readonly log = new Inbox<LogLine>("the bridge", (line) => JSON.stringify(line));
	readonly #folder: string;
	#process: ChildProcess | undefined;

	constructor(bed: Testbed, xmpp: XmppAddresses, folder: string) {
		this.bed = bed;
		this.xmpp = xmpp;
		this.#folder = folder;
		this.configFile = join(folder, "config.yaml");
	}

	get pid(): number | undefined {
		return this.#process?.pid;
	}

	/**
	 * Starts the bridge; resolves when its log says “running”. `env` is added to its environment; `within` is a
	 * command that runs the bridge's command.
	 */
	async start(env: Readonly<Record<string, string>> = {}, within: readonly string[] = []): Promise<void> {
		const before = this.log.items.length;
		// The bridge dies with a killed test process.
		const bridge = [process.execPath, program, "run", "--config", this.configFile];
		const command = ["--pdeathsig", "KILL", ...within, ...bridge];
		const child = spawn("setpriv", command, {
			stdio: ["ignore", "pipe", "pipe"],
			env: { ...process.env, ...env },
		});
		this.#process = child;
		let rest = "";
		child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
			const lines = (rest + chunk).split("\n");
			rest = lines.pop() ?? "";
			for (const line of lines) this.#note(line);
		});
		child.stderr.setEncoding("utf8").on("data", (chunk: string) => this.#note(chunk.trimEnd()));
		child.once("exit", (code, signal) => this.log.push({ level: "exit", msg: `exit ${code ?? signal}` }));
		const up = await this.log.waitFor(
			"the line “running”",
			(line) => this.log.items.indexOf(line) >= before && (line.msg === "running" || line.level === "exit"),
			30_000,
		);
		// A bridge that is to die at a point of a message's life (mortal.ts) can reach it during its start, with a row
		// of an earlier run.
		const meant = env.TRIVIUM_DIE !== undefined && up.msg === "exit SIGKILL";
		if (up.level === "exit" && !meant)
			throw new Error(this.log.items.map((line) => JSON.stringify(line)).join("\n"));
	}

	#note(line: string): void {
		if (process.env.TRIVIUM_TEST_LOG) console.log(line);
		try {
			this.log.push(JSON.parse(line) as LogLine);
		} catch {
			this.log.push({ level: "plain", msg: line });
		}
	}

	async #end(signal: NodeJS.Signals): Promise<number | null> {
		const child = this.#process;
		this.#process = undefined;
		if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
		const { promise, resolve } = Promise.withResolvers<number | null>();
		child.once("exit", resolve);
		child.kill(signal);
		return promise;
	}

	/** Resolves when the process has exited by itself. */
	async ended(): Promise<void> {
		const child = this.#process;
		if (child && child.exitCode === null && child.signalCode === null)
			await new Promise((resolve) => child.once("exit", resolve));
	}

	/** Sends SIGTERM. Resolves with the exit code. */
	stop(): Promise<number | null> {
		return this.#end("SIGTERM");
	}

	/** Sends SIGKILL. Resolves when the process has exited. */
	kill(): Promise<number | null> {
		return this.#end("SIGKILL");
	}

	async down(): Promise<void> {
		await this.kill();
		await this.bed.down();
		rmSync(this.#folder, { recursive: true, force: true });
	}
}

function config(
	{ ports }: Pick<Testbed, "ports">,
	{ synapse, xmpp, ...own }: Place,
	folder: string,
	options: BridgedOptions,
) {
	const domain = domains[xmpp];
	const appservice = `127.0.0.1:${ports[own.appservice]}`;
	return {
		matrix: {
			homeserver: options.homeserver ?? `http://127.0.0.1:${ports[synapse]}`,
			domain: domains[synapse],
			appservice: {
				listen: appservice,
				url: options.appservice ?? `http://${appservice}`,
				registration: join(folder, "registration.yaml"),
			},
		},
		xmpp: {
			component: `bridge.${domain}`,
			service: `xmpp://127.0.0.1:${ports[`${xmpp}Component`]}`,
			secret: "bridge-secret",
		},
		...(options.mirrors && {
			mqtt: {
				brokers: { home: { url: `mqtt://bridge@127.0.0.1:${ports.mqtt}`, password: "pw-bridge" } },
				mirrors: options.mirrors.map((mirror) => ({ broker: "home", ...mirror })),
			},
		}),
		health: { listen: `127.0.0.1:${ports[own.health]}` },
		store: {
			directory: join(folder, "data"),
			...(options.secretsKey && { secrets_key_file: join(folder, "secrets.key") }),
		},
		permissions: { "*": "use", "@*:hs.test": "link", "@admin:hs.test": "admin", "*@spam.test": "block" },
		...options.config?.({ ports }),
	};
}

/** Writes the config of a bridge into a folder. Returns the registration that its `register` command wrote. */
function prepare(ports: Ports, place: Place, folder: string, options: BridgedOptions): string {
	const file = join(folder, "config.yaml");
	if (options.secretsKey)
		writeFileSync(join(folder, "secrets.key"), randomBytes(32).toString("base64"), { mode: 0o600 });
	writeFileSync(file, stringify(config({ ports }, place, folder, options)), { mode: 0o600 });
	cli("register", file);
	return readFileSync(join(folder, "registration.yaml"), "utf8");
}

const newFolder = () => mkdtempSync(join(tmpdir(), "trivium-"));

/**
 * Starts servers and the bridge with a registration that its `register` command wrote. Resolves when all links are
 * up.
 */
export async function startBridged(options: BridgedOptions): Promise<Bridged> {
	const folder = newFolder();
	const { xmpp, mirrors } = options;
	const bed = await startTestbed({
		servers: ["synapse", xmpp, ...(mirrors ? (["mosquitto"] as const) : [])],
		...options,
		registrations: (ports) => [prepare(ports, firstPlace(xmpp), folder, options)],
	});
	const bridged = new Bridged(bed, bed.xmpp(xmpp), folder);
	try {
		await bridged.start();
	} catch (error) {
		await bridged.down();
		throw error;
	}
	return bridged;
}

/**
 * Starts the servers of two organisations, each with a bridge of its own, whose homeservers and XMPP servers federate.
 * The first bridge has to be taken down last.
 */
export async function startTwoBridged(
	options: Omit<BridgedOptions, "servers" | "xmpp">,
): Promise<[Bridged, Bridged]> {
	const folder = newFolder();
	const first = await startBridged({
		...options,
		xmpp: "prosody",
		servers: ["synapse", "prosody", "synapse2", "prosody2"],
		registrations2: (ports) => [prepare(ports, secondPlace, folder, { ...options, xmpp: "prosody" })],
	});
	const second = new Bridged(first.bed, first.bed.xmpp("prosody2"), folder);
	try {
		await second.start();
	} catch (error) {
		await first.down();
		throw error;
	}
	return [first, second];
}
