import { createBoundedMap, textBytes } from "../../../core/bounded-map.ts";
import { PermanentError } from "../../../core/errors.ts";
import type { BridgeEvent, Media, Picture } from "../../../core/event.ts";
import type { Seen } from "../../../core/hosting.ts";
import type { NetworkName } from "../../../core/ids.ts";
import type { Files } from "../../attachments.ts";
import { createConcurrencyLimit } from "../../concurrency-limit.ts";
import { within } from "../../deadline.ts";
import * as phrases from "../../phrases.ts";

/** URLs and types that are kept, so that the archive and live lines give the same ones. */
const kept = { most: 5_000, bytes: 4 * 1_048_576 };

/** How long a file may take, in ms: the lines of its room wait behind it. Files that are looked at at once. */
const [linkedWithin, atOnce] = [20_000, 10];

/** Gives the files of a hosted room's messages their URLs. */
export function createFileLinks(deps: {
	/** The network that has the files. */
	of: NetworkName;
	files(): Files | undefined;
	/** Tells the sender of a message that a file of it is shown by its name alone. */
	partly(event: BridgeEvent, error: PermanentError): void;
}) {
	const known = createBoundedMap<string, unknown>(kept.most, {
		bytes: kept.bytes,
		of: (key, value) => textBytes(key, String(value)),
	});
	async function once<T>(key: string, make: () => Promise<T>): Promise<T> {
		if (!known.has(key)) known.set(key, await make());
		return known.get(key) as T;
	}

	const paced = createConcurrencyLimit(atOnce);
	/** The lines whose files are being looked at, before it is their turn to be shown. */
	const begun = new WeakMap<Seen["what"], Promise<Seen>>();

	async function linked(media: Media, about: Parameters<Files["url"]>[1], files: Files): Promise<Media> {
		const { ref } = media.source;
		if ((media.size ?? 0) > files.largest)
			throw new PermanentError("invalid", phrases.fileTooLarge(files.largest));
		const mime = media.mime ?? (await once(`type ${ref}`, async () => (await files.type(media)) ?? ""));
		const typed = mime ? { ...media, mime } : media;
		const link = await files.url(typed, about, (name, make) => once(`${name} ${ref}`, make));
		const thumbnail = media.thumbnail && (await pictured(media.thumbnail, about, files));
		return { ...typed, link, ...(thumbnail && { thumbnail }) };
	}

	/** Resolves with the thumbnail without a URL where it cannot be had. */
	async function pictured(
		{ link: _, ...picture }: Picture,
		about: Parameters<Files["url"]>[1],
		files: Files,
	): Promise<Picture> {
		const media = { ...picture, kind: "image" as const, name: "thumbnail" };
		const keep = <T>(name: string, make: () => Promise<T>) => once(`${name} ${picture.source.ref}`, make);
		return Promise.resolve(files.url(media, about, keep)).then(
			(link) => ({ ...picture, link }),
			() => picture,
		);
	}

	return {
		/** True where files cross as files. */
		able: (): boolean => deps.files() !== undefined,
		/**
		 * Returns the event with the URLs of its files, or a promise of it. A file that cannot be had gets none, and is shown
		 * by its name. `tells`: its sender is told so. Never rejects.
		 */
		withLinks(seen: Seen, tells: boolean): Seen | Promise<Seen> {
			const { what } = seen;
			const files = deps.files();
			if (what.kind !== "said" || !files) return seen;
			const { event } = what;
			if (event.kind === "state" || !("media" in event) || !event.media) return seen;
			const { media, more = [] } = event;
			const id = event.kind === "edit" ? event.target.id : event.id;
			const about = { network: deps.of, room: seen.room, id, person: seen.sender.id };
			const known = begun.get(what);
			if (known) return known;
			const one = (file: Media): Promise<Media> =>
				within(
					linkedWithin,
					paced("files", () => linked(file, about, files)),
				).catch((error: unknown) => {
					const why = error instanceof PermanentError ? error.message : phrases.fileNoAnswer;
					if (tells) deps.partly(event, new PermanentError("failed", phrases.onlyName(why)));
					const { link: _, ...bare } = file;
					return bare;
				});
			const complete = Promise.all([media, ...more].map(one)).then(([first = media, ...others]) => {
				const shown = { ...event, media: first, ...(others.length > 0 && { more: others }) };
				return { ...seen, what: { ...what, event: shown } };
			});
			if (tells) begun.set(what, complete);
			return complete;
		},
	};
}
export type FileLinks = ReturnType<typeof createFileLinks>;
