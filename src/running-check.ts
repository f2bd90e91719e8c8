import { createHash } from "node:crypto";
import type { Config } from "./config.ts";
import { type CheckResult, fails, works } from "./core/check-result.ts";
import type { Network } from "./core/network.ts";
import type { RunningCheck } from "./http/control.ts";

/** Returns a text that two configs share only if they are the same. */
export const fingerprintOf = (config: Config): string =>
	createHash("sha256").update(JSON.stringify(config)).digest("base64url");

/** Resolves with the results of all networks of a running bridge. Never rejects. */
export async function checkRunning(config: Config, networks: readonly Network[]): Promise<RunningCheck> {
	const found = networks.map(
		async (one): Promise<[string, readonly CheckResult[]]> => [one.name, await checkNetwork(one)],
	);
	return { config: fingerprintOf(config), networks: Object.fromEntries(await Promise.all(found)) };
}

async function checkNetwork({ title, check, status }: Network): Promise<readonly CheckResult[]> {
	if (check) return check();
	const { up, cause = "" } = status?.() ?? { up: true };
	return [up ? works(title) : fails(title, cause)];
}
