import { marksIn } from "../../core/passed-rooms.ts";
import { child, type Element, xml } from "../stream/xml.ts";
import { along, type MessageFeature } from "./feature.ts";

const ns = "urn:trivium:passed:0";

/** Returns the element that names the rooms that a message or an occupant came through, for other bridges. */
export const passedThrough = (marks: readonly string[]): Element | undefined =>
	marks.length > 0 ? xml("passed", { xmlns: ns, rooms: marks.join(" ") }) : undefined;

/** Returns the rooms that a stanza came through in other bridges. Its sender can forge them, for their own stanzas only. */
export const passedIn = (stanza: Element): readonly string[] =>
	marksIn((child(stanza, "passed", ns)?.attrs.rooms ?? "").split(" "));

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
