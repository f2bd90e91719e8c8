import { createBoundedMap } from "../core/bounded-map.ts";
import type { Portal } from "../core/mapping.ts";
import type { Outbound } from "../core/network.ts";
import { type Client, hasCode, MatrixError } from "./client.ts";
import type { Ghosts } from "./ghosts.ts";
import type { Members } from "./members.ts";
import { matrixNetwork } from "./mxid.ts";

export type Rooms = ReturnType<typeof createRooms>;

/** Returns true for an event of a person who takes part in the room itself, by a view that shows all of it. */
export const isOfView = ({ portal, event }: Pick<Outbound, "portal" | "event">): boolean =>
	portal.links.some(({ network, role }) => role === "hosted" && network === event.sender.network);

/** Lets people and ghosts into rooms and out of them, and knows which rooms the bot is in. */
export function createRooms(deps: {
	client: Client;
	members: Members;
	ghosts: Ghosts;
	bot: string;
	isOurs(mxid: string): boolean;
}) {
	const { client, members, ghosts, bot, isOurs } = deps;
	const withBot = new Set<string>();
	/**
	 * By room: the ghost that reads it, or the one that came last, whose join may reach us before the answer to the request
	 * for it. A search among all members of a large room for each event would cost more than the event.
	 */
	const readers = createBoundedMap<string, string>(1_000);
	/** The people who were invited again into a direct chat, so that not every message invites them. */
	const invitedAgain = new Set<string>();

	/**
	 * Invites a person, unless they are in the room or invited already: clients show each invite as an invitation of its own.
	 * `chat`: it is a chat of two, whose invitation has no reason.
	 */
	async function invite(
		room: string,
		mxid: string,
		{ chat, as, reason }: { chat: boolean; as: string | undefined; reason?: string | undefined },
	): Promise<void> {
		const membership = await membershipOf(room, mxid, as);
		if (membership === "join" || membership === "invite") return;
		if (!chat) return void (await client.invite(room, mxid, { as, reason }));
		// The request for an invite cannot carry `is_direct`, by which the client of the invited person adds the room to
		// `m.direct`, so the state event itself is sent. // Matrix spec, "Direct Messaging"
		await client.setState(room, "m.room.member", mxid, { membership: "invite", is_direct: true }, as);
	}

	/**
	 * Resolves with the membership that `as` sees (the state at its own leave, if
	 * it left); undefined for a person who never came.
	 */
	async function membershipOf(room: string, mxid: string, as?: string): Promise<string | undefined> {
		try {
			return (await client.state<{ membership?: string }>(room, "m.room.member", mxid, as)).membership;
		} catch (error) {
			if (hasCode(error, "M_NOT_FOUND")) return undefined;
			throw error;
		}
	}

	/** Joins a ghost, which the bot invites where the room asks for that. */
	async function join(room: string, ghost: string): Promise<void> {
		try {
			await client.join(room, ghost);
		} catch (error) {
			if (!hasCode(error, "M_FORBIDDEN") || ghost === bot) throw error;
			await client.invite(room, ghost);
			await client.join(room, ghost);
		}
		members.came(room, ghost);
	}

	return {
		/** The rooms that the bot is in. */
		withBot: withBot as ReadonlySet<string>,
		botCame(room: string): void {
			withBot.add(room);
		},
		botWent(room: string): void {
			withBot.delete(room);
		},
		membershipOf,
		invite,
		join,

		/** The account that speaks in a room for the bridge itself: the bot (undefined), in a chat of two the ghost. */
		async speaker(room: string, portal: Portal | undefined): Promise<string | undefined> {
			if (withBot.has(room)) return undefined;
			const other = portal?.between?.find((person) => person.network !== matrixNetwork);
			const ghost = other && (await ghosts.known(other));
			if (ghost) return ghost;
			const last = readers.get(room);
			if (last !== undefined && members.has(room, last)) return last;
			const found = members.of(room).keys().find(isOurs);
			if (found !== undefined) readers.set(room, found);
			return found ?? last;
		},
		/** Notes that a ghost is about to join. */
		comes(room: string, ghost: string): void {
			const last = readers.get(room);
			// A ghost that is there already may see more of the room's past.
			if (last === undefined || !members.has(room, last)) readers.set(room, ghost);
		},

		/** Does `work` as a ghost in a room, which joins first where it has to. A retry joins and sends the very same. */
		async inside<T>(
			out: Pick<Outbound, "portal" | "event"> & Readonly<{ room: string }>,
			ghost: string,
			work: () => Promise<T>,
		): Promise<T> {
			const { room } = out;
			// A person of a view comes in by themselves: a message must not bring back one who was removed.
			if (isOfView(out)) return work();
			if (members.known(room) && !members.has(room, ghost)) await join(room, ghost);
			try {
				return await work();
			} catch (error) {
				if (!hasCode(error, "M_FORBIDDEN")) throw error;
				await join(room, ghost);
				return work();
			}
		},

		async leave(room: string, ghost: string, reason?: string): Promise<void> {
			await client.leave(room, ghost, reason);
			if (readers.get(room) === ghost) readers.delete(room);
			members.went(room, ghost);
		},

		/** Invites a person who left a direct chat, once until they come back, since somebody writes to them. */
		async inviteAgain(room: string, person: string, ghost: string): Promise<void> {
			const key = `${room} ${person}`;
			if (!members.known(room) || members.has(room, person) || invitedAgain.has(key)) return;
			invitedAgain.add(key);
			await invite(room, person, { chat: true, as: ghost });
		},
		cameBack: (room: string, person: string) => void invitedAgain.delete(`${room} ${person}`),

		/** Ends our part in a room: ghosts leave. A room that we created (`made`) also loses its aliases and the bot. */
		async abandon(room: string, made: boolean): Promise<void> {
			const here = withBot.has(room);
			if (!members.known(room) && here) await members.read(room).catch(() => undefined);
			if (made && here) await removeAliases(room);
			for (const mxid of members.of(room).keys())
				if (isOurs(mxid) && mxid !== bot) await client.leave(room, mxid).catch(ignoreRefusal);
			if (made && here) {
				await client.leave(room).catch(ignoreRefusal);
				withBot.delete(room);
			}
			members.forget(room);
		},
	};

	async function removeAliases(room: string): Promise<void> {
		const { aliases } = await client.call<{ aliases: string[] }>(
			"GET",
			`/_matrix/client/v3/rooms/${encodeURIComponent(room)}/aliases`,
		);
		for (const alias of aliases)
			if (isOurs(`@${alias.slice(1)}`)) await client.removeAlias(alias).catch(ignoreRefusal);
		await client.setState(room, "m.room.canonical_alias", "", {}).catch(ignoreRefusal);
	}
}

/** A ghost that has left cannot leave again, and a name that is gone cannot be removed: both are what was wanted. */
function ignoreRefusal(error: unknown): void {
	if (!(error instanceof MatrixError)) throw error;
}
