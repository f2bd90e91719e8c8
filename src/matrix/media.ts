import { createDecipheriv } from "node:crypto";
import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import https from "node:https";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { PermanentError, TemporaryError } from "../core/errors.ts";
import type { Media } from "../core/event.ts";
import type { ByteRange, Opened } from "../core/media.ts";
import { image } from "../media/image.ts";
import { contentRange, partOf, rangeHeader, slice } from "../media/range.ts";
import { typeByAll } from "../media/sniff.ts";
import { withSize } from "../media/spool.ts";
import { atMost, peek } from "../media/stream.ts";
import { verified } from "../media/verify.ts";
import { at, type Client, MatrixError, understand } from "./client.ts";
import { mxcParts, type Place, placeAt, type Stored } from "./message/attachments.ts";
import * as phrases from "./phrases.ts";

/** Idle timeout in ms: the homeserver may have to fetch the file from another one first. */
const silence = 60_000;
/** Time in ms for which the homeserver's upload limit is remembered. */
const limitKept = 3_600_000;
/** Upload limit in bytes where the homeserver names none: Synapse's default. */
const usualLimit = 50 * 1_048_576;
/** Bytes of an image in which its size is found, behind the metadata that cameras write. */
const beginning = 128 * 1024;
/** The queries for small images: of sizes that Synapse keeps. // Matrix spec, GET /_matrix/client/v1/media/thumbnail */
const smallSizes = { room: "?width=320&height=240&method=scale", face: "?width=96&height=96&method=crop" };
/** Longest file name in UTF-16 code units, bounded by a request's first line and by file systems. */
const longestName = 255;
/** Largest answer in bytes that is no file. */
const answerSize = 65_536;

/** The homeserver failed or did not answer; the file itself is not the cause. */
export class HomeserverAway extends TemporaryError {}

/** Returns the media repository of the homeserver: downloads with the bridge's token, uploads as ghosts. */
export function createMediaStore(deps: {
	homeserver: string;
	token: string;
	client: Pick<Client, "call">;
	/** Fetches the target of a redirect. */
	fetch: (url: string, range?: ByteRange) => Promise<Opened>;
}) {
	const base = new URL(deps.homeserver);
	const { request } = base.protocol === "https:" ? https : http;
	const hostname = base.hostname.replace(/^\[(.*)\]$/, "$1");
	const prefix = base.pathname.replace(/\/$/, "");
	let limit: { bytes: number; until: number } | undefined;

	/** Sends a request; resolves with the answer once its headers are there. */
	function ask(
		method: string,
		path: string,
		headers: Readonly<Record<string, string | number>>,
		body?: Readable,
	): Promise<IncomingMessage> {
		return new Promise((resolve, reject) => {
			const outgoing = request({
				method,
				path: prefix + path,
				hostname,
				port: base.port,
				// A new connection: a kept-alive one that breaks midway costs the whole file.
				agent: false,
				headers: { authorization: `Bearer ${deps.token}`, ...headers },
			});
			outgoing.setTimeout(silence, () => outgoing.destroy(new Error("no answer in time")));
			outgoing.on("response", (answer) => {
				answer.on("error", () => undefined);
				resolve(answer);
			});
			outgoing.on("error", (error) => {
				const away = `the homeserver cannot be reached: ${error.message}`;
				// An error of the body's own stream is not the homeserver's.
				reject(body?.errored ?? new HomeserverAway(away, { cause: error }));
			});
			if (body) pipeline(body, outgoing).catch(() => undefined);
			else outgoing.end();
		});
	}

	/** Throws the error of a failed download. @throws PermanentError when the file does not exist or is refused. */
	async function refusal(answer: IncomingMessage, path: string): Promise<never> {
		const { statusCode: status = 0, headers } = answer;
		try {
			const body = await text(atMost(answer, answerSize, () => new Error("the answer is too long")));
			understand({ status, headers, text: body }, "GET", path);
		} catch (error) {
			if (!(error instanceof MatrixError)) throw error;
			if (error.errcode === "M_UNRECOGNIZED") throw error;
			if (error.status === 404) throw new PermanentError("not-found", phrases.fileGone, { cause: error });
			throw new PermanentError("failed", phrases.fileRefused, { cause: error });
		}
		throw new PermanentError("failed", phrases.fileRefused);
	}

	async function download(path: string, range: ByteRange | undefined): Promise<Opened> {
		const answer = await ask("GET", path, range ? { range: rangeHeader(range) } : {});
		const { statusCode: status = 0, headers } = answer;
		if (status === 307 || status === 308) {
			answer.destroy();
			// A redirect leads to a foreign address: no token, and the checks for untrusted addresses.
			const { location = "" } = headers;
			if (!URL.canParse(location, base.href)) throw new PermanentError("failed", phrases.fileRefused);
			return deps.fetch(new URL(location, base).href, range);
		}
		// The range is not satisfiable: the caller gets the whole file and finds out the same.
		if (status === 416 && range) {
			answer.destroy();
			return download(path, undefined);
		}
		if (status !== 200 && status !== 206) return refusal(answer, path);
		answer.setTimeout(silence, () => answer.destroy(new Error("the homeserver stalled")));
		return described(answer, headers, range);
	}

	function open(ref: string, range?: ByteRange): Promise<Opened> {
		const place = placeAt(ref);
		const [server, id] = mxcParts(place.url) ?? [];
		// A proxy would read a server named ".." as a step up the path.
		if (server === undefined || id === undefined || /^\.{1,2}$/.test(server))
			return Promise.reject(new PermanentError("not-found", phrases.fileGone));
		if (place.secret && !fits(place.secret))
			return Promise.reject(new PermanentError("failed", phrases.fileDamaged));
		// Only a whole file can be checked against its hash, so an encrypted file has no ranges.
		const get = (path: string) => download(path, place.secret ? undefined : range);
		const original = () => get(at`/_matrix/client/v1/media/download/${server}/${id}`);
		// The homeserver makes no small version of some images.
		const small = (size: keyof typeof smallSizes) =>
			get(at`/_matrix/client/v1/media/thumbnail/${server}/${id}` + smallSizes[size]).catch(
				(error: unknown) => {
					if (error instanceof MatrixError || error instanceof PermanentError) return original();
					throw error;
				},
			);
		return (place.small ? small(place.small) : original())
			.catch((error: unknown) => {
				// COMPAT homeservers before Matrix v1.11.
				if (!(error instanceof MatrixError)) throw error;
				return get(at`/_matrix/media/v3/download/${server}/${id}`);
			})
			.then((opened) => decrypted(opened, place));
	}

	/** Resolves with the homeserver's upload limit, in bytes. // Matrix spec, GET /_matrix/client/v1/media/config */
	async function largest(): Promise<number> {
		if (limit && limit.until > Date.now()) return limit.bytes;
		type Config = { "m.upload.size"?: unknown };
		const config = await deps.client
			.call<Config>("GET", "/_matrix/client/v1/media/config")
			.catch((error: unknown) => {
				if (!(error instanceof MatrixError)) throw error;
				// COMPAT homeservers before Matrix v1.11.
				return deps.client.call<Config>("GET", "/_matrix/media/v3/config");
			});
		const stated = config["m.upload.size"];
		limit = { bytes: typeof stated === "number" ? stated : usualLimit, until: Date.now() + limitKept };
		return limit.bytes;
	}

	/**
	 * Uploads a file as `ghost`. @throws MatrixError or TemporaryError of the homeserver, PermanentError for a file that is
	 * too large, and any error of `opened` unchanged.
	 */
	async function store(opened: Opened, media: Media, ghost: string): Promise<Stored> {
		opened.body.on("error", () => undefined);
		try {
			const most = await largest().catch(away);
			const tooLarge = () => new PermanentError("invalid", phrases.fileTooLarge(most));
			if ((opened.size ?? 0) > most) throw tooLarge();
			const came = media.sha256 ? verified(opened.body, Buffer.from(media.sha256, "base64")) : opened.body;
			const { head, body } = await peek(atMost(came, most, tooLarge), beginning);
			const picture = image(head);
			const mime = picture?.mime ?? (await typeByAll(media, opened.mime, head)) ?? "application/octet-stream";
			const filename = media.name.slice(0, longestName).toWellFormed();
			const query = new URLSearchParams({ user_id: ghost, filename });
			const path = `/_matrix/media/v3/upload?${query}`;
			const { width, height } = picture ?? {};
			return await withSize(body, opened.size, async (bytes, size) => {
				const headers = { "content-type": mime, "content-length": size };
				const answer = await ask("POST", path, headers, slice(bytes, 0, size - 1));
				const url = await uploaded(answer, path);
				return { url, mime, size, ...(width && height && { width, height }) };
			});
		} finally {
			opened.body.destroy();
		}
	}

	return { open, store };
}

