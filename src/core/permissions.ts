import type { Person } from "./person.ts";

/** The permission levels of a person; each includes the ones before it. */
export const levels = ["block", "use", "link", "admin"] as const;
export type Level = (typeof levels)[number];

export type Permissions = Readonly<Record<string, Level>>;

/**
 * Returns the test of a glob over handles and domains: `*` is any run of characters, all else is itself, letter case aside.
 * The test takes the first place of each part, so its work does not grow with the number of `*`.
 */
export function createGlob(glob: string): (text: string) => boolean {
	const [start = "", ...parts] = glob.toLowerCase().split("*");
	const end = parts.pop();
	return (text) => {
		const lower = text.toLowerCase();
		if (end === undefined) return lower === start;
		if (!lower.startsWith(start)) return false;
		let at = start.length;
		for (const part of parts) {
			const found = lower.indexOf(part, at);
			if (found < 0) return false;
			at = found + part.length;
		}
		return lower.length - end.length >= at && lower.endsWith(end);
	};
}

/** Returns the rank of a glob: of two globs that match, the one with more literal characters wins. */
const weight = (glob: string) => glob.replaceAll("*", "").length;

/**
 * Creates the lookup of a person's level: the most specific glob that matches a handle or the domain decides, and
 * without a match the person is blocked.
 */
export function createPermissions(globs: Permissions): (person: Person) => Level {
	const ranked = Object.entries(globs)
		.map(([glob, level]) => ({ matches: createGlob(glob), weight: weight(glob), level }))
		.sort((a, b) => b.weight - a.weight);
	return (person) => {
		const names = [...person.handles, person.domain];
		return ranked.find(({ matches }) => names.some((name) => matches(name)))?.level ?? "block";
	};
}

export const atLeast = (level: Level, needed: Level) => levels.indexOf(level) >= levels.indexOf(needed);
