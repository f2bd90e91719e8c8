import { PermanentError } from "../../core/errors.ts";
import type { LevelChange, Picture, RoomFacts, RoomSettings } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import type { InTurn } from "../../core/turns.ts";
import { type Client, hasCode, unlessRefused } from "../client.ts";
import type { Content } from "../event.ts";
import type { Ghosts } from "../ghosts.ts";
import type { OwnAliases } from "../own-aliases.ts";
import * as phrases from "../phrases.ts";
import { maySet } from "../power.ts";
import { readCreate, readLevels } from "../room-powers.ts";
import type { Rooms } from "../rooms.ts";
import { refuseBot } from "./accounts.ts";
import { isAddress } from "./addresses.ts";
import { seedIn } from "./facts.ts";
import { createNewRooms } from "./new-room.ts";
import type { RoomEnds } from "./room-ends.ts";
import { changesLevels, levelsAfter, type StateEvent, statesOf } from "./settings.ts";

/** Makes and changes rooms for people of other networks. In rooms that the bot made, the bot acts for their owners. */
export function createMadeRooms(deps: {
	client: Client;
	ghosts: Pick<Ghosts, "account" | "known">;
	rooms: Pick<Rooms, "botCame" | "membershipOf">;
	ends: RoomEnds;
	aliases: OwnAliases;
	/** Resolves with the MXID of a person. */
	mxidOf(whom: LevelChange["whom"]): Promise<string>;
	/** Two changes of the levels of one room at once would undo each other. */
	inTurn: InTurn;
	/** Called when an alias has begun, or ceased, to lead to a room. */
	moved(): void;
	/** Notes that the directory lists a room now, or no more. */
	listed(room: RoomId, listed: boolean): void;
	/** Resolves with the facts of a room that the bot is in. */
	facts(room: RoomId): Promise<RoomFacts>;
	isIn(room: RoomId, ghost: string): boolean;
	bot: string;
	domain: string;
}) {
	const { client, ghosts, rooms, ends, mxidOf, inTurn, bot, domain } = deps;
	const make = createNewRooms({ ...deps, seedOf });

	/** Resolves with the seed of a room that the bot has made for people of other networks; undefined for any other. */
	async function seedOf(room: string): Promise<string | undefined> {
		// The homeserver refuses where the bot is not in the room.
		const create = await unlessRefused(readCreate(client, room));
		return create?.sender === bot ? seedIn(create.content) : undefined;
	}

	/** Resolves with the MXIDs of the people whose levels `as` changes. @throws PermanentError */
	async function mxidsOf(
		{ levels = [] }: RoomSettings,
		as: string | undefined,
	): Promise<(whom: LevelChange["whom"]) => string> {
		const found = new Map<LevelChange["whom"], string>();
		for (const { whom } of levels) {
			const mxid = await mxidOf(whom);
			if (as === undefined) refuseBot(mxid, bot);
			found.set(whom, mxid);
		}
		return (whom) => found.get(whom) ?? "";
	}

	/** Resolves with the account that changes a room for a person: the bot (undefined) where it has made the room. */
	async function actor(room: RoomId, by: Person): Promise<string | undefined> {
		if ((await seedOf(room)) !== undefined) return undefined;
		const ghost = await ghosts.known(by);
		if (ghost === undefined) throw new PermanentError("forbidden", phrases.notInRoom);
		return ghost;
	}

	/** Resolves with the ghost of a person who is in a room; undefined where it is not. */
	async function presentGhost(room: RoomId, by: Person): Promise<string | undefined> {
		const ghost = await ghosts.known(by);
		return ghost !== undefined && deps.isIn(room, ghost) ? ghost : undefined;
	}

	/** Checks that an account may send all of these events, so that a change is made as a whole or not at all. */
	async function refuseWeak(room: string, as: string, events: readonly StateEvent[], levels: Content) {
		const create = await readCreate(client, room, as);
		if (!events.every(({ type }) => maySet(type, as, create, levels)))
			throw new PermanentError("forbidden", phrases.powerTooLow);
	}

	/** Runs `work`; the homeserver's refusal for want of power becomes one that core knows. */
	const permitted = <T>(work: () => Promise<T>): Promise<T> =>
		work().catch((error: unknown) => {
			if (hasCode(error, "M_FORBIDDEN")) throw new PermanentError("forbidden", phrases.powerTooLow);
			throw error;
		});

	/** As {@link Hosting.configure}. */
	const configure = (room: RoomId, by: Person, settings: RoomSettings): Promise<void> =>
		inTurn([room], () =>
			permitted(async () => {
				const as = await actor(room, by);
				const levels = (await readLevels(client, room, as)) ?? {};
				const events = [...statesOf(settings)];
				if (changesLevels(settings)) {
					const content = levelsAfter(levels, settings, await mxidsOf(settings, as));
					events.push({ type: "m.room.power_levels", content });
				}
				// Matrix spec: an account that may set the main alias may list the room.
				const listing = { type: "m.room.canonical_alias", content: {} };
				const needed = settings.listed === undefined ? events : [...events, listing];
				if (as !== undefined) await refuseWeak(room, as, needed, levels);
				// The directory has rules of its own, so it is asked first.
				if (settings.listed !== undefined) await list(room, settings.listed, as);
				if (settings.listed !== undefined) deps.listed(room, settings.listed);
				// People read the author of each change. Nobody but the bot lowers an owner.
				const shown = as ?? (await presentGhost(room, by));
				for (const { type, content } of events)
					await client.setState(room, type, "", content, type === "m.room.power_levels" ? as : shown);
			}),
		);

	const list = (room: string, listed: boolean, as: string | undefined) =>
		client.call("PUT", `/_matrix/client/v3/directory/list/room/${encodeURIComponent(room)}`, {
			body: { visibility: listed ? "public" : "private" },
			...(as && { as }),
		});

	/** As {@link Hosting.takesAlias}. By custom, names that begin with `_` belong to application services. */
	const takesAlias = (localpart: string): boolean =>
		!localpart.startsWith("_") && isAddress({ kind: "alias", parts: [localpart] }, domain);

	return {
		takesAlias,
		/** As {@link Hosting.create}. */
		async create(localpart: string, by: Person, settings: RoomSettings, seed: string): Promise<RoomFacts> {
			if (!takesAlias(localpart)) throw new PermanentError("invalid", phrases.noAlias(localpart));
			const mxids = await mxidsOf(settings, undefined);
			const owner = { network: by.network, mxid: await ghosts.account(by) };
			const room = (await permitted(() => make(localpart, owner, settings, seed, mxids))) as RoomId;
			rooms.botCame(room);
			// The directory may refuse the room by a rule of its own, and the facts tell.
			if (settings.listed) await unlessRefused(list(room, true, undefined));
			deps.moved();
			return deps.facts(room);
		},
		configure,
		/** As {@link Hosting.setPicture}. */
		setPicture: (room: RoomId, by: Person, picture: Picture | undefined): Promise<void> =>
			permitted(async () => {
				const as = await actor(room, by);
				const type = "m.room.avatar";
				if (as !== undefined)
					await refuseWeak(room, as, [{ type, content: {} }], (await readLevels(client, room, as)) ?? {});
				const url =
					picture && (await client.upload(Buffer.from(picture.bytes), picture.type, "room", as)).content_uri;
				const info = picture && { mimetype: picture.type, size: picture.bytes.length };
				const shown = as ?? (await presentGhost(room, by));
				await client.setState(room, type, "", url === undefined ? {} : { url, info }, shown);
			}),
		/** As {@link Hosting.destroy}. */
		async destroy(room: RoomId, by: Person, reason?: string): Promise<void> {
			if ((await seedOf(room)) === undefined) throw new PermanentError("forbidden", phrases.notOurRoom);
			await ends.begin(room, phrases.roomDestroyed(by.name ?? by.address.join("@"), reason));
			deps.moved();
		},
	};
}
