import { PermanentError } from "../../core/errors.ts";
import type { Absent, LevelChange } from "../../core/hosting.ts";
import type { NetworkName, RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import type { InTurn } from "../../core/turns.ts";
import type { Client } from "../client.ts";
import { asObject, type Content, isEvent, text } from "../event.ts";
import type { Ghosts } from "../ghosts.ts";
import { ghostAddress, matrixNetwork, personAddress } from "../mxid.ts";
import * as phrases from "../phrases.ts";
import { readLevels } from "../room-powers.ts";
import type { Rooms } from "../rooms.ts";
import { reasonBy, refuseBot } from "./accounts.ts";
import { ruleFor, ruleType } from "./domain-bans.ts";

/** The most people of one list. */
const mostListed = 1_000;
/** How Matrix spells the lists. */
const memberships = { banned: "ban", invited: "invite" } as const;

/**
 * Lets moderators of other networks act in a room. In one that the bot has made, it carries out the
 * acts that core has checked, since Matrix lets nobody act upon an equal; in any other the ghost of
 * the moderator acts, and its power level decides.
 */
export function createModeration(deps: {
	client: Client;
	ghosts: Pick<Ghosts, "known" | "person">;
	rooms: Pick<Rooms, "membershipOf">;
	/** Resolves with true for a room that the bot has made for people of other networks. */
	isMade(room: RoomId): Promise<boolean>;
	/** Resolves with the MXID of a person. */
	mxidOf(whom: LevelChange["whom"]): Promise<string>;
	/** Two changes of the levels of one room at once would undo each other. */
	inTurn: InTurn;
	isOurs(mxid: string): boolean;
	bot: string;
	domain: string;
}) {
	const { client, ghosts, rooms, isMade, inTurn, isOurs, bot, domain } = deps;

	/**
	 * Resolves with the account that acts for a person: the bot (undefined) where it has made the room.
	 * @throws PermanentError if the person has no ghost, so they are in no room.
	 */
	async function actorFor(person: Person, room: RoomId): Promise<string | undefined> {
		if (await isMade(room)) return undefined;
		const ghost = await ghosts.known(person);
		if (ghost === undefined) throw new PermanentError("forbidden", phrases.notInRoom);
		return ghost;
	}

	/** Resolves with the MXID of a person upon whom `as` may act. @throws PermanentError */
	async function mxidOf(whom: LevelChange["whom"], as: string | undefined): Promise<string> {
		const mxid = await deps.mxidOf(whom);
		if (as === undefined) refuseBot(mxid, bot);
		return mxid;
	}

	/** Resolves with the network and address of the person behind an MXID. */
	async function behind(mxid: string): Promise<Pick<Person, "network" | "address"> | undefined> {
		if (!isOurs(mxid)) {
			const address = personAddress(mxid, domain);
			return address && { network: matrixNetwork, address };
		}
		const found = (await ghosts.person(mxid)) ?? ghostAddress(mxid, domain);
		return found && { network: found.network as NetworkName, address: found.address };
	}

	return {
		/** As {@link Hosting.moderate}. */
		async act(
			room: RoomId,
			by: Person,
			act: "kick" | "ban" | "unban",
			whom: LevelChange["whom"],
			reason: string | undefined,
		): Promise<void> {
			const as = await actorFor(by, room);
			const mxid = await mxidOf(whom, as);
			const is = await rooms.membershipOf(room, mxid, as);
			const due = { kick: is === "join" || is === "invite", ban: is !== "ban", unban: is === "ban" };
			if (due[act]) await client.moderate(room, act, mxid, { as, reason: reasonBy(by, as, reason) });
		},

		/** As {@link Hosting.setLevels}. */
		setLevels: (room: RoomId, by: Person, changes: readonly LevelChange[]): Promise<void> =>
			inTurn([room], async () => {
				const as = await actorFor(by, room);
				const levels = (await readLevels(client, room, as)) ?? {};
				const users = new Map<string, unknown>(Object.entries(asObject(levels.users)));
				for (const { whom, level } of changes) {
					const mxid = await mxidOf(whom, as);
					if (level === undefined) users.delete(mxid);
					else users.set(mxid, level);
				}
				const content = { ...levels, users: Object.fromEntries(users) };
				await client.setState(room, "m.room.power_levels", "", content, as);
			}),

		/** As {@link Hosting.banDomain}. */
		async banDomain(
			room: RoomId,
			by: Person,
			name: string,
			ban: Readonly<{ reason?: string | undefined }> | undefined,
		): Promise<void> {
			const { key, content } = ruleFor(name, ban);
			await client.setState(room, ruleType, key, content, await actorFor(by, room));
		},

		/** As {@link Hosting.absent}. */
		async absent(room: RoomId, reader: Person, which: "banned" | "invited"): Promise<readonly Absent[]> {
			const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/members`;
			const membership = memberships[which];
			const query = { membership };
			const as = await actorFor(reader, room);
			const { chunk } = await client.call<Content>("GET", path, { query, ...(as && { as }) });
			const events = (Array.isArray(chunk) ? chunk : [])
				.filter(isEvent)
				.filter(({ content }) => content.membership === membership);
			const found = events.slice(0, mostListed).map(async ({ state_key = "", content }) => {
				const person = await behind(state_key);
				const reason = text(content.reason);
				return person && { ...person, ...(reason && { reason }) };
			});
			return (await Promise.all(found)).filter((one) => one !== undefined);
		},
	};
}
