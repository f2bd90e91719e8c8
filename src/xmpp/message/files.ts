import { createHash } from "node:crypto";
import { spend } from "../../core/budget.ts";
import type { Media, Picture } from "../../core/event.ts";
import type { NetworkName } from "../../core/ids.ts";
import { bareType, kindOf, typeOf, typeOfName } from "../../media/types.ts";
import * as phrases from "../phrases.ts";
import { child, type Element, text, xml } from "../stream/xml.ts";
import { inside, outside, ranges } from "./fallback.ts";
import { length, type MessageFeature, type Point, points, wordsOf } from "./feature.ts";
import { bitsAt } from "./stickers.ts";

/** File sharing: stateless file sharing (XEP-0447), media references (XEP-0385) and out-of-band data (XEP-0066). */

const ns = {
	sfs: "urn:xmpp:sfs:0",
	metadata: "urn:xmpp:file:metadata:0",
	url: "http://jabber.org/protocol/url-data",
	oob: "jabber:x:oob",
	fallback: "urn:xmpp:fallback:0",
	reference: "urn:xmpp:reference:0",
	sims: "urn:xmpp:sims:1",
	jingle: "urn:xmpp:jingle:apps:file-transfer:5",
	hashes: "urn:xmpp:hashes:2",
	thumbs: "urn:xmpp:thumbs:1",
	stickers: "urn:xmpp:stickers:0",
} as const;
const network = "xmpp" as NetworkName;
/** XEP-0264: the prefix of a thumbnail's URI that contains a BlurHash. */
const blurhash = "data:image/blurhash,";

/** The longest URL that is taken for a file's, in characters. */
const longest = 4_096;
function fetchable(url: string | undefined): url is string {
	if (url === undefined || url.length > longest) return false;
	spend(url.length);
	return /^https?:\/\/[^\s]+$/i.test(url) && URL.canParse(url);
}

/** The most files of one message that cross as files; the others stay URLs in the body. */
const most = 20;
/** The most thumbnails, sources and hashes of one file that are read. */
const alternatives = 8;

type Shared = Readonly<{ media: Media; more?: readonly Media[]; caption: readonly Point[] }>;

/**
 * Returns the files that a message shares, in order, and the rest of its body as the caption; undefined without
 * files.
 */
function filesIn(message: Element, body: readonly Point[]): Shared | undefined {
	const found = [shared, referenced, linked].map((read) => read(message, body)).find((all) => all.length > 0);
	const all = [...new Map(found?.map((file) => [file.link, file])).values()];
	const [media, ...more] = all.slice(0, most);
	if (!media) return undefined;
	const fallback = ranges(message, ns.sfs) ?? [];
	const visible = outside(body, fallback);
	const words = withoutUrls(visible, [media, ...more]);
	const left = tokens(words);
	const beyond = all.slice(most).flatMap(({ source }) => (left.has(source.ref) ? [] : [`\n${source.ref}`]));
	// These URLs are not part of the stanza's body, so no mention can refer to them (raw is NaN).
	const caption = [...words, ...points(beyond.join("")).map(({ char }) => ({ char, raw: Number.NaN }))];
	const shown = { media: named(media, inside(body, fallback)), ...(more.length > 0 && { more }) };
	return { ...shown, caption: trimmed(caption) };
}

/** XEP-0449 §3.2: the fallback text of a sticker is its name. */
function named(media: Media, fallback: readonly Point[]): Media {
	const name = wordsOf({ body: trimmed(fallback) });
	return media.kind !== "sticker" || media.alt || !name || fetchable(name) ? media : { ...media, alt: name };
}

