import type { Mapping } from "./mapping.ts";
import { createGlob, type Level } from "./permissions.ts";
import type { Person } from "./person.ts";

/** One block by command: a glob over handles and domains, and when it was made, in ms since 1970. */
export type Block = Readonly<{ glob: string; at: number }>;

/** The most blocks by command, and the characters of the longest glob. */
export const [mostBlocks, longestGlob] = [1_000, 255];
/** The key in the mapping. */
const setting = "blocks";

export type Blocks = ReturnType<typeof createBlocks>;

/**
 * Creates the blocks that admins make by command. The mapping keeps them; they come on top of the config's levels, and do
 * not hold for its admins.
 */
export function createBlocks(
	mapping: Pick<Mapping, "setting" | "saveSetting">,
	config: (person: Person) => Level,
) {
	let blocks: readonly (Block & Readonly<{ matches(text: string): boolean }>)[] = [];
	const take = (list: readonly Block[]) => {
		blocks = list.map(({ glob, at }) => ({ glob, at, matches: createGlob(glob) }));
	};
	const save = () =>
		mapping.saveSetting(setting, JSON.stringify(blocks.map(({ glob, at }) => ({ glob, at }))));
	const matching = ({ handles, domain }: Pick<Person, "handles" | "domain">) =>
		blocks.filter(({ matches }) => [...handles, domain].some(matches));

	return {
		/** Reads the stored blocks; to be called before the first {@link level}. */
		async start(): Promise<void> {
			take(JSON.parse((await mapping.setting(setting)) ?? "[]") as readonly Block[]);
		},
		/** Returns the level of a person: that of the config, unless a block holds. */
		level(person: Person): Level {
			const level = config(person);
			return level !== "admin" && blocks.length > 0 && matching(person).length > 0 ? "block" : level;
		},
		list: (): readonly Block[] => blocks,
		/** Returns the globs of the blocks that hold for an address. */
		of: (handle: string): readonly string[] =>
			matching({ handles: [handle], domain: "" }).map(({ glob }) => glob),
		/** Adds a block. Resolves with false if there is the same one. */
		async add(glob: string, at: number): Promise<boolean> {
			if (blocks.some((one) => one.glob === glob)) return false;
			take([...blocks, { glob, at }]);
			await save();
			return true;
		},
		/** Removes a block. Resolves with false if there is none. */
		async remove(glob: string): Promise<boolean> {
			const left = blocks.filter((one) => one.glob !== glob);
			if (left.length === blocks.length) return false;
			take(left);
			await save();
			return true;
		},
	};
}
