import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import type { Log } from "../core/log.ts";
import type { Opened } from "../core/media.ts";
import type { Avatar } from "../core/person.ts";
import { image } from "../media/image.ts";
import { atMost } from "../media/stream.ts";
import { createConcurrencyLimit } from "./concurrency-limit.ts";
import { within } from "./deadline.ts";

/** The picture of a person or a room as XMPP has it: `sha1` in hex; `size` in bytes, `width` and `height` in pixels. */
export type Picture = Readonly<{
	mime: string;
	base64: string;
	sha1: string;
	size: number;
	width: number;
	height: number;
}>;

/** Bytes of the largest picture: a vCard with it stays below the stanza limit of servers. */
const largest = 256 * 1024;
/** Pictures that are kept, and their bytes in memory. */
const [pictures, pictureBytes] = [2_000, 16 * 1_048_576];
/** Hashes of pictures that are kept longer than these, for presences, and their bytes. */
const [hashes, hashBytes] = [20_000, 8 * 1_048_576];
/** Pictures that wait to be read. */
const mostWaiting = 1_000;
/** How long an answer about a room or a person waits for its picture, in ms. */
const patience = 2_000;
/** How long a picture that cannot be read is not asked for again, in ms. */
const retryAfter = 60_000;
const atOnce = 4;

type Kept = { picture: Promise<Picture | undefined>; bytes: number; until?: number };

/** A picture on its own network; what a `ref` stands for never changes. */
export type Source = Pick<Avatar, "network" | "ref">;
const keyOf = ({ network, ref }: Source): string => `${network} ${ref}`;

/** The pictures of people and rooms of other networks. */
export function createPictures(deps: {
	/** @throws PermanentError, TemporaryError */
	open(source: Source): Promise<Opened>;
	now(): number;
	log: Log;
}) {
	const paced = createConcurrencyLimit(atOnce);
	const known = createBoundedMap<string, Kept>(pictures, {
		bytes: pictureBytes,
		of: (key, { bytes }) => textBytes(key) + bytes,
	});
	const sha1s = createBoundedMap<string, string>(hashes, { bytes: hashBytes, of: textBytes });
	let waiting = 0;

	/** Resolves with a picture; undefined for a file that is no picture, and for one that is too large. */
	async function read(source: Source): Promise<Picture | undefined> {
		const { body, size = 0 } = await deps.open(source);
		if (size > largest) {
			body.destroy();
			deps.log.info({ size, most: largest }, "a picture is not shown, since it is too large");
			return undefined;
		}
		const bytes = await buffer(atMost(body, largest, () => new Error("the picture is too large")));
		const found = image(bytes);
		if (!found) return undefined;
		const sha1 = createHash("sha1").update(bytes).digest("hex");
		sha1s.set(keyOf(source), sha1);
		return { ...found, base64: bytes.toString("base64"), sha1, size: bytes.length };
	}

	function fetch(source: Source): Kept {
		const key = keyOf(source);
		const kept: Kept = { picture: Promise.resolve(undefined), bytes: 500 };
		const failed = (error: unknown) => {
			deps.log.debug({ err: error }, "a picture could not be read");
			kept.until = deps.now() + retryAfter;
			return undefined;
		};
		const weighed = (picture: Picture | undefined) => {
			kept.bytes += textBytes(picture?.base64, picture?.sha1);
			// Set again, so that the map counts the bytes of the picture.
			if (known.get(key) === kept) known.set(key, kept);
			return picture;
		};
		waiting++;
		kept.picture = paced("pictures", () => read(source))
			.finally(() => waiting--)
			.catch(failed)
			.then(weighed);
		known.set(key, kept);
		return kept;
	}

	/** Resolves with a picture; undefined where there is none that XMPP can show, or too many wait. Never rejects. */
	async function get(source: Source): Promise<Picture | undefined> {
		const last = known.get(keyOf(source));
		const stale = last?.until !== undefined && last.until <= deps.now();
		if (last && !stale) return last.picture;
		return waiting < mostWaiting ? fetch(source).picture : undefined;
	}

	return {
		get,
		/** As `get`; undefined also for a picture that is not read within seconds. Never rejects. */
		soon: (source: Source): Promise<Picture | undefined> =>
			within(patience, get(source)).catch(() => undefined),
		/** Returns the hash of a picture that was read before, in hex; undefined for any other. */
		hash: (source: Source): string | undefined => sha1s.get(keyOf(source)),
	};
}
export type Pictures = ReturnType<typeof createPictures>;
