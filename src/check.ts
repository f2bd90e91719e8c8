import { join } from "node:path";
import { type Config, ConfigError, loadConfig } from "./config.ts";
import { type CheckResult, fails, works } from "./core/check-result.ts";
import { checkHealth } from "./http/check.ts";
import { checkPublic } from "./media/check.ts";
import { checkNetworks } from "./networks.ts";
import { checkStore } from "./store/check.ts";

type Print = (line: string) => void;

/** Checks networks, store and ports and prints one line each: ✓, or ✗ with the cure. Resolves with false after a ✗. */
export async function check(config: Config, file: string, print: Print = console.log): Promise<boolean> {
	let good = true;
	await checkAll(config, file, ({ ok, what, detail }) => {
		good &&= ok;
		print(`${ok ? "✓" : "✗"} ${what}${detail ? `: ${detail}` : ""}`);
	});
	return good;
}

/**
 * Checks the same and prints one JSON object, whose form docs/operate.md promises to programs. A mistake in the config is a
 * result like any other. Resolves with false if something fails.
 */
export async function checkAsJson(file: string, print: Print = console.log): Promise<boolean> {
	const results: CheckResult[] = [];
	try {
		await checkAll(loadConfig(file), file, (one) => results.push(one));
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		results.push(fails("config", error.message));
	}
	const good = results.every(({ ok }) => ok);
	const checks = results.map(({ ok, what, detail }) => ({ what, result: ok ? "works" : "fails", detail }));
	print(JSON.stringify({ ok: good, checks }));
	return good;
}

async function checkAll(config: Config, file: string, tell: (result: CheckResult) => void): Promise<void> {
	tell(works("config", file));
	const { directory } = config.store;
	const { finding, running } = await checkStore(directory, join(directory, "mapping.db"));
	tell(finding);
	await checkNetworks(config, running, tell);
	tell(await checkHealth(config.health.listen, running));
	if (config.public) tell(await checkPublic(config.public, running));
}
