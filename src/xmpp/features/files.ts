import type { Media } from "../../core/event.ts";
import type { NetworkName } from "../../core/ids.ts";
import * as phrases from "../../core/phrases.ts";
import { bareType, isUnspecific, kindOf, typeOfName } from "../../media/types.ts";
import { child, type Element, text, xml } from "../xml.ts";
import { type MessageFeature, points } from "./message.ts";

/** Files, as clients share them: stateless file sharing (XEP-0447), references (XEP-0385), out of band data (XEP-0066). */

const ns = {
	sfs: "urn:xmpp:sfs:0",
	metadata: "urn:xmpp:file:metadata:0",
	url: "http://jabber.org/protocol/url-data",
	oob: "jabber:x:oob",
	fallback: "urn:xmpp:fallback:0",
	reference: "urn:xmpp:reference:0",
	sims: "urn:xmpp:sims:1",
	jingle: "urn:xmpp:jingle:apps:file-transfer:5",
	thumbs: "urn:xmpp:thumbs:1",
	stickers: "urn:xmpp:stickers:0",
} as const;
const network = "xmpp" as NetworkName;
/** XEP-0264: a picture so small that it stands in its own address. */
const blurhash = "data:image/blurhash,";

const fetchable = (url: string | undefined): url is string =>
	url !== undefined && /^https?:\/\/[^\s]+$/i.test(url) && URL.canParse(url);

/** What a message shares, and what it says of it; undefined where it shares nothing. */
export function filesIn(message: Element): { media: Media; caption: string } | undefined {
	const body = text(message, "body") ?? "";
	return shared(message, body) ?? referenced(message, body) ?? linked(message, body);
}

// XEP-0447 §3
function shared(message: Element, body: string): { media: Media; caption: string } | undefined {
	const all = message.getChildren("file-sharing", ns.sfs).flatMap((sharing) => {
		const sources = sharing.getChild("sources")?.getChildren("url-data", ns.url) ?? [];
		const url = sources.map((one) => one.attrs.target).find(fetchable);
		return url === undefined ? [] : [{ sharing, url }];
	});
	if (!all[0]) return undefined;
	const [{ sharing, url }, ...others] = all;
	const sticker = child(message, "sticker", ns.stickers) ? ("sticker" as const) : undefined;
	const voice = sharing.attrs.disposition === "voice" ? ("voice" as const) : undefined;
	const file = described(child(sharing, "file", ns.metadata));
	// One message holds one file; the others can still be reached.
	const caption = [captionOf(message, body, url, ns.sfs), ...others.map((one) => one.url)];
	return { media: media(url, file, sticker ?? voice), caption: caption.filter(Boolean).join("\n") };
}

// XEP-0385 §3: a reference, usually to the part of the body that is the address.
function referenced(message: Element, body: string): { media: Media; caption: string } | undefined {
	for (const reference of message.getChildren("reference", ns.reference)) {
		const sharing = child(reference, "media-sharing", ns.sims);
		const targets = sharing?.getChild("sources")?.getChildren("reference", ns.reference) ?? [];
		const url = targets.map((one) => one.attrs.uri).find(fetchable);
		if (!sharing || url === undefined) continue;
		const file = described(child(sharing, "file", ns.jingle));
		return { media: media(url, file), caption: body.replace(url, "").trim() };
	}
	return undefined;
}

/** Bare addresses: told to be a file (XEP-0066), or evidently one that somebody just uploaded (XEP-0363). */
function linked(message: Element, body: string): { media: Media; caption: string } | undefined {
	const oob = child(message, "x", ns.oob);
	const url = oob?.getChild("url")?.getText().trim() ?? body.trim();
	if (!fetchable(url)) return undefined;
	const alone = body === "" || body.trim() === url;
	const known = typeOfName(new URL(url).pathname) !== undefined;
	// Feeds and bots name pages this way; those are links, not files.
	if (oob ? !alone && !known : !known || !uploaded.test(url)) return undefined;
	const alt = oob?.getChild("desc")?.getText();
	return { media: media(url, alt ? { alt } : {}), caption: alone ? "" : body.replace(url, "").trim() };
}

/** Paths that upload services give out: one part says what they are, one is not to be guessed. */
const uploaded = /\/\w*(upload|share|file)\w*\/(?:.*\/)?(?=[\w-]*\d)[\w-]{16,}\//i;

type Described = Omit<Partial<Media>, "kind" | "source" | "link">;

