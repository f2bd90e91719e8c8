import type { Capabilities, Feature } from "./capabilities.ts";
import type { BridgeEvent, Edit, Media, Message, Reference, State, Words } from "./event.ts";
import type { Refs } from "./network.ts";
import * as phrases from "./phrases.ts";

/**
 * Returns the event as a room with these capabilities can show it: unchanged, as a text message, or undefined for nothing.
 * `refs` are the room's ids of the messages that the event refers to; a reference without an id there becomes words.
 */
export function downgrade(
	event: BridgeEvent,
	capabilities: Capabilities,
	refs: Refs,
): BridgeEvent | undefined {
	if (event.kind === "state" && event.media && capabilities.state !== "drop") {
		const shown = inPlace(event, pictured(event, event.media), capabilities, refs);
		return downgrade(shown.kind === "edit" ? { ...shown, newMedia: true } : shown, capabilities, refs);
	}
	switch (capabilities[event.kind]) {
		case "native":
		case "mixed":
			return pointing(event, capabilities, refs);
		case "text": {
			const message = inWords(event);
			return message && plainer(inPlace(event, message, capabilities, refs), capabilities, refs);
		}
		case "drop":
			return undefined;
	}
}

/** Returns the message that shows a value which is a picture. */
function pictured({ id, room, sender, at, late, label }: State, media: Media): Message {
	const base = { id, room, sender, at, ...(late && { late }) };
	return {
		...base,
		kind: "message",
		style: "notice",
		text: "",
		media: { ...media, alt: media.alt ?? label },
	};
}

/** Returns the words of an event as an edit of the message that the event replaces, where the room has both. */
function inPlace(event: BridgeEvent, words: Message, { edit }: Capabilities, refs: Refs): Message | Edit {
	const target = event.kind === "state" ? event.replaces : undefined;
	const shows = edit === "native" || edit === "mixed";
	return target && shows && found(refs, target.id) ? { ...words, kind: "edit", target } : words;
}

/**
 * Returns true for an event about a message that the room does not know, if the room would show it otherwise: words take
 * its place, or nothing.
 */
export function missesTarget(
	event: BridgeEvent,
	capabilities: Capabilities,
	refs: Refs,
): event is Extract<BridgeEvent, { kind: "redaction" | "edit" | "reaction" | "message" }> {
	const shows = (kind: BridgeEvent["kind"] | Feature) =>
		capabilities[kind] === "native" || capabilities[kind] === "mixed";
	switch (event.kind) {
		case "redaction":
			return shows("redaction") && !event.unsure && !found(refs, event.target.id);
		case "edit":
			return shows("edit") && !found(refs, event.target.own ?? event.target.id);
		case "reaction": {
			const given = event.mode !== "remove" && event.emoji.length > 0;
			return shows("reaction") && given && !found(refs, event.target.id);
		}
		case "message":
			// A quote shows what the message answers.
			return (
				shows("reply") &&
				event.replyTo?.text === undefined &&
				!!event.replyTo &&
				!found(refs, event.replyTo.id)
			);
		case "poll":
		case "vote":
		case "poll-end":
		case "membership":
		case "moderation":
		case "profile":
		case "state":
			return false;
		default:
			return event satisfies never;
	}
}

const found = (refs: Refs, id: string | undefined) => id !== undefined && (refs[id]?.length ?? 0) > 0;

/** Returns a native event; one whose target the room does not know becomes words, or undefined. */
function pointing(event: BridgeEvent, capabilities: Capabilities, refs: Refs): BridgeEvent | undefined {
	switch (event.kind) {
		case "message":
			return plainer(event, capabilities, refs);
		case "edit":
			// Only the author of a message may edit it, which `own` proves where it is present.
			if (found(refs, event.target.own ?? event.target.id)) return plainer(event, capabilities, refs);
			return plainer(inWords(event) as Message, capabilities, refs);
		case "redaction":
			return found(refs, event.target.id) ? event : undefined;
		case "reaction":
		case "vote":
		case "poll-end":
			return found(refs, event.target.id) ? event : inWords(event);
		case "poll":
		case "membership":
		case "moderation":
		case "profile":
		case "state":
			return event;
		default:
			return event satisfies never;
	}
}

