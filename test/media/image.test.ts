import fc from "fast-check";
import { expect, test } from "vitest";
import { image } from "../../src/media/image.ts";

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ""), "hex");
const exif = (orientation: string) =>
	`ffe1 0022 457869660000 4d4d002a 00000008 0001 0112 0003 00000001 ${orientation}0000 00000000`;

test.each([
	["PNG", "89504e470d0a1a0a 0000000d 49484452 00000102 00000304 0806000000", "image/png", 258, 772],
	["GIF", "474946383961 0201 0403 f70000", "image/gif", 258, 772],
	[
		"lossy WebP",
		"52494646 00000000 57454250 56503820 00000000 000000 9d012a 0201 0403",
		"image/webp",
		258,
		772,
	],
	["lossless WebP", "52494646 00000000 57454250 5650384c 00000000 2f 01c1c000", "image/webp", 258, 772],
	[
		"extended WebP",
		"52494646 00000000 57454250 56503858 0a000000 10000000 010100 030300",
		"image/webp",
		258,
		772,
	],
	["JPEG", "ffd8 ffe0 0004 0000 ffc0 0011 08 0304 0102 03", "image/jpeg", 258, 772],
	["progressive JPEG", "ffd8 ffdb 0003 00 ffff c2 0011 08 0304 0102 03", "image/jpeg", 258, 772],
	["JPEG turned upright", `ffd8 ${exif("0001")} ffc0 0011 08 0304 0102 03`, "image/jpeg", 258, 772],
	[
		"JPEG with broken Exif data",
		"ffd8 ffe1 001c 457869660000 4d4d002a fffffff0 ffff 0112 0003 00000001 0006 ffc0 0011 08 0304 0102 03",
		"image/jpeg",
		258,
		772,
	],
	["JPEG taken sideways", `ffd8 ${exif("0006")} ffc0 0011 08 0304 0102 03`, "image/jpeg", 772, 258],
])("%s", (_name, bytes, mime, width, height) => {
	expect(image(hex(bytes))).toEqual({ mime, width, height });
});

test("other files and truncated headers are no images", () => {
	for (const bytes of ["", "89504e470d0a1a0a", "ffd8ffe1ffff", "47494638", "3c737667"])
		expect(image(hex(bytes))).toBeUndefined();
	const starts = [
		"89504e470d0a1a0a",
		"ffd8ff",
		"474946383961",
		"52494646000000005745425056503858",
		exif("0006"),
	];
	fc.assert(
		fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 60 }), (start, rest) => {
			image(Buffer.concat([hex(start), rest]));
		}),
	);
});

/** Returns how many numbers `work` reads from buffers. */
function reads(work: () => void): number {
	const methods = ["readUInt8", "readUInt16BE", "readUInt16LE", "readUInt32BE", "readUInt32LE"] as const;
	const originals = methods.map((method) => [method, Buffer.prototype[method]] as const);
	let count = 0;
	for (const [method, original] of originals)
		Buffer.prototype[method] = function (this: Buffer, offset?: number) {
			count++;
			return original.call(this, offset);
		};
	try {
		work();
	} finally {
		for (const [method, original] of originals) Buffer.prototype[method] = original;
	}
	return count;
}

test.each([
	["fill bytes", "ffd8", "ff"],
	["markers that stand alone", "ffd8", "ff01"],
	["empty segments", "ffd8", "ffe00000"],
	["empty Exif segments", "ffd8", "ffe10000"],
	["Exif segments without entries", "ffd8", "ffe10010457869660000 4d4d002a00000000"],
	[
		"Exif segments whose entries point behind them",
		"ffd8",
		"ffe10018457869660000 4d4d002a00000008ffff0000000000000000",
	],
	["Exif entries without end", "ffd8ffe1ffff457869660000 4d4d002a00000008", "ff"],
])("the header of a hostile JPEG takes no more reads than four a byte: %s", (_name, start, piece) => {
	const bytes = Buffer.concat([hex(start), Buffer.alloc(128 * 1024, hex(piece))]);
	expect(reads(() => image(bytes))).toBeLessThan(4 * bytes.length);
});