/** XEP-0446, and the older form of XEP-0234 with the same names. */
function described(file: Element | undefined): Described {
	if (!file) return {};
	const [first] = file.getChildren("thumbnail", ns.thumbs).map((one) => one.attrs.uri ?? "");
	const hash = first?.startsWith(blurhash) ? decoded(first.slice(blurhash.length)) : undefined;
	const fields = {
		name: text(file, "name"),
		mime: bareType(text(file, "media-type")),
		size: count(text(file, "size")),
		width: count(text(file, "width")),
		height: count(text(file, "height")),
		duration: count(text(file, "length")),
		alt: text(file, "desc"),
		blurhash: hash,
	};
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value)) as Described;
}

const count = (value: string | undefined): number | undefined =>
	value !== undefined && /^\d{1,15}$/.test(value.trim()) ? Number(value) : undefined;

function decoded(text: string): string | undefined {
	try {
		return decodeURIComponent(text);
	} catch {
		return undefined;
	}
}

function media(url: string, file: Described, as?: Media["kind"]): Media {
	const fromUrl = decoded(new URL(url).pathname.split("/").at(-1) ?? "") ?? "";
	const name = file.name || fromUrl || "file";
	const mime = isUnspecific(file.mime) ? (typeOfName(name) ?? typeOfName(fromUrl)) : file.mime;
	return {
		...file,
		kind: as ?? kindOf(mime),
		source: { network, ref: url },
		name,
		...(mime && { mime }),
		link: url,
	};
}

/** The body without what it has for clients that do not know files. // XEP-0428 §3: in code points */
function captionOf(message: Element, body: string, url: string, of: string): string {
	const marked = message.getChildren("fallback", ns.fallback).find((one) => one.attrs.for === of);
	const range = marked?.getChild("body");
	if (marked && !range?.attrs.start) return "";
	const points = Array.from(body);
	const [start, end] = [Number(range?.attrs.start), Number(range?.attrs.end ?? points.length)];
	const rest = marked ? [...points.slice(0, start), ...points.slice(end)].join("") : body;
	return rest.trim() === url ? "" : rest.trim();
}

/** What goes along with a body that is `url` and nothing else, which is how most clients know a file. */
export function fileElements(file: Media, url: string): readonly Element[] {
	const { mime, name, size, width, height, duration, blurhash: hash } = file;
	const number = (tag: string, value: number | undefined) =>
		value === undefined ? undefined : xml(tag, {}, String(Math.round(value)));
	const alt = file.alt || (file.kind === "voice" ? phrases.voiceMessage : undefined);
	const metadata = xml(
		"file",
		{ xmlns: ns.metadata },
		mime && xml("media-type", {}, mime),
		xml("name", {}, name),
		number("size", size),
		number("width", width),
		number("height", height),
		number("length", duration),
		alt && xml("desc", {}, alt),
		hash &&
			xml("thumbnail", {
				xmlns: ns.thumbs,
				uri: `${blurhash}${encodeURIComponent(hash)}`,
				"media-type": "image/blurhash",
			}),
	);
	const disposition = file.kind === "file" ? "attachment" : "inline";
	return [
		xml(
			"file-sharing",
			{ xmlns: ns.sfs, disposition },
			metadata,
			xml("sources", {}, xml("url-data", { xmlns: ns.url, target: url })),
		),
		xml("fallback", { xmlns: ns.fallback, for: ns.sfs }, xml("body")),
		xml("x", { xmlns: ns.oob }, xml("url", {}, url)),
	];
}

/** A body that is an address, and what that is of. See {@link filesIn}, {@link fileElements}. */
export const files: MessageFeature = {
	vars: [ns.sfs, ns.oob],
	read(stanza, heard) {
		// What corrects a message corrects its words.
		const file = child(stanza, "replace", "urn:xmpp:message-correct:0") ? undefined : filesIn(stanza);
		if (!file) return heard;
		const body = Array.from(text(stanza, "body") ?? "");
		const caption = points(file.caption);
		// Names in it are told by where they stand in the body.
		const start = Math.max(0, Array.from(body.join("").split(file.caption, 1)[0] ?? "").length);
		return {
			...heard,
			media: file.media,
			body: caption.map(({ char, raw }) => ({ char, raw: raw + start })),
		};
	},
	write(event, draft) {
		if (event.kind !== "message" || !event.media) return draft;
		return { body: event.text, mentions: [], parts: fileElements(event.media, event.text) };
	},
};
