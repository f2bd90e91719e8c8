import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import type { Log } from "../../core/log.ts";
import type { Opened } from "../../core/media.ts";
import { image } from "../../media/image.ts";
import { atMost } from "../../media/stream.ts";
import { createConcurrencyLimit } from "../concurrency-limit.ts";
import { within } from "../deadline.ts";

/** The picture of a room as XMPP has it: `sha1` in hex. */
export type Picture = Readonly<{ mime: string; base64: string; sha1: string }>;

/** Bytes of the largest picture: a vCard with it stays below the stanza limit of servers. */
const largest = 256 * 1024;
/** Pictures that are kept, and their bytes in memory. */
const [pictures, pictureBytes] = [500, 16 * 1_048_576];
/** How long an answer about a room waits for its picture, in ms. */
const patience = 2_000;
/** How long a picture that cannot be read is not asked for again, in ms. */
const retryAfter = 60_000;
const atOnce = 4;

type Kept = { picture: Promise<Picture | undefined>; bytes: number; until?: number };

/** The pictures of hosted rooms, by their `ref`, whose content never changes. */
export function createPictures(deps: {
	/** @throws PermanentError, TemporaryError */
	open(ref: string): Promise<Opened>;
	now(): number;
	log: Log;
}) {
	const paced = createConcurrencyLimit(atOnce);
	const known = createBoundedMap<string, Kept>(pictures, {
		bytes: pictureBytes,
		of: (ref, { bytes }) => textBytes(ref) + bytes,
	});

	/** Resolves with a picture; undefined for a file that is no picture, and for one that is too large. */
	async function read(ref: string): Promise<Picture | undefined> {
		const { body, size = 0 } = await deps.open(ref);
		if (size > largest) {
			body.destroy();
			return undefined;
		}
		const bytes = await buffer(atMost(body, largest, () => new Error("the picture is too large")));
		const mime = image(bytes)?.mime;
		if (!mime) return undefined;
		const sha1 = createHash("sha1").update(bytes).digest("hex");
		return { mime, base64: bytes.toString("base64"), sha1 };
	}

	function fetch(ref: string): Kept {
		const kept: Kept = { picture: Promise.resolve(undefined), bytes: 500 };
		const failed = (error: unknown) => {
			deps.log.debug({ err: error }, "the picture of a room could not be read");
			kept.until = deps.now() + retryAfter;
			return undefined;
		};
		const weighed = (picture: Picture | undefined) => {
			kept.bytes += textBytes(picture?.base64, picture?.sha1);
			// Set again, so that the map counts the bytes of the picture.
			if (known.get(ref) === kept) known.set(ref, kept);
			return picture;
		};
		kept.picture = paced("pictures", () => read(ref))
			.catch(failed)
			.then(weighed);
		known.set(ref, kept);
		return kept;
	}

	/** Resolves with a picture; undefined where there is none that XMPP can show. Never rejects. */
	function get(ref: string): Promise<Picture | undefined> {
		const last = known.get(ref);
		const stale = last?.until !== undefined && last.until <= deps.now();
		return (last && !stale ? last : fetch(ref)).picture;
	}

	return {
		get,
		/** As `get`; undefined also for a picture that is not read within seconds. Never rejects. */
		soon: (ref: string): Promise<Picture | undefined> => within(patience, get(ref)).catch(() => undefined),
	};
}
export type Pictures = ReturnType<typeof createPictures>;