/** Returns the message without the features that the room cannot show. */
function plainer<T extends Message | Edit>(event: T, capabilities: Capabilities, refs: Refs): T {
	const { replyTo, thread, ...message } = words<Message | Edit>(event, capabilities);
	const lacks = (feature: Feature) => capabilities[feature] === "text" || capabilities[feature] === "drop";
	const quote = replyTo && (lacks("reply") || !found(refs, replyTo.id));
	const said = quote && capabilities.reply !== "drop" ? quoting(replyTo, message, lacks("rich")) : message;
	const { rich, ...bare } = said;
	const told = thread && capabilities.thread === "text";
	return {
		...(told ? bare : said),
		...(told && { text: phrases.inThread(thread.text, said.text) }),
		...(replyTo && !quote && { replyTo }),
		...(thread && !lacks("thread") && { thread }),
	} as T;
}

/** Returns the message with a quote of the message it answers before it. */
function quoting<T extends Words>({ author, text }: Reference, said: T, bare: boolean): T {
	if (text === undefined) return said;
	const { rich = [said.text], ...message } = said;
	const line = phrases.quoted(author?.name, text, said.text);
	if (bare) return { ...message, text: line } as unknown as T;
	const quote = { tag: "quote", children: [phrases.answered(author?.name, text)] } as const;
	return { ...message, text: line, rich: [quote, ...rich] } as unknown as T;
}

function words<T extends BridgeEvent & Words>(event: T, capabilities: Capabilities): T {
	const { rich, media, more, location, ...bare } = event;
	const can = (feature: Feature) => capabilities[feature] === "native" || capabilities[feature] === "mixed";
	let text = event.text;
	if (media && !can("media")) text = filesInWords([media, ...(more ?? [])], text);
	if (location && !can("location")) text = phrases.sharedLocation(location.description ?? "", location.geo);
	return {
		...bare,
		text,
		...(rich && can("rich") && { rich }),
		...(media && can("media") && { media }),
		...(more && can("media") && { more }),
		...(location && can("location") && { location }),
	} as T;
}

/** Returns a text with a line for each file, its public link or its name, and then the caption. */
export const filesInWords = (files: readonly Media[], said: string): string =>
	[...files.map(({ kind, link, name }) => phrases.sentFile(kind, link ?? name)), said]
		.filter(Boolean)
		.join("\n");

function inWords(event: BridgeEvent): Message | undefined {
	switch (event.kind) {
		case "message":
			return event;
		case "edit": {
			const { kind: _kind, target: _target, rich: _rich, newMedia: _new, ...said } = event;
			// A corrected file without a caption needs no words.
			const text = event.media && event.text === "" ? "" : phrases.correction(event.text);
			return { ...said, kind: "message", text };
		}
		case "reaction":
			// A room without reactions shows no line for a reaction that is taken back.
			if (event.mode === "remove" || event.emoji.length === 0) return undefined;
			return act(event, phrases.reacted(event.emoji.join(" "), event.target.text));
		case "redaction":
			return undefined;
		case "poll":
			return act(
				event,
				phrases.pollToVoteIn(
					event.question,
					event.answers.map((answer) => answer.text),
				),
			);
		case "vote": {
			if (event.undisclosed) return undefined;
			const chosen = event.answers.map((answer) => answer.text).filter(Boolean);
			return chosen.length > 0 ? act(event, phrases.voted(chosen)) : undefined;
		}
		case "poll-end":
			return act(event, phrases.pollEnded(event.text));
		case "state": {
			const { kind: _kind, key: _key, label, value, replaces: _replaces, digest, ...base } = event;
			const seconds = digest && Math.max(1, Math.round((event.at - digest.since) / 1_000));
			const text = digest
				? phrases.digest(label, digest.values, seconds ?? 1, value)
				: phrases.value(label, value);
			return { ...base, kind: "message", style: "notice", text };
		}
		case "moderation":
			return act(
				event,
				phrases.moderated(event.act, event.whom.name ?? event.whom.address.at(-1) ?? "?", event.reason),
			);
		// Joins, leaves and renames are shown by ghosts alone; as text messages they would be noise.
		case "membership":
		case "profile":
			return undefined;
		default:
			return event satisfies never;
	}
}

function act({ id, room, sender, at, late }: BridgeEvent, text: string): Message {
	return { id, room, sender, at, ...(late && { late }), kind: "message", style: "emote", text };
}
