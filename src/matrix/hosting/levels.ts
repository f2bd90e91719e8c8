import { type Levels, type Power, personKey } from "../../core/hosting.ts";
import type { Person } from "../../core/person.ts";
import { asObject, type Content, fieldOf } from "../event.ts";
import { levelOf } from "../power.ts";

/** The level of a creator from room version 12 on, above every number in the room. // Matrix spec, room version 12 */
export const creatorLevel = Number.MAX_SAFE_INTEGER;
/** The most people with a level of their own that are read. */
const most = 10_000;

/** The act that needs a level, as m.room.power_levels spells it: a field of its own, or the type of an event. */
const fields = {
	redact: { field: "redact", usual: 50 },
	kick: { field: "kick", usual: 50 },
	ban: { field: "ban", usual: 50 },
	invite: { field: "invite", usual: 0 },
} as const;
const types = {
	topic: "m.room.topic",
	name: "m.room.name",
	picture: "m.room.avatar",
	levels: "m.room.power_levels",
} as const;

/** The creators of a room: those who have every power, or the creator who has 100 until the room has levels. */
export type Creators = Readonly<{ mxids: readonly string[]; supreme: boolean }>;

/** Returns the creators that m.room.create names. `creator`: its sender, or the field of older room versions. */
export function creatorsOf(create: Content, creator: string | undefined): Creators {
	const supreme = Number(create.room_version) >= 12;
	const others = supreme && Array.isArray(create.additional_creators) ? create.additional_creators : [];
	const mxids = [creator, ...others.slice(0, most)].filter((one): one is string => typeof one === "string");
	return { mxids, supreme };
}

/** Returns the MXIDs that have a level of their own. */
export const ranked = (levels: Content | undefined, { mxids }: Creators): readonly string[] => [
	...new Set([...mxids, ...Object.keys(asObject(levels?.users)).slice(0, most)]),
];

/**
 * Returns the power levels of a room. `levels`: the content of m.room.power_levels, where there is one; `person` returns
 * the person of an MXID. // Matrix spec, "m.room.power_levels"
 */
export function levelsOf(
	levels: Content | undefined,
	creators: Creators,
	person: (mxid: string) => Person,
): Levels {
	const of = new Map<string, number>();
	const people: Person[] = [];
	for (const mxid of ranked(levels, creators)) {
		const creator = creators.mxids.includes(mxid);
		const own = levelOf(fieldOf(levels?.users, mxid));
		const level =
			creator && creators.supreme ? creatorLevel : (own ?? (creator && !levels ? 100 : undefined));
		if (level === undefined) continue;
		people.push(person(mxid));
		of.set(personKey(person(mxid)), level);
	}
	const event = (type: string, state: boolean) =>
		levelOf(fieldOf(levels?.events, type)) ??
		levelOf(state ? levels?.state_default : levels?.events_default) ??
		(state ? 50 : 0);
	const act = ({ field, usual }: (typeof fields)[keyof typeof fields]) => levelOf(levels?.[field]) ?? usual;
	const needed: Record<Power, number> = {
		speak: event("m.room.message", false),
		topic: event(types.topic, true),
		name: event(types.name, true),
		picture: event(types.picture, true),
		levels: event(types.levels, true),
		// A moderator also has to be able to send the redaction itself.
		redact: Math.max(act(fields.redact), event("m.room.redaction", false)),
		kick: act(fields.kick),
		ban: act(fields.ban),
		invite: act(fields.invite),
	};
	const supreme = creators.supreme ? creators.mxids.map((mxid) => personKey(person(mxid))) : [];
	return { of, people, creators: new Set(supreme), others: levelOf(levels?.users_default) ?? 0, needed };
}
