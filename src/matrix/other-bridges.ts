import { createBoundedMap } from "../core/bounded-map.ts";
import { createGlob } from "../core/permissions.ts";
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
	/** By room: the bots of other bridges, and the protocol with which the localparts of their ghosts begin. */
	const told = createBoundedMap<string, readonly Readonly<{ bot: string; protocol: string }>[]>(rooms);

	/** The rooms whose bridge info events from before this start, or from before the bot's join, have been read. */
	const read = createBoundedMap<string, true>(rooms);

	/** Whether an MXID is in a namespace of another bridge. Localparts of ghosts begin with `_` by custom. */
	const isGhost = (mxid: string): boolean =>
		parts(mxid)?.[0].startsWith("_") === true || listed.some((matches) => matches(mxid));

	/** Whether a bridge info event in this room names this account as a bot, or its prefix as that of ghosts. */
	function isTold(room: string, mxid: string): boolean {
		const [localpart = "", server] = parts(mxid) ?? [];
		return (told.get(room) ?? []).some(
			({ bot, protocol }) =>
				bot === mxid ||
				(protocol !== "" && server === parts(bot)?.[1] && localpart.startsWith(`${protocol}_`)),
		);
	}

	/** Remembers the bridge info event of another bridge. */
	function note({ type, state_key, room_id, sender, content }: MatrixEvent): void {
		const bot = text(content.bridgebot);
		if (state_key === undefined || !infoTypes.has(type)) return;
		if (!parts(bot) || !isId(bot) || isOurs(sender) || isOurs(bot)) return;
		const protocol = text(asObject(content.protocol).id).toLowerCase().slice(0, 50);
		const others = (told.get(room_id) ?? []).filter((one) => one.bot !== bot);
		told.set(room_id, [...others, { bot, protocol }].slice(-bridges));
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

	async function isMarked(room: string, mxid: string, as: string | undefined): Promise<boolean> {
		try {
			const member = await client.state<Content>(room, "m.room.member", mxid, as);
			return Object.keys(asObject(member)).some((field) => marks.some((mark) => field.startsWith(mark)));
		} catch (error) {
			if (error instanceof MatrixError) return false;
			throw error;
		}
	}

	return {
		isGhost,

		note,

		/** Whether another bridge wrote this event, as far as `as` sees: a ghost in the room, or the bot. @throws TemporaryError */
		async wrote({ room_id: room, sender, content }: MatrixEvent, as?: string): Promise<boolean> {
			if (Object.hasOwn(content, doublePuppet) || isGhost(sender)) return true;
			await readInfo(room, as);
			return isTold(room, sender) || isMarked(room, sender, as);
		},
	};
}
