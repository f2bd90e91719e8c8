import { withinBudget } from "../core/budget.ts";
import type { BridgeEvent, Edit, Message, Reference, Words } from "../core/event.ts";
import type { MessageId, RoomId } from "../core/ids.ts";
import { nameOf } from "../core/names.ts";
import { isChanged, type Person } from "../core/person.ts";
import { topicText } from "../core/room-info.ts";
import {
	asObject,
	type Content,
	isContent,
	isId,
	labelOf,
	latest,
	type MatrixEvent,
	originalOf,
	type ReadContext,
	redacted,
	relationOf,
	text,
} from "./event.ts";
import { treatmentOf } from "./event-kinds.ts";
import { avatarAt, memberBefore } from "./message/attachments.ts";
import { happeningIn, pinned, topicOf } from "./message/happenings.ts";
import { mentioned } from "./message/mentions.ts";
import { moderationIn, mutedIn, muteIn } from "./message/moderation.ts";
import { copiesIn, passedIn } from "./message/origin.ts";
import { isStart, pollIn, pollOf, resultOf, votesIn } from "./message/polls.ts";
import { reactionIn } from "./message/reactions.ts";
import { bodyIn, quotedPeople, quoteIn, stickerIn, wordsIn } from "./message/words.ts";
import { matrixNetwork, parts } from "./mxid.ts";
import * as phrases from "./phrases.ts";
import { type Happening, isHappening, type Treatment } from "./treatments.ts";

/** Age in ms from which an event counts as late: the homeserver or the backfill brings it after a gap. */
const late = 5 * 60_000;
/** Characters kept of the text of a referenced message: enough to recognize it. */
const quoted = 300;

/**
 * Returns the further id that only the author's edits and redactions can spell: the homeserver vouches for each event's
 * sender.
 */
export const ownId = (event: string, author: string) => `own:${event}:${author}` as MessageId;

/** Returns the time of an event. Another homeserver may write any number; a Date ends at 8.64e15. */
export const timeOf = ({ origin_server_ts: at }: Pick<MatrixEvent, "origin_server_ts">): number =>
	Math.min(Math.max(at, 0), 8.64e15);

/** Returns the ids of the events and the MXIDs of the people that have to be looked up to translate an event. */
export function subjects(
	event: MatrixEvent,
): Readonly<{ events: readonly string[]; people: readonly string[] }> {
	const { to, reply } = relationOf(event.content);
	const events = [to, reply, otherIn(event) ?? ""].filter(Boolean);
	const now = event.content["m.new_content"];
	const content = isContent(now) ? now : event.content;
	const muted = treatmentOf(event) === "powers" ? mutedIn(event).map(({ mxid }) => mxid) : [];
	return { events, people: [...new Set([...mentioned(content), ...quotedPeople(content), ...muted])] };
}

/** Returns the id of the event that this one names without a relation. */
function otherIn(event: MatrixEvent): string | undefined {
	const as = treatmentOf(event);
	if (as === "redaction") return redacted(event);
	const pin = as === "pins" ? pinned(event) : undefined;
	return pin && isId(pin) ? pin : undefined;
}

/**
 * Returns the neutral event; undefined when other networks have no use for it. An event over its budget, which its size
 * and the size of the events it refers to set, crosses as its body alone.
 */
export const fromMatrix = (event: MatrixEvent, around: ReadContext): BridgeEvent | undefined =>
	withinBudget(
		sizeOf(event) + subjects(event).events.reduce((sum, id) => sum + sizeOf(around.event(id)), 0),
		() => translate(event, around),
		() => translate(bare(event), { ...around, event: (id) => bare(around.event(id)) }),
	);

/** Returns the number of characters that a person wrote in an event. */
function sizeOf(event: MatrixEvent | undefined): number {
	const written = (content: unknown) =>
		text(asObject(content).body).length + text(asObject(content).formatted_body).length;
	return event ? written(event.content) + written(event.content["m.new_content"]) : 0;
}

/** Returns the event without formatting and mentions, so that only its body is translated. */
function bare<T extends MatrixEvent | undefined>(event: T): T {
	if (!event) return event;
	const body = ({ format: _f, formatted_body: _b, "m.mentions": _m, ...content }: Content): Content =>
		content;
	const now = event.content["m.new_content"];
	return {
		...event,
		content: { ...body(event.content), ...(isContent(now) && { "m.new_content": body(now) }) },
	};
}

