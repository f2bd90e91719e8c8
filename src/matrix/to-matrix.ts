import { withinBudget } from "../core/budget.ts";
import type { BridgeEvent, Message, Words } from "../core/event.ts";
import type { MessageId } from "../core/ids.ts";
import type { Outbound, Refs } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { mentions, weightOfTree } from "../core/rich.ts";
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

/** What has to be known besides an event to write it. */
export type Surroundings = Readonly<{
	/** The address of somebody, or of the ghost of somebody. */
	mxid(person: Person): string | undefined;
	/** An event of the room that this one is about, as far as it could be had. */
	event(id: string): MatrixEvent | undefined;
}>;

/** What is said or asked as one event; people coming and going and their names are calls. */
export type Sayable = Extract<
	BridgeEvent,
	{ kind: "message" | "edit" | "poll" | "vote" | "poll-end" | "state" }
>;
export type Written = Readonly<{
	type: string;
	content: Content;
	/** The event that this is the newest version of: to be wrapped by {@link asEdit}, last of all. */
	edits?: string;
}>;

const msgtype = { text: "m.text", emote: "m.emote", notice: "m.notice" } as const;
const room = "m.room.message";

type Given = Pick<Outbound, "operation" | "refs"> & { event: Sayable };

/** The Matrix event that says it. Where its tree takes more work than its size allows, the words alone are said. */
export function toMatrix(out: Given, around: Surroundings): Written {
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

function write({ event: said, operation, refs }: Given, around: Surroundings): Written {
	const event = asVote(said, refs, around);
	const marked = origin({ operation, event });
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

/** Where there are no polls people answer one by the number of what they choose. */
function asVote(event: Sayable, refs: Refs, { event: find }: Surroundings): Sayable {
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
/** A message itself, where one of its versions is named: only that has replies and reactions. */
export function original(id: string, { event }: Pick<Surroundings, "event">): string {
	const named = event(id);
	return named ? originalOf(named) : id;
}

/** There is no other place for what a file shows than beside its caption; without one it is that. */
function withAlt(said: Words): Words {
	const { text, rich, media } = said;
	if (!text || !media?.alt || media.alt === text || media.kind === "sticker") return said;
	const alt = phrases.shows(media.alt);
	return {
		...said,
		text: `${text}\n${alt}`,
		...(rich && { rich: [...rich, { tag: "paragraph", children: [alt] }] }),
	};
}

/** Whatever is said, with those whom it wants to be read by. */
function words(given: Words, { mxid }: Surroundings, event: BridgeEvent): Content {
	const said = withAlt(given);
	const { rich } = said;
	const formatted = rich?.some((node) => typeof node !== "string") && writeHtml(rich, mxid);
	const meant = rich ? mentions(rich) : { people: [], room: false };
	const answered = event.kind === "message" ? event.replyTo?.author : undefined;
	const ids = [...meant.people, ...(answered ? [answered] : [])].map(mxid).filter((id) => id !== undefined);
	// What comes late pings nobody.
	const people = event.late ? [] : [...new Set(ids)];
	const place = said.location;
	const body = place ? [said.text, place.description, place.geo].filter(Boolean).join("\n") : said.text;
	return {
		msgtype: msgtype[said.style],
		// A lone surrogate is no Unicode and no homeserver takes it.
		body: body.toWellFormed(),
		...(formatted && { format: "org.matrix.custom.html", formatted_body: formatted }),
		// Always there: without it some clients look for names in the text. // Matrix spec v1.7, "User and room mentions"
		"m.mentions": {
			...(people.length > 0 && { user_ids: people }),
			...(meant.room && !event.late && { room: true }),
		},
		...(place && location(place.geo, place.description)),
	};
}

/** // Matrix spec, "Rich replies" and "Threading" */
function relationTo(message: Message, refs: Refs, around: Surroundings): Content | undefined {
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

/** Where the thread of an event begins: none can begin with what is itself about another event. */
function rootOf(id: string, { event }: Surroundings): string | undefined {
	const named = event(id);
	const { type, to } = named ? relationOf(named.content) : { type: "", to: "" };
	if (type === "m.thread") return to;
	return type === "" ? id : undefined;
}

/** The newest version of an event. For clients that know no edits it says that it is one. // Matrix spec, "Event replacements" */
export function asEdit(content: Content, of: string): Content {
	const { "m.relates_to": _none, [mark]: marked, ...inner } = content;
	return {
		...inner,
		body: `* ${inner.body}`,
		...(inner.formatted_body !== undefined && { formatted_body: `* ${inner.formatted_body}` }),
		// Whom it meant before knows already.
		"m.mentions": {},
		"m.new_content": inner,
		"m.relates_to": { rel_type: "m.replace", event_id: of },
		[mark]: marked,
	};
}

/** An answer to a person's event. */
export function answer(body: string, to: string | undefined): Content {
	return {
		msgtype: "m.notice",
		body: body.toWellFormed(),
		"m.mentions": {},
		...(to && { "m.relates_to": { "m.in_reply_to": { event_id: to } } }),
	};
}

/**
 * Bytes a content may have: an event is 65,536 with its quotes escaped, its ids, hashes and signatures and up to 20
 * previous events. // Matrix spec, "Size limits"
 */
const largest = 60_000;
/** Bytes of the text shown with what went into a file. */
const shown = 2_000;

/** `times`: an edit says everything twice. */
export const fits = (content: Content, times = 1) =>
	Buffer.byteLength(JSON.stringify(content)) * times <= largest;

/** The same message with all its text in an uploaded file and its beginning as the caption. // MSC2530 */
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
