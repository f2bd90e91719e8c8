import { createHash, createHmac, randomBytes } from "node:crypto";
import { createBoundedMap } from "../core/bounded-map.ts";
import { PermanentError, TemporaryError } from "../core/errors.ts";
import type { MessageId, NetworkName, RoomId, UserId } from "../core/ids.ts";
import type { Mapping } from "../core/mapping.ts";
import type { Opened } from "../core/media.ts";
import * as phrases from "../core/phrases.ts";
import { digestLength, pack, unpack } from "./pack.ts";
import { createSeal } from "./seal.ts";
import { atMost } from "./stream.ts";
import { bareType, named } from "./types.ts";

/** The links to revoke: those of one message, all of one person, or all to files with one hash. */
export type Revoked =
	| Readonly<{ event: Readonly<{ network: NetworkName; room: RoomId; id: MessageId }> }>
	| Readonly<{ person: Readonly<{ network: NetworkName; id: UserId }> }>
	/** SHA-256 of the file's bytes, in hex. */
	| Readonly<{ hash: string }>
	/** One link of the bridge: all links of its message are revoked. */
	| Readonly<{ url: string }>;

/** The file that a link leads to. */
export type Target = Readonly<{
	source: Readonly<{ network: NetworkName; ref: string }>;
	name: string;
	mime?: string | undefined;
}>;

/** The content of a link; `message` and `person` are digests, to compare with revoked ones. */
type Linked = Target & Readonly<{ message: string; person: string }>;

export type Links = ReturnType<typeof createMediaLinks>;

export const mediaPath = "/media/";
const hashes = "media revoked hashes";
/** Revoked messages and people are stored in lists by the first letter of their key: a few documents, however many they are. */
const bucketOf = (key: string) => `media revoked ${key[0]}`;
/** Bytes of a file's name, and of its type. */
const longest = 200;
/** Characters of the name at the end of a URL whose token holds the whole name, before its ending. */
const shortest = 20;
/** Bytes of a token's signature. A forger has to ask for 2^95 links to find one. */
const tagLength = 12;
/** The most files whose hash is kept in memory. */
const remembered = 10_000;

/**
 * Creates the links to files on the bridge's public address `url`. A link holds the sealed source of its file, so nothing
 * is stored for it, and it works until the file is gone or the link is revoked.
 */
