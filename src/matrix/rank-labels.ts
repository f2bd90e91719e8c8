import type { Rank } from "../core/person.ts";
import * as phrases from "./phrases.ts";

/** The labels of a rank, and of the titles that a room gives, behind the name of a ghost in one room. Pure. */

const labels = Object.values(phrases.ranks);

/**
 * Returns the display name with the label of a rank and the hats. The label goes into the brackets that the name ends in,
 * if it does; the hats have brackets of their own.
 */
export const labelled = (name: string, rank: Rank | undefined, hats: readonly string[] = []): string =>
	hats.length > 0 ? `${ranked(name, rank)} [${hats.join(", ")}]` : ranked(name, rank);

function ranked(name: string, rank: Rank | undefined): string {
	if (rank === undefined) return name;
	const label = phrases.ranks[rank];
	return name.endsWith(")") && name.includes(" (") ? `${name.slice(0, -1)}, ${label})` : `${name} (${label})`;
}

/** Returns the display name of a ghost without the labels that {@link labelled} added. */
export function unlabelled(whole: string): string {
	const name = whole.replace(/ \[[^[\]]+\]$/, "");
	for (const label of labels) {
		const [alone, behind] = [` (${label})`, `, ${label})`];
		if (name.endsWith(alone)) return name.slice(0, -alone.length);
		if (name.endsWith(behind)) return `${name.slice(0, -behind.length)})`;
	}
	return name;
}

/** Returns true for a name that looks as if it had a label: somebody without a rank may have chosen it. */
export const looksLabelled = (name: string): boolean => {
	const plain = name.normalize("NFKC").trim().toLowerCase();
	return unlabelled(plain) !== plain;
};
