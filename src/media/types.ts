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
	tif: "image/tiff",
	tiff: "image/tiff",
	jxl: "image/jxl",
	svg: "image/svg+xml",
	mp4: "video/mp4",
	m4v: "video/mp4",
	webm: "video/webm",
	mov: "video/quicktime",
	mkv: "video/x-matroska",
	avi: "video/x-msvideo",
	ogv: "video/ogg",
	"3gp": "video/3gpp",
	mp3: "audio/mpeg",
	m4a: "audio/mp4",
	aac: "audio/aac",
	ogg: "audio/ogg",
	oga: "audio/ogg",
	opus: "audio/ogg",
	flac: "audio/flac",
	wav: "audio/wav",
	weba: "audio/webm",
	amr: "audio/amr",
	txt: "text/plain",
	md: "text/markdown",
	csv: "text/csv",
	pdf: "application/pdf",
	rtf: "application/rtf",
	epub: "application/epub+zip",
	doc: "application/msword",
	docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	xls: "application/vnd.ms-excel",
	xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	ppt: "application/vnd.ms-powerpoint",
	pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	odt: "application/vnd.oasis.opendocument.text",
	ods: "application/vnd.oasis.opendocument.spreadsheet",
	odp: "application/vnd.oasis.opendocument.presentation",
	apk: "application/vnd.android.package-archive",
	zip: "application/zip",
	gz: "application/gzip",
	"7z": "application/x-7z-compressed",
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

/** Types by which servers and clients say that they know none, or that a file is there to be saved. */
const unspecific: ReadonlySet<string> = new Set([
	"application/octet-stream",
	"binary/octet-stream",
	"application/x-octet-stream",
	"application/binary",
	"application/x-binary",
	"application/unknown",
	"application/x-unknown",
	"unknown/unknown",
	"application/download",
	"application/x-download",
	"application/force-download",
	"application/x-forcedownload",
	"application/save",
]);

/** Types of containers, which do not say what is inside: sound or pictures, a document or files. */
const containers: ReadonlySet<string> = new Set([
	"application/ogg",
	"application/mp4",
	"application/zip",
	"application/x-zip-compressed",
	"application/x-zip",
	"application/xml",
	"text/xml",
]);

/** Video types that hold sound alone, too. */
const audible = /^video\/(mp4|webm|ogg|3gpp2?)$/;

/**
 * Returns the type of a file by the sources that know one. The first that is specific counts: the type that its server
 * names, the type that its sender declared, the ending of its name, its first bytes; else the first container's type;
 * undefined if none knows one. `sound`: the sender says that it is sound, so a type tells the format alone.
 */
export function typeOf(
	known: Readonly<{
		served?: string | undefined;
		declared?: string | undefined;
		name?: string | undefined;
		bytes?: string | undefined;
		sound?: boolean;
	}>,
): string | undefined {
	const heard = (type: string | undefined) =>
		known.sound && type && audible.test(type) ? type.replace("video/", "audio/") : type;
	const all = [
		bareType(known.served),
		bareType(known.declared),
		typeOfName(known.name ?? ""),
		bareType(known.bytes),
	]
		.map(heard)
		.filter((type) => type !== undefined && !unspecific.has(type));
	return all.find((type) => type && !containers.has(type)) ?? all[0];
}

/** Returns the kind by which a file of this type is shown. */
export function kindOf(mime: string | undefined): "image" | "video" | "audio" | "file" {
	const [top] = (mime ?? "").split("/");
	return top === "image" || top === "video" || top === "audio" ? top : "file";
}

/** Returns the ending of the names of files of a type; undefined for a type without a known one. */
export const endingOf = (mime: string | undefined): string | undefined => endings.get(bareType(mime) ?? "");

/** Returns the name with an ending for its type, since some clients know no other sign of the type. */
export function named(name: string, mime: string | undefined): string {
	const ending = endingOf(mime);
	return !ending || /\.[a-z0-9]{1,8}$/i.test(name) ? name : `${name || "file"}.${ending}`;
}

/** Returns true for a type that a browser may show inline without running any of it. */
export const isInert = (mime: string): boolean =>
	mime === "text/plain" || (/^(image|audio|video)\//.test(mime) && !mime.endsWith("+xml"));
