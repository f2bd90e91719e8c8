import { filesInWords } from "../../../core/downgrade.ts";
import type { Edit, Media, Message } from "../../../core/event.ts";
import type { MessageId } from "../../../core/ids.ts";
import type { Refs } from "../../../core/network.ts";
import type { Sayable } from "../../message/feature.ts";
import { idsIn, partId } from "./references.ts";

/** One stanza of an event: its content, and its place among the stanzas of the event (from 0). */
export type Part = Readonly<{ event: Sayable; refs: Refs; n: number }>;

/**
 * Splits an event into the stanzas that show it. Clients recognise a file by a body that is its URL and nothing else, so
 * each file is a stanza of its own, and the caption a further one, a reply to the first file. A file without a URL
 * (`link`) becomes words. Pure.
 */
export function partsOf(
	event: Sayable,
	refs: Refs,
	{
		own,
		count,
	}: Readonly<{
		/** People of the view sent the event as one stanza, so it stays one. */
		own: boolean;
		/** The number of stanzas of the message that a deletion deletes. */
		count: number;
	}>,
): readonly Part[] {
	switch (event.kind) {
		case "message":
			if (event.media && own) return [{ event: inOne(event, event.media), refs, n: 0 }];
			return event.media ? withFiles(event, event.media, refs) : [{ event, refs, n: 0 }];
		case "edit":
			return event.media ? editOfFile(event, event.media, refs) : [{ event, refs, n: 0 }];
		case "redaction":
			return Array.from({ length: count }, (_, n) => ({ event, refs: ofPart(refs, event.target.id, n), n }));
		case "reaction":
			return [{ event, refs, n: 0 }];
		default:
			return event satisfies never;
	}
}

/** Returns a file with its caption as the description, in which one stanza has room for it. */
function inOne({ text, rich: _, ...said }: Message, media: Media): Message {
	if (media.link === undefined) {
		const { media: _media, ...words } = said;
		return { ...words, text: filesInWords([media], text) };
	}
	const alt = [text, media.alt].filter(Boolean).join("\n");
	return { ...said, style: "text", text: media.link, media: { ...media, ...(alt && { alt }) } };
}

function withFiles(event: Message, media: Media, refs: Refs): readonly Part[] {
	const { media: _, more = [], rich, ...said } = event;
	const { replyTo: _reply, ...further } = said;
	const all = [media, ...more];
	const shown = all.filter(({ link }) => link !== undefined);
	const files = shown.map(
		(file, n): Part => ({
			event: { ...(n === 0 ? said : further), style: "text", text: file.link ?? "", media: file },
			refs,
			n,
		}),
	);
	const missing = all.filter(({ link }) => link === undefined);
	const text = filesInWords(missing, event.text);
	if (text === "") return files;
	const words: Message = { ...said, text, ...(rich && missing.length === 0 && { rich }) };
	if (files.length === 0) return [{ event: words, refs, n: 0 }];
	const caption: Message = { ...words, replyTo: { id: event.id, author: event.sender } };
	return [...files, { event: caption, refs: { ...refs, [event.id]: idsIn(event.id) }, n: files.length }];
}

/** A new file replaces the first stanza; the caption has its own place, also where the message had none before. */
function editOfFile(event: Edit, media: Media, refs: Refs): readonly Part[] {
	const { media: _, more = [], newMedia, rich, ...said } = event;
	const target = event.target.own ?? event.target.id;
	const place = 1 + more.length;
	const file: Edit =
		media.link === undefined
			? { ...said, text: filesInWords([media], "") }
			: { ...said, style: "text", text: media.link, media };
	const captioned: Edit = {
		...said,
		...(rich && { rich }),
		replyTo: { id: event.id, author: event.sender },
	};
	const captionRefs = { ...ofPart(refs, target, place), [event.id]: refs[target] ?? [] };
	return [
		...(newMedia ? [{ event: file, refs, n: 0 }] : []),
		...(event.text === "" ? [] : [{ event: captioned, refs: captionRefs, n: place }]),
	];
}

/** Returns the references with the n-th stanza of a message in place of its first. */
function ofPart(refs: Refs, id: MessageId, n: number): Refs {
	const sid = refs[id]?.find((one) => one.startsWith("sid "))?.slice(4) as MessageId | undefined;
	if (n === 0 || sid === undefined) return refs;
	return { ...refs, [id]: idsIn(partId(sid, n)) };
}
