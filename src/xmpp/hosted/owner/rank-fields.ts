import { type LevelChange, madeLevels, personKey } from "../../../core/hosting.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import type { Field, Now } from "./field.ts";

/** The fields that list the owners and the admins of a room. Pure. */

/** Returns the JIDs of the people of a rank. */
const ofRank = ({ facts, ranked }: Now, least: number, below: number): readonly string[] =>
	[...ranked].flatMap(([jid, person]) => {
		const level = facts.levels?.of.get(personKey(person));
		return level !== undefined && level >= least && level < below ? [jid] : [];
	});

const owners = (now: Now) => ofRank(now, madeLevels.owner, Number.POSITIVE_INFINITY);
const admins = (now: Now) => ofRank(now, madeLevels.admin, madeLevels.owner);

/** Returns the level changes that make exactly these JIDs hold a rank. */
function ranking(
	wanted: ReadonlySet<string>,
	before: ReadonlySet<string>,
	level: number,
	now: Now,
): LevelChange[] {
	const whom = (jid: string) => now.ranked.get(jid) ?? now.at(jid);
	const gone = [...before.difference(wanted)].map((jid) => ({ whom: whom(jid), level: undefined }));
	return [...gone, ...[...wanted.difference(before)].map((jid) => ({ whom: whom(jid), level }))];
}

/** The most people of a list. */
const mostListed = 1_000;

const list = (
	name: string,
	label: string,
	people: (now: Now) => readonly string[],
	level: number,
): Field => ({
	...{ name, label, type: "jid-multi", value: people },
	read(values, now) {
		if (values.length > mostListed) throw new StanzaError("policy-violation", "modify");
		const wanted = new Set(values.map((one) => one.trim()).filter((one) => one !== ""));
		const levels = ranking(wanted, new Set(people(now)), level, now);
		return levels.length > 0 ? { settings: { levels } } : {};
	},
});

export const rankFields: readonly Field[] = [
	list("muc#roomconfig_roomowners", phrases.formOwners, owners, madeLevels.owner),
	list("muc#roomconfig_roomadmins", phrases.formAdmins, admins, madeLevels.admin),
];
