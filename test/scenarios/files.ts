import type { FileKind } from "./script.ts";

/** A PNG of one black pixel. */
const png = Buffer.from(
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==",
	"base64",
);
const types: Record<FileKind, string> = {
	image: "image/png",
	sticker: "image/png",
	video: "video/mp4",
	audio: "audio/mpeg",
	voice: "audio/ogg",
	file: "application/pdf",
};

/** Returns type and bytes of a sample file. */
export const bytesOf = (kind: FileKind) => ({
	type: types[kind],
	bytes: types[kind] === "image/png" ? png : Buffer.alloc(100, "x"),
});
