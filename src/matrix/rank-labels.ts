import type { Rank } from "../core/person.ts";
import * as phrases from "./phrases.ts";

/** The label of a rank behind the name of a ghost in one room. Pure. */

const labels = Object.values(phrases.ranks);

/** Returns the display name with the label of a rank. */
export const labelled = (name: string, rank: Rank | undefined): string =>
	rank === undefined ? name : `${name}${phrases.ranks[rank]}`;

/** Returns the display name of a ghost without the label that {@link labelled} added. */
export function unlabelled(name: string): string {
	const label = labels.find((one) => name.endsWith(one));
	return label === undefined ? name : name.slice(0, -label.length);
}

/** Returns true for a name that looks as if it had a label: somebody without a rank may have chosen it. */
export const looksLabelled = (name: string): boolean => {
	const plain = name.normalize("NFKC").trim().toLowerCase();
	return unlabelled(plain) !== plain;
};
