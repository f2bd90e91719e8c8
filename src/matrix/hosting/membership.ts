import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import { PermanentError, TemporaryError } from "../../core/errors.ts";
import type { Entered } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { type Client, hasCode, MatrixError } from "../client.ts";
import type { Content, MatrixEvent } from "../event.ts";
import { type Ghosts, NoGhost, shortName } from "../ghosts.ts";
import type { Members } from "../members.ts";
import { personMxid } from "../mxid.ts";
import * as phrases from "../phrases.ts";
import type { Rooms } from "../rooms.ts";
import { createSlots } from "../slots.ts";
import { createJoinRefusals } from "./join-refusals.ts";

/** The longest time in ms that our homeserver may take for a join over federation. */
const longest = 5 * 60_000;
/**
 * Joins over federation that run at once, and that wait. Synapse runs ten joins of an application service at once, and a
 * join without an answer of any server must not hold up those to rooms of its own.
 */
const [atOnce, mostWaiting] = [5, 100];
/** A refusal that took longer than `slow` ms is the answer to the next tries, for `kept` ms: nobody waited for it. */
const [slow, kept] = [10_000, 60_000];
/** Refusals that are remembered. */
const remembered = 1_000;
/** Names in rooms that are remembered, and their bytes. */
const [mostNames, nameBytes] = [20_000, 8 * 1_048_576];

/** Lets people of other networks in and out of rooms, each as their own ghost. */
export function createMembership(deps: {
	client: Client;
	ghosts: Ghosts;
	members: Members;
	rooms: Pick<Rooms, "leave" | "membershipOf">;
	/** Returns the servers, other than ours, by which a room can be joined. */
	via(room: string): readonly string[];
	/** Returns true if a join of the room has to ask other homeservers. */
	isOutside(room: string): boolean;
	/** The account that reads a room for the bridge. */
	speaker(room: RoomId): Promise<string | undefined>;
	/** Called before a ghost joins. `first`: no account of ours is in the room to hear what is said there. */
	coming(room: RoomId, ghost: string, first: boolean): Promise<void>;
	/** Called when a ghost is in the room. */
	came(room: RoomId, ghost: string, first: boolean): Promise<void>;
	isOurs(mxid: string): boolean;
	domain: string;
	now?: () => number;
}) {
	const { client, ghosts, members, rooms, via, domain, now = Date.now } = deps;
	/** Joins under way, by room and ghost: the next try of a person who lost patience waits for the same one. */
	const underWay = new Map<string, Promise<Entered>>();
	/** By room and ghost: the name there. */
	const names = createBoundedMap<string, string>(mostNames, { bytes: nameBytes, of: textBytes });
	const reasonOf = createJoinRefusals(deps);
	const inSlot = createSlots(atOnce, mostWaiting, phrases.tooManyJoins);
	const refusals = createBoundedMap<string, Readonly<{ entered: Entered; until: number }>>(remembered);

	/** Gives a ghost its name in a room, where the join did not: only Synapse takes a name there. */
	async function name(room: RoomId, ghost: string, called: string): Promise<void> {
		names.set(`${room} ${ghost}`, called);
		const now = await client.state<Content>(room, "m.room.member", ghost, ghost);
		if (now.membership !== "join" || now.displayname === called) return;
		await client.setState(room, "m.room.member", ghost, { ...now, displayname: called }, ghost);
	}

	async function join(room: RoomId, ghost: string, person: Person): Promise<Entered> {
		const called = shortName(person);
		const first = !members.of(room).keys().some(deps.isOurs);
		await deps.coming(room, ghost, first);
		const ask = () => client.joinAs(room, { as: ghost, name: called, via: via(room), timeout: longest });
		try {
			await (first && deps.isOutside(room) ? inSlot(ask) : ask());
		} catch (error) {
			return reasonOf(error, room, ghost);
		}
		// The room is entered, with the name or without it.
		await name(room, ghost, called).catch((error: unknown) => {
			if (!(error instanceof MatrixError)) throw error;
		});
		await deps.came(room, ghost, first);
		return { kind: "in" };
	}

	/** @throws PermanentError if the person has no ghost, so they are in no room. */
	async function known(person: Person): Promise<string> {
		const ghost = await ghosts.known(person);
		if (ghost === undefined) throw new PermanentError("not-found", phrases.notInRoom);
		return ghost;
	}

	function mxidAt(address: readonly string[]): string {
		const mxid = personMxid(address, domain);
		if (!mxid) throw new PermanentError("invalid", phrases.noMatrixAddress(address.join(":")));
		return mxid;
	}

	return {
		/** As {@link Hosting.enter}. */
		async enter(room: RoomId, person: Person): Promise<Entered> {
			const ghost = await ghosts.account(person).catch((error: unknown) => {
				// The limit on new accounts lets the person in later.
				throw error instanceof NoGhost ? new TemporaryError(error.message, { cause: error }) : error;
			});
			const key = `${room} ${ghost} ${person.name}`;
			const known = refusals.get(key);
			if (known && known.until > now()) return known.entered;
			const running = underWay.get(key);
			if (running !== undefined) return running;
			const began = now();
			const joining = join(room, ghost, person).then((entered) => {
				if (entered.kind === "refused" && now() - began > slow)
					refusals.set(key, { entered, until: now() + kept });
				return entered;
			});
			underWay.set(key, joining);
			const done = () => void underWay.delete(key);
			joining.then(done, done);
			return joining;
		},

		/** As {@link Hosting.leave}: also declines an invitation. */
		async leave(room: RoomId, person: Person, reason?: string): Promise<void> {
			const ghost = await ghosts.known(person);
			if (ghost === undefined) return;
			names.delete(`${room} ${ghost}`);
			await rooms.leave(room, ghost, reason).catch((error: unknown) => {
				// A ghost that is in no room, or is banned from it, has left it already.
				if (!(error instanceof MatrixError)) throw error;
				members.went(room, ghost);
			});
		},

		/**
		 * Gives a ghost its name in a room back: its homeserver writes a new name of the account, which a chat of two may
		 * have brought, into all rooms. Resolves with true if this member event did so.
		 */
		async keepName({ room_id: room, state_key: ghost = "", sender, content }: MatrixEvent): Promise<boolean> {
			const called = names.get(`${room} ${ghost}`);
			if (content.membership !== "join") names.delete(`${room} ${ghost}`);
			if (called === undefined || sender !== ghost || content.membership !== "join") return false;
			if (content.displayname === called) return false;
			await name(room as RoomId, ghost, called);
			return true;
		},

		/** As {@link Hosting.rename}. */
		async rename(room: RoomId, person: Person): Promise<void> {
			await name(room, await known(person), shortName(person));
		},

		/** As {@link Hosting.setTopic}. */
		async setTopic(room: RoomId, by: Person, topic: string): Promise<void> {
			await client.setState(room, "m.room.topic", "", { topic: topic.toWellFormed() }, await known(by));
		},

		/** As {@link Hosting.invite}. */
		async invite(room: RoomId, by: Person, whom: readonly string[] | Person): Promise<void> {
			const mxid = "id" in whom ? await ghosts.account(whom) : mxidAt(whom);
			try {
				await client.invite(room, mxid, await known(by));
			} catch (error) {
				// They are in the room already.
				if (!hasCode(error, "M_BAD_STATE") && !/already in the room/.test(String(error))) throw error;
			}
		},
	};
}
