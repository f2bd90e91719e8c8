import { dirname, isAbsolute, resolve } from "node:path";

/** The folder of this checkout, or of the image. */
const program = resolve(import.meta.dirname, "../..");

/**
 * Returns the other folder from which a relative path would lead to something that `holds`, if it leads to nothing from the
 * working directory. Tried are the folders of and above the config file, and that of the program. A whole path leaves no
 * doubt, so for one the answer is undefined.
 */
export function elsewhere(
	path: string,
	config: string,
	holds: (path: string) => boolean,
): { base: string; path: string } | undefined {
	if (isAbsolute(path) || holds(resolve(path))) return undefined;
	const folder = dirname(resolve(config));
	return [folder, dirname(folder), program]
		.map((base) => ({ base, path: resolve(base, path) }))
		.find((one) => holds(one.path));
}
