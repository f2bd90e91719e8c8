import { fingerprint, type Item } from "../core/guard.ts";
import type { Person } from "../core/person.ts";

/** An event as a transaction or a room's history brings it. // Matrix spec, "Room event format" */
export type MatrixEvent = Readonly<{
	type: string;
	event_id: string;
	room_id: string;
	sender: string;
	origin_server_ts: number;
	content: Content;
	state_key?: string;
	/** Of a redaction, in rooms before version 11; after that the content has it. */
	redacts?: unknown;
	unsigned?: Readonly<{ age?: unknown; prev_content?: unknown; "m.relations"?: unknown }>;
}>;
export type Content = Readonly<Record<string, unknown>>;

/** What has to be known besides an event to understand it. */
export type Around = Readonly<{
	/** Who somebody is in this room; whom a ghost of ours stands for. */
	person(mxid: string): Person;
	/** The name they had while they were in the room; undefined when they were not in it. */
	before(mxid: string): string | undefined;
	/** An event that this one is about, as far as it could be had. */
	event(id: string): MatrixEvent | undefined;
	/** What was voted in a poll that this event ends. */
	votes: readonly MatrixEvent[];
	isOurs(mxid: string): boolean;
}>;

export const isContent = (value: unknown): value is Content =>
	typeof value === "object" && value !== null && !Array.isArray(value);
export const text = (value: unknown): string => (typeof value === "string" ? value : "");
/**
 * The value as an object; empty where it is none. A field that a JSON object does not have itself is absent: read a field
 * whose name is foreign text by {@link fieldOf}.
 */
export const table = (value: unknown): Content => (isContent(value) ? value : {});
/** The own field of this name, where `value` is an object; a field like `constructor` of every object is none. */
export const fieldOf = (value: unknown, name: string): unknown =>
	isContent(value) && Object.hasOwn(value, name) ? value[name] : undefined;

/** Whether an MXID, a room id, an event id or an alias is as short as it has to be, in bytes. // Matrix spec, "Identifier Grammar" */
export const isId = (id: string) => id.length <= 255 && Buffer.byteLength(id) <= 255;
/** The id that a field holds; empty where it holds none that can be one. */
const idIn = (value: unknown): string => (typeof value === "string" && isId(value) ? value : "");

export function isEvent(value: unknown): value is MatrixEvent {
	const event = table(value);
	return (
		["event_id", "room_id", "sender"].every((field) => idIn(event[field]) !== "") &&
		typeof event.type === "string" &&
		isId(event.type) &&
		typeof event.origin_server_ts === "number" &&
		isContent(event.content) &&
		(event.state_key === undefined || (typeof event.state_key === "string" && isId(event.state_key)))
	);
}

/** The event as the guard notes it while it is handled. */
export const itemOf = ({ event_id: event, room_id: room, type }: MatrixEvent): Item => ({
	key: fingerprint("matrix", event),
	what: `Matrix event ${event} (${type}) in ${room}`,
});

/** What an event is about and how. // Matrix spec, "Forming relationships between events" */
export function relationOf(
	content: Content,
): Readonly<{ type: string; to: string; reply: string; falling: boolean }> {
	const relation = table(content["m.relates_to"]);
	return {
		type: text(relation.rel_type),
		to: idIn(relation.event_id),
		reply: idIn(table(relation["m.in_reply_to"]).event_id),
		falling: relation.is_falling_back === true,
	};
}

/** The event that this one is a version of: itself, mostly. */
export const originalOf = ({ event_id, content }: MatrixEvent): string => {
	const { type, to } = relationOf(content);
	return type === "m.replace" && to ? to : event_id;
};

/** As the event reads now: a homeserver tells its last edit along with it. // Matrix spec, "Server-side aggregation" */
export function latest({ content, unsigned }: MatrixEvent): Content {
	const edit = table(table(table(unsigned)["m.relations"])["m.replace"]);
	const now = table(edit.content)["m.new_content"];
	return isContent(now) ? { ...now, "m.relates_to": content["m.relates_to"] } : content;
}

/** The event that a redaction takes back. */
export const redacted = ({ redacts, content }: MatrixEvent): string => idIn(content.redacts) || idIn(redacts);

/** The words of an extensible event. // MSC1767 */
export function labelOf(value: unknown): string {
	const { "m.text": list, "org.matrix.msc1767.text": old } = table(value);
	const first = Array.isArray(list)
		? list.find((part) => isContent(part) && !text(part.mimetype))
		: undefined;
	return text(old) || text(table(first).body);
}
