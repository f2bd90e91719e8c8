import { join } from "node:path";
import { socketOf } from "./backup.ts";
import { type Config, ConfigError, loadConfig } from "./config.ts";
import { type CheckResult, fails, lacks, works } from "./core/check-result.ts";
import * as phrases from "./core/phrases.ts";
import { checkHealth } from "./http/check.ts";
import { askForCheck } from "./http/control.ts";
import { checkPublic } from "./media/check.ts";
import { checkNetworks, type RunningResults } from "./networks.ts";
import { misplaced } from "./places.ts";
import { fingerprintOf } from "./running-check.ts";
import { checkStore } from "./store/check.ts";

type Print = (line: string) => void;

/**
 * Checks networks, store and ports and prints one line each: ✓, ! with what is missing,
 * or ✗ with the cure. Resolves with false after a ✗.
 */
export async function check(config: Config, file: string, print: Print = console.log): Promise<boolean> {
	let good = true;
	await checkAll(config, file, ({ ok, what, detail, note }) => {
		good &&= ok;
		print(`${ok ? (note ? "!" : "✓") : "✗"} ${what}${detail ? `: ${detail}` : ""}`);
	});
	return good;
}

/** Runs `check` with a config file, of which each mistake is a ✗ as well. Resolves with false after a ✗. */
export async function checkFile(file: string, print: Print = console.log): Promise<boolean> {
	let config: Config;
	try {
		config = loadConfig(file);
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		for (const mistake of error.message.split("\n")) print(`✗ config: ${mistake}`);
		return false;
	}
	return check(config, file, print);
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
	const checks = results.map(({ ok, what, detail, note }) => ({
		what,
		result: ok ? (note ? "lacks" : "works") : "fails",
		detail,
	}));
	print(JSON.stringify({ ok: good, checks }));
	return good;
}

async function checkAll(config: Config, file: string, tell: (result: CheckResult) => void): Promise<void> {
	tell(works("config", file));
	const wrong = misplaced(config, file);
	// From the wrong folder every further check would be about another bridge, and would get in the way of the bridge that runs.
	if (wrong) return tell(fails(wrong.what, wrong.detail));
	const { directory } = config.store;
	const { finding, running } = await checkStore(directory, join(directory, "mapping.db"));
	tell(finding);
	await checkNetworks(config, running ? await askBridge(config, tell) : undefined, tell);
	tell(await checkHealth(config.health.listen, running));
	if (config.public) tell(await checkPublic(config.public, running));
}

/** Resolves with what the running bridge says of its connections, and tells if it cannot be asked or has another config. */
async function askBridge(config: Config, tell: (result: CheckResult) => void): Promise<RunningResults> {
	const what = "running bridge";
	const socket = socketOf(config);
	const answer = await askForCheck(socket).catch((error: Error) => error);
	if (answer === undefined || answer instanceof Error) {
		tell(fails(what, phrases.notAsked(socket, answer?.message ?? "nobody listens")));
		return {};
	}
	tell(answer.config === fingerprintOf(config) ? works(what) : lacks(what, phrases.otherConfig));
	return answer.networks;
}
