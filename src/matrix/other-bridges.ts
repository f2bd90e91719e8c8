import { createBoundedMap } from "../core/bounded-map.ts";
import { createGlob } from "../core/permissions.ts";
import { type Client, MatrixError } from "./client.ts";
import { asObject, type Content, isId, type MatrixEvent, text } from "./event.ts";
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
	client: Pick<Client, "state">;
	isOurs(mxid: string): boolean;
}) {
	const { client, isOurs } = deps;
	const listed = deps.globs.map(createGlob);
	/** By room: the bots of other bridges, and the protocol with which the localparts of their ghosts begin. */
	const told = createBoundedMap<string, readonly Readonly<{ bot: string; protocol: string }>[]>(rooms);

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

	async function isMarked(room: string, mxid: string): Promise<boolean> {
		try {
			const member = await client.state<Content>(room, "m.room.member", mxid);
			return Object.keys(asObject(member)).some((field) => marks.some((mark) => field.startsWith(mark)));
		} catch (error) {
			if (error instanceof MatrixError) return false;
			throw error;
		}
	}

	return {
		isGhost,

		/** Remembers the bridge info event of another bridge. */
		note({ type, state_key, room_id, sender, content }: MatrixEvent): void {
			const bot = text(content.bridgebot);
			if (state_key === undefined || !infoTypes.has(type)) return;
			if (!parts(bot) || !isId(bot) || isOurs(sender) || isOurs(bot)) return;
			const protocol = text(asObject(content.protocol).id).toLowerCase().slice(0, 50);
			const others = (told.get(room_id) ?? []).filter((one) => one.bot !== bot);
			told.set(room_id, [...others, { bot, protocol }].slice(-bridges));
		},

		/** Whether another bridge wrote this event. @throws TemporaryError */
		wrote: async ({ room_id: room, sender, content }: MatrixEvent): Promise<boolean> =>
			Object.hasOwn(content, doublePuppet) ||
			isGhost(sender) ||
			isTold(room, sender) ||
			(await isMarked(room, sender)),
	};
}
