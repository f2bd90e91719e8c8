import { marksIn } from "../../core/passed-rooms.ts";
import { child, type Element, xml } from "../stream/xml.ts";
import { along, type MessageFeature } from "./feature.ts";

export const passedNs = "urn:trivium:passed:0";

/** The field of the description of a MUC (XEP-0128) that names the room that it shows, if it is a view of one. */
export const shownRoom = `{${passedNs}}room`;

/** Returns the element that names the rooms that a message or an occupant came through, for other bridges. */
export const passedThrough = (marks: readonly string[]): Element | undefined =>
	marks.length > 0 ? xml("passed", { xmlns: passedNs, rooms: marks.join(" ") }) : undefined;

/** Returns the rooms that a stanza came through in other bridges. Its sender can forge them, for their own stanzas only. */
export const passedIn = (stanza: Element): readonly string[] =>
	marksIn((child(stanza, "passed", passedNs)?.attrs.rooms ?? "").split(" "));

/** The guard of core against loops through several bridges. */
export const passedRooms: MessageFeature = {
	vars: [],
	read(stanza, parsed) {
		const passed = passedIn(stanza);
		return passed.length > 0 ? { ...parsed, passed } : parsed;
	},
	write: (_event, draft, { passed = [] }) =>
		passed.length > 0 ? along(draft, passedThrough(passed)) : draft,
};
