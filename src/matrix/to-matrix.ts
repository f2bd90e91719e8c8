import type { BridgeEvent } from "../core/event.ts";
import type { OperationId } from "../core/ids.ts";
import * as phrases from "../core/phrases.ts";

export type Content = Readonly<Record<string, unknown>>;

/** The mark that what we send carries: it tells an in-doubt message from one that never came. */
export const mark = "trivium.bridge";

const msgtype = { text: "m.text", emote: "m.emote", notice: "m.notice" } as const;

/** What can be said as a message; people coming and going and their names are calls, not events. */
export function toMatrix(
	event: Extract<BridgeEvent, { kind: "message" | "state" }>,
	operation: OperationId,
): Content {
	switch (event.kind) {
		case "message":
			return said(msgtype[event.style], event.text, operation);
		case "state":
			return said("m.notice", phrases.value(event.label, event.value), operation);
		default:
			return event satisfies never;
	}
}

function said(msgtype: string, body: string, operation: OperationId): Content {
	return {
		msgtype,
		// A lone surrogate is no Unicode and no homeserver takes it.
		body: body.toWellFormed(),
		// Always there: without it some clients look for names in the text. // Matrix spec v1.7, "User and room mentions"
		"m.mentions": {},
		[mark]: { op: operation },
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

export const fits = (content: Content) => Buffer.byteLength(JSON.stringify(content)) <= largest;

/** The same message with all its text in an uploaded file and its beginning as the caption. // MSC2530 */
export function asFile(content: Content, url: string, size: number): Content {
	const start = Buffer.from(String(content.body)).subarray(0, shown).toString("utf8");
	return {
		...content,
		msgtype: "m.file",
		body: phrases.longMessage(start.replace(/�+$/, "")),
		filename: "message.txt",
		url,
		info: { mimetype: "text/plain", size },
	};
}
