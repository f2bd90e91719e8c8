import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { Testbed } from "./bed.ts";
import {
	hostsFile,
	type Layout,
	remoteServerNames,
	runFolder,
	type ServerName,
	type ServerOptions,
	serverNames,
} from "./layout.ts";
import { type Ports, portIsFree, takePorts } from "./ports.ts";
import { identify, recordedProcess, recordProcess, rootFolder } from "./process.ts";
import { defaultRegistration } from "./registration.ts";

export { type MqttAccount, Testbed, type XmppAccount } from "./bed.ts";
export type { ServerName, XmppAddresses, XmppServerName } from "./layout.ts";
export type { Ports } from "./ports.ts";
export type { MatrixAccount } from "./synapse.ts";

type Registrations = (ports: Ports) => readonly string[] | Promise<readonly string[]>;

export type TestbedOptions = Partial<Omit<ServerOptions, "registrations" | "registrations2">> & {
	/**
	 * Servers that start at once; the others can be started later. Default: all four of the first organisation. With
	 * a server of the second organisation among them, Synapse and Prosody federate.
	 */
	servers?: readonly ServerName[];
	/** Returns the registrations that Synapse loads; they contain the bridge's address. Default: registration.ts. */
	registrations?: Registrations;
	/** The same for the second Synapse. Default: none. */
	registrations2?: Registrations;
	/** Makes the servers sync their writes to disk, for tests of data that must survive a power cut. */
	durable?: boolean;
};

/** Removes testbeds of dead test processes; their servers died with the process. */
function sweep(): void {
	if (!existsSync(runFolder)) return;
	for (const name of readdirSync(runFolder)) {
		const owner = resolve(runFolder, name, "owner");
		if (!existsSync(owner) || recordedProcess(owner)) continue;
		rmSync(resolve(runFolder, name), { recursive: true, force: true });
	}
}

async function withDefaults(options: TestbedOptions, ports: Ports): Promise<ServerOptions> {
	const { prosody = {}, ejabberd = {}, mosquitto = {} } = options;
	const registrations = (await options.registrations?.(ports)) ?? [defaultRegistration(ports)];
	const registrations2 = (await options.registrations2?.(ports)) ?? [];
	return { registrations, registrations2, prosody, ejabberd, mosquitto };
}

export function requireRoot(): void {
	if (!existsSync(rootFolder))
		throw new Error("the testbed's servers are not installed: run script/root first");
}

/** @throws Error where a server of this machine already listens on the addresses of the federation ports. */
async function requireFederationPorts(organisations: readonly string[]): Promise<void> {
	for (const port of [443, 5269])
		for (const host of organisations)
			if (!(await portIsFree(port, host)))
				throw new Error(
					`port ${port} of ${host} is taken by something else on this machine; stop that first`,
				);
}

export async function startTestbed(options: TestbedOptions = {}): Promise<Testbed> {
	requireRoot();
	sweep();
	const { base, ports, organisations, release } = await takePorts();
	const servers = options.servers ?? serverNames;
	const federates = servers.some((name) => remoteServerNames.some((remote) => remote === name));
	const folder = resolve(runFolder, String(base));
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	recordProcess(resolve(folder, "owner"), identify(process.pid));
	const layout: Layout = {
		folder,
		ports,
		options: await withDefaults(options, ports),
		...(federates && { organisations }),
	};
	const bed = new Testbed(layout, { survive: false, durable: options.durable ?? false, release });
	try {
		if (federates) {
			await requireFederationPorts(organisations);
			writeFileSync(resolve(folder, "hosts"), hostsFile(organisations));
		}
		await bed.start(...servers);
	} catch (error) {
		await bed.down();
		throw error;
	}
	return bed;
}
