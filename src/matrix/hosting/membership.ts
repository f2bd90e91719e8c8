import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import type { LookAlikes } from "../../core/confusable.ts";
import { PermanentError, TemporaryError } from "../../core/errors.ts";
import type { Entered, LevelChange } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { type Client, hasCode, type Looks, MatrixError } from "../client.ts";
import { asObject, type Content, type MatrixEvent } from "../event.ts";
import type { Faces } from "../faces.ts";
import { isClaim, shortName, withAddress } from "../ghost-name.ts";
import { type Ghosts, NoGhost } from "../ghosts.ts";
import type { Members } from "../members.ts";
import { matrixNetwork } from "../mxid.ts";
import * as phrases from "../phrases.ts";
import type { Rooms } from "../rooms.ts";
import { createSlots } from "../slots.ts";
import { reasonBy } from "./accounts.ts";
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
/** Members of the largest room whose names are compared with that of somebody who comes in. */
const largest = 2_000;
/** Refusals that are remembered. */
const remembered = 1_000;
/** Names and pictures in rooms that are remembered, and their bytes. */
const [mostNames, nameBytes] = [20_000, 8 * 1_048_576];

/** Lets people of other networks in and out of rooms, each as their own ghost. */
export function createMembership(deps: {
	client: Client;
	ghosts: Ghosts;
	faces: Pick<Faces, "bring" | "uploaded">;
	members: Members;
	rooms: Pick<Rooms, "leave" | "membershipOf">;
	/** Returns the servers, other than ours, by which a room can be joined. */
	via(room: string): readonly string[];
	/** Returns true if a join of the room has to ask other homeservers. */
	isOutside(room: string): boolean;
	/** Resolves with true for a room that the bot has made for people of other networks. */
	isMade(room: RoomId): Promise<boolean>;
	/** The account that reads a room for the bridge. */
	speaker(room: RoomId): Promise<string | undefined>;
	/** Called before a ghost joins. `first`: no account of ours is in the room to hear what is said there. */
	coming(room: RoomId, ghost: string, first: boolean): Promise<void>;
	/** Called when a ghost is in the room. */
	came(room: RoomId, ghost: string, first: boolean): Promise<void>;
	/** Resolves with the MXID of a person. */
	mxidOf(whom: LevelChange["whom"]): Promise<string>;
	isOurs(mxid: string): boolean;
	isLike: LookAlikes;
	now?: () => number;
}) {
	const { client, ghosts, faces, members, rooms, via, mxidOf, now = Date.now } = deps;
	/** Joins under way, by room and ghost: the next try of a person who lost patience waits for the same one. */
	const underWay = new Map<string, Promise<Entered>>();
	/** By room and ghost: the name and the picture there. */
	const names = createBoundedMap<string, Looks>(mostNames, {
		bytes: nameBytes,
		of: (key, { displayname, avatar_url }) => textBytes(key, displayname, avatar_url),
	});
	const reasonOf = createJoinRefusals(deps);
	const inSlot = createSlots(atOnce, mostWaiting, phrases.tooManyJoins);
	const refusals = createBoundedMap<string, Readonly<{ entered: Entered; until: number }>>(remembered);

	/** Gives a ghost its looks in a room, where the join did not: only Synapse takes them there. */
	async function dress(room: RoomId, ghost: string, looks: Looks): Promise<void> {
		names.set(`${room} ${ghost}`, looks);
		const now = await client.state<Content>(room, "m.room.member", ghost, ghost);
		if (now.membership !== "join" || fits(now, looks)) return;
		// "" is no picture. Synapse writes the picture of the account where a member event names none.
		const { avatar_url = now.avatar_url } = looks;
		const content = { ...now, displayname: looks.displayname, avatar_url };
		await client.setState(room, "m.room.member", ghost, content, ghost);
	}

	/** Resolves with the looks of a person, with their picture if it is on the homeserver already. */
	async function looksOf(person: Person): Promise<Looks> {
		const { avatar } = person;
		const url = avatar ? await faces.uploaded(avatar) : avatar === null ? "" : undefined;
		return { displayname: shortName(person), ...(url !== undefined && { avatar_url: url }) };
	}

	/** Gives a ghost the picture of its person in a room, once it is on the homeserver. */
	function showFace(room: RoomId, ghost: string, { avatar }: Person, looks: Looks): void {
		if (!avatar || looks.avatar_url !== undefined) return;
		faces.bring(`${room} ${ghost}`, avatar, ghost, async (avatar_url) => {
			// The ghost may have left meanwhile, or got another name.
			const last = names.get(`${room} ${ghost}`);
			if (last) await dress(room, ghost, { ...last, avatar_url });
		});
	}

	/** Returns whether the name looks like that of somebody else in the room; undefined where nobody knows who is there. */
	function isTaken(room: RoomId, ghost: string, name: string): boolean | undefined {
		const there = members.of(room);
		if (there.size === 0 || there.size > largest) return undefined;
		return deps.isLike(
			name,
			members.named(room, (mxid) => mxid !== ghost),
		);
	}

	async function join(room: RoomId, ghost: string, person: Person, nameIsFree: boolean): Promise<Entered> {
		const first = !members.of(room).keys().some(deps.isOurs);
		const wanted = await looksOf(person);
		const { displayname } = wanted;
		const claims = isClaim(displayname, person);
		// The known state of a room may be from a time when a ghost of ours was there.
		const isOpen = !claims && !((first ? undefined : isTaken(room, ghost, displayname)) ?? !nameIsFree);
		const name = isOpen ? displayname : members.of(room).get(ghost) || withAddress(displayname, person);
		const asked = { ...wanted, displayname: name };
		await deps.coming(room, ghost, first);
		const ask = () => client.joinAs(room, { as: ghost, ...asked, via: via(room), timeout: longest });
		try {
			await (first && deps.isOutside(room) ? inSlot(ask) : ask());
		} catch (error) {
			return reasonOf(error, room, ghost);
		}
		await deps.came(room, ghost, first);
		// Only now the first of ours learns who is there.
		const isFree = first && !claims && isTaken(room, ghost, displayname) === false;
		const looks = isOpen || isFree ? wanted : asked;
		// The room is entered, with the name or without it.
		await dress(room, ghost, looks).catch((error: unknown) => {
			if (!(error instanceof MatrixError)) throw error;
		});
		showFace(room, ghost, person, looks);
		return { kind: "in", ...(looks.displayname !== displayname && { name: looks.displayname }) };
	}

	/** @throws PermanentError if the person has no ghost, so they are in no room. */
	async function known(person: Person): Promise<string> {
		const ghost = await ghosts.known(person);
		if (ghost === undefined) throw new PermanentError("not-found", phrases.notInRoom);
		return ghost;
	}

	/** Resolves with the account that invites for a person: an admin of a room that the bot has made need not be in it. */
	async function inviterFor(by: Person, room: RoomId): Promise<string | undefined> {
		const ghost = await ghosts.known(by);
		if (ghost !== undefined && members.has(room, ghost)) return ghost;
		return (await deps.isMade(room)) ? undefined : known(by);
	}

	return {
		/** As {@link Hosting.enter}. */
		async enter(room: RoomId, person: Person, { nameIsFree } = { nameIsFree: false }): Promise<Entered> {
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
			const joining = join(room, ghost, person, nameIsFree).then((entered) => {
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
		 * Gives a ghost its looks in a room back: its homeserver writes a new name or picture of the account, which a chat of
		 * two may have brought, into all rooms. Resolves with true if this member event did so.
		 */
		async keepLooks({
			room_id: room,
			state_key: ghost = "",
			sender,
			content,
			unsigned,
		}: MatrixEvent): Promise<boolean> {
			const looks = names.get(`${room} ${ghost}`);
			if (content.membership !== "join") names.delete(`${room} ${ghost}`);
			if (looks === undefined || sender !== ghost || content.membership !== "join") return false;
			// A join takes no looks away. Its ghost may have got others since.
			if (asObject(unsigned?.prev_content).membership !== "join") return false;
			if (fits(content, looks)) return false;
			await dress(room as RoomId, ghost, looks);
			return true;
		},

		/** As {@link Hosting.rename}. */
		async rename(room: RoomId, person: Person): Promise<void> {
			const ghost = await known(person);
			const wanted = await looksOf(person);
			const { displayname } = wanted;
			const mark = isClaim(displayname, person) || isTaken(room, ghost, displayname) === true;
			const looks = mark ? { ...wanted, displayname: withAddress(displayname, person) } : wanted;
			const last = names.get(`${room} ${ghost}`);
			// The last picture stays until the new one is there.
			await dress(room, ghost, { ...(last?.avatar_url && { avatar_url: last.avatar_url }), ...looks });
			showFace(room, ghost, person, looks);
		},

		/** Puts the address behind the name of a ghost in a room: somebody came whose name looks like it. */
		async mark(room: RoomId, ghost: string): Promise<void> {
			const [person, called] = [await ghosts.person(ghost), members.of(room).get(ghost)];
			if (!person || !called) return;
			const displayname = withAddress(called, person);
			await dress(room, ghost, { ...names.get(`${room} ${ghost}`), displayname });
		},

		/** As {@link Hosting.setTopic}. */
		async setTopic(room: RoomId, by: Person, topic: string): Promise<void> {
			await client.setState(room, "m.room.topic", "", { topic: topic.toWellFormed() }, await known(by));
		},

		/** As {@link Hosting.invite}. */
		async invite(room: RoomId, by: Person, whom: LevelChange["whom"], reason?: string): Promise<void> {
			// An invitation needs an account, which somebody of another network may not have yet.
			const isForeign = "id" in whom && whom.network !== matrixNetwork;
			const mxid = isForeign ? await ghosts.account(whom) : await mxidOf(whom);
			const as = await inviterFor(by, room);
			try {
				await client.invite(room, mxid, { as, reason: reasonBy(by, as, reason) });
			} catch (error) {
				// They are in the room already.
				if (!hasCode(error, "M_BAD_STATE") && !/already in the room/.test(String(error))) throw error;
			}
		},
	};
}

/** Returns true if a member event shows these looks. */
const fits = (content: Content, { displayname, avatar_url }: Looks): boolean =>
	content.displayname === displayname &&
	(avatar_url === undefined || (content.avatar_url ?? "") === avatar_url);
