export type Image = Readonly<{ mime: string; width: number; height: number }>;

/** Returns the type of an image and its size in pixels, from its first bytes; undefined for any other file. */
export function image(bytes: Buffer): Image | undefined {
	try {
		return png(bytes) ?? gif(bytes) ?? webp(bytes) ?? jpeg(bytes);
	} catch (error) {
		// The bytes end before the size.
		if (error instanceof RangeError) return undefined;
		throw error;
	}
}

const startsWith = (bytes: Buffer, latin1: string, at = 0) =>
	bytes.toString("latin1", at, at + latin1.length) === latin1;

// PNG §11.2.2: the first chunk is IHDR.
function png(bytes: Buffer): Image | undefined {
	if (!startsWith(bytes, "\x89PNG\r\n\x1a\n")) return undefined;
	return { mime: "image/png", width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

function gif(bytes: Buffer): Image | undefined {
	if (!startsWith(bytes, "GIF87a") && !startsWith(bytes, "GIF89a")) return undefined;
	return { mime: "image/gif", width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
}

// RFC 9649 §2
function webp(bytes: Buffer): Image | undefined {
	if (!startsWith(bytes, "RIFF") || !startsWith(bytes, "WEBP", 8)) return undefined;
	const mime = "image/webp";
	switch (bytes.toString("latin1", 12, 16)) {
		case "VP8 ":
			return { mime, width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
		case "VP8L": {
			const sizes = bytes.readUInt32LE(21);
			return { mime, width: (sizes & 0x3fff) + 1, height: ((sizes >>> 14) & 0x3fff) + 1 };
		}
		case "VP8X":
			return { mime, width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
		default:
			return undefined;
	}
}

/** Orientations in which a picture lies on its side. // Exif 2.3 §4.6.4 "Orientation" */
const sideways = 5;

// ITU T.81 §B.1.1: segments, each with its length, until the frame header, which has the size.
function jpeg(bytes: Buffer): Image | undefined {
	if (!startsWith(bytes, "\xff\xd8\xff")) return undefined;
	let turned = false;
	for (let at = 2; ; ) {
		if (bytes.readUInt8(at) !== 0xff) return undefined;
		const marker = bytes.readUInt8(at + 1);
		// Fill bytes, and markers that stand alone.
		if (marker === 0xff) at += 1;
		else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
		else if (frame(marker)) {
			const [height, width] = [bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 7)];
			return {
				mime: "image/jpeg",
				width: turned ? height : width,
				height: turned ? width : height,
			};
		} else {
			const length = bytes.readUInt16BE(at + 2);
			if (marker === 0xe1) turned ||= lies(bytes.subarray(at + 4, at + 2 + length));
			at += 2 + length;
		}
	}
}

/** Returns true if Exif data turns the picture on its side; broken data does not. */
function lies(segment: Buffer): boolean {
	try {
		return orientation(segment) >= sideways;
	} catch (error) {
		if (error instanceof RangeError) return false;
		throw error;
	}
}

const frame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Returns the Exif orientation, by which viewers turn the picture; 1 if there is none. */
function orientation(segment: Buffer): number {
	if (!startsWith(segment, "Exif\0\0")) return 1;
	const tiff = segment.subarray(6);
	const little = startsWith(tiff, "II");
	const u16 = (at: number) => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
	const first = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
	for (let entry = 0; entry < u16(first); entry++)
		if (u16(first + 2 + entry * 12) === 0x0112) return u16(first + 2 + entry * 12 + 8);
	return 1;
}
