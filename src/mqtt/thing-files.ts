import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { createBoundedMap } from "../core/bounded-map.ts";
import { PermanentError } from "../core/errors.ts";
import type { Media } from "../core/event.ts";
import type { ByteRange, Opened } from "../core/media.ts";
import type { Readings, ThingFile } from "../core/readings.ts";
import { image } from "../media/image.ts";
import { partOf } from "../media/range.ts";
import { endingOf } from "../media/types.ts";
import { mqttName } from "./from-mqtt.ts";
import * as phrases from "./phrases.ts";

/** Files in memory, for readings that keep none, and bytes of all of them. */
const [recent, recentBytes] = [20, 16 * 1_048_576];

/** Keeps the files that things send, each once by the hash of its bytes, and gives them out. */
export function createThingFiles(readings: Readings) {
	const files = createBoundedMap<string, ThingFile>(recent, {
		bytes: recentBytes,
		of: (_, { bytes }) => bytes.length + 300,
	});

	/**
	 * Returns the file that has these bytes, named after the thing: an image, if its bytes tell that. `declared`: the media type
	 * of the thing, which counts for other files alone.
	 */
	function keep(bytes: Uint8Array, name: string, declared?: string): Media {
		const hash = createHash("sha256").update(bytes).digest("hex");
		const picture = image(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
		const mime = picture?.mime ?? declared;
		if (!files.has(hash)) {
			// A copy: the packet may be a part of a larger buffer.
			const file = { hash, bytes: Uint8Array.from(bytes), ...(mime !== undefined && { mime }) };
			files.set(hash, file);
			readings.save({ files: [file] });
		}
		return {
			kind: picture ? "image" : "file",
			source: { network: mqttName, ref: hash },
			name: `${name}.${endingOf(mime) ?? "bin"}`,
			mime: mime ?? "application/octet-stream",
			size: bytes.length,
			...(picture &&
				picture.width > 0 &&
				picture.height > 0 && { width: picture.width, height: picture.height }),
		};
	}

	return {
		keep,
		/** Returns a kept file as one that an answer can bring; undefined if it is forgotten. */
		again(hash: string, name: string): Media | undefined {
			const file = files.get(hash) ?? readings.file(hash);
			return file && keep(file.bytes, name, file.mime);
		},
		/** @throws PermanentError if the file is forgotten */
		open(hash: string, range?: ByteRange): Opened {
			const file = files.get(hash) ?? readings.file(hash);
			if (!file) throw new PermanentError("not-found", phrases.fileGone);
			const part = range && partOf(range, file.bytes.length);
			const bytes = part ? file.bytes.subarray(part.start, part.end + 1) : file.bytes;
			return {
				body: Readable.from([Buffer.from(bytes)]),
				size: file.bytes.length,
				...(file.mime && { mime: file.mime }),
				...(part && { part }),
			};
		},
	};
}
export type ThingFiles = ReturnType<typeof createThingFiles>;
