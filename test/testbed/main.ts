import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { Testbed } from "./index.ts";
import { remoteServerNames, runFolder, serverNames } from "./layout.ts";
import { portIsFree, standardPorts } from "./ports.ts";
import { recordedProcess, rootFolder } from "./process.ts";
import { defaultRegistration } from "./registration.ts";

// This program manages a developer's testbed: one instance, on the standard ports, that runs until it is stopped.
const folder = resolve(runFolder, "default");

function developerTestbed(registration = resolve(folder, "registration.yaml")): Testbed {
	const yaml = existsSync(registration)
		? readFileSync(registration, "utf8")
		: defaultRegistration(standardPorts);
	const options = { registrations: [yaml], prosody: {}, ejabberd: {}, mosquitto: {} };
	return new Testbed({ folder, ports: standardPorts, options }, { survive: true, durable: false });
}

/** Fails where a port of a stopped server is taken; the bridge's own ports are not checked. */
async function requirePorts(bed: Testbed): Promise<void> {
	const missing = serverNames
		.filter((name) => !bed.isRunning(name))
		.map((name) => name.replace("mosquitto", "mqtt"));
	for (const [name, port] of Object.entries(standardPorts)) {
		if (remoteServerNames.some((remote) => name.startsWith(remote))) continue;
		if (missing.some((server) => name.startsWith(server)) && !(await portIsFree(port))) {
			throw new Error(`port ${port} (${name}) is taken by something else on this machine; stop that first`);
		}
	}
}

/** Creates the accounts of a new testbed. */
async function createAccounts(bed: Testbed): Promise<void> {
	const done = resolve(folder, "accounts");
	if (existsSync(done)) return;
	await Promise.all(["alice", "bob"].map((name) => bed.matrixUser(name)));
	await bed.matrixUser("admin", { admin: true });
	for (const name of ["romeo", "juliet"]) {
		await Promise.all([bed.xmppUser("prosody", name), bed.xmppUser("ejabberd", name)]);
	}
	bed.mqttUser("sensor");
	writeFileSync(done, "");
}

function describe(bed: Testbed): string {
	const xmpp = (["prosody", "ejabberd"] as const).map((server) => {
		const { domain, muc, component, secret, componentService, c2s } = bed.xmpp(server);
		return `${server.padEnd(9)} ${c2s}  romeo@${domain}, juliet@${domain}; rooms at ${muc}
          component ${component} at ${componentService}, secret ${secret}`;
	});
	return `synapse   ${bed.matrix.url}  @alice:hs.test, @bob:hs.test, @admin:hs.test; appservice at port ${bed.ports.appservice}
${xmpp.join("\n")}
mosquitto ${bed.mqtt.url}  bridge, sensor; TLS at port ${bed.ports.mqtts}
Every password is pw-<name>. Certificates are signed by ${bed.ca}; logs are below ${folder}.`;
}

async function up(registration: string | undefined): Promise<void> {
	const bed = developerTestbed(registration);
	await requirePorts(bed);
	const missing = serverNames.filter((name) => !bed.isRunning(name));
	if (missing.length) console.error(`testbed: starting ${missing.join(", ")} (about 3 s)`);
	await bed.start(...missing);
	await createAccounts(bed);
	if (registration)
		writeFileSync(resolve(folder, "registration.yaml"), readFileSync(registration), { mode: 0o600 });
	console.log(describe(bed));
}

function status(): void {
	const bed = developerTestbed();
	console.log(
		existsSync(rootFolder) ? "servers are installed" : "servers are not installed (script/root does it)",
	);
	for (const name of serverNames)
		console.log(`${name.padEnd(9)} ${bed.isRunning(name) ? "runs" : "is stopped"}`);
	const others = existsSync(runFolder) ? readdirSync(runFolder) : [];
	const alive = others.filter((name) => recordedProcess(resolve(runFolder, name, "owner")));
	console.log(`${alive.length} testbeds of running tests`);
}

async function main(): Promise<void> {
	const { values, positionals } = parseArgs({
		options: { registration: { type: "string" }, all: { type: "boolean" } },
		allowPositionals: true,
	});
	const [command] = positionals;
	if (command === "up") await up(values.registration);
	else if (command === "status") status();
	else await developerTestbed().stop(...serverNames);
	if (command === "reset") rmSync(folder, { recursive: true, force: true });
}

await main().catch((error: Error) => {
	console.error(`testbed: ${error.message}`);
	process.exitCode = 1;
});
