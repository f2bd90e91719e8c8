import { withinBudget } from "../core/budget.ts";
import type { BridgeEvent, Message, Words } from "../core/event.ts";
import type { MessageId } from "../core/ids.ts";
import type { Outbound, Refs } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { mentions, type Rich, weightOfTree } from "../core/rich.ts";
import { type Content, type MatrixEvent, originalOf, relationOf } from "./event.ts";
import { mark, origin } from "./message/origin.ts";
import {
	endType,
	pollEnd,
	pollOf,
	pollResponse,
	pollStart,
	responseType,
	startType,
	votesByNumber,
} from "./message/polls.ts";
import { location } from "./message/words.ts";
import * as phrases from "./phrases.ts";
import { writeHtml } from "./to-html.ts";

/** The lookups that writing a Matrix event needs besides the neutral event. */
export type WriteContext = Readonly<{
	/** Returns the MXID of a Matrix person, or of the ghost of a person elsewhere. */
	mxid(person: Person): string | undefined;
	/** Returns an event of the room that the written event refers to; undefined where it could not be fetched. */
	event(id: string): MatrixEvent | undefined;
}>;

/** The neutral events that are written as one Matrix event; memberships and names are set by other requests. */
export type Sayable = Extract<
	BridgeEvent,
	{ kind: "message" | "edit" | "poll" | "vote" | "poll-end" | "state" }
>;
export type Written = Readonly<{
	type: string;
	content: Content;
	/** The id of the event that this one edits; {@link asEdit} wraps the content as the last step. */
	edits?: string;
}>;

const msgtype = { text: "m.text", emote: "m.emote", notice: "m.notice" } as const;
const room = "m.room.message";

type Given = Pick<Outbound, "operation" | "passed" | "refs"> & { event: Sayable };

/** Returns the Matrix event of a neutral event. A text whose formatting exceeds the budget is written without it. */
export function toMatrix(out: Given, around: WriteContext): Written {
	const { event } = out;
	if (!("rich" in event) || !event.rich) return write(out, around);
	const { rich, ...bare } = event;
	const size = event.text.length + weightOfTree(rich);
	return withinBudget(
		size,
		() => write(out, around),
		() => write({ ...out, event: bare }, around),
	);
}

function write({ event: given, operation, passed, refs }: Given, around: WriteContext): Written {
	const event = asVote(given, refs, around);
	const marked = origin({ operation, event, passed });
	const polled = (type: string, content: Content) => ({ type, content: { ...content, ...marked } });
	switch (event.kind) {
		case "message": {
			const relation = relationTo(event, refs, around);
			const content = {
				...words(event, around, event),
				...(relation && { "m.relates_to": relation }),
				...marked,
			};
			return { type: room, content };
		}
		case "edit": {
			const edits = first(refs, event.target.own ?? event.target.id) ?? "";
			return {
				type: room,
				content: { ...words(event, around, event), ...marked },
				edits: original(edits, around),
			};
		}
		case "poll":
			return polled(startType, pollStart(event));
		case "vote":
			return polled(responseType, pollResponse(first(refs, event.target.id) ?? "", event.answers));
		case "poll-end":
			return polled(endType, pollEnd(first(refs, event.target.id) ?? "", phrases.pollEnded(event.text)));
		case "state": {
			const text = phrases.value(event.label, event.value);
			return { type: room, content: { ...words({ style: "notice", text }, around, event), ...marked } };
		}
		default:
			return event satisfies never;
	}
}

/** Turns a reply that holds the number of an answer into a vote: XMPP and MQTT people have no polls. */
function asVote(event: Sayable, refs: Refs, { event: find }: WriteContext): Sayable {
	if (event.kind !== "message" || !event.replyTo || event.media) return event;
	const poll = pollOf(find(first(refs, event.replyTo.id) ?? ""));
	const answers = poll && votesByNumber([event.text], poll);
	if (!answers) return event;
	const {
		kind: _kind,
		replyTo: target,
		thread: _thread,
		style: _style,
		text: _text,
		rich: _rich,
		...base
	} = event;
	return { ...base, kind: "vote", target, answers };
}

const first = (refs: Refs, id: MessageId | undefined): string | undefined =>
	id === undefined ? undefined : refs[id]?.[0];
/** Returns the id of the original message when `id` names an edit: replies and reactions refer to the original. */
export function original(id: string, { event }: Pick<WriteContext, "event">): string {
	const named = event(id);
	return named ? originalOf(named) : id;
}

/** Appends the file's alt text to its caption: Matrix has no field for it. Without a caption the alt text is the body. */
function withAlt(given: Words): Words {
	const { text, rich, media } = given;
	if (!text || !media?.alt || media.alt === text || media.kind === "sticker") return given;
	const alt = phrases.shows(media.alt);
	return {
		...given,
		text: `${text}\n${alt}`,
		...(rich && { rich: [...rich, { tag: "paragraph", children: [alt] }] }),
	};
}

