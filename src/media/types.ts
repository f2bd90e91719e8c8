import { table } from "../core/table.ts";

/** Media types that people exchange, with their file name endings. */
const byEnding = table<string>({
	png: "image/png",
	jpg: "image/jpeg",
	jpeg: "image/jpeg",
	gif: "image/gif",
	webp: "image/webp",
	avif: "image/avif",
	heic: "image/heic",
	bmp: "image/bmp",
	svg: "image/svg+xml",
	mp4: "video/mp4",
	m4v: "video/mp4",
	webm: "video/webm",
	mov: "video/quicktime",
	mkv: "video/x-matroska",
	"3gp": "video/3gpp",
	mp3: "audio/mpeg",
	m4a: "audio/mp4",
	aac: "audio/aac",
	ogg: "audio/ogg",
	oga: "audio/ogg",
	opus: "audio/ogg",
	flac: "audio/flac",
	wav: "audio/wav",
	txt: "text/plain",
	pdf: "application/pdf",
	zip: "application/zip",
	json: "application/json",
	vcf: "text/vcard",
	ics: "text/calendar",
});
const endings = new Map(
	Object.entries(byEnding)
		.reverse()
		.map(([ending, mime]) => [mime, ending]),
);

/** Returns `image/png` for `image/PNG; charset=x`; undefined for a text that is no media type. */
export function bareType(mime: string | undefined): string | undefined {
	const type = mime?.split(";")[0]?.trim().toLowerCase();
	return type && /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/.test(type) ? type : undefined;
}

export const typeOfName = (name: string): string | undefined =>
	byEnding[/\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? ""];

export const isUnspecific = (mime: string | undefined): boolean =>
	mime === undefined || mime === "application/octet-stream" || mime === "binary/octet-stream";

/** Returns the kind by which a file of this type is shown. */
export function kindOf(mime: string | undefined): "image" | "video" | "audio" | "file" {
	const [top] = (mime ?? "").split("/");
	return top === "image" || top === "video" || top === "audio" ? top : "file";
}

/** Returns the name with an ending for its type, since some clients know no other sign of the type. */
export function named(name: string, mime: string | undefined): string {
	const ending = endings.get(bareType(mime) ?? "");
	return !ending || /\.[a-z0-9]{1,8}$/i.test(name) ? name : `${name || "file"}.${ending}`;
}

/** Returns true for a type that a browser may show inline without running any of it. */
export const isInert = (mime: string): boolean =>
	mime === "text/plain" || (/^(image|audio|video)\//.test(mime) && !mime.endsWith("+xml"));
