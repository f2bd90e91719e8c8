import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "./config.ts";
import { type CheckResult, works } from "./core/check-result.ts";
import * as phrases from "./core/phrases.ts";
import { checkHealth } from "./http/check.ts";
import { checkMatrix } from "./matrix/check.ts";
import { checkPublic } from "./media/check.ts";
import { checkBroker } from "./mqtt/check.ts";
import { ghostsOnMatrix } from "./networks.ts";
import { checkStore } from "./store/check.ts";
import { checkXmpp } from "./xmpp/check.ts";

/** Dials every side and prints one line for each thing: ✓, or ✗ with the cure. False when something failed. */
export async function check(
	config: Config,
	file: string,
	print: (line: string) => void = console.log,
): Promise<boolean> {
	let good = true;
	const tell = ({ ok, what, detail }: CheckResult) => {
		good &&= ok;
		print(`${ok ? "✓" : "✗"} ${what}${detail ? `: ${detail}` : ""}`);
	};
	tell(works("config", file));
	const { directory } = config.store;
	const { finding, running } = await checkStore(directory, join(directory, "mapping.db"));
	tell(finding);
	const text = await readFile(config.matrix.appservice.registration, "utf8").catch(() => undefined);
	for (const one of await checkMatrix(config.matrix, { text, networks: ghostsOnMatrix, running })) tell(one);
	// A second connection would push the running bridge's aside, or share its stanzas.
	tell(running ? works("component", phrases.bridgeRunning(undefined)) : await checkXmpp(config.xmpp));
	tell(await checkHealth(config.health.listen, running));
	if (config.public) tell(await checkPublic(config.public, running));
	for (const [name, broker] of Object.entries(config.mqtt?.brokers ?? {})) {
		const mirrors = config.mqtt?.mirrors.filter((mirror) => mirror.broker === name) ?? [];
		const filters = [...new Set(mirrors.map(({ topic }) => topic))];
		for (const one of await checkBroker(name, broker, filters)) tell(one);
	}
	return good;
}
