import { type LookupAddress, lookup as systemLookup } from "node:dns";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { promisify } from "node:util";
import { PermanentError, TemporaryError } from "../core/errors.ts";
import type { ByteRange, Opened } from "../core/media.ts";
import * as phrases from "../core/phrases.ts";
import { interfaceAddresses, isOneOf, isPublic } from "./addresses.ts";
import { contentRange, rangeHeader } from "./range.ts";
import { atMost } from "./stream.ts";

/** The bounds of the guarded fetch: sizes, times, and the hosts that it may reach despite a private address. */
export type FetchLimits = Readonly<{
	/** Bytes of the largest file. */
	largest: number;
	/** Servers of our own network, as `host` or `host:port`: they may have a private address, or one of this machine. */
	privateHosts: readonly string[];
	/**
	 * Time limits in ms: until the headers of the last redirect's target; between two chunks; for the whole body. The portal's
	 * lane waits for the fetch, so a slow server delays the messages behind it that long.
	 */
	headers?: number;
	idle?: number;
	total?: number;
	/** Resolves with every address of a name. */
	lookup?: (host: string) => Promise<readonly LookupAddress[]>;
	/** Returns the present addresses of this machine, public ones included. */
	ownAddresses?: () => readonly string[];
}>;

const redirects = 5;
/**
 * The system's resolver takes one of four threads of Node for each name, for as long as a name server likes. Files and
 * cryptography need these threads, too.
 */
const lookupsAtOnce = 2;
const moved: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const lookupAll = promisify(systemLookup);

/**
 * Returns a function that fetches a URL which a stranger named. It connects to no address of this network or machine, and
 * reads no more bytes and no longer than the limits allow. It rejects with PermanentError if the limits forbid the URL or
 * the server has no such file, with TemporaryError if the server does not answer.
 */
