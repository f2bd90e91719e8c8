import type { Person } from "./event.ts";
import { type Level, levels } from "./network.ts";

export type Permissions = Readonly<Record<string, Level>>;

/** Returns the pattern of a glob over handles and domains: `*` is any run of characters, all else is itself, letter case aside. */
const pattern = (glob: string) =>
	new RegExp(`^${glob.replace(/[\\^$.|?+()[\]{}]/g, "\\$&").replaceAll("*", ".*")}$`, "is");

/** Of two globs that match, the one with more letters of its own wins. */
const weight = (glob: string) => glob.replaceAll("*", "").length;

/** Looks up what a person may do: the most specific glob that matches any of their handles or their domain; nobody matched, nothing allowed. */
export function createPermissions(globs: Permissions): (person: Person) => Level {
	const ranked = Object.entries(globs)
		.map(([glob, level]) => ({ matches: pattern(glob), weight: weight(glob), level }))
		.sort((a, b) => b.weight - a.weight);
	return (person) => {
		const names = [...person.handles, person.domain];
		return ranked.find(({ matches }) => names.some((name) => matches.test(name)))?.level ?? "block";
	};
}

export const atLeast = (level: Level, needed: Level) => levels.indexOf(level) >= levels.indexOf(needed);
