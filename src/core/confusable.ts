import confusables from "unhomoglyph/data.json" with { type: "json" };
import { createBoundedMap, textBytes } from "./bounded-map.ts";
import { table } from "./table.ts";

/** Each confusable letter with the letters that stand for it. The package's own function tries thousands of patterns in turn. */
const prototypes = table<string>(confusables);

/**
 * Small capitals and their like: UTS #39 keeps them apart from letters of another case, but here case does not count. A small
 * Cyrillic т, for example, looks like a small capital T.
 */
const smallCapitals = table({ ʙ: "b", ʜ: "h", ĸ: "k", ʍ: "rn", π: "n", ᴛ: "t" });

/** The steps to a form that no further step changes; Unicode's own table needs two. */
const mostSteps = 4;

/**
 * Returns the form of a name that is equal for names that look equal: its skeleton by UTS #39, besides without case, accents on
 * letters, invisible characters and double blanks. The skeleton of a skeleton is the same. No form is meant for people.
 */
export function skeleton(name: string): string {
	let form = name;
	for (let step = 0; step < mostSteps; step++) {
		const next = simplified(form);
		if (next === form) break;
		form = next;
	}
	return form;
}

function simplified(name: string): string {
	// UTS #39 §4 decomposes canonically before it looks letters up; a compatible form can look different.
	const known = visible(lookedUp(visible(name.normalize("NFD"))).normalize("NFKD"));
	const folded = known
		.replace(/\P{ASCII}/gu, inCapitals)
		.toLowerCase()
		.normalize("NFKD");
	// Without case a capital I, which looks like l, is an i as well.
	return visible(folded)
		.replace(/[ʙʜĸʍπᴛ]/g, (letter) => smallCapitals[letter] ?? letter)
		.replace(/i/g, "l")
		.replace(/\s+/gu, " ")
		.trim();
}

/** Returns the Latin letters that a letter looks like when it is a capital, else the letter. */
function inCapitals(letter: string): string {
	const latin = visible(lookedUp(letter.toUpperCase()).normalize("NFKD"));
	return /^[\x21-\x7e]+$/.test(latin) ? latin : letter;
}

function lookedUp(text: string): string {
	let found = "";
	for (const letter of text) found += prototypes[letter] ?? letter;
	return found;
}

/** Returns the text without accents and invisible characters. */
const visible = (text: string): string => text.replace(/[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, "");

/** Forms that are remembered, and their bytes. */
const [remembered, rememberedBytes] = [20_000, 8 * 1_048_576];

/** Returns the function that tells whether a name looks like one of others. It remembers their forms. */
export function createLookAlikes() {
	const forms = createBoundedMap<string, string>(remembered, { bytes: rememberedBytes, of: textBytes });
	function formOf(name: string): string {
		const form = forms.get(name) ?? skeleton(name);
		forms.set(name, form);
		return form;
	}
	return (name: string, others: Iterable<string>): boolean => {
		const form = formOf(name);
		for (const other of others) if (other !== "" && formOf(other) === form) return true;
		return false;
	};
}
export type LookAlikes = ReturnType<typeof createLookAlikes>;
