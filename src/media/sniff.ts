import { fileTypeFromBuffer } from "file-type";
import type { Media } from "../core/event.ts";
import type { ByteRange, Opened } from "../core/media.ts";
import { table } from "../core/table.ts";
import { peek } from "./stream.ts";
import { bareType, typeOf } from "./types.ts";

/** The bytes of a file's beginning that show its type. */
export const enoughBytes = 16 * 1024;

/** COMPAT Names of the library for types that clients know under another name. */
const usual = table<string>({
	"audio/x-m4a": "audio/mp4",
	"video/matroska": "video/x-matroska",
	"video/vnd.avi": "video/x-msvideo",
});

/**
 * Resolves with the media type that the first bytes of a file show; undefined for types without a mark, such as plain
 * text. Never rejects.
 */
export async function typeOfBytes(head: Uint8Array): Promise<string | undefined> {
	// The library follows the lengths in a file, and fails on some that contradict each other.
	const found = await fileTypeFromBuffer(head.subarray(0, enoughBytes)).catch(() => undefined);
	const type = bareType(found?.mime);
	// A compound file is an old Office document of any kind.
	if (type === undefined || type === "application/x-cfb") return undefined;
	return usual[type] ?? type;
}

/**
 * Resolves with the type of a file, of which `served` is its server's type and `head` the first bytes; undefined if
 * nothing tells one.
 */
export async function typeByAll(
	{ kind, name, mime: declared }: Pick<Media, "kind" | "name" | "mime">,
	served: string | undefined,
	head: Uint8Array,
): Promise<string | undefined> {
	// COMPAT Some web servers call every file that they do not know plain text.
	const trusted = bareType(served) === "text/plain" && isBinary(head) ? undefined : served;
	const sound = kind === "audio" || kind === "voice";
	return typeOf({ served: trusted, declared, name, bytes: await typeOfBytes(head), sound });
}

/** Resolves with the type of a file whose sender declared none; undefined also for a file that cannot be read. Never rejects. */
export async function typeOfFile(
	media: Media,
	open: (source: Media["source"], range: ByteRange) => Promise<Opened>,
): Promise<string | undefined> {
	try {
		const { body, mime } = await open(media.source, { start: 0, end: enoughBytes - 1 });
		try {
			return await typeByAll(media, mime, (await peek(body, enoughBytes)).head);
		} finally {
			body.destroy();
		}
	} catch {
		return undefined;
	}
}

/** Returns true if bytes are no text. // MIME Sniffing standard, "binary data byte" */
function isBinary(head: Uint8Array): boolean {
	const mark = Buffer.from(head.subarray(0, 2)).toString("hex");
	if (mark === "feff" || mark === "fffe") return false;
	return head
		.subarray(0, enoughBytes)
		.some((byte) => byte <= 0x08 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1f && byte !== 0x1b));
}
