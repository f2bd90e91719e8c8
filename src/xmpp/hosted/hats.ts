import { levelOf, personKey, type RoomFacts } from "../../core/hosting.ts";
import type { Person } from "../../core/person.ts";
import { hatsNs } from "../muc/hats.ts";
import * as phrases from "../phrases.ts";
import { type Element, xml } from "../stream/xml.ts";

/** The power of occupants in the source that no affiliation and no role stands for, as hats (XEP-0317). Pure. */

/** A hat: its name for people, and the end of its URI, which is the same in all rooms. */
type Hat = Readonly<{ title: string; id: string }>;

/** Returns the hat of a person; undefined for one whose power is that of the affiliation or role. */
export function hatOf(
	{ levels }: Pick<RoomFacts, "levels">,
	person: Pick<Person, "network" | "id">,
): Hat | undefined {
	if (!levels) return undefined;
	if (levels.creators.has(personKey(person))) return { title: phrases.hatOfCreator, id: "creator" };
	const level = levelOf(levels, person);
	const { kick, redact, speak } = levels.needed;
	const told = [0, 50, 100, levels.others, Math.min(kick, redact), speak];
	return level < 0 || told.includes(level)
		? undefined
		: { title: phrases.hatOfPower(level), id: `power-${level}` };
}

/** Returns the payload of a presence with a hat of a room on `component`. */
export const hatsPayload = ({ title, id }: Hat, component: string): Element =>
	xml("hats", { xmlns: hatsNs }, xml("hat", { title, uri: `xmpp:${component}#${id}` }));
