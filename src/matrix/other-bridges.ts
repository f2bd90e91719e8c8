import { createBoundedMap } from "../core/bounded-map.ts";
import type { NetworkName, RoomId } from "../core/ids.ts";
import type { Portal } from "../core/mapping.ts";
import { roomMark } from "../core/passed-rooms.ts";
import { createGlob } from "../core/permissions.ts";
import type { Person } from "../core/person.ts";
import { type Client, MatrixError } from "./client.ts";
import { asObject, type Content, isEvent, isId, type MatrixEvent, text } from "./event.ts";
import { parts } from "./mxid.ts";

/** Most rooms whose other bridges are remembered, and most bridges of one room. */
const [rooms, bridges] = [1_000, 20];
/** The types of the bridge info event, which names a bridge's bot and its network. // MSC2346 */
const infoTypes = new Set(["m.bridge", "uk.half-shot.bridge"]);
/** Prefixes of the fields that other bridges add to their ghosts' member events. COMPAT mautrix bridges */
const marks = ["com.beeper.bridge.", "uk.half-shot.bridge", "m.bridge"];
/** The field of an event that a bridge sent with a person's own account. COMPAT mautrix bridges */
const doublePuppet = "fi.mau.double_puppet_source";

/**
 * A bridge info event: its key in the room, the bot of the bridge, the protocol with which the localparts of its ghosts
 * begin, and the room of that protocol that it links.
 */
type Info = Readonly<{ key: string; bot: string; protocol: string; channel: string }>;

export type OtherBridges = ReturnType<typeof createOtherBridges>;

/**
 * Recognizes the ghosts of other bridges. Another network vouches for the person behind such a ghost, so the bot runs no
 * command of it and our ghosts decline its invites. `globs` are the user namespaces of other appservices.
 */
