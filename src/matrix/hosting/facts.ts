import type { Levels, RoomFacts } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import { nameOf } from "../../core/names.ts";
import { asObject, type Content, isId, labelOf, type MatrixEvent, text } from "../event.ts";
import { mxcParts, smallRef } from "../message/attachments.ts";
import { mark } from "../message/origin.ts";
import { aliasParts, idOf } from "./addresses.ts";

/** Characters of the longest topic that is shown; clients write whole pages into it. */
const longestTopic = 10_000;

/** The state of a room that its facts come from, by type, with an empty state key. */
export const factTypes = [
	"m.room.create",
	"m.room.power_levels",
	"m.room.name",
	"m.room.topic",
	"m.room.canonical_alias",
	"m.room.avatar",
	"m.room.join_rules",
	"m.room.encryption",
	"m.room.tombstone",
	"m.room.history_visibility",
] as const;
export type FactType = (typeof factTypes)[number];
export type FactState = Readonly<Partial<Record<FactType, Content>>>;

export const isFactType = (type: string): type is FactType => (factTypes as readonly string[]).includes(type);

/** Returns the topic in plain text. // Matrix spec, "m.room.topic" */
export const topicIn = (content: Content): string =>
	(text(content.topic) || labelOf(content["m.topic"])).slice(0, longestTopic).toWellFormed();

const roomIn = (value: unknown): RoomId | undefined =>
	typeof value === "string" && value.startsWith("!") && isId(value) ? (value as RoomId) : undefined;

/** Returns the reason why no other network can show a room of this type with this encryption. */
const unfitness = (type: unknown, encryption: unknown): Pick<RoomFacts, "unfit"> => {
	if (type === "m.space") return { unfit: "space" };
	return text(encryption) ? { unfit: "encrypted" } : {};
};

/** Returns the picture as the `ref` of its small version: that of a room is shown in a corner. */
const pictureIn = (url: unknown): Pick<RoomFacts, "picture"> =>
	mxcParts(text(url)) ? { picture: smallRef(text(url)) } : {};

/** Bytes of the largest picture that needs no small version. */
const small = 64 * 1024;

/** Returns the picture that the room states; a small one as it is. */
function pictureOf({ url, info }: Content): Pick<RoomFacts, "picture"> {
	const { size } = asObject(info);
	const isSmall = typeof size === "number" && size > 0 && size <= small;
	return isSmall && mxcParts(text(url)) ? { picture: text(url) } : pictureIn(url);
}

function named(
	name: unknown,
	topic: string,
	alias: unknown,
	domain: string,
): Pick<RoomFacts, "name" | "topic" | "alias"> {
	const called = nameOf(text(name));
	const parts = aliasParts(text(alias), domain);
	return { ...(called && { name: called }), ...(topic && { topic }), ...(parts && { alias: parts }) };
}

/** Returns true where people who come in do not read what was said before. // Matrix spec, "Room history visibility" */
const hidesPast = (visibility: unknown): boolean => visibility === "joined" || visibility === "invited";

/** The content of m.room.create by which we know a room that the bot has made for people of other networks. */
export const seedMark = (seed: string): Content => ({ [mark]: { seed } });
export const seedIn = (create: Content): string | undefined => text(asObject(create[mark]).seed) || undefined;

/** Returns the facts of a room by its state, as somebody inside reads it. */
export function factsOfState(
	room: string,
	state: FactState,
	more: Readonly<Pick<RoomFacts, "count" | "listed" | "topicSet" | "made"> & { levels: Levels }>,
	domain: string,
): RoomFacts {
	const of = (type: FactType) => asObject(state[type]);
	const successor = roomIn(of("m.room.tombstone").replacement_room);
	const seed = more.made && seedIn(of("m.room.create"));
	return {
		room: room as RoomId,
		id: idOf(room),
		...named(of("m.room.name").name, topicIn(of("m.room.topic")), of("m.room.canonical_alias").alias, domain),
		...pictureOf(of("m.room.avatar")),
		entry: of("m.room.join_rules").join_rule === "public" ? "everybody" : "invited",
		...unfitness(of("m.room.create").type, of("m.room.encryption").algorithm),
		...(successor && { successor: { kind: "id", id: idOf(successor) } }),
		...(hidesPast(of("m.room.history_visibility").history_visibility) && { pastHidden: true }),
		...(of("m.room.history_visibility").history_visibility === "world_readable" && { pastPublic: true }),
		...(seed && { seed }),
		// A ghost of ours is inside, and so is our homeserver.
		local: true,
		...more,
	};
}

/**
 * Returns the facts of a room by its summary, or by its entry in the public directory.
 * // Matrix spec, "Room summaries" and "Published room directory"
 */
export function factsOfSummary(
	room: string,
	summary: Content,
	more: Readonly<{ listed: boolean; local: boolean; successor?: RoomId | undefined }>,
	domain: string,
): RoomFacts {
	const { successor, ...rest } = more;
	const encryption = summary.encryption ?? summary["im.nheko.summary.encryption"];
	const count = summary.num_joined_members;
	// The directory leaves out the usual join rule.
	const rule = text(summary.join_rule) || "public";
	return {
		room: room as RoomId,
		id: idOf(room),
		...named(summary.name, topicIn(summary), summary.canonical_alias, domain),
		...pictureIn(summary.avatar_url),
		entry: rule === "public" ? "everybody" : "invited",
		...unfitness(summary.room_type, encryption),
		...(successor && { successor: { kind: "id", id: idOf(successor) } }),
		count: typeof count === "number" && count > 0 ? count : 0,
		...rest,
	};
}

/**
 * Returns the facts of a room by what an invitation tells of it: the homeserver of the invited person may not be in the
 * room. // Matrix spec, "Stripped state"
 */
export function factsOfInvite({ room_id: room, unsigned }: MatrixEvent, domain: string): RoomFacts {
	const { invite_room_state: given } = asObject(unsigned);
	const stripped = Array.isArray(given) ? given.slice(0, 50).map(asObject) : [];
	const of = (type: FactType) => asObject(stripped.find((one) => one.type === type)?.content);
	const summary = {
		...{ name: of("m.room.name").name, canonical_alias: of("m.room.canonical_alias").alias },
		...{ topic: of("m.room.topic").topic, avatar_url: of("m.room.avatar").url },
		...{ room_type: of("m.room.create").type, encryption: of("m.room.encryption").algorithm },
		join_rule: text(of("m.room.join_rules").join_rule) || "invite",
	};
	return factsOfSummary(room, summary, { listed: false, local: false }, domain);
}
