import { skeleton } from "../core/confusable.ts";
import { nameOf } from "../core/names.ts";
import type { Person } from "../core/person.ts";
import { looksLabelled } from "./rank-labels.ts";

/** The display name of a ghost. Pure. */

/** Longest display name in code points that Synapse accepts; a nick or a topic may be longer. */
const longest = 256;
/** Returns a name as a homeserver takes it. */
export function short(called: string): string {
	const letters = [...called.toWellFormed()];
	return letters.length <= longest ? letters.join("") : `${letters.slice(0, longest - 1).join("")}…`;
}

/** Returns the name of a person as a homeserver takes it; without one the last part of the address that people can read. */
export const shortName = ({ name, address }: Pick<Person, "name" | "address">): string =>
	short(name ?? address.findLast((part) => nameOf(part) !== "") ?? "");

/** The words that stand behind a name for what somebody may do, as their skeletons. */
const ranks = new Set(
	["owner", "admin", "administrator", "moderator", "mod", "member", "guest", "visitor", "bot", "bridge"].map(
		skeleton,
	),
);
/** Characters of an address, and of the labels behind names. */
const signs = /[()[\]{}<>@:,;/|]/;

/** Returns true for a real name that people could take for an address, or for a mark of what its bearer may do. */
function isMark(realName: string): boolean {
	const form = skeleton(realName);
	return form === "" || signs.test(form) || form.split(/[^\p{L}\p{N}]+/u).some((word) => ranks.has(word));
}

/** Returns true for a name that states an address, as the bridge puts one behind names: anybody may have chosen it. */
const statesAddress = (name: string): boolean =>
	/@[^\s@()]*[^\s@().:][.:][^\s@()]/.test(name.normalize("NFKC"));

/** Returns true for a name by which its bearer claims another address, or a rank that nobody gave them. */
export const isClaim = (name: string, { address }: Pick<Person, "address">): boolean =>
	looksLabelled(name) || (statesAddress(name) && (address.length > 1 || name !== address[0]));

/** Returns a name and its parts, for names of the form “nick (real name)”, with whatever else stands behind them. */
export function partsOf(name: string): readonly string[] {
	if (!name.includes(" (")) return [name];
	const parts = name.split(/[(),]/).map((part) => part.trim());
	return [name, ...parts.filter((part) => part !== "")];
}

/** Returns a name with the address of its bearer behind it, by which people tell it from one that looks the same. */
export const withAddress = (called: string, { address }: Pick<Person, "address">): string =>
	short(`${short(called).slice(0, longest / 2)} (${address[0]})`);

/** The comparisons of a name with others in the room for which the ghost is named. */
export type Comparison = Readonly<{
	/** Returns true if a name looks like that of somebody in the room who has an account of their own, or like the bot's. */
	isMistakable(name: string): boolean;
	/** Returns true if a real name looks like a name of anybody else in the room, or like the bot's, or none knows who is there. */
	isTaken(realName: string): boolean;
}>;

/**
 * Returns the name of a ghost: the nick first, and behind it the address where people could take the nick for somebody else,
 * or else the real name, if it can be taken for nobody's. `last` is the name that the ghost has, and the real name when it got
 * it: the same person keeps it from room to room.
 */
export function ghostName(
	called: string,
	person: Pick<Person, "address" | "realName">,
	last: Readonly<{ name: string | undefined; realName: string | null | undefined }>,
	{ isMistakable, isTaken }: Comparison,
): string {
	const { realName } = person;
	const marked = withAddress(called, person);
	const full = `${called} (${realName})`;
	if (last.name === marked || (last.name === called && last.realName === realName)) return last.name;
	const isShowable =
		realName && [...full].length <= longest && skeleton(realName) !== skeleton(called) && !isMark(realName);
	if (isShowable && last.name === full) return full;
	if (last.name !== called && (isClaim(called, person) || isMistakable(called))) return marked;
	return isShowable && !isTaken(realName) ? full : called;
}