// XEP-0447 §3
function shared(message: Element): readonly Media[] {
	const sticker = child(message, "sticker", ns.stickers) ? ("sticker" as const) : undefined;
	return message.getChildren("file-sharing", ns.sfs).flatMap((sharing, index) => {
		const sources = sharing.getChild("sources")?.getChildren("url-data", ns.url).slice(0, alternatives) ?? [];
		const url = sources.map((one) => one.attrs.target).find(fetchable);
		const voice = sharing.attrs.disposition === "voice" ? ("voice" as const) : undefined;
		// Files past the limit stay URLs, so their metadata is not read.
		const file = index < most ? child(sharing, "file", ns.metadata) : undefined;
		return url === undefined ? [] : [media(url, described(file, message), sticker ?? voice)];
	});
}

// XEP-0385 §3: a reference, which usually points at the URL in the body.
function referenced(message: Element): readonly Media[] {
	return message.getChildren("reference", ns.reference).flatMap((reference, index) => {
		const sharing = child(reference, "media-sharing", ns.sims);
		const targets = sharing?.getChild("sources")?.getChildren("reference", ns.reference) ?? [];
		const url = targets
			.slice(0, alternatives)
			.map((one) => one.attrs.uri)
			.find(fetchable);
		if (!sharing || url === undefined) return [];
		return [media(url, described(index < most ? child(sharing, "file", ns.jingle) : undefined, message))];
	});
}

/**
 * Returns the files behind bare URLs: those marked as out-of-band data (XEP-0066), or one that looks uploaded
 * (XEP-0363).
 */
function linked(message: Element, body: readonly Point[]): readonly Media[] {
	const known = (url: string) => typeOfName(new URL(url).pathname) !== undefined;
	const oobs = message.getChildren("x", ns.oob);
	if (oobs.length === 0) {
		const url = wordsOf({ body }).trim();
		return fetchable(url) && known(url) && isUploaded(url) ? [media(url, {})] : [];
	}
	const files = oobs.flatMap((oob) => {
		const url = oob.getChild("url")?.getText().trim();
		const alt = oob.getChild("desc")?.getText();
		return fetchable(url) ? [media(url, alt ? { alt } : {})] : [];
	});
	const urls = new Set(files.map(({ source }) => source.ref));
	const alone = tokens(body).isSubsetOf(urls);
	// Feeds and bots mark web pages as out-of-band data, too; those stay links.
	return files.filter(({ source }) => alone || known(source.ref));
}

const tokens = (body: readonly Point[]) => new Set(wordsOf({ body }).split(/\s+/).filter(Boolean));

/** Returns the body without the first occurrence of each file's URL. */
function withoutUrls(body: readonly Point[], files: readonly Media[]): readonly Point[] {
	// Longer URLs are removed first, because one URL may be a prefix of another.
	const urls = files.map(({ source }) => source.ref).sort((one, other) => other.length - one.length);
	return urls.reduce((left, url) => {
		const words = wordsOf({ body: left });
		const at = words.indexOf(url);
		if (at < 0) return left;
		const start = length(words.slice(0, at));
		return left.toSpliced(start, length(url));
	}, body);
}

function trimmed(body: readonly Point[]): readonly Point[] {
	const words = ({ char }: Point) => char.trim() !== "";
	const first = body.findIndex(words);
	return first < 0 ? [] : body.slice(first, body.findLastIndex(words) + 1);
}

/**
 * True if the path looks like an upload service's: a folder with "upload", "share" or "file" in its name, then an
 * unguessable one.
 */
function isUploaded(url: string): boolean {
	const folders = url.split("/").slice(1, -1);
	spend(folders.length);
	const says = folders.findIndex((part) => /^\w+$/.test(part) && /upload|share|file/i.test(part));
	return says >= 0 && folders.slice(says + 1).some((part) => /^[\w-]{16,}$/.test(part) && /\d/.test(part));
}

type Described = Omit<Partial<Media>, "kind" | "source" | "link">;