function translate(event: MatrixEvent, around: ReadContext): BridgeEvent | undefined {
	const passed = [...new Set([...passedIn(event), ...(around.comesFrom ?? [])])];
	const base = {
		id: event.event_id as MessageId,
		...(passed.length > 0 && { passed }),
		room: event.room_id as RoomId,
		at: timeOf(event),
		...(typeof event.unsigned?.age === "number" && event.unsigned.age > late && { late: true as const }),
	};
	const as = treatmentOf(event);
	if (as === "membership") {
		const mxid = event.state_key ?? "";
		return around.isOurs(mxid) ? moderationIn(event, base, around) : membership(event, mxid, base, around);
	}
	const said = { ...base, sender: around.person(event.sender) };
	if (as === "powers") return muteIn(event, said, around);
	if (!isHappening(as)) return timelineEvent(event, as, said, around);
	const words = happeningIn(as, event, around, (one) => shortOf(one, around));
	const sets = as === "topic" && { sets: { topic: topicText(topicOf(event.content)) } };
	return words && { ...said, aka: [ownId(event.event_id, event.sender)], ...words, ...sets, kind: "message" };
}

function timelineEvent(
	event: MatrixEvent,
	as: Exclude<Treatment, Happening | "membership" | "powers">,
	base: Pick<BridgeEvent, "id" | "room" | "at" | "sender">,
	around: ReadContext,
): BridgeEvent | undefined {
	const { type, content } = event;
	const relation = relationOf(content);
	/** Returns a reference to a message that only the sender of this event may change. */
	const own = (id: string): Reference => ({ ...pointed(id, around), own: ownId(id, event.sender) });
	const known = { ...base, aka: [ownId(event.event_id, event.sender)] };
	if (as === "dropped" || as === "encrypted" || as === "ringing" || as === "signal") return undefined;
	if (as === "redaction") return redaction(event, base, around);
	if (as === "reaction") {
		const found = reactionIn(content);
		if (!found) return undefined;
		const target = pointed(found.to, around);
		return { ...base, kind: "reaction", target, mode: "add", emoji: [found.emoji] };
	}
	if (as === "vote") {
		if (!relation.to) return undefined;
		const poll = pollOf(around.event(relation.to));
		const answers = votesIn(content, poll);
		const undisclosed = poll?.undisclosed && { undisclosed: true as const };
		return { ...base, kind: "vote", target: pointed(relation.to, around), answers, ...undisclosed };
	}
	if (as === "poll-end") {
		const started = around.event(relation.to);
		const poll = pollOf(started);
		// Clients ignore an end that somebody other than the poll's author wrote.
		if (!relation.to || (started && started.sender !== event.sender)) return undefined;
		const result = poll ? resultOf(poll, around.votes, event.origin_server_ts) : labelOf(content);
		return { ...base, kind: "poll-end", target: own(relation.to), text: result };
	}
	if (relation.type === "m.replace") {
		const now = content["m.new_content"];
		const edited = around.event(relation.to);
		// An edit of a reply may repeat the fallback quote, but not the relation.
		const whole = { ...(edited && { "m.relates_to": edited.content["m.relates_to"] }), ...asObject(now) };
		const words = isContent(now) && relation.to ? wordsOf(type, whole, around) : undefined;
		// Clients ignore an edit of another sender's message. // Matrix spec, "Validity of replacement events"
		if (edited && edited.sender !== event.sender) return undefined;
		const before = edited && wordsOf(edited.type, edited.content, around, false);
		return (
			words && {
				...known,
				...words,
				...(edited && about(edited.content, around)),
				...refiled(before, words),
				kind: "edit",
				target: own(relation.to),
			}
		);
	}
	const poll = as === "poll" ? pollIn(content) : undefined;
	if (poll) {
		const { most: _most, ...question } = poll;
		return { ...known, kind: "poll", ...question };
	}
	const words = wordsOf(type, content, around);
	return words && { ...known, ...words, ...about(content, around), kind: "message" };
}

/**
 * Returns the message that an event replies to and its thread. Edits cannot change either.
 * // Matrix spec, "Event replacements"
 */
function about(content: Content, around: ReadContext): Pick<Message, "replyTo" | "thread"> {
	const { type, to, reply } = relationOf(content);
	const quote = reply && !around.event(reply) ? quoteIn(content) : undefined;
	const fallback = quote && { author: around.person(quote.author), text: quote.text };
	return {
		...(reply && { replyTo: { ...fallback, ...pointed(reply, around) } }),
		...(type === "m.thread" && to && { thread: pointed(to, around) }),
	};
}

/** Marks an edit that brings another file than before. An unknown earlier version counts as no change. */
const refiled = (before: Words | undefined, { media }: Words): Pick<Edit, "newMedia"> =>
	before && media && before.media?.source.ref !== media.source.ref ? { newMedia: true } : {};

/**
 * Translates a redaction. The redaction of one edit becomes an edit back to the remaining text; every other one becomes
 * a redaction.
 */
