import { newerThanUnicode32 } from "./unicode32.ts";

/** In characters as people count them, roughly: with the longest suffix still far below the 1023 bytes of a resource. */
const LONGEST = 64;

/** In UTF-16 units: a name is read no further, however much of it is invisible. */
const FURTHEST = 1_024;

/** The nick for somebody who is called `name`: what servers would change or refuse is not in it, and it is never empty. */
export const nickFor = (name: string, localpart: string): string =>
	cleaned(name) || cleaned(localpart) || "user";

/**
 * That nick for a server that answered `jid-malformed`: without what stringprep does not know, emoji above all, and
 * the localpart where the rest mixes writing directions, which stringprep refuses too.
 */
export function plainNick(nick: string, localpart: string): string {
	const known = cleaned(nick.replace(newerThanUnicode32, ""));
	return known && !mixesDirections(known) ? known : latin(localpart);
}

const latin = (localpart: string): string => nickFor(localpart.replace(/[^ -~]/g, ""), "");

/**
 * The n-th other nick (from 1) when `nick` is taken: "Name (server)", "Name (localpart)", then "Name 2" and on. A name
 * written from right to left takes no such suffix: what is Latin of the localpart comes first and has them.
 */
export function otherNick(nick: string, n: number, who: { server?: string; localpart: string }): string {
	if (rightToLeft.test(nick)) {
		const nick = latin(who.localpart);
		return n === 1 ? nick : otherNick(nick, n - 1, who);
	}
	const suffixes = [...(who.server ? [`(${who.server})`] : []), `(${who.localpart})`];
	const suffix = suffixes[n - 1] ?? String(n - suffixes.length + 1);
	const tail = cut(suffix, LONGEST - 2);
	return cleaned(`${cut(nick, LONGEST - 1 - [...tail].length)} ${tail}`);
}

/** NFKC as stringprep has it, no controls, no invisible characters, no direction marks, single blanks. */
function cleaned(text: string): string {
	const plain = text
		.slice(0, FURTHEST)
		.toWellFormed()
		.normalize("NFKC")
		.replace(/\s+/gu, " ")
		.replace(unfit, "")
		.normalize("NFKC");
	return cut(plain.replace(/ +/g, " ").trim(), LONGEST).trim();
}

// RFC 3454 C.2 to C.9 and B.1, which is what resourceprep forbids or deletes.
const unfit =
	/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\ufff9-\ufffd\u2ff0-\u2ffb]/gu;

const cut = (text: string, length: number) => [...text].slice(0, length).join("");

// RFC 3454 §6: with a right-to-left letter there must be no left-to-right one, and they must stand at both ends.
function mixesDirections(text: string): boolean {
	if (!rightToLeft.test(text)) return false;
	const characters = [...text];
	return leftToRight.test(text) || !rightToLeft.test(characters[0]!) || !rightToLeft.test(characters.at(-1)!);
}
const rightToLeft = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
const leftToRight = /(?![\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}])\p{L}/u;