export function createOtherBridges(deps: {
	globs: readonly string[];
	client: Pick<Client, "state" | "messages">;
	isOurs(mxid: string): boolean;
}) {
	const { client, isOurs } = deps;
	const listed = deps.globs.map(createGlob);
	/** By room: the bridge info events of other bridges. */
	const told = createBoundedMap<string, readonly Info[]>(rooms);

	/** The rooms whose bridge info events from before this start, or from before the bot's join, have been read. */
	const read = createBoundedMap<string, true>(rooms);

	/** Whether an MXID is in a namespace of another bridge. Localparts of ghosts begin with `_` by custom. */
	const isGhost = (mxid: string): boolean =>
		parts(mxid)?.[0].startsWith("_") === true || listed.some((matches) => matches(mxid));

	/** Whether a bridge info event in this room names this account as a bot, or its prefix as that of ghosts. */
	function isTold(room: string, mxid: string): boolean {
		return (told.get(room) ?? []).some((info) => info.bot === mxid || isGhostOf(info, mxid));
	}

	function isGhostOf({ bot, protocol }: Info, mxid: string): boolean {
		const [localpart = "", server] = parts(mxid) ?? [];
		const begins = [`${protocol}_`, `_${protocol}_`].some((prefix) => localpart.startsWith(prefix));
		return protocol !== "" && server === parts(bot)?.[1] && begins;
	}

	/** Remembers the bridge info event of another bridge. */
	function note({ type, state_key, room_id, sender, content }: MatrixEvent): void {
		const bot = text(content.bridgebot);
		if (state_key === undefined || !infoTypes.has(type) || isOurs(sender)) return;
		// Bridges write the event of both types under one key.
		const key = state_key;
		const others = (told.get(room_id) ?? []).filter((one) => one.key !== key);
		// A bridge that has ended its link leaves an event without content.
		if (!parts(bot) || !isId(bot) || isOurs(bot))
			return void (told.has(room_id) && told.set(room_id, others));
		const protocol = text(asObject(content.protocol).id).toLowerCase().slice(0, 50);
		const id = text(asObject(content.channel).id);
		const info = { key, bot, protocol, channel: isId(id) ? id : "" };
		told.set(room_id, [...others, info].slice(-bridges));
	}

	/** Reads the bridge info events that no transaction brought, once for each room. @throws TemporaryError */
	async function readInfo(room: string, as: string | undefined): Promise<void> {
		if (read.has(room)) return;
		const filter = JSON.stringify({ types: [...infoTypes] });
		try {
			const { chunk } = await client.messages(room, { limit: bridges, filter, ...(as && { as }) });
			const newest = new Map<string, MatrixEvent>();
			for (const event of chunk.filter(isEvent).filter(({ type }) => infoTypes.has(type))) {
				const key = `${event.type} ${event.state_key}`;
				if (!newest.has(key)) newest.set(key, event);
			}
			for (const event of [...newest.values()].reverse()) note(event);
		} catch (error) {
			if (!(error instanceof MatrixError)) throw error;
		}
		read.set(room, true);
	}

	/**
	 * Resolves with the marks of the rooms whose person the ghost of another bridge stands for, as far as `as` sees; none for
	 * other accounts. @throws TemporaryError
	 */
	async function comeFrom(room: string, mxid: string, as?: string): Promise<readonly string[]> {
		if (isGhost(mxid)) await readInfo(room, as);
		const infos = (told.get(room) ?? []).filter((info) => info.channel && isGhostOf(info, mxid));
		return infos.map(({ protocol, channel }) => roomMark(protocol as NetworkName, channel as RoomId));
	}

	/** Whether a ghost from the rooms of these marks stands for somebody whom a linked room of the portal knows already. */
	const isDouble = (comesFrom: readonly string[], { links }: Portal): boolean =>
		links.some((one) => one.room && comesFrom.includes(roomMark(one.network, one.room)));

	async function isMarked(room: string, mxid: string, as: string | undefined): Promise<boolean> {
		try {
			const member = await client.state<Content>(room, "m.room.member", mxid, as);
			return Object.keys(asObject(member)).some((field) => marks.some((mark) => field.startsWith(mark)));
		} catch (error) {
			if (error instanceof MatrixError) return false;
			throw error;
		}
	}

	async function isMember(room: string, mxid: string, as: string | undefined): Promise<boolean> {
		try {
			const member = await client.state<Content>(room, "m.room.member", mxid, as);
			return member.membership === "join";
		} catch (error) {
			if (error instanceof MatrixError) return false;
			throw error;
		}
	}

	return {
		isGhost,

		note,

		/**
		 * Resolves with the bot of another bridge that links the Matrix room to the room `to`, as far as `as` sees. A bot that
		 * has left links nothing. @throws TemporaryError
		 */
		async linking(
			room: string,
			to: Readonly<{ network: NetworkName; room: RoomId }>,
			as?: string,
		): Promise<string | undefined> {
			await readInfo(room, as);
			for (const { bot, protocol, channel } of told.get(room) ?? [])
				if (protocol === to.network && channel === to.room && (await isMember(room, bot, as))) return bot;
			return undefined;
		},

		comeFrom,
		isDouble,

		/** Resolves with these people of a room without those that {@link isDouble} tells of. @throws TemporaryError */
		async single(
			people: readonly Person[],
			room: string,
			portal: Portal | undefined,
			as?: string,
		): Promise<readonly Person[]> {
			if (!portal) return people;
			const double = await Promise.all(
				people.map(async ({ id }) => isDouble(await comeFrom(room, id, as), portal)),
			);
			return people.filter((_, index) => !double[index]);
		},

		/** Whether another bridge wrote this event, as far as `as` sees: a ghost in the room, or the bot. @throws TemporaryError */
		async wrote({ room_id: room, sender, content }: MatrixEvent, as?: string): Promise<boolean> {
			if (Object.hasOwn(content, doublePuppet) || isGhost(sender)) return true;
			await readInfo(room, as);
			return isTold(room, sender) || isMarked(room, sender, as);
		},
	};
}
