import { PermanentError } from "../core/errors.ts";
import type { BridgeEvent, Media, Picture } from "../core/event.ts";
import type { Log } from "../core/log.ts";
import type { Bridge, Outbound } from "../core/network.ts";
import { atMost } from "../media/stream.ts";
import { type Client, MatrixError } from "./client.ts";
import type { Content } from "./event.ts";
import { HomeserverAway, type MediaStore } from "./media.ts";
import { asLink, type Stored, withMedia } from "./message/attachments.ts";
import { matrixTitle } from "./mxid.ts";
import * as phrases from "./phrases.ts";
import { asFile, fits } from "./to-matrix.ts";

/** The most bytes of a thumbnail. */
const largestThumbnail = 1_048_576;

/** Stores the files of outbound events on the homeserver, each once however often a delivery is retried. */
export function createFileSender(deps: {
	client: Client;
	bridge: Pick<Bridge, "open" | "partly">;
	files: MediaStore;
	log: Log;
}) {
	const { client, bridge, files, log } = deps;

	/** Uploads a file to the homeserver; null if it cannot be fetched, of which the sender gets a notice. */
	async function store(event: BridgeEvent, media: Media, ghost: string): Promise<Stored | null> {
		try {
			const [stored, thumbnail] = await Promise.all([
				bridge.open(media.source).then((opened) => files.store(opened, media, ghost)),
				media.thumbnail && storeThumbnail(media.thumbnail, ghost),
			]);
			return { ...stored, ...(thumbnail && { thumbnail }) };
		} catch (error) {
			// Only an outage of our own homeserver is retried: another server must not block the room.
			if (error instanceof HomeserverAway) throw error;
			log.warn({ err: error }, "a file is shown as a link");
			const permanent = error instanceof PermanentError;
			const why = permanent
				? error.message
				: error instanceof MatrixError
					? phrases.fileRefused
					: phrases.fileNoAnswer;
			const only = media.link === undefined ? phrases.onlyName : phrases.onlyLink;
			const told = new PermanentError(permanent ? error.reason : "failed", only(why));
			bridge.partly(event, told, matrixTitle);
			return null;
		}
	}

	/** Stores a thumbnail; undefined where that fails: the file is shown without it. */
	async function storeThumbnail({ source, mime }: Picture, ghost: string): Promise<Stored | undefined> {
		try {
			const { body, ...opened } = await bridge.open(source);
			const most = () => new PermanentError("invalid", phrases.fileTooLarge(largestThumbnail));
			const picture = { kind: "image" as const, source, name: "thumbnail", ...(mime && { mime }) };
			const bounded = atMost(body, largestThumbnail, most);
			const stored = await files.store({ ...opened, body: bounded }, picture, ghost);
			return stored.mime.startsWith("image/") ? stored : undefined;
		} catch (error) {
			log.debug({ err: error }, "a file is shown without its smaller picture");
			return undefined;
		}
	}

	return {
		/** The event with its file, else with a link to the file or with the words in its place. */
		async attach(
			content: Content,
			{ event, operation, once }: Outbound,
			media: Media,
			ghost: string,
		): Promise<{ type: string; content: Content }> {
			const file = await once(`file of ${operation}`, () => store(event, media, ghost));
			if (file) return withMedia(content, media, file);
			const instead = media.link ?? media.alt ?? phrases.sentFile(media.kind, media.name);
			return { type: "m.room.message", content: asLink(content, instead) };
		},

		/** The content, or a file with all of a text that is too long for an event. `times`: how often the event says it. */
		async shorten(
			content: Content,
			{ operation, once }: Outbound,
			ghost: string,
			times: number,
		): Promise<Content> {
			if (fits(content, times)) return content;
			const bytes = Buffer.from(String(content.body));
			const upload = () => client.upload(bytes, "text/plain; charset=utf-8", "message.txt", ghost);
			const { content_uri: url } = await once(`text of ${operation}`, upload);
			return asFile(content, url, bytes.length);
		},
	};
}
