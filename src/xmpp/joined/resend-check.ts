import { TemporaryError } from "../../core/errors.ts";
import type { MessageId } from "../../core/ids.ts";
import type { Outbound } from "../../core/network.ts";
import { delayedBy } from "../message/delay.ts";
import { askedBroken, isBroken, isRefusal } from "../muc/archive.ts";
import { noteSearched, searchInTurn } from "./archive-search.ts";
import type { Context } from "./context.ts";
import { skew } from "./cursor.ts";
import { confirmOwnLine } from "./own-lines.ts";
import { archiveOf, type Room, readable } from "./room.ts";
import { selfPing } from "./self-ping.ts";
import { requireListener } from "./speaker.ts";

/** Time, in ms after the listener joined, in which the MUC shows lines that an earlier session left on their way. */
const settleFor = 2_000;
/** Pages of the archive that one search reads. */
const pages = 50;

/**
 * Returns the ids of a line in doubt if the MUC has it, undefined if it does not. A MUC without an archive is judged by
 * the history that it told us. @throws TemporaryError while that cannot be known.
 */
export async function findInDoubt(
	room: Room,
	out: Outbound,
	context: Context,
): Promise<readonly MessageId[] | undefined> {
	const { operation, event, trace } = out;
	const { confirmations } = context;
	await requireListener(room, context);
	if (!readable(room)) await room.backfill.gap?.told;
	const quiet = room.listening.joinedAt + settleFor - context.now().at;
	if (quiet > 0) await new Promise((resolve) => setTimeout(resolve, quiet));
	// The answer to the self-ping comes behind all that the MUC has said before.
	await selfPing(room, room.listening.active, context);
	await requireListener(room, context);
	if (!confirmations.reflected(operation) && readable(room))
		await search(room, out, event.at - skew, context);
	const there = confirmations.reflected(operation);
	context.log.info({ trace, there: there !== undefined }, "checked whether the MUC has a line in doubt");
	return there;
}

/**
 * Reads the archive back to the time `from`, ms since 1970, and confirms all our lines in it, or until it meets the
 * line. Searches of one MUC run one after the other, so that the first one answers for all.
 */
function search(room: Room, { operation, attempt }: Outbound, from: number, context: Context): Promise<void> {
	const { confirmations } = context;
	const found = () => confirmations.reflected(operation) !== undefined;
	const look = async () => {
		const isOver = () => room.search.searchedTo <= from || found();
		if (isOver()) return;
		for await (const page of context.archive.backwards(() => archiveOf(room), pages)) {
			for (const line of page.lines) confirmOwnLine(room, line, true, context);
			const oldest = page.lines[0] && delayedBy(page.lines[0], room.jid);
			if (page.complete || (oldest !== undefined && oldest < from)) noteSearched(room.search, from);
			if (isOver()) break;
		}
		if (isOver()) return;
		context.log.warn(
			{ room: room.jid, operation },
			"a line in doubt is not in the part of the archive that is searched; it is sent again",
		);
		noteSearched(room.search, from);
	};
	return searchInTurn(room.search, look).catch((error: unknown) => {
		if (!isRefusal(error) && !(isBroken(error) && attempt >= askedBroken))
			throw new TemporaryError("the archive does not answer", { cause: error });
		context.log.warn(
			{ err: error, room: room.jid },
			"the MUC refuses its archive; a line in doubt is sent again",
		);
	});
}
