import { fingerprint, type Item } from "../core/guard.ts";
import type { Person } from "../core/person.ts";

/** An event as transactions and /messages bring it. // Matrix spec, "Room event format" */
export type MatrixEvent = Readonly<{
	type: string;
	event_id: string;
	room_id: string;
	sender: string;
	origin_server_ts: number;
	content: Content;
	state_key?: string;
	/** The target of a redaction in rooms before version 11; from version 11 on it is in the content. */
	redacts?: unknown;
	unsigned?: Readonly<{ age?: unknown; prev_content?: unknown; "m.relations"?: unknown }>;
}>;
export type Content = Readonly<Record<string, unknown>>;

/** The lookups that translating an event needs besides the event. */
export type ReadContext = Readonly<{
	/** Returns the person with their name in this room; for a ghost, the person it stands for. */
	person(mxid: string): Person;
	/** Returns a person's name before this event; undefined when they were not in the room. */
	before(mxid: string): string | undefined;
	/** Returns an event that this one refers to; undefined where it could not be fetched. */
	event(id: string): MatrixEvent | undefined;
	/** The votes in the poll that this event ends. */
	votes: readonly MatrixEvent[];
	isOurs(mxid: string): boolean;
	/** The marks of the rooms whose person the sender, the ghost of another bridge, stands for. Absent: none. */
	comesFrom?: readonly string[];
	/** For events in the course of a call or a live location. */
	phase?: Phase | undefined;
	/** The room is a chat of two, whose people do not come and go for others: that one of them leaves is told in words. */
	chat?: true;
	/** The event is read for another network that shows the whole room: what our ghosts did there counts as well. */
	whole?: true;
}>;
/** `begins`: the event begins a call, or has the first position of a live location. `last`: the last position, a geo URI. */
export type Phase = Readonly<{ begins: boolean; last?: string }>;

export const isContent = (value: unknown): value is Content =>
	typeof value === "object" && value !== null && !Array.isArray(value);
export const text = (value: unknown): string => (typeof value === "string" ? value : "");
/**
 * Returns the value if it is an object, else an empty one. An inherited field such as `constructor` looks present: read a
 * field whose name is foreign text by {@link fieldOf}.
 */
export const asObject = (value: unknown): Content => (isContent(value) ? value : {});
/** Returns the own field `name` of an object, undefined for an inherited one such as `constructor`. */
export const fieldOf = (value: unknown, name: string): unknown =>
	isContent(value) && Object.hasOwn(value, name) ? value[name] : undefined;

/** Whether an MXID, room id, event id or alias has at most 255 bytes. // Matrix spec, "Identifier Grammar" */
export const isId = (id: string) => id.length <= 255 && Buffer.byteLength(id) <= 255;
/** Returns the id that a field holds, "" where its value cannot be an id. */
const idIn = (value: unknown): string => (typeof value === "string" && isId(value) ? value : "");

export function isEvent(value: unknown): value is MatrixEvent {
	const event = asObject(value);
	return (
		["event_id", "room_id", "sender"].every((field) => idIn(event[field]) !== "") &&
		typeof event.type === "string" &&
		isId(event.type) &&
		typeof event.origin_server_ts === "number" &&
		isContent(event.content) &&
		(event.state_key === undefined || (typeof event.state_key === "string" && isId(event.state_key)))
	);
}

/** Returns the item under which the guard notes an event while it is handled. */
export const itemOf = ({ event_id: event, room_id: room, type }: MatrixEvent): Item => ({
	key: fingerprint("matrix", event),
	what: `Matrix event ${event} (${type}) in ${room}`,
});

/**
 * Returns the relation of an event: its type, its target and the event replied to.
 * // Matrix spec, "Forming relationships between events"
 */
export function relationOf(
	content: Content,
): Readonly<{ type: string; to: string; reply: string; falling: boolean }> {
	const relation = asObject(content["m.relates_to"]);
	return {
		type: text(relation.rel_type),
		to: idIn(relation.event_id),
		reply: idIn(asObject(relation["m.in_reply_to"]).event_id),
		falling: relation.is_falling_back === true,
	};
}

/** Returns the id of the event that this one edits, or its own id when it edits none. */
export const originalOf = ({ event_id, content }: MatrixEvent): string => {
	const { type, to } = relationOf(content);
	return type === "m.replace" && to ? to : event_id;
};

/**
 * Returns the content of an event after its last edit, which the homeserver bundles with it.
 * // Matrix spec, "Server-side aggregation"
 */
export function latest({ content, unsigned }: MatrixEvent): Content {
	const edit = asObject(asObject(asObject(unsigned)["m.relations"])["m.replace"]);
	const now = asObject(edit.content)["m.new_content"];
	return isContent(now) ? { ...now, "m.relates_to": content["m.relates_to"] } : content;
}

/** Returns the id of the event that a redaction removes. */
export const redacted = ({ redacts, content }: MatrixEvent): string => idIn(content.redacts) || idIn(redacts);

/** Returns the plain text of an extensible event. // MSC1767, and its first version for `…message` */
export function labelOf(value: unknown): string {
	const content = asObject(value);
	const lists = ["m.text", "m.message", "org.matrix.msc1767.message"].map((field) => content[field]);
	const plain = lists
		.flatMap((list) => (Array.isArray(list) ? list.slice(0, 20) : []))
		.find((part) => isContent(part) && ["", "text/plain"].includes(text(part.mimetype)));
	return text(content["org.matrix.msc1767.text"]) || text(asObject(plain).body);
}
