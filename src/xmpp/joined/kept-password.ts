import type { Sealer } from "../../core/sealer.ts";
import type { Context } from "./context.ts";
import { type Room, setPassword } from "./room.ts";

/** The password of a MUC on disk, sealed. */

const keyOf = (jid: string) => `password of ${jid}`;

/** Reads the password of a MUC, which its joins need. One that was sealed with another key is asked for anew. */
export async function restorePassword(room: Room, { sealer, cursor, log }: Context): Promise<void> {
	if (room.password !== undefined) return;
	const sealed = await cursor(keyOf(room.jid));
	if (sealed === undefined || room.password !== undefined) return;
	const password = sealer?.open(sealed, room.jid);
	if (password === undefined)
		log.warn({ room: room.jid }, "the password of a MUC was sealed with another key; it has to be told anew");
	setPassword(room, password);
}

/** Forgets the password of a MUC that is linked no more. */
export function forgetPassword(room: Room, context: Context): void {
	// It is on disk also where no join has read it in this run, or the key is another one.
	context.save({ key: keyOf(room.jid), value: undefined });
	setPassword(room, undefined);
}

/** Keeps the password of the MUC at a JID. */
export const keepPassword = (
	jid: string,
	password: string,
	sealer: Sealer,
	context: Pick<Context, "save">,
): void => context.save({ key: keyOf(jid), value: sealer.seal(password, jid) });
