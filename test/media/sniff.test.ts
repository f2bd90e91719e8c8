import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Media } from "../../src/core/event.ts";
import type { NetworkName } from "../../src/core/ids.ts";
import { typeOfBytes, typeOfFile } from "../../src/media/sniff.ts";

const ftyp = (brand: string) => `\0\0\0\x20ftyp${brand}\0\0\x02\0${brand}isom`;
const ogg = (first: string) => `OggS\0\x02${"\0".repeat(8)}\x01${"\0".repeat(11)}\x01\x13${first}`;
const beginnings: readonly (readonly [string | undefined, string])[] = [
	["audio/ogg", ogg("OpusHead\x01\x01")],
	["audio/ogg", ogg("\x01vorbis")],
	["video/ogg", ogg("\x80theora")],
	["audio/mpeg", "ID3\x03\0\0\0\0\0\0\xff\xfb\x90\x64"],
	["audio/mp4", ftyp("M4A ")],
	["audio/wav", "RIFF\x24\x08\0\0WAVEfmt "],
	["audio/flac", "fLaC\0\0\0\x22"],
	["audio/amr", "#!AMR\n"],
	["video/mp4", ftyp("mp42")],
	["video/quicktime", ftyp("qt  ")],
	["video/3gpp", ftyp("3gp4")],
	["video/x-msvideo", "RIFF\x24\x08\0\0AVI LIST"],
	["image/png", "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\0\0\0\0\0\0\0\0IDAT"],
	["image/avif", ftyp("avif")],
	["image/heic", ftyp("heic")],
	["image/bmp", `BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0`],
	["application/pdf", "%PDF-1.7\n"],
	["application/zip", "PK\x03\x04\x14\0\0\0\x08\0"],
	["application/rtf", "{\\rtf1\\ansi"],
	["application/gzip", "\x1f\x8b\x08\0"],
	// An old Office document: Word, Excel and PowerPoint begin alike.
	[undefined, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"],
	[undefined, "Dear diary,"],
	[undefined, ""],
];

describe("typeOfBytes", () => {
	test.each(beginnings)("finds %s by the first bytes", async (mime, bytes) => {
		const file = Buffer.concat([Buffer.from(bytes, "latin1"), Buffer.alloc(bytes ? 500 : 0)]);
		expect(await typeOfBytes(file)).toBe(mime);
	});

	test("never rejects, and works for a short time, whatever follows a beginning that it knows", async () => {
		const begun = fc.constantFrom(
			...beginnings.map(([, bytes]) => Buffer.from(bytes, "latin1")),
			Buffer.from("3026b2758e66cf11a6d900aa0062ce6c", "hex"),
		);
		const rest = fc.oneof(
			fc.uint8Array({ maxLength: 600 }),
			fc.tuple(fc.nat(255), fc.nat(40_000)).map(([byte, times]) => new Uint8Array(times).fill(byte)),
			fc
				.constantFrom("PK\x03\x04", "OggS", "\0\0\0\x08free")
				.map((part) => Buffer.from(part.repeat(10_000), "latin1")),
		);
		await fc.assert(
			fc.asyncProperty(begun, rest, async (head, tail) => {
				const before = process.cpuUsage();
				await typeOfBytes(Buffer.concat([head, tail]));
				expect(process.cpuUsage(before).user).toBeLessThan(500_000);
			}),
		);
	});
});

describe("typeOfFile", () => {
	const media = { kind: "file", source: { network: "matrix" as NetworkName, ref: "a" }, name: "a" } as Media;
	const flac = Buffer.concat([Buffer.from("fLaC\0\0\0\x22"), Buffer.alloc(100_000)]);

	test("goes by the server's type, then the name, then the first bytes", async () => {
		const open = (mime?: string) => async () => ({ body: Readable.from([flac]), ...(mime && { mime }) });
		const named = { ...media, name: "a.mp3" };
		expect(await typeOfFile(named, open("audio/x-mine"))).toBe("audio/x-mine");
		expect(await typeOfFile(named, open("application/octet-stream"))).toBe("audio/mpeg");
		expect(await typeOfFile(media, open("application/octet-stream"))).toBe("audio/flac");
	});

	test("reads the beginning alone, and lets the file go", async () => {
		const body = Readable.from([flac]);
		const ranges: unknown[] = [];
		await typeOfFile(media, async (_source, range) => {
			ranges.push(range);
			return { body };
		});
		expect([ranges, body.destroyed]).toEqual([[{ start: 0, end: 16_383 }], true]);
	});

	test("finds no type of a file that cannot be opened, or that breaks", async () => {
		expect(await typeOfFile(media, () => Promise.reject(new Error("gone")))).toBeUndefined();
		const broken = new Readable({
			read() {
				this.destroy(new Error("broken"));
			},
		});
		expect(await typeOfFile(media, async () => ({ body: broken }))).toBeUndefined();
	});
});
