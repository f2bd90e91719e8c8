import { TemporaryError } from "../../core/errors.ts";
import type { MessageId, OperationId } from "../../core/ids.ts";
import type { Outbound } from "../../core/network.ts";
import { delayedBy } from "../message/delay.ts";
import { askedBroken, isBroken, isRefusal } from "../muc/archive.ts";
import type { Context } from "./context.ts";
import { skew } from "./cursor.ts";
import { selfPing } from "./listener.ts";
import { type Room, readable } from "./room.ts";

/** After we came in: what was written before that has been shown by then. */
const settleFor = 2_000;
/** How far back an archive is searched. */
const pages = 50;

type Reflected = Readonly<{
	get(operation: OperationId): readonly MessageId[] | undefined;
	has(operation: OperationId): boolean;
}>;

/**
 * Whether a line that was sent before is there. The answer @throws TemporaryError while that cannot be known. Without
 * an archive the room's history told, as far as it goes back.
 */
export function createResendCheck(
	context: Context,
	reflected: Reflected,
	listening: (room: Room) => Promise<void>,
) {
	/** Looks for this line, and all others of ours, back to where none of them can be. One look at a time serves all. */
	function search(room: Room, { operation, attempt }: Outbound, from: number): Promise<void> {
		const look = async () => {
			let before = "";
			for (let n = 0; n < pages && room.searched > from && !reflected.has(operation); n++) {
				const page = await context.archive.page(room, { before });
				for (const line of page.lines) context.confirm(room, line);
				before = page.first ?? before;
				const oldest = page.lines[0] && delayedBy(page.lines[0], room.jid);
				if (page.complete || (oldest !== undefined && oldest < from)) room.searched = from;
			}
			if (room.searched <= from || reflected.has(operation)) return;
			context.log.warn({ room: room.jid, operation }, "looked for a line as far back as we do");
			room.searched = from;
		};
		const mine = (room.searching ?? Promise.resolve()).then(look).catch((error: unknown) => {
			if (!isRefusal(error) && !(isBroken(error) && attempt >= askedBroken))
				throw new TemporaryError("the archive does not answer", { cause: error });
			context.log.warn({ err: error, room: room.jid }, "the archive is not for us");
		});
		room.searching = mine.catch(() => undefined);
		return mine;
	}

	return async (room: Room, out: Outbound) => {
		const { operation, event, trace } = out;
		await listening(room);
		if (!readable(room)) await room.gap?.told;
		// What a run or link before this one left on its way comes in within moments.
		const quiet = room.since + settleFor - context.now().at;
		if (quiet > 0) await new Promise((resolve) => setTimeout(resolve, quiet));
		// Through the room itself: whatever it has said before is known then.
		await selfPing(room, room.activeListener, context);
		await listening(room);
		if (!reflected.has(operation) && readable(room)) await search(room, out, event.at - skew);
		const there = reflected.get(operation);
		context.log.info({ trace, there: there !== undefined }, "a line in doubt was looked up");
		return there;
	};
}
