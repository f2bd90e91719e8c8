/** Marks around an address that people paste: only both together are no part of it. */
const pairs = new Map([
	["<", ">"],
	["(", ")"],
	["[", "]"],
	['"', '"'],
	["'", "'"],
	["`", "`"],
	["“", "”"],
	["„", "“"],
	["«", "»"],
]);
const closing = ".,;:!?";
/** UTF-16 units of the longest text that may hold an address. */
const longest = 4_096;

/**
 * Returns the address in a text as people paste it: without the brackets or quotes around it, without the punctuation of a
 * sentence behind it, and of a Markdown link the address alone.
 */
export function unwrapped(text: string): string {
	let left = text.trim();
	if (left.length > longest) return left;
	for (let before = ""; before !== left; ) {
		before = left;
		while (left !== "" && closing.includes(left.charAt(left.length - 1))) left = left.slice(0, -1);
		if (left.length > 2 && pairs.get(left.charAt(0)) === left.charAt(left.length - 1))
			left = left.slice(1, -1).trim();
		const middle = left.startsWith("[") && left.endsWith(")") ? left.lastIndexOf("](") : -1;
		if (middle > 0) left = left.slice(middle + 2, -1).trim();
	}
	return left;
}

/** Returns a percent-encoded text decoded; the text itself if it is not well encoded. */
export function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}
