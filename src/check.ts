import { join } from "node:path";
import type { Config } from "./config.ts";
import { type CheckResult, works } from "./core/check-result.ts";
import { checkHealth } from "./http/check.ts";
import { checkPublic } from "./media/check.ts";
import { checkNetworks } from "./networks.ts";
import { checkStore } from "./store/check.ts";

/** Checks networks, store and ports and prints one line each: ✓, or ✗ with the cure. Resolves with false after a ✗. */
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
	await checkNetworks(config, running, tell);
	tell(await checkHealth(config.health.listen, running));
	if (config.public) tell(await checkPublic(config.public, running));
	return good;
}
