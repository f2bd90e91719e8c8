import { table } from "../../core/table.ts";

/** Letters that look like a Latin one in most fonts: those of Cyrillic, Greek and Armenian, and the signs next to them. */
const twins = table<string>({
	а: "a",
	ɑ: "a",
	α: "a",
	в: "b",
	с: "c",
	ϲ: "c",
	ԁ: "d",
	е: "e",
	һ: "h",
	н: "h",
	η: "n",
	і: "i",
	ι: "i",
	ı: "i",
	ј: "j",
	κ: "k",
	к: "k",
	ӏ: "l",
	"|": "l",
	м: "m",
	ո: "n",
	п: "n",
	о: "o",
	ο: "o",
	օ: "o",
	σ: "o",
	"0": "o",
	р: "p",
	ρ: "p",
	ԛ: "q",
	г: "r",
	ѕ: "s",
	т: "t",
	τ: "t",
	υ: "u",
	ս: "u",
	ν: "v",
	ѵ: "v",
	ԝ: "w",
	х: "x",
	χ: "x",
	у: "y",
	γ: "y",
	// The letters l and i and the digit 1 are twins of each other.
	"1": "l",
	i: "l",
});

/**
 * Returns the form of a name that is equal for names that look equal: without case, accents on letters, invisible
 * characters and double blanks, with one letter for each set of twins.
 */
export function lookAlike(name: string): string {
	const folded = name
		.normalize("NFKD")
		.replace(/[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, "")
		.toUpperCase()
		.toLowerCase()
		.normalize("NFKD")
		.replace(/\p{M}/gu, "")
		.replace(/\s+/gu, " ")
		.trim();
	let form = "";
	for (const letter of folded) {
		const twin = twins[letter] ?? letter;
		form += twins[twin] ?? twin;
	}
	return form;
}
