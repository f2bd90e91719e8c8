import { Readable } from "node:stream";

/**
 * Returns the bytes of `source` as `change` yields them, with back-pressure. The end of the result destroys the source,
 * also before the first byte was read, and an error of the source is an error of the result.
 */
export function through(
	source: Readable,
	change: (chunks: AsyncIterable<Buffer>) => AsyncGenerator<Uint8Array>,
): Readable {
	// An error before the first read must wait for the reader, and not end the process.
	source.on("error", () => undefined);
	const result = Readable.from(change(source), { objectMode: false });
	result.on("close", () => source.destroy());
	return result;
}

/** Returns the bytes of `source`; fails as soon as there are more than `most`. */
export const atMost = (source: Readable, most: number, error: () => Error): Readable =>
	through(source, async function* (chunks) {
		let bytes = 0;
		for await (const chunk of chunks) {
			bytes += chunk.length;
			if (bytes > most) throw error();
			yield chunk;
		}
	});

/**
 * Returns a stream with the bytes of `source`. It fails with `error` once the transfer has taken longer than `grace` ms and
 * the time that its bytes take at `perSecond` bytes a second. A timeout for silence alone lets a source drip for ever.
 */
export function inTime(
	source: Readable,
	{ grace, perSecond }: Readonly<{ grace: number; perSecond: number }>,
	error: () => Error,
): Readable {
	const since = performance.now();
	let bytes = 0;
	const late = () => {
		if (performance.now() - since > grace + (bytes / perSecond) * 1_000) source.destroy(error());
	};
	const timer = setInterval(late, Math.min(1_000, grace / 4));
	const result = through(source, async function* (chunks) {
		for await (const chunk of chunks) {
			bytes += chunk.length;
			yield chunk;
		}
	});
	result.on("close", () => clearInterval(timer));
	return result;
}

/** Resolves with the first bytes of `source`, `enough` of them if there are so many, and with a stream of all its bytes. */
export async function peek(source: Readable, enough: number): Promise<{ head: Buffer; body: Readable }> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	const rest = source.iterator({ destroyOnReturn: false });
	for await (const chunk of rest as AsyncIterable<Buffer>) {
		chunks.push(chunk);
		bytes += chunk.length;
		if (bytes >= enough) break;
	}
	const head = Buffer.concat(chunks);
	if (bytes < enough) return { head, body: Readable.from(chunks, { objectMode: false }) };
	source.unshift(head);
	return { head, body: source };
}