export function createFetch(limits: FetchLimits): (url: string, range?: ByteRange) => Promise<Opened> {
	const { headers: within = 10_000, idle = 10_000, total = 60_000 } = limits;
	const lookup = inTurn(limits.lookup ?? ((host: string) => lookupAll(host, { all: true })), lookupsAtOnce);
	const { ownAddresses = interfaceAddresses } = limits;

	return async (address, range) => {
		const stop = new AbortController();
		const timer = setTimeout(() => stop.abort(), within);
		try {
			const answer = await follow(address, range, stop.signal);
			return opened(answer, range);
		} catch (error) {
			if (error instanceof PermanentError || error instanceof TemporaryError) throw error;
			throw new TemporaryError(phrases.fileNoAnswer, { cause: error });
		} finally {
			clearTimeout(timer);
		}
	};

	async function follow(
		first: string,
		range: ByteRange | undefined,
		signal: AbortSignal,
	): Promise<IncomingMessage> {
		for (let url = first, left = redirects; ; left--) {
			const target = checked(url);
			const answer = await request(target, await resolve(target, signal), range, signal);
			const { location } = answer.headers;
			if (!moved.has(answer.statusCode ?? 0) || location === undefined) return answer;
			answer.destroy();
			if (left === 0) throw new PermanentError("failed", phrases.fileNoAnswer);
			if (!URL.canParse(location, target.href)) throw new PermanentError("failed", phrases.fileNoAnswer);
			url = new URL(location, target).href;
		}
	}

	/** Resolves with the addresses to connect to. The name is looked up once, so a second answer cannot lead elsewhere. */
	async function resolve(url: URL, signal: AbortSignal): Promise<readonly LookupAddress[]> {
		const { hostname } = url;
		const literal = hostname.replace(/^\[(.*)\]$/, "$1");
		const family = isIP(literal);
		const found = family ? [{ address: literal, family }] : await inTime(lookup(hostname, signal), signal);
		if (limits.privateHosts.includes(hostname) || limits.privateHosts.includes(`${hostname}:${portOf(url)}`))
			return found;
		// Services on a public address of this machine may trust clients on the same machine.
		const own = ownAddresses();
		const allowed = found.filter(({ address }) => isPublic(address) && !isOneOf(own, address));
		if (allowed.length === 0) throw new PermanentError("forbidden", phrases.fileForbidden);
		return allowed;
	}

	function request(
		url: URL,
		addresses: readonly LookupAddress[],
		range: ByteRange | undefined,
		signal: AbortSignal,
	): Promise<IncomingMessage> {
		const headers = {
			accept: "*/*",
			"accept-encoding": "identity",
			"user-agent": "Trivium",
			...(range && { range: rangeHeader(range) }),
		};
		return new Promise((resolve, reject) => {
			const { get } = url.protocol === "https:" ? https : http;
			// A new connection for each request: a pooled one could lead to an address that was looked up earlier.
			const outgoing = get(url, { agent: false, headers, lookup: only(addresses) }, (answer) => {
				signal.removeEventListener("abort", late);
				answer.on("error", () => undefined);
				resolve(answer);
			});
			const late = () => outgoing.destroy(new Error("no answer in time"));
			if (signal.aborted) late();
			signal.addEventListener("abort", late, { once: true });
			outgoing.on("error", reject);
		});
	}

	function opened(answer: IncomingMessage, range: ByteRange | undefined): Opened {
		const { statusCode: status = 0, headers } = answer;
		const fail = (error: Error) => {
			answer.destroy();
			return error;
		};
		if (status === 404 || status === 410) throw fail(new PermanentError("not-found", phrases.fileGone));
		if (status >= 500 || status === 429) throw fail(new TemporaryError(phrases.fileNoAnswer));
		const part = status === 206 ? contentRange(headers["content-range"]) : undefined;
		const encoded = (headers["content-encoding"] ?? "identity") !== "identity";
		if ((status !== 200 && !(range && part)) || encoded)
			throw fail(new PermanentError("failed", phrases.fileRefused));
		const declared = headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);
		const size = part ? part.size : declared;
		const tooLarge = () => new PermanentError("invalid", phrases.fileTooLarge(limits.largest));
		if ((size ?? 0) > limits.largest) throw fail(tooLarge());
		const end = setTimeout(() => answer.destroy(new Error("took too long")), total);
		answer.on("close", () => clearTimeout(end));
		answer.setTimeout(idle, () => answer.destroy(new Error("stalled")));
		const mime = headers["content-type"];
		return {
			body: atMost(answer, limits.largest, tooLarge),
			...(size !== undefined && { size }),
			...(mime && { mime }),
			...(part && { part: { start: part.start, end: part.end } }),
		};
	}
}

const portOf = (url: URL): number => Number(url.port || (url.protocol === "http:" ? 80 : 443));

/** Returns the URL of a text. @throws PermanentError for other schemes than HTTP, credentials, and ports of other protocols. */
function checked(text: string): URL {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	const port = url ? portOf(url) : 0;
	// Services below 1024 that are not the web's answer to other protocols, which a request could be made to look like.
	const web = port === 443 || port === 80 || port >= 1024;
	if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || !web)
		throw new PermanentError("forbidden", phrases.fileForbidden);
	return url;
}

/** Returns a resolver that answers every name with these addresses, in the two forms that node:net asks for. */
const only = (addresses: readonly LookupAddress[]): LookupFunction =>
	((_host, options, found) => {
		const [first] = addresses;
		if (options.all) found(null, [...addresses]);
		else found(null, first?.address ?? "", first?.family);
	}) as LookupFunction;

/** Returns a lookup of which at most `most` run at once. It rejects if its signal ends the wait for a turn. */
function inTurn<T>(lookup: (host: string) => Promise<T>, most: number) {
	const waiting: (() => void)[] = [];
	let running = 0;
	return async (host: string, signal: AbortSignal): Promise<T> => {
		if (running < most) running += 1;
		else await new Promise<void>((resolve) => waiting.push(resolve));
		try {
			signal.throwIfAborted();
			return await lookup(host);
		} finally {
			const next = waiting.shift();
			if (next) next();
			else running -= 1;
		}
	};
}

async function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
	const { promise, reject } = Promise.withResolvers<never>();
	const late = () => reject(new Error("no answer in time"));
	signal.addEventListener("abort", late, { once: true });
	try {
		return await Promise.race([work, promise]);
	} finally {
		signal.removeEventListener("abort", late);
	}
}
