import { createBoundedMap } from "../core/bounded-map.ts";
import { filesInWords } from "../core/downgrade.ts";
import { PermanentError } from "../core/errors.ts";
import type { BridgeEvent, Edit, Media, Message, Picture, Redaction } from "../core/event.ts";
import type { MessageId, OperationId } from "../core/ids.ts";
import type { Outbound } from "../core/network.ts";
import type { Links } from "../media/links.ts";
import { partsIn } from "./message-ids.ts";
import * as phrases from "./phrases.ts";

type About = Parameters<Links["link"]>[1];
export type Files = Readonly<{
	/** Returns the URL at which people fetch a file of a message. `once` keeps a URL that would differ at each call. */
	url(media: Media, message: About, once: Outbound["once"]): string | Promise<string>;
	/** Resolves with the type of a file whose sender declared none; undefined if nothing tells it. Never rejects. */
	type(media: Media): Promise<string | undefined>;
	/** The largest file that is given out, in bytes. */
	largest: number;
}>;

/** Attempts, which take some minutes, after which a file that cannot be had is given up. */
const patience = 8;

type Send = (out: Outbound) => Promise<readonly MessageId[]>;

/**
 * Returns a `send` that splits messages with files. Clients recognise a file by a body that is its URL and nothing else, so
 * each file is a message of its own, and the caption a further one, a reply to the first file. A file that cannot be had
 * is replaced by words. Resolves with the ids of all parts.
 */
