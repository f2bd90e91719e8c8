import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import { PermanentError, TemporaryError } from "../core/errors.ts";
import type { Guard } from "../core/guard.ts";
import { createRateLimit } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import type { Mapping } from "../core/mapping.ts";
import type { Bridge } from "../core/network.ts";
import type { Avatar, Person } from "../core/person.ts";
import type { Client } from "./client.ts";
import type { MediaStore } from "./media.ts";
import { matrixNetwork } from "./mxid.ts";

/** Pictures that wait to be shown. Past that, a picture is shown when its person is next heard of. */
const mostWaiting = 2_000;
/** Pictures that are read and uploaded at the same time. */
const atOnce = 2;
/** Places of pictures on the homeserver that are remembered, and their bytes. */
const [known, knownBytes] = [5_000, 2 * 1_048_576];
/** Pictures that could not be shown, and how long they are not tried again, in ms: less while a server is away. */
const [failures, retryAfter, soon] = [2_000, 10 * 60_000, 60_000];
/** New pictures of one ghost that are uploaded: a homeserver keeps each of them. */
const uploadsOfGhost = { perMinute: 1, burst: 10 };
/** Bytes of the largest picture that is uploaded. */
const largest = 1_048_576;

/** Shows the pictures of other networks' people: each is uploaded once, in the background, and delays nothing. */
export function createFaces(deps: {
	client: Pick<Client, "setPicture">;
	mapping: Pick<Mapping, "ghost" | "saveGhost" | "picture">;
	files: Pick<MediaStore, "store">;
	open: Bridge["open"];
	guard: Guard;
	log: Log;
	now?: () => number;
}) {
	const { client, mapping, log, guard, now = Date.now } = deps;
	const weight = { bytes: knownBytes, of: textBytes };
	const places = createBoundedMap<string, string>(known, weight);
	const failed = createBoundedMap<string, number>(failures, {
		bytes: knownBytes,
		of: (key) => textBytes(key),
	});
	/** The work that waits, by what it is for: newer work takes the place of older. */
	const waiting = new Map<string, () => Promise<void>>();
	const mayUpload = createRateLimit(uploadsOfGhost, now);
	/** Uploads under way, by hash. */
	const uploads = new Map<string, Promise<string>>();
	/** The people whose pictures are being worked at. */
	const busy = new Set<string>();

	const hashOf = ({ network, ref, hash = ref }: Avatar): string => `${network} ${hash}`;

	/** Resolves with the mxc URI of a picture that was uploaded before, also by an earlier run. */
	async function uploaded(avatar: Avatar): Promise<string | undefined> {
		const hash = hashOf(avatar);
		const place = places.get(hash) ?? (await mapping.picture(hash));
		if (place !== undefined) places.set(hash, place);
		return place;
	}

	async function upload(avatar: Avatar, ghost: string): Promise<string> {
		if (!mayUpload(ghost)) throw new TemporaryError("too many new pictures of one ghost");
		const opened = await deps.open(avatar);
		if ((opened.size ?? 0) > largest) {
			opened.body.destroy();
			throw new PermanentError("invalid", "the picture is too large");
		}
		const stored = await deps.files.store(opened, { kind: "image", name: "avatar", source: avatar }, ghost);
		if (!stored.width) throw new PermanentError("invalid", "the file is no picture");
		places.set(hashOf(avatar), stored.url);
		return stored.url;
	}

	/** Resolves with the mxc URI of a picture, which is uploaded as `ghost` where it has none yet. */
	async function place(avatar: Avatar, ghost: string): Promise<string> {
		const hash = hashOf(avatar);
		const before = await uploaded(avatar);
		if (before !== undefined) return before;
		const mine = uploads.get(hash) ?? upload(avatar, ghost).finally(() => uploads.delete(hash));
		uploads.set(hash, mine);
		return mine;
	}

	/** Has `work` done when its turn comes; `avatar` is what it shows. */
	function later(key: string, avatar: Avatar | null, work: () => Promise<void>): void {
		const hash = avatar ? hashOf(avatar) : "";
		if ((failed.get(hash) ?? 0) > now()) return;
		if (!waiting.has(key) && waiting.size >= mostWaiting) return;
		waiting.set(key, () =>
			work().catch((error: unknown) => {
				if (avatar) failed.set(hash, now() + (error instanceof TemporaryError ? soon : retryAfter));
				log.info({ err: error, picture: avatar?.ref }, "a picture is not shown");
			}),
		);
		if (busy.size < atOnce) void guard.run("pictures of ghosts", run);
	}

	async function run(): Promise<void> {
		for (;;) {
			// The last picture of a person must not be overtaken by the one before.
			const next = waiting.entries().find(([key]) => !busy.has(key));
			if (!next) return;
			const [key, work] = next;
			waiting.delete(key);
			busy.add(key);
			await work();
			busy.delete(key);
		}
	}

	/** Gives the account of a person's ghost the picture, unless it has it. */
	async function dress(person: Person, avatar: Avatar | null): Promise<void> {
		const find = () => mapping.ghost(person.id, person.network, matrixNetwork);
		const ghost = await find();
		const hash = avatar ? hashOf(avatar) : undefined;
		if (!ghost || ghost.picture?.hash === hash) return;
		const url = avatar ? await place(avatar, ghost.address) : "";
		await client.setPicture(ghost.address, url);
		const { picture: _last, ...rest } = (await find()) ?? ghost;
		await mapping.saveGhost({ ...rest, ...(hash !== undefined && { picture: { hash, url } }) });
	}

	return {
		/** Shows the picture that a person has now, beside the name of their ghost. Returns at once; without news nothing happens. */
		show(person: Person): void {
			const { avatar } = person;
			if (avatar === undefined) return;
			later(`${person.network} ${person.id}`, avatar, () => dress(person, avatar));
		},
		/**
		 * Hands the mxc URI of a picture to `use`, later if it has to be uploaded as `ghost` first. `key` tells what it is for.
		 * A later call for the same takes the place of this one. Returns at once.
		 */
		bring(key: string, avatar: Avatar, ghost: string, use: (url: string) => Promise<void>): void {
			later(key, avatar, async () => use(await place(avatar, ghost)));
		},
		uploaded,
	};
}
export type Faces = ReturnType<typeof createFaces>;
