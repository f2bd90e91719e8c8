import { createHash } from "node:crypto";
import type { RoomId } from "../core/ids.ts";
import type { SignalOut } from "../core/signal.ts";
import { at, type Client } from "./client.ts";
import type { Ghosts } from "./ghosts.ts";
import type { Members } from "./members.ts";
import type { Presences } from "./presence.ts";

/** For how long the homeserver shows typing, in ms, unless it is repeated. */
export const typingLasts = 30_000;
/** Timeout in ms of a request whose effect nobody needs any more after that. */
const timeout = 10_000;

/** Returns the latest event of a message among its ids, which name its author besides. */
const eventIn = (ids: SignalOut["ids"]): string => ids.findLast((id) => id.startsWith("$")) ?? "";

/** Returns the function that shows what passes: as the ghost of its person, without a retry. @throws what the homeserver refuses */
export function createSignals(deps: {
	client: Pick<Client, "call" | "send">;
	ghosts: Pick<Ghosts, "known">;
	presences: Pick<Presences, "show">;
	members: Pick<Members, "known" | "has" | "of">;
	/** Read positions are shown in rooms of at most this many members; in chats of two always. */
	readReceipts: number;
	/** Resolves with the account that speaks in a room for the bridge itself; undefined is the bot. */
	speaker(room: RoomId): Promise<string | undefined>;
}): (out: SignalOut) => Promise<void> {
	const { client, ghosts, presences, members, readReceipts, speaker } = deps;

	/** Tells the sender of a message that the client of the other person has it. COMPAT Beeper's status events */
	async function delivered({ room, ids }: SignalOut, ghost: string): Promise<void> {
		const event = eventIn(ids);
		if (event === "") return;
		const as = await speaker(room);
		const body = {
			network: "trivium",
			"m.relates_to": { rel_type: "m.reference", event_id: event },
			status: "SUCCESS",
			delivered_to_users: [ghost],
		};
		const txn = createHash("sha256").update(`${event} ${ghost}`).digest("base64url");
		await client.send(room, "com.beeper.message_send_status", `delivered.${txn}`, {
			body,
			timeout,
			...(as && { as }),
		});
	}

	return async function show(out) {
		const { signal, room, ids, portal } = out;
		const ghost = await ghosts.known(signal.sender);
		if (ghost === undefined || (members.known(room) && !members.has(room, ghost))) return;
		switch (signal.kind) {
			case "typing": {
				const { active: typing } = signal;
				const body = { typing, ...(typing && { timeout: typingLasts }) };
				await client.call("PUT", at`/_matrix/client/v3/rooms/${room}/typing/${ghost}`, {
					as: ghost,
					body,
					timeout,
				});
				return;
			}
			case "read": {
				const event = eventIn(ids);
				const isSmall = members.known(room) && members.of(room).size <= readReceipts;
				if (event === "" || (!portal.between && !isSmall)) return;
				// A receipt without a thread stands for the whole room. // Matrix spec v1.4, "Threaded read receipts"
				await client.call("POST", at`/_matrix/client/v3/rooms/${room}/receipt/m.read/${event}`, {
					as: ghost,
					body: {},
					timeout,
				});
				return;
			}
			case "received":
				return delivered(out, ghost);
			case "presence":
				presences.show(ghost, signal);
				return;
			default:
				return signal satisfies never;
		}
	};
}
