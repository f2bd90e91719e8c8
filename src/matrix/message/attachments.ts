import type { Media, Picture } from "../../core/event.ts";
import type { NetworkName } from "../../core/ids.ts";
import type { Avatar, Person } from "../../core/person.ts";
import { table } from "../../core/table.ts";
import { bareType, kindOf, named, typeOf } from "../../media/types.ts";
import { type Content, isContent, isId, type MatrixEvent, text } from "../event.ts";

// Translates files in events, both ways. Pure.
// Matrix spec, "m.image", "Sending encrypted attachments"; MSC2530, MSC3245

/** The location of a file on the homeserver, with the keys of an encrypted one. */
export type Place = Readonly<{
	url: string;
	/** The AES key, the initial counter and the SHA-256 of the ciphertext, each in Base64. */
	secret?: Readonly<{ key: string; iv: string; sha256: string }>;
	/** A small version that the homeserver makes of an image. face: a square, as it stands beside a name. */
	small?: "room" | "face";
}>;

const network = "matrix" as NetworkName;
const count = (value: unknown): number | undefined =>
	typeof value === "number" && value >= 0 && value < 2 ** 53 ? Math.round(value) : undefined;

const kinds = table<Media["kind"]>({
	"m.image": "image",
	"m.video": "video",
	"m.audio": "audio",
	"m.file": "file",
	"m.sticker": "sticker",
});
const voice = "org.matrix.msc3245.voice";
const extensible = "org.matrix.msc1767.audio";
const blurhash = "xyz.amorgan.blurhash";

/** Returns the file of an event of this type or msgtype, and its caption; undefined for an event without a usable file. */
export function mediaIn(
	type: string,
	content: Content,
	body: string,
): { media: Media; caption: string } | undefined {
	const kind = kinds[type];
	const place = placeOf(content);
	if (!kind || !place) return undefined;
	const info = isContent(content.info) ? content.info : {};
	const audio = isContent(content[extensible]) ? content[extensible] : {};
	const filename = text(content.filename);
	const name = kind === "sticker" ? "" : filename || body;
	const known = {
		mime: typeOf({ declared: text(info.mimetype), name, sound: kind === "audio" }),
		size: count(info.size),
		width: count(info.w),
		height: count(info.h),
		duration: count(info.duration) ?? count(audio.duration),
		alt: kind === "sticker" || (!filename && saysWhatItShows(kind, body)) ? body : undefined,
		blurhash: text(info[blurhash]) || undefined,
		thumbnail: thumbnailIn(info),
	};
	return {
		media: {
			...present(known),
			kind: kind === "audio" && voice in content ? "voice" : kind,
			source: { network, ref: refOf(place) },
			name: name || (kind === "sticker" ? "sticker" : "file"),
		},
		// MSC2530: the body is a caption only if the event also has a filename.
		caption: filename && body !== filename && kind !== "sticker" ? body : "",
	};
}

/** Whether a body without a filename beside it is alt text and no file name. // Matrix spec v1.9, "m.image" */
const saysWhatItShows = (kind: Media["kind"], body: string) =>
	(kind === "image" || kind === "video") && /\s/.test(body.trim()) && !/\.\w{1,8}$/.test(body);

/** Returns the thumbnail in an event's info, if any. // Matrix spec, "ThumbnailInfo" */
function thumbnailIn(info: Content): Picture | undefined {
	const place = placeOf({ url: info.thumbnail_url, file: info.thumbnail_file });
	if (!place) return undefined;
	const details = isContent(info.thumbnail_info) ? info.thumbnail_info : {};
	const known = {
		mime: bareType(text(details.mimetype)),
		size: count(details.size),
		width: count(details.w),
		height: count(details.h),
	};
	return { source: { network, ref: refOf(place) }, ...present(known) };
}

const present = <T extends object>(fields: T) =>
	Object.fromEntries(Object.entries(fields).filter(([, value]) => value)) as Present<T>;
type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function placeOf(content: Content): Place | undefined {
	const { file } = content;
	if (!isContent(file)) return isMxc(text(content.url)) ? { url: text(content.url) } : undefined;
	const { key, hashes } = file;
	if (!isMxc(text(file.url)) || !isContent(key) || !isContent(hashes) || key.alg !== "A256CTR")
		return undefined;
	const secret = { key: text(key.k), iv: text(file.iv), sha256: text(hashes.sha256) };
	const fits = bytes(secret.key) === 32 && bytes(secret.iv) === 16 && bytes(secret.sha256) === 32;
	return fits ? { url: text(file.url), secret } : undefined;
}

