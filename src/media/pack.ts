/** The content of a link, in as few bytes as it takes: a link of three lines is no pleasure in a terminal. */

/** The content that a link holds. */
export type Packed = Readonly<{
	/** The network and the reference of the file, with a blank between them. */
	place: string;
	/** The whole name, or a digest of the name at the end of the URL if that is whole, {@link digestLength} characters. */
	name: Readonly<{ whole: string }> | Readonly<{ digest: string }>;
	mime?: string | undefined;
	/** The keys of the message and of its sender, in Base64 (url), {@link keyLength} characters each. */
	message: string;
	person: string;
}>;

/** Characters of a key that a link holds: 72 bits, so that nobody finds a second message with the same key. */
export const keyLength = 12;
const keyBytes = 9;
export const digestLength = 4;
const digestBytes = 3;

/** Append only: links hold the place of a type in this list, from 1 on. */
const types: readonly string[] = [
	"image/jpeg",
	"image/png",
	"image/gif",
	"image/webp",
	"image/avif",
	"image/heic",
	"image/svg+xml",
	"video/mp4",
	"video/webm",
	"video/quicktime",
	"audio/ogg",
	"audio/mp4",
	"audio/mpeg",
	"audio/aac",
	"audio/wav",
	"audio/webm",
	"audio/flac",
	"application/pdf",
	"application/zip",
	"text/plain",
];
const otherType = 127;
/** A bit beside the type: the whole name follows. */
const wholeName = 128;

/** How a word is written: as it is, or as the bytes that it spells in one of the forms of Base64 without padding. */
const spellings = ["utf8", "base64url", "base64"] as const;
type Spelling = (typeof spellings)[number];
const spell = (bytes: Buffer, how: Spelling) =>
	how === "base64" ? bytes.toString(how).slice(0, Math.ceil((bytes.length * 4) / 3)) : bytes.toString(how);

/** Packs a link's content. `known` are beginnings of places, which cost one byte: append only, as links hold their position. */
export function pack({ place, name, mime, message, person }: Packed, known: readonly string[]): Buffer {
	const [prefix = ""] = known
		.filter((one) => place.startsWith(one))
		.sort((one, other) => other.length - one.length);
	const words = place.slice(prefix.length).split(" ").map(packWord);
	const type = mime === undefined ? 0 : types.indexOf(mime) + 1 || otherType;
	return Buffer.concat([
		Buffer.of(known.indexOf(prefix) + 1, type | ("whole" in name ? wholeName : 0)),
		Buffer.from(message.slice(0, keyLength), "base64url"),
		Buffer.from(person.slice(0, keyLength), "base64url"),
		type === otherType ? withLength(Buffer.from(mime ?? "")) : Buffer.of(),
		"whole" in name ? withLength(Buffer.from(name.whole)) : Buffer.from(name.digest, "base64url"),
		...words,
	]);
}

/** The first byte of a number of bytes that takes three further ones. */
const long = 255;

function packWord(word: string): Buffer {
	const how = (["base64url", "base64"] as const).find((one) => spell(Buffer.from(word, one), one) === word);
	const bytes = withLength(Buffer.from(word, how ?? "utf8"));
	return Buffer.concat([Buffer.of(spellings.indexOf(how ?? "utf8")), bytes]);
}

/** Returns the bytes behind their number: one byte, or 255 and three bytes. */
function withLength(bytes: Buffer): Buffer {
	if (bytes.length < long) return Buffer.concat([Buffer.of(bytes.length), bytes]);
	const number = Buffer.of(long, 0, 0, 0);
	number.writeUIntBE(bytes.length, 1, 3);
	return Buffer.concat([number, bytes]);
}

/** Returns what {@link pack} packed. @throws RangeError for bytes that it did not make */
export function unpack(bytes: Buffer, known: readonly string[]): Packed {
	let at = 0;
	const take = (count: number) => {
		at += count;
		return bytes.subarray(at - count, at);
	};
	const byte = () => take(1).readUInt8();
	const counted = () => {
		const count = byte();
		return take(count === long ? take(3).readUIntBE(0, 3) : count);
	};
	const prefix = byte();
	const flags = byte();
	const type = flags & ~wholeName;
	const message = take(keyBytes).toString("base64url");
	const person = take(keyBytes).toString("base64url");
	const mime = type === otherType ? counted().toString() : types[type - 1];
	const name =
		flags & wholeName ? { whole: counted().toString() } : { digest: take(digestBytes).toString("base64url") };
	const words: string[] = [];
	while (at < bytes.length) {
		const how = spellings[byte()] ?? "utf8";
		words.push(spell(counted(), how));
	}
	return { place: (known[prefix - 1] ?? "") + words.join(" "), name, mime, message, person };
}
