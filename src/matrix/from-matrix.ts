import type { BridgeEvent, Message, Person } from "../core/event.ts";
import type { MessageId, RoomId } from "../core/ids.ts";
import * as phrases from "../core/phrases.ts";
import { mediaIn } from "./attachment.ts";

/** An event as a transaction or a room's history brings it. // Matrix spec, "Room event format" */
export type MatrixEvent = Readonly<{
	type: string;
	event_id: string;
	room_id: string;
	sender: string;
	origin_server_ts: number;
	content: Content;
	state_key?: string;
	unsigned?: Readonly<{ age?: unknown; prev_content?: unknown }>;
}>;
export type Content = Readonly<Record<string, unknown>>;

/** Who somebody is in this room, and what was known of them there before the event. */
export type People = Readonly<{
	person(mxid: string): Person;
	/** The name they had while they were in the room; undefined when they were not in it. */
	before(mxid: string): string | undefined;
}>;

/** From this age on, in ms, an event was caught up after a gap. */
const late = 5 * 60_000;

export function isEvent(value: unknown): value is MatrixEvent {
	const event = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
	return (
		["type", "event_id", "room_id", "sender"].every((field) => typeof event[field] === "string") &&
		typeof event.origin_server_ts === "number" &&
		isContent(event.content) &&
		(event.state_key === undefined || typeof event.state_key === "string")
	);
}

const isContent = (value: unknown): value is Content =>
	typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** The event in neutral words; undefined for what other networks have no use for. */
export function fromMatrix(event: MatrixEvent, people: People): BridgeEvent | undefined {
	const base = {
		id: event.event_id as MessageId,
		room: event.room_id as RoomId,
		at: event.origin_server_ts,
		...(typeof event.unsigned?.age === "number" && event.unsigned.age > late && { late: true as const }),
	};
	if (event.state_key !== undefined)
		return event.type === "m.room.member" ? membership(event, event.state_key, base, people) : undefined;
	const words = wordsOf(event.type, event.content);
	return words && { ...base, ...words, kind: "message", sender: people.person(event.sender) };
}

function membership(
	event: MatrixEvent,
	mxid: string,
	base: Pick<BridgeEvent, "id" | "room" | "at">,
	people: People,
): BridgeEvent | undefined {
	const before = people.before(mxid);
	const known = people.person(mxid);
	const reason = text(event.content.reason);
	switch (event.content.membership) {
		case "join": {
			const sender = { ...known, name: text(event.content.displayname) || known.address[0] || mxid };
			if (before === undefined) return { ...base, kind: "membership", change: "join", sender };
			return before === sender.name ? undefined : { ...base, kind: "profile", sender };
		}
		case "leave":
		case "ban":
			// Whoever only was invited never was there.
			if (before === undefined) return undefined;
			return {
				...base,
				kind: "membership",
				change: "leave",
				sender: { ...known, name: before },
				...(event.sender !== mxid && { by: people.person(event.sender).name ?? "" }),
				...(reason && { reason }),
			};
		default:
			return undefined;
	}
}

type Words = Pick<Message, "style" | "text" | "media">;
const say = (line: string): Words => ({ style: "text", text: line });
const act = (line: string): Words => ({ style: "emote", text: line });

/** What somebody said or did, in words; until a kind is translated properly it shows as its text. */
function wordsOf(type: string, content: Content): Words | undefined {
	const relation = isContent(content["m.relates_to"]) ? content["m.relates_to"] : {};
	switch (type) {
		case "m.room.message":
			return relation.rel_type === "m.replace" ? correction(content) : message(content, relation);
		case "m.sticker": {
			const file = mediaIn(type, content, text(content.body));
			if (file) return { style: "text", text: "", media: file.media };
			return act(phrases.sentSticker(text(content.body)));
		}
		case "m.reaction":
			return text(relation.key) ? act(phrases.reacted(text(relation.key))) : undefined;
		// COMPAT MSC3381 under its unstable names: what clients send.
		case "m.poll.start":
		case "org.matrix.msc3381.poll.start":
			return poll(content) ?? fallback(content);
		default:
			return fallback(content);
	}
}

function message(content: Content, relation: Content): Words | undefined {
	const body = isContent(relation["m.in_reply_to"]) ? withoutQuote(text(content.body)) : text(content.body);
	switch (content.msgtype) {
		case "m.text":
			return body ? say(body) : undefined;
		case "m.emote":
			return body ? act(body) : undefined;
		case "m.notice":
			return body ? { style: "notice", text: body } : undefined;
		case "m.image":
		case "m.file":
		case "m.audio":
		case "m.video": {
			const file = mediaIn(content.msgtype, content, body);
			if (file) return { style: "text", text: file.caption, media: file.media };
			const name = text(content.filename) || body;
			const thing = "org.matrix.msc3245.voice" in content ? "voice message" : content.msgtype.slice(2);
			return act(phrases.sentFile(thing, name, body === name ? undefined : body));
		}
		case "m.location":
			return act(phrases.sharedLocation(body, text(content.geo_uri)));
		default:
			return body ? say(body) : undefined;
	}
}

function correction(content: Content): Words | undefined {
	const words = isContent(content["m.new_content"]) && message(content["m.new_content"], {});
	return words ? { ...words, text: phrases.correction(words.text) } : undefined;
}

// COMPAT clients from before Matrix v1.13 quote what they answer: lines that begin with ">", then an empty one.
const withoutQuote = (body: string) => body.replace(/^(?:>(?: [^\n]*|)\n)+\n/, "");

function poll(content: Content): Words | undefined {
	const start = content["m.poll"] ?? content["m.poll.start"] ?? content["org.matrix.msc3381.poll.start"];
	if (!isContent(start) || !Array.isArray(start.answers)) return undefined;
	const options = start.answers.map(labelOf).filter(Boolean);
	const question = labelOf(start.question);
	return question && options.length > 0 ? act(phrases.startedPoll(question, options)) : undefined;
}

/** The words of an extensible event. // MSC1767 */
function labelOf(value: unknown): string {
	if (!isContent(value)) return "";
	const { "m.text": list } = value;
	const first = Array.isArray(list)
		? list.find((part) => isContent(part) && !text(part.mimetype))
		: undefined;
	return text(value["org.matrix.msc1767.text"]) || (isContent(first) ? text(first.body) : "");
}

function fallback(content: Content): Words | undefined {
	const line = text(content.body) || labelOf(content);
	return line ? say(line) : undefined;
}
