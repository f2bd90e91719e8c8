import type { Guard } from "../core/guard.ts";
import type { Log } from "../core/log.ts";
import type { Link, Mapping } from "../core/mapping.ts";
import type { Avatar } from "../core/person.ts";
import { type Client, hasCode, MatrixError } from "./client.ts";
import { type Content, text } from "./event.ts";
import type { Faces } from "./faces.ts";

const type = "m.room.avatar";

/**
 * Returns the function that shows the picture of another network's room as that of a Matrix room: always in a room that the
 * bridge made, and in any other room as long as it has none of its own. Returns at once.
 */
export function createRoomPictures(deps: {
	client: Pick<Client, "state" | "setState">;
	mapping: Pick<Mapping, "setting" | "saveSetting">;
	faces: Pick<Faces, "bring">;
	bot: string;
	guard: Guard;
	log: Log;
}) {
	const { client, mapping, faces, guard } = deps;
	const keyOf = (room: string) => `picture of ${room}`;

	/** Resolves with the mxc URI that the room has now; "" is none. */
	async function now(room: string): Promise<string> {
		try {
			return text((await client.state<Content>(room, type, "")).url);
		} catch (error) {
			if (hasCode(error, "M_NOT_FOUND")) return "";
			throw error;
		}
	}

	/** Sets the picture, unless people of the room have chosen another one. `hash`: of the picture, "" for none. */
	async function set(room: string, ours: boolean, hash: string, url: string): Promise<void> {
		const [, last = ""] = ((await mapping.setting(keyOf(room))) ?? "").split(" ");
		const shown = await now(room);
		if (!ours && shown !== last) return;
		if (shown !== url) await client.setState(room, type, "", url ? { url } : {});
		await mapping.saveSetting(keyOf(room), `${hash} ${url}`);
	}

	return ({ room, role, ours }: Link, picture: Avatar | null): void => {
		if (room === undefined || role === "hosted" || role === "direct") return;
		const refused = (error: unknown) => {
			if (!(error instanceof MatrixError)) throw error;
			deps.log.debug({ err: error, room }, "the homeserver refused the picture of a room");
		};
		void guard.run("picture of a room", async () => {
			const before = await mapping.setting(keyOf(room));
			const { hash = picture?.ref ?? "" } = picture ?? {};
			// A room that never had a picture of ours keeps what it has.
			if (before?.startsWith(`${hash} `) || (before === undefined && picture === null)) return;
			if (picture === null) await set(room, ours === true, "", "").catch(refused);
			else
				faces.bring(`picture of ${room}`, picture, deps.bot, (url) =>
					set(room, ours === true, hash, url).catch(refused),
				);
		});
	};
}
