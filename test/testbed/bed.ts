import { rmSync } from "node:fs";
import { registerEjabberdUser } from "./ejabberd.ts";
import {
	type AnyXmppServerName,
	caFile,
	domains,
	type HomeserverName,
	type Layout,
	remoteServerNames,
	type ServerName,
	type ServerOptions,
	serverNames,
	type XmppAddresses,
	xmppAddresses,
} from "./layout.ts";
import { writeMosquittoUser } from "./mosquitto.ts";
import type { Ports } from "./ports.ts";
import { signal } from "./process.ts";
import { registerProsodyUser } from "./prosody.ts";
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

export type XmppAccount = XmppAddresses & { jid: string; username: string; password: string };
export type MatrixAddresses = { url: string; domain: string };
export type MqttAccount = { url: string; username: string; password: string };

type Life = { survive: boolean; durable: boolean; release?: () => void };

/** Real servers on loopback for one test file. The test must call `down`; the servers die with the test process. */
export class Testbed {
	readonly ports: Ports;
	/** The folder with all data of the servers, which `down` removes. */
	readonly folder: string;
	/** The certificate of the authority that signed all certificates of the testbed. */
	readonly ca = caFile;
	/** The servers' options; a change takes effect at a server's next start. */
	readonly options: ServerOptions;
	readonly matrix: MatrixAddresses;
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
		this.matrix = this.homeserver("synapse");
		this.mqtt = {
			url: `mqtt://127.0.0.1:${ports.mqtt}`,
			tlsUrl: `mqtts://127.0.0.1:${ports.mqtts}`,
			websocketUrl: `ws://127.0.0.1:${ports.mqttWebsocket}`,
		};
	}

	homeserver(server: HomeserverName): MatrixAddresses {
		return { url: `http://127.0.0.1:${this.ports[server]}`, domain: domains[server] };
	}

	xmpp(server: AnyXmppServerName): XmppAddresses {
		return xmppAddresses(this.ports, server);
	}

	start(...names: ServerName[]): Promise<unknown> {
		return Promise.all(names.map((name) => startServer(this.#layout, name, this.#how)));
	}

	/** Sends SIGTERM and waits until the server has exited. */
	stop(...names: ServerName[]): Promise<unknown> {
		return Promise.all(names.map((name) => stopServer(this.#layout, name)));
	}

	/** Sends SIGKILL and waits until the server has exited. */
	kill(...names: ServerName[]): Promise<unknown> {
		return Promise.all(names.map((name) => killServer(this.#layout, name)));
	}

	async restart(...names: ServerName[]): Promise<void> {
		await this.stop(...names);
		await this.start(...names);
	}

	/** Sends SIGSTOP: connections stay open and the server answers nothing. */
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

	/** Creates an account on the homeserver. The password is `pw-<name>`, as for all accounts below. */
	matrixUser(
		name: string,
		{ admin = false, server = "synapse" }: { admin?: boolean; server?: HomeserverName } = {},
	): Promise<MatrixAccount> {
		return registerMatrixUser(this.homeserver(server).url, name, admin);
	}

	/** Creates an account on the XMPP server. ejabberd must run for this. */
	async xmppUser(server: AnyXmppServerName, username: string): Promise<XmppAccount> {
		const addresses = this.xmpp(server);
		const password = `pw-${username}`;
		if (server === "ejabberd") await registerEjabberdUser(addresses.http, username, password);
		else registerProsodyUser(this.folder, server, username, password);
		return { ...addresses, jid: `${username}@${addresses.domain}`, username, password };
	}

	/** Creates a user of the broker. The user `bridge` always exists. */
	mqttUser(username: string): MqttAccount {
		const password = `pw-${username}`;
		writeMosquittoUser(this.folder, username, password);
		const running = runningServer(this.#layout, "mosquitto");
		if (running) signal(running, "SIGHUP"); // mosquitto reads its users again
		return { url: this.mqtt.url, username, password };
	}

	/** Kills all servers and removes their data. */
	async down(): Promise<void> {
		await this.kill(...serverNames, ...remoteServerNames);
		if (!process.env.TESTBED_KEEP) rmSync(this.folder, { recursive: true, force: true });
		this.#how.release?.();
	}
}
