import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { PermanentError } from "../core/errors.ts";
import type { NetworkName } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { ByteRange, Opened } from "../core/media.ts";
import * as phrases from "../core/phrases.ts";
import { clientOf } from "./client.ts";
import { type Links, mediaPath } from "./links.ts";
import { parseRange, partOf, slice } from "./range.ts";
import { createSlots, type Slot } from "./slots.ts";
import { atMost, through } from "./stream.ts";
import { bareType, isInert } from "./types.ts";

export type Serving = Readonly<{
	/** Opens a file on its own network. */
	open(source: Readonly<{ network: NetworkName; ref: string }>, range?: ByteRange): Promise<Opened>;
	/** Bytes of the largest file. */
	largest: number;
	log: Log;
	/** The most answers at once: in all, for one link, and for one client. */
	atOnce?: number;
	atOnceOfOne?: number;
	atOnceToOne?: number;
	/**
	 * Times in ms: after the one, a client that reads nothing is disconnected;
	 * after the other, it loses its slot if all are taken.
	 */
	idle?: number;
	yields?: number;
	/** The time in ms that any answer may take, and the bytes that it must send in each further second. */
	grace?: number;
	leastPerSecond?: number;
}>;

/** Headers of every answer, errors included: browsers run, frame and index nothing of it, and send no referrer. */
const common = {
	"cache-control": "no-store",
	"content-security-policy":
		"default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox",
	"x-content-type-options": "nosniff",
	"referrer-policy": "no-referrer",
	"x-robots-tag": "noindex",
	// Web clients on other origins show and fetch files. The listener knows no login that another origin could misuse.
	"cross-origin-resource-policy": "cross-origin",
	"access-control-allow-origin": "*",
} as const;

/**
 * Returns the handler of requests for `/media/<token>/<file name>`. It never rejects; an
 * error is a status and a sentence, without detail.
 */
export function createMediaServer(links: Pick<Links, "read" | "revoked">, deps: Serving) {
	const { largest, log, atOnce = 100, atOnceOfOne = 10, atOnceToOne = 10, idle = 60_000 } = deps;
	const { yields = 5_000, grace = 120_000, leastPerSecond = 16_384 } = deps;
	const slots = createSlots({
		all: atOnce,
		client: atOnceToOne,
		link: atOnceOfOne,
		yields,
		grace,
		leastPerSecond,
	});

	return async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const refuse = (status: number, headers: Readonly<Record<string, string>> = {}) => {
			const words = Buffer.from(phrases.noFileBecause(status));
			const type = words.length > 0 ? { "content-type": "text/plain; charset=utf-8" } : {};
			response.writeHead(status, { ...common, ...type, "content-length": words.length, ...headers });
			response.end(request.method === "HEAD" ? undefined : words);
		};
		const { method } = request;
		if (method !== "GET" && method !== "HEAD") return refuse(405, { allow: "GET, HEAD" });
		const [token = "", name] = (request.url ?? "").slice(mediaPath.length).split(/[/?]/);
		const linked = links.read(token, name);
		if (!linked) return refuse(404);
		const slot = slots.take(clientOf(request), token, () => response.destroy());
		if (!slot) return refuse(503, { "retry-after": "5" });
		try {
			await answer(slot);
		} catch (error) {
			if (response.headersSent || response.destroyed) {
				// The client disconnected, or got a part of the file: the closed connection shows it that the rest is missing.
				log.debug({ err: error }, "a client got a file in part only");
				response.destroy();
				return;
			}
			const gone = error instanceof PermanentError && error.reason === "not-found";
			if (!gone) log.warn({ err: error, net: linked.source.network }, "the file of a link cannot be fetched");
			refuse(gone ? 404 : 502);
		} finally {
			slot.free();
		}

		async function answer(place: Slot): Promise<void> {
			if (!linked) return;
			if (await links.revoked(linked, () => deps.open(linked.source))) return refuse(410);
			// Without a validator no If-Range can match, so the whole file is sent. // RFC 9110 §13.1.5
			const range = request.headers["if-range"] ? undefined : parseRange(request.headers.range);
			const opened = await deps.open(linked.source, range);
			opened.body.on("error", () => undefined);
			try {
				await send(opened, range, place);
			} finally {
				opened.body.destroy();
			}
		}

		async function send(
			{ body, size, mime, part }: Opened,
			range: ByteRange | undefined,
			place: Slot,
		): Promise<void> {
			if (response.destroyed) return;
			if (size !== undefined && size > largest) return refuse(502);
			if (range && !part && size !== undefined && !partOf(range, size))
				return refuse(416, { "content-range": `bytes */${size}` });
			const length = part ? part.end - part.start + 1 : size;
			response.writeHead(part ? 206 : 200, {
				...common,
				...described(linked?.name ?? "", linked?.mime ?? mime),
				// A short time, since a revocation must take effect soon; the file itself never changes.
				"cache-control": "private, max-age=3600",
				...(part && { "content-range": `bytes ${part.start}-${part.end}/${size ?? "*"}` }),
				...(length !== undefined && { "content-length": length }),
			});
			if (method === "HEAD") {
				response.end();
				return;
			}
			response.setTimeout(idle, () => response.destroy());
			// Bytes beyond the announced length would be read as the next answer on this connection.
			const exact = length === undefined ? atMost(body, largest, () => new Error("too large")) : undefined;
			if (length === 0) response.end();
			else await pipeline(watched(exact ?? slice(body, 0, (length as number) - 1), place), response);
		}
	};
}

/** Yields the bytes of `source`, and reports to the slot when they wait for the reader. */
const watched = (source: Readable, slot: Slot): Readable =>
	through(source, async function* (chunks) {
		for await (const chunk of chunks) {
			slot.sent(chunk.length);
			slot.offered();
			yield chunk;
			slot.taken();
		}
		// The last bytes wait in the connection's buffer.
		slot.offered();
	});

function described(name: string, mime: string | undefined) {
	const type = bareType(mime);
	const inert = type !== undefined && isInert(type);
	return {
		"content-type": !inert
			? "application/octet-stream"
			: type === "text/plain"
				? `${type}; charset=utf-8`
				: type,
		// RFC 6266 §4.3, RFC 8187 §3.2
		"content-disposition": `${inert ? "inline" : "attachment"}; filename*=UTF-8''${extValue(name)}`,
		"accept-ranges": "bytes",
	};
}

const extValue = (name: string) =>
	encodeURIComponent(name.toWellFormed()).replace(
		/['()*]/g,
		(char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
	);
