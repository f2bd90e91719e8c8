import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Config, ConfigError } from "./config.ts";
import { elsewhere } from "./files/elsewhere.ts";
import * as phrases from "./files/phrases.ts";

/** Returns true for a folder that holds a store. */
export const holdsStore = (folder: string): boolean =>
	["journal.db", "mapping.db"].some((name) => existsSync(join(folder, name)));

/**
 * Returns a sentence, with its cure, if the relative paths of the config lead to no store or to no registration, but would
 * from another folder: the command was started in the wrong one, where it would begin with an empty store or new tokens.
 */
export function misplaced(
	{ store, matrix }: Config,
	file: string,
): { what: string; detail: string } | undefined {
	const { registration } = matrix.appservice;
	const paths = [
		["store", "store.directory", store.directory, holdsStore],
		["registration", "matrix.appservice.registration", registration, existsSync],
	] as const;
	for (const [what, option, path, holds] of paths) {
		const there = elsewhere(path, file, holds);
		if (there)
			return { what, detail: phrases.isElsewhere(what, option, resolve(path), there.path, there.base) };
	}
	return undefined;
}

/** @throws ConfigError if the command was started in the wrong folder. */
export function mustBeHere(config: Config, file: string): void {
	const found = misplaced(config, file);
	if (found) throw new ConfigError(found.detail);
}
