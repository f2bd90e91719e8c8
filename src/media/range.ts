import type { Readable } from "node:stream";
import type { ByteRange } from "../core/media.ts";
import { through } from "./stream.ts";

/**
 * Returns the one range of a `Range` header. Undefined for requests that get the whole file: no range, several, or one that
 * cannot be parsed. // RFC 9110 §14.2
 */
export function parseRange(header: string | undefined): ByteRange | undefined {
	const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
	if (from === undefined || to === undefined || (from === "" && to === "")) return undefined;
	if (from === "") return { last: Number(to) };
	if (to === "") return { start: Number(from) };
	return Number(from) <= Number(to) ? { start: Number(from), end: Number(to) } : undefined;
}

export const rangeHeader = (range: ByteRange): string =>
	"last" in range ? `bytes=-${range.last}` : `bytes=${range.start}-${range.end ?? ""}`;

/** Returns the first and last byte of a range in a file of this size; undefined if the range is outside the file. */
export function partOf(range: ByteRange, size: number): { start: number; end: number } | undefined {
	const start = "last" in range ? Math.max(0, size - range.last) : range.start;
	const end = "last" in range ? size - 1 : Math.min(range.end ?? size - 1, size - 1);
	return start <= end ? { start, end } : undefined;
}

/** Returns the range of a `206` answer's `Content-Range`. // RFC 9110 §14.4 */
export function contentRange(
	header: string | undefined,
): { start: number; end: number; size?: number } | undefined {
	const [, start, end, size] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(header ?? "") ?? [];
	if (start === undefined) return undefined;
	return { start: Number(start), end: Number(end), ...(size !== "*" && { size: Number(size) }) };
}

/** Returns the bytes from `start` to `end` (inclusive) of `source`, and destroys it then. Fails if the source is shorter. */
export const slice = (source: Readable, start: number, end: number): Readable =>
	through(source, async function* (chunks) {
		let at = 0;
		for await (const chunk of chunks) {
			const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at));
			at += chunk.length;
			if (part.length > 0) yield part;
			if (at > end) return;
		}
		if (at <= end) throw new Error(`the file ended ${end + 1 - at} bytes early`);
	});