async function uploaded(answer: IncomingMessage, path: string): Promise<string> {
	try {
		const bounded = atMost(answer, answerSize, () => new Error("the answer is too long"));
		const whole = { status: answer.statusCode ?? 0, headers: answer.headers, text: await text(bounded) };
		return understand<{ content_uri: string }>(whole, "POST", path).content_uri;
	} catch (error) {
		return away(error);
	}
}

function away(error: unknown): never {
	if (error instanceof MatrixError) throw error;
	const retryAfter = error instanceof TemporaryError ? error.retryAfter : undefined;
	throw new HomeserverAway((error as Error).message, { cause: error, retryAfter });
}

export type MediaStore = ReturnType<typeof createMediaStore>;

function described(
	answer: IncomingMessage,
	headers: IncomingHttpHeaders,
	range: ByteRange | undefined,
): Opened {
	const mime = headers["content-type"];
	const typed = mime ? { mime } : {};
	const served = answer.statusCode === 206 ? contentRange(headers["content-range"]) : undefined;
	if (served) {
		const { start, end, size } = served;
		return { body: answer, ...typed, part: { start, end }, ...(size !== undefined && { size }) };
	}
	const size = headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);
	const part = range && size !== undefined ? partOf(range, size) : undefined;
	return {
		body: part ? slice(answer, part.start, part.end) : answer,
		...typed,
		...(size !== undefined && { size }),
		...(part && { part }),
	};
}

/** Whether a key, a counter and a hash have the lengths that their algorithms ask for. */
const fits = ({ key, iv, sha256 }: NonNullable<Place["secret"]>): boolean =>
	[key, iv, sha256].map((part) => Buffer.from(part, "base64").length).join() === "32,16,32";

/** Returns the file decrypted, if it has keys. // Matrix spec, "Sending encrypted attachments" */
function decrypted(opened: Opened, { secret }: Place): Opened {
	if (!secret) return opened;
	const { mime: _ofTheCiphertext, body, ...rest } = opened;
	const [key, iv] = [Buffer.from(secret.key, "base64"), Buffer.from(secret.iv, "base64")];
	const cipher = createDecipheriv("aes-256-ctr", key, iv);
	const plain = verified(body, Buffer.from(secret.sha256, "base64"), (chunk) => cipher.update(chunk));
	return { ...rest, body: plain };
}