/** Returns the content of a message or notice, with the mentions that notify people. */
function words(given: Words, { mxid }: WriteContext, event: BridgeEvent): Content {
	const complete = withAlt(given);
	const { rich } = complete;
	const formatted = rich?.some((node) => typeof node !== "string") && writeHtml(rich, mxid);
	const meant = rich ? mentions(rich) : { people: [], room: false };
	const answered = event.kind === "message" ? event.replyTo?.author : undefined;
	const ids = [...meant.people, ...(answered ? [answered] : [])].map(mxid).filter((id) => id !== undefined);
	// A late message notifies nobody.
	const people = event.late ? [] : [...new Set(ids)];
	const place = complete.location;
	const body = place
		? [complete.text, place.description, place.geo].filter(Boolean).join("\n")
		: complete.text;
	return {
		msgtype: msgtype[complete.style],
		// Homeservers refuse a lone surrogate, which is no valid Unicode.
		body: body.toWellFormed(),
		...(formatted && { format: "org.matrix.custom.html", formatted_body: formatted }),
		// Written even when empty: without it some clients search the text for names.
		// Matrix spec v1.7, "User and room mentions"
		"m.mentions": {
			...(people.length > 0 && { user_ids: people }),
			...(meant.room && !event.late && { room: true }),
		},
		...(place && location(place.geo, place.description)),
	};
}

/** Returns the m.relates_to of a message, undefined without a known target. // Matrix spec, "Rich replies" and "Threading" */
function relationTo(message: Message, refs: Refs, around: WriteContext): Content | undefined {
	const at = (id: MessageId | undefined) => {
		const known = first(refs, id);
		return known === undefined ? undefined : original(known, around);
	};
	const [reply, thread] = [at(message.replyTo?.id), at(message.thread?.id)];
	const answers = reply ?? thread;
	if (answers === undefined) return undefined;
	const answer = { "m.in_reply_to": { event_id: answers } };
	const root = thread === undefined ? undefined : rootOf(thread, around);
	return root === undefined
		? answer
		: { rel_type: "m.thread", event_id: root, is_falling_back: reply === undefined, ...answer };
}

/** Returns the root of the thread that an event belongs to or can begin; an event with a relation cannot be a root. */
function rootOf(id: string, { event }: WriteContext): string | undefined {
	const named = event(id);
	const { type, to } = named ? relationOf(named.content) : { type: "", to: "" };
	if (type === "m.thread") return to;
	return type === "" ? id : undefined;
}

/**
 * Returns the content of an edit of the event `of`. Its fallback body begins with "* " for clients without edits.
 * // Matrix spec, "Event replacements"
 */
export function asEdit(content: Content, of: string): Content {
	const { "m.relates_to": _none, [mark]: marked, ...inner } = content;
	return {
		...inner,
		body: `* ${inner.body}`,
		...(inner.formatted_body !== undefined && { formatted_body: `* ${inner.formatted_body}` }),
		// The original has notified the people it mentions.
		"m.mentions": {},
		"m.new_content": inner,
		"m.relates_to": { rel_type: "m.replace", event_id: of },
		[mark]: marked,
	};
}

/** Returns a text with its links to rooms as HTML, since clients show those as pills; undefined for a text without any. */
function withPills(text: string): string | undefined {
	const pieces = text.split(/(https:\/\/matrix\.to\/#\/[^\s<>"]+)/);
	if (pieces.length === 1) return undefined;
	const rich = pieces.flatMap((piece, at): Rich => {
		if (at % 2 === 1) return [{ tag: "link", href: piece, children: [piece] }];
		return piece.split("\n").flatMap((line, nth): Rich => (nth === 0 ? [line] : [{ tag: "break" }, line]));
	});
	return writeHtml(rich, () => undefined);
}

/** Returns the notice by which the bridge replies to a person's event, or speaks to a room. */
export function answer(body: string, to: string | undefined): Content {
	const html = withPills(body);
	return {
		msgtype: "m.notice",
		body: body.toWellFormed(),
		...(html && { format: "org.matrix.custom.html", formatted_body: html }),
		"m.mentions": {},
		...(to && { "m.relates_to": { "m.in_reply_to": { event_id: to } } }),
	};
}

/**
 * Largest content in bytes. A whole event may have 65,536, with its quotes escaped, its ids, hashes and signatures and up
 * to 20 previous events. // Matrix spec, "Size limits"
 */
const largest = 60_000;
/** Bytes of a long text that are shown as the caption of the file that holds all of it. */
const shown = 2_000;

/** Whether a content is small enough for an event. `times` is 2 for an edit, which holds its content twice. */
export const fits = (content: Content, times = 1) =>
	Buffer.byteLength(JSON.stringify(content)) * times <= largest;

/** Returns the message as a file: the upload at `url` holds all of its text, the caption the beginning. // MSC2530 */
export function asFile(content: Content, url: string, size: number): Content {
	const { format: _format, formatted_body: _formatted, ...rest } = content;
	const start = Buffer.from(String(content.body)).subarray(0, shown).toString("utf8");
	return {
		...rest,
		msgtype: "m.file",
		body: phrases.longMessage(start.replace(/�$/, "")),
		filename: "message.txt",
		url,
		info: { mimetype: "text/plain", size },
	};
}
