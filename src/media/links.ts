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

/** Which links stop working: those of one message, of everything somebody sent, or to a file wherever it turns up. */
export type Revoked =
	| Readonly<{ event: Readonly<{ network: NetworkName; room: RoomId; id: MessageId }> }>
	| Readonly<{ person: Readonly<{ network: NetworkName; id: UserId }> }>
	/** SHA-256 of its bytes, in hex. */
	| Readonly<{ hash: string }>
	/** One of our links itself: those of its message. */
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
/** Revoked messages and people by the first letter of their key: a handful of documents, however many there are. */
const bucketOf = (key: string) => `media revoked ${key[0]}`;
/** UTF-16 code units of a file's name, and of its type. */
const longest = 200;
/** Files whose hash is remembered. */
const remembered = 10_000;

/**
 * Links to media on our own address: made of the file's place itself, so that nothing is kept for each, and they work
 * for as long as the file is there and nobody revoked them. `url` is how people reach the listener.
 */
export function createMediaLinks(deps: {
	mapping: Pick<Mapping, "setting" | "saveSetting" | "once">;
	url: string;
	/** Bytes of the largest file, and ms within which all of it has to come, where its hash is asked for. */
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

	/** The content of a token; undefined where this bridge did not make it. */
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

	/** The SHA-256 of a file, in hex. @throws Error where it is too large or takes too long. */
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

		/** The URL of a file in a message; always the same for the same. */
		link(
			target: Target,
			message: Readonly<{ network: NetworkName; room: RoomId; id: MessageId; person: UserId }>,
		): string {
			if (!tokens) throw new Error("links before start()");
			const { source } = target;
			// Both stand in the link, which servers and clients take up to a few thousand characters only.
			const name = target.name.slice(0, longest);
			const mime = target.mime?.slice(0, longest) ?? "";
			const person = personKey({ network: message.network, id: message.person });
			const content = [source.network, source.ref, name, mime, messageKey(message), person];
			const file = named(name.replace(/[\p{C}/\\]/gu, "_").slice(0, 100), mime).toWellFormed();
			// Dots alone would be taken for a folder.
			const segment = /^\.+$/.test(file) ? "file" : file;
			return `${base}${mediaPath}${tokens.close(JSON.stringify(content))}/${encodeURIComponent(segment)}`;
		},

		read,

		/** Ends links for good. @throws PermanentError where the `url` is no link of this bridge. */
		async revoke(what: Revoked): Promise<void> {
			if ("hash" in what) return add(hashes, what.hash.toLowerCase());
			const key = keyOf(what);
			await add(bucketOf(key), key);
		},

		/** Whether the link was revoked. `open` is asked for the file only where files are revoked by their hash. */
		async revoked({ message, person, source }: Linked, open: () => Promise<Opened>): Promise<boolean> {
			for (const key of [message, person]) if ((await list(bucketOf(key))).includes(key)) return true;
			const gone = await list(hashes);
			if (gone.length === 0) return false;
			const place = `${source.network} ${source.ref}`;
			const known = hashOf.get(place);
			if (known) return gone.includes(known);
			// Those who ask at once for the same file wait for one reading of it.
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
