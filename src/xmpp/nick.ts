import { newerThanUnicode32 } from "./unicode32.ts";

/** The longest nick, in code points: far below the 1023 bytes of a resource even with the longest suffix. */
export const longestNick = 64;

/** How much of a display name is read, in UTF-16 units. */
const FURTHEST = 1_024;

/** Returns the nick for a display name, without characters that servers change or refuse. It is never empty. */
export const nickFor = (name: string, localpart: string): string =>
	cleaned(name) || cleaned(localpart) || "user";

/**
 * Returns a simpler nick for a server that answered `jid-malformed`: without characters that stringprep does not know
 * (mostly emoji). If the rest mixes writing directions, which stringprep refuses as well, it is the localpart.
 */
export function plainNick(nick: string, localpart: string): string {
	const known = cleaned(nick.replace(newerThanUnicode32, ""));
	return known && !mixesDirections(known) ? known : latin(localpart);
}

const latin = (localpart: string): string => nickFor(localpart.replace(/[^ -~]/g, ""), "");

/**
 * Returns the n-th alternative (from 1) if `nick` is taken: "Name (server)", "Name (localpart)", then "Name 2" and so on.
 * A right-to-left name cannot take such a suffix, so its alternatives begin with the ASCII part of the localpart.
 */
export function otherNick(nick: string, n: number, who: { server?: string; localpart: string }): string {
	if (rightToLeft.test(nick)) {
		const nick = latin(who.localpart);
		return n === 1 ? nick : otherNick(nick, n - 1, who);
	}
	const suffixes = [...(who.server ? [`(${who.server})`] : []), `(${who.localpart})`];
	const suffix = suffixes[n - 1] ?? String(n - suffixes.length + 1);
	const tail = cut(suffix, longestNick - 2);
	return cleaned(`${cut(nick, longestNick - 1 - [...tail].length)} ${tail}`);
}

/**
 * Normalises to NFKC (as stringprep does) and removes controls, invisible characters, direction marks and double
 * blanks.
 */
function cleaned(text: string): string {
	const plain = text
		.slice(0, FURTHEST)
		.toWellFormed()
		.normalize("NFKC")
		.replace(/\s+/gu, " ")
		.replace(unfit, "")
		.normalize("NFKC");
	return cut(plain.replace(/ +/g, " ").trim(), longestNick).trim();
}

// RFC 3454 C.2 to C.9 and B.1: the characters that resourceprep forbids or deletes.
const unfit =
	/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\ufff9-\ufffd\u2ff0-\u2ffb]/gu;

const cut = (text: string, length: number) => [...text].slice(0, length).join("");

// RFC 3454 §6: text with a right-to-left letter must contain no left-to-right one, and begin and end with one.
function mixesDirections(text: string): boolean {
	if (!rightToLeft.test(text)) return false;
	const characters = [...text];
	return leftToRight.test(text) || !rightToLeft.test(characters[0]!) || !rightToLeft.test(characters.at(-1)!);
}
const rightToLeft = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
const leftToRight = /(?![\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}])\p{L}/u;
