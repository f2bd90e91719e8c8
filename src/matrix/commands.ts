import type { Media } from "../core/event.ts";
import type { MessageId, OperationId, RoomId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Bridge } from "../core/network.ts";
import type { Client } from "./client.ts";
import { type Content, type MatrixEvent, relationOf } from "./event.ts";
import type { MediaStore } from "./media.ts";
import type { Members } from "./members.ts";
import { withMedia } from "./message/attachments.ts";
import { matrixNetwork } from "./mxid.ts";
import * as phrases from "./phrases.ts";
import { maySet } from "./power.ts";
import { readPowers } from "./room-powers.ts";
import { answer } from "./to-matrix.ts";
import { withIds } from "./typed-id.ts";

/**
 * Returns the command in a message without its prefix, undefined for a message that is no command. `alone`: the room is
 * a direct chat with the bot, where no prefix is needed. A notice is no command, since programs send those;
 * `other-bridges.ts` excludes the ghosts of other bridges.
 */
export function commandIn(
	event: Pick<MatrixEvent, "type" | "sender" | "content">,
	prefix: string,
	alone: boolean,
): string | undefined {
	const { msgtype, body } = event.content;
	if (event.type !== "m.room.message" || msgtype !== "m.text" || typeof body !== "string") return undefined;
	if (relationOf(event.content).type === "m.replace") return undefined;
	// The HTML of other messages is read once, by their translator.
	if (!alone && !body.trimStart().startsWith(prefix)) return undefined;
	const text = withIds(body, event.content).trim();
	const rest = text.slice(prefix.length);
	if (text.startsWith(prefix) && /^(\s|$)/.test(rest)) return rest.trim();
	return alone ? text : undefined;
}

/** Returns the text before a command's name: none where its sender is alone with the bot. */
export const prefixIn = (prefix: string, alone: boolean) => (alone ? "" : `${prefix} `);

/** Runs a command; the bot replies with its answers. */
export async function obey(
	event: MatrixEvent,
	{ text, alone }: Readonly<{ text: string; alone: boolean }>,
	deps: {
		client: Client;
		members: Members;
		bridge: Bridge;
		prefix: string;
		files: Pick<MediaStore, "store">;
		bot: string;
		log: Log;
	},
): Promise<void> {
	const { client, members, bridge, files, bot, log } = deps;
	const { room_id: room, event_id: id, sender } = event;
	let count = 0;

	/** Resolves with the content of an answer with a file; without the file, if that cannot be stored. */
	async function withFile(answerText: string, file: Media): Promise<Content> {
		try {
			const stored = await files.store(await bridge.open(file.source), file, bot);
			return withMedia(answer(answerText, id), file, stored).content;
		} catch (error) {
			log.warn({ err: error, room }, "the file of an answer could not be sent");
			return answer(phrases.answerWithoutFile(answerText), id);
		}
	}

	await bridge.command({
		id: id as MessageId,
		network: matrixNetwork,
		room: room as RoomId,
		sender: members.inRoom(room, sender),
		text,
		prefix: prefixIn(deps.prefix, alone),
		private: alone,
		mayChangeRoom: async () => {
			const { create, levels } = await readPowers(client, room);
			return maySet("m.bridge", sender, create, levels);
		},
		reply: async (answerText, file) => {
			const txn = `answer.${id}.${count++}` as OperationId;
			const body = file ? await withFile(answerText, file) : answer(answerText, id);
			await client.send(room, "m.room.message", txn, { body });
		},
	});
}