const bytes = (base64: string) => Buffer.from(base64, "base64").length;
const mxc = /^mxc:\/\/([^/]+)\/([A-Za-z0-9_=-]+)$/;
const isMxc = (url: string) => mxc.test(url);

/** Returns the server and the media id of an mxc: URI, undefined for anything else. */
export function mxcParts(url: string): readonly [string, string] | undefined {
	const [, server, id] = mxc.exec(url) ?? [];
	return server === undefined || id === undefined ? undefined : [server, id];
}

const refOf = ({ url, secret }: Place) =>
	secret ? [url, secret.key, secret.iv, secret.sha256].join(" ") : url;

/** Returns the `ref` of a small version of an unencrypted image, such as the picture of a room. */
export const smallRef = (url: string): string => `${url} small`;

/** Returns the picture of a person at an mxc URI; null for anything else. */
export const avatarAt = (url: unknown): Avatar | null =>
	mxcParts(text(url)) && isId(text(url)) ? { network, ref: `${text(url)} face` } : null;

/**
 * Returns a member, whom the event shows as `now`, as they were before it under the name `called`. Where the event does not
 * tell the last picture, it is the one that they had when the room was read.
 */
export function memberBefore({ unsigned }: MatrixEvent, now: Person, called: string, read: Person): Person {
	const { prev_content: previous } = unsigned ?? {};
	const avatar = isContent(previous) ? avatarAt(previous.avatar_url) : (read.avatar ?? now.avatar ?? null);
	return { ...now, name: called, avatar };
}

export function placeAt(ref: string): Place {
	const [url = "", key, iv, sha256] = ref.split(" ");
	if (key === "small") return { url, small: "room" };
	if (key === "face") return { url, small: "face" };
	return key && iv && sha256 ? { url, secret: { key, iv, sha256 } } : { url };
}

/** An uploaded file with the type and size that the bridge found itself, whatever its sender states. */
export type Stored = Readonly<{
	url: string;
	mime: string;
	size: number;
	width?: number;
	height?: number;
	thumbnail?: Stored;
}>;

/** Returns the event that shows an uploaded file. `content` holds the caption. */
export function withMedia(
	content: Content,
	media: Media,
	stored: Stored,
): { type: string; content: Content } {
	const { width = media.width, height = media.height } = stored;
	const info = {
		...sizes({ ...stored, ...(width && { width }), ...(height && { height }) }),
		...(media.duration !== undefined && { duration: Math.round(media.duration) }),
		...(media.blurhash && { [blurhash]: media.blurhash }),
		...(stored.thumbnail && {
			thumbnail_url: stored.thumbnail.url,
			thumbnail_info: sizes(stored.thumbnail),
		}),
	};
	const { msgtype: _msgtype, format, formatted_body, ...rest } = content;
	const caption = text(content.body);
	const alt = (media.alt ?? "").toWellFormed();
	const name = (media.kind === "sticker" ? media.name : named(media.name, stored.mime)).toWellFormed();
	const file = { ...rest, url: stored.url, info };
	if (media.kind === "sticker")
		return { type: "m.sticker", content: { ...file, body: caption || alt || name } };
	const shown = kindShown(media.kind, stored.mime);
	return {
		type: "m.room.message",
		content: {
			...file,
			...(caption && format !== undefined && { format, formatted_body }),
			msgtype: `m.${shown === "voice" ? "audio" : shown}`,
			// Matrix has no field for alt text, so without a caption it becomes the body.
			body: caption || alt || name,
			filename: name,
			...(shown === "voice" && {
				[voice]: {},
				// COMPAT Element X discards an audio block without a duration. Clients compute the waveform themselves.
				...(media.duration !== undefined && { [extensible]: { duration: Math.round(media.duration) } }),
			}),
		},
	};
}

const sizes = ({ mime, size, width, height }: Stored): Content => ({
	mimetype: mime,
	size,
	...(width && height && { w: width, h: height }),
});

/** Returns the kind by the actual type: a picture sent as a file is shown, a file that only claims to be one is not. */
function kindShown(stated: Media["kind"], mime: string): "image" | "video" | "audio" | "voice" | "file" {
	const real = kindOf(mime);
	return stated === "voice" && real === "audio" ? "voice" : real;
}

/** Returns the text and the link of a file that could not be uploaded. */
export function asLink(content: Content, link: string): Content {
	const { format: _format, formatted_body: _formatted, ...rest } = content;
	return { ...rest, body: [text(content.body), link].filter(Boolean).join("\n") };
}
