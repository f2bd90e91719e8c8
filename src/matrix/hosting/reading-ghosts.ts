import type { Mapping } from "../../core/mapping.ts";
import { MatrixError } from "../client.ts";
import type { MatrixEvent } from "../event.ts";
import type { Members } from "../members.ts";

/** Ghosts that are remembered of one room: enough that one of them is still in it at the next start. */
const most = 10;
const settingOf = (room: string) => `matrix ghosts in ${room}`;

export type ReadingGhosts = ReturnType<typeof createReadingGhosts>;

/**
 * Remembers, over restarts, some ghosts that are in each hosted room: the bot need not be there, and only an account in the
 * room can read its members.
 */
export function createReadingGhosts(deps: {
	mapping: Pick<Mapping, "setting" | "saveSetting">;
	members: Pick<Members, "of" | "read">;
	bot: string;
	isOurs(mxid: string): boolean;
}) {
	const { mapping, members, bot, isOurs } = deps;
	const isGhost = (mxid: string) => mxid !== bot && isOurs(mxid);

	async function load(room: string): Promise<readonly string[]> {
		const saved: unknown = JSON.parse((await mapping.setting(settingOf(room))) ?? "[]");
		return Array.isArray(saved) ? saved.filter((one) => typeof one === "string") : [];
	}
	const save = (room: string, ghosts: readonly string[]) =>
		mapping.saveSetting(settingOf(room), JSON.stringify(ghosts.slice(0, most)));

	async function came(room: string, ghost: string): Promise<void> {
		const known = await load(room);
		if (known.length < most && !known.includes(ghost)) await save(room, [...known, ghost]);
	}

	async function went(room: string, ghost: string): Promise<void> {
		const known = await load(room);
		if (!known.includes(ghost)) return;
		const others = [...members.of(room).keys()].filter((one) => isGhost(one) && one !== ghost);
		await save(room, [...new Set([...known.filter((one) => one !== ghost), ...others])]);
	}

	return {
		came,
		/** Resolves with true if a ghost is in the room, as far as the homeserver has told. */
		some: async (room: string): Promise<boolean> => (await load(room)).length > 0,
		/** Notes a member event of a hosted room. */
		async note({ room_id: room, state_key: ghost = "", content }: MatrixEvent): Promise<void> {
			if (!isGhost(ghost)) return;
			if (content.membership === "join") await came(room, ghost);
			else await went(room, ghost);
		},
		/** Reads the members of a room as one of the ghosts in it. Resolves with false if none is in it. @throws TemporaryError */
		async readMembers(room: string): Promise<boolean> {
			for (const ghost of await load(room)) {
				try {
					await members.read(room, ghost);
					return true;
				} catch (error) {
					if (!(error instanceof MatrixError)) throw error;
				}
			}
			return false;
		},
	};
}
