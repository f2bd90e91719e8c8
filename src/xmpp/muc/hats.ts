import { nameOf, oneLine } from "../../core/names.ts";
import { child, type Element } from "../stream/xml.ts";

/** The titles that a MUC gives its occupants (XEP-0317), read from their presences. Pure. */

export const hatsNs = "urn:xmpp:hats:0";
/** Hats of one occupant that are shown, and the characters of each. */
const [most, longest] = [5, 40];

/** Returns the titles in a presence; undefined without any. Only a MUC that announces hats keeps occupants from forging them. */
export function hatsIn(presence: Element): readonly string[] | undefined {
	const hats = child(presence, "hats", hatsNs)?.getChildren("hat") ?? [];
	const titles = hats
		.slice(0, most)
		// The brackets stand around all titles of a person.
		.map(({ attrs }) => oneLine(nameOf((attrs.title ?? "").replace(/[[\]]/g, " ")), longest))
		.filter((title) => title !== "");
	return titles.length > 0 ? titles : undefined;
}
