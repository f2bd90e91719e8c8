import { type LevelChange, madeLevels, type RoomSettings } from "../../core/hosting.ts";
import { asObject, type Content, fieldOf } from "../event.ts";

/** The settings of a room as state events of Matrix. Pure. */

/** A state event with an empty state key. */
export type StateEvent = Readonly<{ type: string; content: Content }>;

/** The level that nobody has in rooms that the bot made before room version 12, the bot aside. */
export const botLevel = 150;

/** The types of the events by which people do these acts. */
const typeOf = { speak: "m.room.message", topic: "m.room.topic" } as const;

/** Returns the power levels of a new room. `owner`: the MXID of its first owner; `bot`: that of the bot, where it has a level. */
export function newLevels(owner: string, bot: string | undefined): Content {
	const { admin, moderator } = madeLevels;
	return {
		users: { [owner]: madeLevels.owner, ...(bot !== undefined && { [bot]: botLevel }) },
		users_default: madeLevels.others,
		events_default: madeLevels.others,
		state_default: admin,
		...{ ban: admin, kick: moderator, redact: moderator, invite: madeLevels.others },
		events: {
			"m.room.topic": moderator,
			"m.room.name": madeLevels.owner,
			"m.room.avatar": madeLevels.owner,
			"m.room.canonical_alias": madeLevels.owner,
			"m.room.join_rules": madeLevels.owner,
			"m.room.history_visibility": madeLevels.owner,
			"m.room.power_levels": madeLevels.owner,
			"m.room.server_acl": madeLevels.owner,
			// An encrypted or replaced room would be lost for people of other networks.
			"m.room.encryption": botLevel,
			"m.room.tombstone": botLevel,
			// A state event of each person: without this nobody could share a live location.
			"m.beacon_info": madeLevels.others,
			"org.matrix.msc3672.beacon_info": madeLevels.others,
		},
	};
}

/** Returns the events that a setting needs, the power levels aside. */
export function statesOf({ name, topic, entry, pastPublic }: RoomSettings): readonly StateEvent[] {
	const one = (type: string, content: Content | undefined): readonly StateEvent[] =>
		content ? [{ type, content }] : [];
	return [
		...one("m.room.name", name === undefined ? undefined : { name: name.toWellFormed() }),
		...one("m.room.topic", topic === undefined ? undefined : { topic: topic.toWellFormed() }),
		...one("m.room.join_rules", entry && { join_rule: entry === "everybody" ? "public" : "invite" }),
		...one(
			"m.room.history_visibility",
			pastPublic === undefined ? undefined : { history_visibility: pastPublic ? "world_readable" : "shared" },
		),
	];
}

/** Returns true if the settings change power levels. */
export const changesLevels = ({ needed = {}, levels = [] }: RoomSettings): boolean =>
	Object.keys(needed).length + levels.length > 0;

/** Returns the power levels after a change. `mxid`: returns the MXID of a person. */
export function levelsAfter(
	before: Content,
	{ needed = {}, levels = [] }: RoomSettings,
	mxid: (whom: LevelChange["whom"]) => string,
): Content {
	const users = new Map<string, unknown>(Object.entries(asObject(before.users)));
	for (const { whom, level } of levels) {
		if (level === undefined) users.delete(mxid(whom));
		else users.set(mxid(whom), level);
	}
	const { invite, speak, topic } = needed;
	return {
		...before,
		users: Object.fromEntries(users),
		...(speak !== undefined && { events_default: speak }),
		...(invite !== undefined && { invite }),
		events: {
			...asObject(before.events),
			// A level of its own for messages would hide that of all events.
			...(speak !== undefined &&
				fieldOf(before.events, typeOf.speak) !== undefined && { [typeOf.speak]: speak }),
			...(topic !== undefined && { [typeOf.topic]: topic }),
		},
	};
}