function redaction(
	event: MatrixEvent,
	base: Pick<BridgeEvent, "id" | "room" | "at" | "sender">,
	around: ReadContext,
): BridgeEvent | undefined {
	const id = redacted(event);
	if (!id) return undefined;
	const removed = around.event(id);
	const original = removed && originalOf(removed) !== id ? around.event(originalOf(removed)) : undefined;
	if (original && removed?.sender === original.sender) {
		// The message came from another network, which cannot take one correction back: the text there stays as it is.
		if (around.isOurs(original.sender) && !around.whole) return undefined;
		const words = wordsOf(original.type, latest(original), around);
		const target = { ...pointed(original.event_id, around), own: ownId(original.event_id, original.sender) };
		const sender = around.person(original.sender);
		const now = removed.content["m.new_content"];
		const before = isContent(now) ? wordsOf(removed.type, now, around, false) : undefined;
		const again = words && { ...words, ...about(original.content, around), ...refiled(before, words) };
		return again && { ...base, ...again, kind: "edit", target, sender };
	}
	const reason = text(event.content.reason);
	const author = removed?.sender ?? event.sender;
	const target = { ...pointed(id, around), ...(author === event.sender && { own: ownId(id, author) }) };
	const unsure = removed && !isSaid(removed, around) && { unsure: true as const };
	return { ...base, kind: "redaction", target, ...(reason && { reason }), ...unsure };
}

/** Returns true for a message of a person or a ghost; false for a notice of the bot, a reaction, a change of the room. */
function isSaid({ type, sender }: MatrixEvent, around: ReadContext): boolean {
	const byBot = around.isOurs(sender) && around.person(sender).network === matrixNetwork;
	return (type === "m.room.message" || type === "m.sticker" || isStart(type)) && !byBot;
}

/** Returns a reference to the original message, also when `id` names one of its edits. */
function pointed(id: string, around: ReadContext): Reference {
	const named = around.event(id);
	const original = named ? originalOf(named) : id;
	const target = original === id ? named : around.event(original);
	const words = target && shortOf(target, around);
	const copies = target && around.isOurs(target.sender) ? copiesIn(target.content) : [];
	return {
		id: original as MessageId,
		...(copies.length > 0 && { copies }),
		...(target && { author: around.person(target.sender) }),
		...(words && { text: words }),
	};
}

function shortOf(event: MatrixEvent, around: ReadContext): string {
	const content = latest(event);
	const words = wordsOf(event.type, content, around, false);
	const poll = isStart(event.type) ? pollIn(content) : undefined;
	const line =
		poll?.question ??
		(words?.text || words?.media?.alt || words?.media?.name || words?.location?.description || "");
	const points = [...line.slice(0, 2 * quoted + 2)];
	return points.length > quoted ? `${points.slice(0, quoted).join("")}…` : line;
}

/** Returns the text, file or place of an event; an event type without a translation of its own gives its fallback text. */
function wordsOf(type: string, content: Content, around: ReadContext, formatted = true): Words | undefined {
	const as = treatmentOf({ type });
	if (as === "message") return wordsIn(content, around, formatted);
	if (as === "sticker") return stickerIn(content);
	const poll = as === "poll" ? pollIn(content) : undefined;
	const options = poll?.answers.map((answer) => answer.text) ?? [];
	if (poll) return { style: "emote", text: phrases.startedPoll(poll.question, options) };
	const line = bodyIn(content, around.person) || labelOf(content);
	return line ? { style: "text", text: line } : undefined;
}

/** Returns the line by which the partner of a chat of two reads that the person has left it, or does not come. */
function goneFrom(
	event: MatrixEvent,
	mxid: string,
	base: Pick<BridgeEvent, "id" | "room" | "at">,
	sender: Person,
): BridgeEvent | undefined {
	const before = asObject(event.unsigned?.prev_content).membership;
	// A person whom somebody else removed has said nothing.
	if (event.sender !== mxid || (before !== "join" && before !== "invite")) return undefined;
	const said = before === "join" ? phrases.leftChat : phrases.declinedChat;
	return { ...base, sender, kind: "message", style: "emote", text: said };
}

function membership(
	event: MatrixEvent,
	mxid: string,
	base: Pick<BridgeEvent, "id" | "room" | "at">,
	around: ReadContext,
): BridgeEvent | undefined {
	const called = around.before(mxid);
	const before = called === undefined ? undefined : nameOf(called) || (parts(mxid)?.[0] ?? mxid);
	const known = around.person(mxid);
	const reason = text(event.content.reason);
	switch (event.content.membership) {
		case "join": {
			const name = nameOf(text(event.content.displayname)) || known.address[0] || mxid;
			const sender = { ...known, name, avatar: avatarAt(event.content.avatar_url) };
			if (before === undefined) return { ...base, kind: "membership", change: "join", sender };
			return isChanged(memberBefore(event, sender, before, known), sender)
				? { ...base, kind: "profile", sender }
				: undefined;
		}
		case "leave":
		case "ban":
			if (around.chat) return goneFrom(event, mxid, base, { ...known, name: before ?? known.name ?? mxid });
			// A person who was only invited was never a member.
			if (before === undefined) return undefined;
			return {
				...base,
				kind: "membership",
				change: "leave",
				sender: { ...known, name: before },
				...(event.sender !== mxid && { by: around.person(event.sender).name ?? "" }),
				...(reason && { reason }),
			};
		default:
			return undefined;
	}
}
