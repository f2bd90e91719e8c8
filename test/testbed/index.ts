import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { Testbed } from "./bed.ts";
import { runFolder, type ServerName, type ServerOptions, serverNames } from "./layout.ts";
import { type Ports, takePorts } from "./ports.ts";
import { identify, recordedProcess, recordProcess, rootFolder } from "./process.ts";
import { defaultRegistration } from "./registration.ts";

export { type MqttAccount, Testbed, type XmppAccount } from "./bed.ts";
export type { ServerName, XmppAddresses, XmppServerName } from "./layout.ts";
export type { Ports } from "./ports.ts";
export type { MatrixAccount } from "./synapse.ts";

export type TestbedOptions = Partial<Omit<ServerOptions, "registrations">> & {
	/** Started at once; the others can be started later. Default: all four. */
	servers?: readonly ServerName[];
	/** Given the ports, because a registration holds the bridge's address. Default: registration.ts. */
	registrations?: (ports: Ports) => readonly string[] | Promise<readonly string[]>;
	/** Sync writes to disk, for tests of what outlives more than a killed process. */
	durable?: boolean;
};

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