/** Returns the metadata of a file (XEP-0446, or XEP-0234, whose elements have the same names). */
function described(file: Element | undefined, message: Element): Described {
	if (!file) return {};
	const thumbnails = file
		.getChildren("thumbnail", ns.thumbs)
		.slice(0, alternatives)
		.map(({ attrs }) => attrs);
	const hash = thumbnails.find(({ uri }) => uri?.startsWith(blurhash))?.uri;
	const fields = {
		name: text(file, "name"),
		mime: bareType(text(file, "media-type")),
		size: count(text(file, "size")),
		sha256: hashOf(file),
		...dimensions(file),
		duration: count(text(file, "length")),
		alt: text(file, "desc"),
		blurhash: hash && decoded(hash.slice(blurhash.length)),
		thumbnail: thumbnails.map((one) => thumbnail(one, message)).find((one) => one !== undefined),
	};
	return present(fields) as Described;
}

// XEP-0447 §7: a hash is there to be compared with the file.
const hashOf = (file: Element) =>
	file
		.getChildren("hash", ns.hashes)
		.slice(0, alternatives)
		.filter(({ attrs }) => attrs.algo === "sha-256")
		.map((hash) => hash.getText().trim())
		.find((hash) => Buffer.from(hash, "base64").length === 32);

const present = (fields: object) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value));

function dimensions(file: Element): object {
	// COMPAT XEP-0446 before 0.2.0.
	const [, width, height] = /^(\d+)x(\d+)$/.exec(text(file, "dimensions") ?? "") ?? [];
	return { width: count(text(file, "width") ?? width), height: count(text(file, "height") ?? height) };
}

/**
 * Returns a thumbnail (XEP-0264) that has a URL, came within the stanza, or can be requested from the sender
 * (XEP-0231).
 */
function thumbnail({ uri = "", ...attrs }: Element["attrs"], message: Element): Picture | undefined {
	const picture = fetchable(uri) ? { source: { network, ref: uri }, link: uri } : bitsAt(message, uri);
	const [mime, width, height] = [bareType(attrs["media-type"]), count(attrs.width), count(attrs.height)];
	return picture && { ...picture, ...present({ mime, width, height }) };
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
	const sound = as === "voice";
	const mime = typeOf({ declared: typeOf({ declared: file.mime, name, sound }), name: fromUrl, sound });
	return {
		...file,
		kind: as ?? kindOf(mime),
		source: { network, ref: url },
		name,
		...(mime && { mime }),
		link: url,
	};
}

/**
 * Returns the elements of a file message. Its body must be `url` alone: most clients know a file by
 * such a body.
 */
export function fileElements(file: Media, url: string): readonly Element[] {
	const { mime, name, size, width, height, duration, blurhash: hash, thumbnail } = file;
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
		thumbnail?.link &&
			xml("thumbnail", {
				xmlns: ns.thumbs,
				uri: thumbnail.link,
				"media-type": thumbnail.mime,
				width: thumbnail.width?.toString(),
				height: thumbnail.height?.toString(),
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
		// XEP-0449 §4.2: the pack attribute is required, even though this sticker belongs to no pack.
		...(file.kind === "sticker" ? [xml("sticker", { xmlns: ns.stickers, pack: packOf(url) })] : []),
		xml("fallback", { xmlns: ns.fallback, for: ns.sfs }, xml("body")),
		xml("x", { xmlns: ns.oob }, xml("url", {}, url)),
	];
}

const packOf = (url: string) => createHash("sha256").update(url).digest("base64").slice(0, 24);

/** Files: the body is the URL, and {@link fileElements} describe the file. */
export const files: MessageFeature = {
	vars: [ns.sfs, ns.oob, ns.sims],
	read(stanza, parsed) {
		const file = filesIn(stanza, parsed.body);
		if (!file) return parsed;
		const { caption, ...files } = file;
		return { ...parsed, ...files, body: caption };
	},
	write(event, draft) {
		if ((event.kind !== "message" && event.kind !== "edit") || !event.media) return draft;
		return { body: event.text, mentions: [], parts: fileElements(event.media, event.text) };
	},
};