export function createPartSender(
	send: Send,
	filesNow: () => Files | undefined,
	tell: (event: BridgeEvent, error: PermanentError) => void,
): Send {
	/** Ids of the files that were sent, by operation: a retry of a later part must not send them again. */
	const shown = createBoundedMap<OperationId, readonly MessageId[]>(1_000);

	/** The last message with a file that is on its way to a room: later messages must not overtake or split it. */
	const under = new Map<string, Promise<unknown>>();

	async function after(before: Promise<unknown>): Promise<void> {
		await before.catch((error: unknown) => {
			// A permanent error fails one message; a temporary error holds back those behind it, or the order would be lost.
			if (!(error instanceof PermanentError)) throw error;
		});
	}

	return async (out) => {
		const before = under.get(out.room);
		const sent = before === undefined ? parts(out) : after(before).then(() => parts(out));
		if ("media" in out.event && out.event.media) {
			under.set(out.room, sent);
			const done = () => under.get(out.room) === sent && under.delete(out.room);
			sent.then(done, done);
		}
		return sent;
	};

	async function parts(out: Outbound): Promise<readonly MessageId[]> {
		const { event, operation, refs } = out;
		const files = filesNow();
		if (event.kind === "redaction") return takeBack(out, event);
		if (event.kind === "edit" && event.media) {
			if (!event.newMedia || !files) return recaption(out, event);
			const ids = await refile(out, { ...event, media: event.media }, files);
			return [...ids, ...(await recaption({ ...out, operation: partOf(operation, "caption") }, event))];
		}
		if (event.kind !== "message" || !event.media || !files) return send(out);
		const { media, more = [], rich, ...said } = event;
		const { replyTo: _, ...further } = said;
		const ids: MessageId[] = [];
		const missing: Media[] = [];
		const all = [media, ...more];
		for (const [index, file] of all.entries()) {
			const one = { ...(index === 0 ? said : further), media: file };
			const there = await show(out, one, files, index === 0 ? operation : partOf(operation, index));
			if (there) ids.push(...there);
			else missing.push(file);
		}
		const words = filesInWords(missing, event.text);
		if (words === "") return ids;
		const message = { ...said, text: words, ...(rich && missing.length === 0 && { rich }) };
		if (missing.length === all.length) return send({ ...out, event: message });
		const caption: Message = { ...message, replyTo: { id: event.id, author: event.sender } };
		const named = { ...refs, [event.id]: ids };
		const last = await send({ ...out, operation: partOf(operation, "caption"), event: caption, refs: named });
		return [...ids, ...last];
	}

	/** Sends one file. Resolves with undefined where the file cannot be had, which its sender is told. */
	async function show(
		out: Outbound,
		event: (Message | Edit) & { media: Media },
		files: Files,
		operation: OperationId,
	): Promise<readonly MessageId[] | undefined> {
		const known = shown.get(operation);
		if (known) return known;
		const { room, sender } = event;
		// A deletion of the message revokes the link.
		const id = event.kind === "edit" ? event.target.id : event.id;
		const about = { network: sender.network, room, id, person: sender.id };
		let url: string;
		let media = event.media;
		try {
			if ((media.size ?? 0) > files.largest)
				throw new PermanentError("invalid", phrases.fileTooLarge(files.largest));
			if (media.mime === undefined) {
				// The link holds the type, so a retry has to find the same one.
				const mime = await out.once(
					`type of ${media.source.ref}`,
					async () => (await files.type(event.media)) ?? "",
				);
				if (mime) media = { ...media, mime };
			}
			url = await files.url(media, about, out.once);
			if (media.thumbnail) media = { ...media, thumbnail: await linked(media.thumbnail, files, about, out) };
		} catch (error) {
			const permanent = error instanceof PermanentError;
			if (!permanent && out.attempt < patience) throw error;
			const why = permanent ? error.message : phrases.fileNoAnswer;
			const told = new PermanentError(permanent ? error.reason : "failed", phrases.onlyName(why));
			await out.once(`why no ${operation}`, async () => {
				tell(out.event, told);
				return true;
			});
			return undefined;
		}
		const ids = await send({ ...out, operation, event: { ...event, media, style: "text", text: url } });
		shown.set(operation, ids);
		return ids;
	}

	/** Resolves with the thumbnail and its URL, or without a URL where it cannot be had. */
	async function linked(picture: Picture, files: Files, about: About, { once }: Outbound): Promise<Picture> {
		const { link: _, ...unlinked } = picture;
		const media = { ...unlinked, kind: "image" as const, name: "thumbnail" };
		try {
			return { ...unlinked, link: await files.url(media, about, once) };
		} catch {
			return unlinked;
		}
	}

	/** Retracts every part of a message. (In a MUC joined/message-actions.ts does.) */
	async function takeBack(out: Outbound, { target }: Redaction): Promise<readonly MessageId[]> {
		const parts = partsIn(out.refs[target.id]);
		if (out.link.role !== "direct" || parts.length < 2) return send(out);
		for (const [index, part] of parts.entries()) {
			const operation = index === 0 ? out.operation : partOf(out.operation, index);
			await send({ ...out, operation, refs: { ...out.refs, [target.id]: part } });
		}
		return [];
	}

	/** Replaces the file of a message, by words where the new file cannot be had. */
	async function refile(
		out: Outbound,
		{ rich: _, ...event }: Edit & { media: Media },
		files: Files,
	): Promise<readonly MessageId[]> {
		const named = event.target.own ?? event.target.id;
		const [file = []] = partsIn(out.refs[named]);
		const first = { ...out, refs: { ...out.refs, [named]: file } };
		const there = await show(first, event, files, out.operation);
		if (there) return there;
		const { media, ...said } = event;
		return send({ ...first, event: { ...said, text: filesInWords([media], "") } });
	}

	/** Changes, adds or removes the caption of a message; its file stays. */
	async function recaption(out: Outbound, event: Edit): Promise<readonly MessageId[]> {
		const { target, media: _, more: _more, newMedia: _new, kind: _kind, ...said } = event;
		const named = target.own ?? target.id;
		const [file, ...others] = partsIn(out.refs[named]);
		const caption = others[event.more?.length ?? 0];
		if (caption && event.text !== "")
			return send({
				...out,
				// The caption stays a reply to the file.
				event: { ...said, kind: "edit", target, replyTo: { id: event.id, author: event.sender } },
				refs: { ...out.refs, [named]: caption, [event.id]: file ?? [] },
			});
		const { id, room, sender, at } = event;
		if (caption) {
			const redaction: Redaction = { id, room, sender, at, kind: "redaction", target };
			return send({ ...out, event: redaction, refs: { ...out.refs, [target.id]: caption } });
		}
		if (event.text === "") return [];
		const message: Message = { ...said, kind: "message", replyTo: { id: target.id, author: sender } };
		return send({ ...out, event: message, refs: { ...out.refs, [target.id]: file ?? [] } });
	}
}

const partOf = (operation: OperationId, name: string | number) => `${operation}.${name}` as OperationId;
/** Returns the operation that a part was sent for. */
export const wholeOf = (part: OperationId) => part.split(".", 1)[0] as OperationId;
