import { randomBytes } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";

/** Returns a square picture, of one colour or of noise. // PNG §11.2 */
export function png(side: number, colour?: readonly number[]): Buffer {
	const chunk = (type: string, data: Buffer) => {
		const body = Buffer.concat([Buffer.from(type), data]);
		const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
		length.writeUInt32BE(data.length);
		sum.writeUInt32BE(crc32(body));
		return Buffer.concat([length, body, sum]);
	};
	const header = Buffer.alloc(13);
	header.writeUInt32BE(side, 0);
	header.writeUInt32BE(side, 4);
	header.set([8, 2], 8);
	const row = () => Buffer.concat([Buffer.of(0), colour ? Buffer.from(colour) : randomBytes(3 * side)]);
	return Buffer.concat([
		Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
		chunk("IHDR", header),
		chunk("IDAT", deflateSync(Buffer.concat(Array.from({ length: side }, row)))),
		chunk("IEND", Buffer.alloc(0)),
	]);
}
