import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { registerEjabberdUser } from "./ejabberd.ts";
import {
	caFile,
	type Layout,
	runFolder,
	type ServerName,
	type ServerOptions,
	serverNames,
	type XmppAddresses,
	type XmppServerName,
	xmppAddresses,
} from "./layout.ts";
import { writeMosquittoUser } from "./mosquitto.ts";
import { type Ports, takePorts } from "./ports.ts";
import { identify, recordedProcess, recordProcess, rootFolder, signal } from "./process.ts";
import { registerProsodyUser } from "./prosody.ts";
import { defaultRegistration } from "./registration.ts";
import {
	killServer,
	logFiles,
	pauseServer,
	resumeServer,
	runningServer,
	startServer,
	stopServer,
} from "./servers.ts";
import { type MatrixAccount, registerMatrixUser } from "./synapse.ts";

export type { MatrixAccount, Ports, ServerName, XmppAddresses, XmppServerName };

export type TestbedOptions = Partial<Omit<ServerOptions, "registrations">> & {
	/** Started at once; the others can be started later. Default: all four. */
	servers?: readonly ServerName[];
	/** Given the ports, because a registration holds the bridge's address. Default: registration.ts. */
	registrations?: (ports: Ports) => readonly string[] | Promise<readonly string[]>;
	/** Sync writes to disk, for tests of what outlives more than a killed process. */
	durable?: boolean;
};

export type XmppAccount = XmppAddresses & { jid: string; username: string; password: string };
export type MqttAccount = { url: string; username: string; password: string };

type Life = { survive: boolean; durable: boolean; release?: () => void };

/** Real servers on loopback, of this test's own. `down` must follow; a dead test process takes them with it. */
export class Testbed {
	readonly ports: Ports;
	/** Everything the servers keep, until `down`. */
	readonly folder: string;
	/** Certificate of the authority that signed all certificates here. */
	readonly ca = caFile;
	/** Changes hold from a server's next start. */
	readonly options: ServerOptions;
	readonly matrix: { url: string; domain: string };
	readonly mqtt: { url: string; tlsUrl: string; websocketUrl: string };
	readonly #how: Life;
	readonly #layout: Layout;

	constructor(layout: Layout, how: Life) {
		const { ports } = layout;
		this.#layout = layout;
		this.#how = how;
		this.ports = ports;
		this.folder = layout.folder;
		this.options = layout.options;
		this.matrix = { url: `http://127.0.0.1:${ports.synapse}`, domain: "hs.test" };
		this.mqtt = {
			url: `mqtt://127.0.0.1:${ports.mqtt}`,
			tlsUrl: `mqtts://127.0.0.1:${ports.mqtts}`,
			websocketUrl: `ws://127.0.0.1:${ports.mqttWebsocket}`,
		};
	}

	xmpp(server: XmppServerName): XmppAddresses {
		return xmppAddresses(this.ports, server);
	}

	start(...names: ServerName[]): Promise<unknown> {
		return Promise.all(names.map((name) => startServer(this.#layout, name, this.#how)));
	}

	/** SIGTERM, and waits for the end. */
	stop(...names: ServerName[]): Promise<unknown> {
		return Promise.all(names.map((name) => stopServer(this.#layout, name)));
	}

	/** SIGKILL, and waits for the end. */
	kill(...names: ServerName[]): Promise<unknown> {
		return Promise.all(names.map((name) => killServer(this.#layout, name)));
	}

	async restart(...names: ServerName[]): Promise<void> {
		await this.stop(...names);
		await this.start(...names);
	}

	/** SIGSTOP: connections stay open and nobody answers. */
	pause(name: ServerName): void {
		pauseServer(this.#layout, name);
	}

	resume(name: ServerName): void {
		resumeServer(this.#layout, name);
	}

	isRunning(name: ServerName): boolean {
		return runningServer(this.#layout, name) !== undefined;
	}

	logs(name: ServerName): string[] {
		return logFiles(this.#layout, name);
	}

	/** Password is `pw-<name>` here and below. */
	matrixUser(name: string, { admin = false } = {}): Promise<MatrixAccount> {
		return registerMatrixUser(this.matrix.url, name, admin);
	}

	/** The server has to run for ejabberd only. */
	async xmppUser(server: XmppServerName, username: string): Promise<XmppAccount> {
		const addresses = this.xmpp(server);
		const password = `pw-${username}`;
		if (server === "prosody") registerProsodyUser(this.folder, username, password);
		else await registerEjabberdUser(addresses.http, username, password);
		return { ...addresses, jid: `${username}@${addresses.domain}`, username, password };
	}

	/** `bridge` exists from the start. */
	mqttUser(username: string): MqttAccount {
		const password = `pw-${username}`;
		writeMosquittoUser(this.folder, username, password);
		const running = runningServer(this.#layout, "mosquitto");
		if (running) signal(running, "SIGHUP"); // reads the users again
		return { url: this.mqtt.url, username, password };
	}

	/** Ends every server and forgets what they kept. */
	async down(): Promise<void> {
		await this.kill(...serverNames);
		if (!process.env.TESTBED_KEEP) rmSync(this.folder, { recursive: true, force: true });
		this.#how.release?.();
	}
}

/** Removes testbeds whose test process died; their servers died with it. */
function sweep(): void {
	if (!existsSync(runFolder)) return;
	for (const name of readdirSync(runFolder)) {
		const owner = resolve(runFolder, name, "owner");
		if (!existsSync(owner) || recordedProcess(owner)) continue;
		rmSync(resolve(runFolder, name), { recursive: true, force: true });
	}
}

function withDefaults(options: TestbedOptions, registrations: readonly string[]): ServerOptions {
	const { prosody = {}, ejabberd = {}, mosquitto = {} } = options;
	return { registrations, prosody, ejabberd, mosquitto };
}

export function requireRoot(): void {
	if (!existsSync(rootFolder))
		throw new Error("the testbed's servers are not installed: run script/root first");
}

export async function startTestbed(options: TestbedOptions = {}): Promise<Testbed> {
	requireRoot();
	sweep();
	const { base, ports, release } = await takePorts();
	const folder = resolve(runFolder, String(base));
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	recordProcess(resolve(folder, "owner"), identify(process.pid));
	const registrations = (await options.registrations?.(ports)) ?? [defaultRegistration(ports)];
	const layout = { folder, ports, options: withDefaults(options, registrations) };
	const bed = new Testbed(layout, { survive: false, durable: options.durable ?? false, release });
	try {
		await bed.start(...(options.servers ?? serverNames));
	} catch (error) {
		await bed.down();
		throw error;
	}
	return bed;
}
