import { createHash, randomBytes } from "node:crypto";
import { createBoundedMap } from "../core/bounded-map.ts";
import { PermanentError, TemporaryError } from "../core/errors.ts";
import type { MessageId, NetworkName, RoomId, UserId } from "../core/ids.ts";
import type { Mapping } from "../core/mapping.ts";
import type { Opened } from "../core/media.ts";
import * as phrases from "../core/phrases.ts";
import { createSeal } from "./seal.ts";
import { atMost } from "./stream.ts";
import { named } from "./types.ts";

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
/** UTF-16 code units of a file's name, and of its type. */
const longest = 200;
/** The most files whose hash is kept in memory. */
const remembered = 10_000;

/**
 * Creates the links to files on the bridge's public address `url`. A link holds the sealed source of its file, so nothing
 * is stored for it, and it works until the file is gone or the link is revoked.
 */
export function createMediaLinks(deps: {
	mapping: Pick<Mapping, "setting" | "saveSetting" | "once">;
	url: string;
	/** The largest file, in bytes, that is read for its hash, and the time limit of that read, in ms. */
	largest?: number;
	hashWithin?: number;
}) {
	const { mapping, largest = Number.MAX_SAFE_INTEGER, hashWithin = 60_000 } = deps;
	const base = deps.url.replace(/\/$/, "");
	let tokens: ReturnType<typeof createSeal> | undefined;
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

	/** Returns the content of a token; undefined if this bridge did not make it. */
	function read(token: string): Linked | undefined {
		const text = tokens?.open(token);
		if (text === undefined) return undefined;
		const [network, ref, name, mime, message, person] = JSON.parse(text) as [
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
			tokens = createSeal(secret, "media links");
		},

		/** Returns the URL of a file in a message, the same at each call. */
		link(
			target: Target,
			message: Readonly<{ network: NetworkName; room: RoomId; id: MessageId; person: UserId }>,
		): string {
			if (!tokens) throw new Error("links before start()");
			const { source } = target;
			// Both are part of the link, and servers and clients take links of a few thousand characters only.
			const name = target.name.slice(0, longest);
			const mime = target.mime?.slice(0, longest) ?? "";
			const person = personKey({ network: message.network, id: message.person });
			const content = [source.network, source.ref, name, mime, messageKey(message), person];
			const file = named(name.replace(/[\p{C}/\\]/gu, "_").slice(0, 100), mime).toWellFormed();
			// A name of dots alone would mean a folder.
			const segment = /^\.+$/.test(file) ? "file" : file;
			return `${base}${mediaPath}${tokens.close(JSON.stringify(content))}/${encodeURIComponent(segment)}`;
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
			for (const key of [message, person]) if ((await list(bucketOf(key))).includes(key)) return true;
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