export function createMediaLinks(deps: {
	mapping: Pick<Mapping, "setting" | "saveSetting" | "once">;
	url: string;
	/** The beginnings that most places of files share (network, blank, reference), to make links short. Append only. */
	known?: readonly string[];
	/** The largest file, in bytes, that is read for its hash, and the time limit of that read, in ms. */
	largest?: number;
	hashWithin?: number;
}) {
	const { mapping, known = [], largest = Number.MAX_SAFE_INTEGER, hashWithin = 60_000 } = deps;
	const base = deps.url.replace(/\/$/, "");
	let tokens: ReturnType<typeof createSeal> | undefined;
	let longTokens: ReturnType<typeof createSeal> | undefined;
	/** The key of the digests of names. */
	let naming = "";
	const hashOf = createBoundedMap<string, string>(remembered);
	const readings = new Map<string, Promise<string>>();
	const digest = (...parts: readonly string[]) =>
		createHash("sha256").update(parts.join("\0")).digest().subarray(0, 16).toString("base64url");
	const messageKey = (of: Readonly<{ network: NetworkName; room: RoomId; id: MessageId }>) =>
		digest("message", of.network, of.room, of.id);
	const personKey = (of: Readonly<{ network: NetworkName; id: UserId }>) =>
		digest("person", of.network, of.id);

	const list = async (setting: string): Promise<readonly string[]> =>
		(await mapping.setting(setting))?.split(" ") ?? [];
	let turn: Promise<unknown> = Promise.resolve();

	/** Adds a value to a list in the mapping. Calls run one after another: each reads the list that the one before it wrote. */
	function add(setting: string, value: string): Promise<void> {
		const work = turn.then(async () => {
			const values = await list(setting);
			if (!values.includes(value)) await mapping.saveSetting(setting, [...values, value].join(" "));
		});
		turn = work.catch(() => undefined);
		return work;
	}

	/** Returns the content of a link, by its token and the name behind that; undefined if this bridge did not make it. */
	function read(token: string, segment = ""): Linked | undefined {
		const bytes = tokens?.open(token);
		if (!bytes) return readLong(token);
		const { place, name, ...rest } = unpack(bytes, known);
		return {
			...rest,
			source: sourceOf(place),
			name: "whole" in name ? name.whole : said(segment, name, rest.mime),
		};
	}

	/** Returns the name at the end of a URL; a general one if somebody changed it. */
	function said(
		segment: string,
		{ digest: right }: Readonly<{ digest: string }>,
		mime: string | undefined,
	): string {
		const name = decoded(segment);
		return nameDigest(name) === right ? name : named("file", mime);
	}

	const nameDigest = (name: string) =>
		createHmac("sha256", naming).update(name).digest("base64url").slice(0, digestLength);

	/** COMPAT Links of version 0.1.0 hold JSON. Archives keep them. */
	function readLong(token: string): Linked | undefined {
		const bytes = longTokens?.open(token);
		if (!bytes) return undefined;
		const [network, ref, name, mime, message, person] = JSON.parse(bytes.toString()) as [
			NetworkName,
			...[string, string, string, string, string],
		];
		return { source: { network, ref }, name, mime: mime || undefined, message, person };
	}

	function keyOf(what: Exclude<Revoked, { hash: string }>): string {
		if ("event" in what) return messageKey(what.event);
		if ("person" in what) return personKey(what.person);
		const linked = read(what.url.split(mediaPath)[1]?.split("/")[0] ?? "");
		if (!linked) throw new PermanentError("invalid", phrases.notOurLink);
		return linked.message;
	}

	/** Resolves with the SHA-256 of a file, in hex. @throws Error if the file is too large or takes too long. */
	async function hashed(open: () => Promise<Opened>): Promise<string> {
		const { body, size = 0 } = await open();
		const late = setTimeout(() => body.destroy(new TemporaryError(phrases.fileNoAnswer)), hashWithin);
		const tooLarge = () => new PermanentError("invalid", phrases.fileTooLarge(largest));
		try {
			if (size > largest) throw tooLarge();
			const hash = createHash("sha256");
			for await (const chunk of atMost(body, largest, tooLarge)) hash.update(chunk as Buffer);
			return hash.digest("hex");
		} finally {
			clearTimeout(late);
			body.destroy();
		}
	}

	return {
		/** Reads the secret, which is made at the first start and kept. Call it before `link`. */
		async start(): Promise<void> {
			const secret = await mapping.once("secret media links", () => randomBytes(32).toString("base64url"));
			tokens = createSeal(secret, "short media links", tagLength);
			longTokens = createSeal(secret, "media links");
			naming = `names ${secret}`;
		},

		/** Returns the URL of a file in a message, the same at each call. */
		link(
			target: Target,
			message: Readonly<{ network: NetworkName; room: RoomId; id: MessageId; person: UserId }>,
		): string {
			const sealed = tokens;
			if (!sealed) throw new Error("links before start()");
			const { network, ref } = target.source;
			const type = bareType(target.mime);
			const mime = type && type.length <= longest ? type : undefined;
			const file = cut(named(target.name.replace(unusable, "_"), mime).toWellFormed(), longest, bytesOf);
			// A name of dots alone would mean a folder.
			const name = /^\.*$/.test(file) ? "file" : file;
			const short = cut(name, shortest, charactersOf);
			const content = {
				place: `${network} ${ref}`,
				mime,
				message: messageKey(message),
				person: personKey({ network: message.network, id: message.person }),
			};
			const urls = [
				{ called: { digest: nameDigest(name) }, end: name },
				{ called: { whole: name }, end: short },
			].map(({ called, end }) => {
				const token = sealed.close(pack({ ...content, name: called }, known));
				return `${base}${mediaPath}${token}/${encodeURIComponent(end)}`;
			});
			const [url = ""] = urls.sort((one, other) => one.length - other.length);
			return url;
		},

		read,

		/** Revokes links for good. @throws PermanentError if the `url` is no link of this bridge. */
		async revoke(what: Revoked): Promise<void> {
			if ("hash" in what) return add(hashes, what.hash.toLowerCase());
			const key = keyOf(what);
			await add(bucketOf(key), key);
		},

		/** Resolves with true if the link was revoked. It opens the file only if any file was revoked by its hash. */
		async revoked({ message, person, source }: Linked, open: () => Promise<Opened>): Promise<boolean> {
			// A link holds the beginning of a key, and a revoked link is noted by that.
			const same = (one: string, other: string) => one.startsWith(other) || other.startsWith(one);
			for (const key of [message, person])
				if ((await list(bucketOf(key))).some((revoked) => same(revoked, key))) return true;
			const gone = await list(hashes);
			if (gone.length === 0) return false;
			const place = `${source.network} ${source.ref}`;
			const known = hashOf.get(place);
			if (known) return gone.includes(known);
			// Concurrent requests for the same file share one read of it.
			const reading = readings.get(place) ?? hashed(open);
			readings.set(place, reading);
			try {
				const hash = await reading;
				hashOf.set(place, hash);
				return gone.includes(hash);
			} finally {
				readings.delete(place);
			}
		},
	};
}

/** Characters that no file name at the end of a URL may have. */
const unusable = /[\p{C}/\\]/gu;
const bytesOf = (text: string) => Buffer.byteLength(text);
const charactersOf = (text: string) => encodeURIComponent(text).length;

/** Returns a name whose part before its ending is at most `most` long by `size`. */
function cut(name: string, most: number, size: (text: string) => number): string {
	const ending = /\.[a-z0-9]{1,8}$/i.exec(name)?.[0] ?? "";
	const stem = name.slice(0, name.length - ending.length);
	let [kept, length] = ["", 0];
	for (const char of stem) {
		length += size(char);
		if (length > most) break;
		kept += char;
	}
	return kept + ending;
}

function decoded(segment: string): string {
	try {
		return decodeURIComponent(segment);
	} catch {
		return "";
	}
}

function sourceOf(place: string): Target["source"] {
	const blank = place.indexOf(" ");
	return { network: place.slice(0, blank) as NetworkName, ref: place.slice(blank + 1) };
}
