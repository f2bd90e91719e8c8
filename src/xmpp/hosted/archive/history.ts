import type { MessageId } from "../../../core/ids.ts";
import { type Element, serialize } from "../../stream/xml.ts";
import { wholeId } from "../lines/references.ts";
import type { HostedRoom, Joined, Session } from "../room.ts";
import type { World } from "../world.ts";
import { archiveOf, type Shown } from "./archived-lines.ts";
import { fitting, historyRequest, idIn, late, untilLive } from "./history-request.ts";
import { pageOf } from "./page.ts";

/** How long the last lines of a room may be looked for, in ms: its archive may begin far behind other events. */
const readWithin = 15_000;
/** How long a line that a session has in its history can still come live, in ms. */
const overlap = 60_000;

/**
 * Returns the function that reads the last lines of a room for a session (XEP-0045 §7.2.13), the oldest first, without
 * `to`. `asked`: the `history` element of its join. @throws TemporaryError
 */
export const createHistory =
	(context: Pick<World, "of" | "bridge" | "ghost" | "now">, shown: Shown) =>
	async ({ room, occupant, session }: Joined, asked: Element | undefined): Promise<readonly Element[]> => {
		const { lines: max, chars = Number.POSITIVE_INFINITY, since } = historyRequest(asked, context.now().at);
		if (max === 0) return [];
		const { address } = session;
		const archive = archiveOf(room, address, occupant.person, context, shown);
		const filter = since === undefined ? {} : { start: since };
		const begun = context.now().at;
		const hurry = () => context.now().at - begun > readWithin;
		const { entries } = await pageOf(archive, filter, { max, last: true }, hurry);
		const lines = entries.map(({ stanza, at }) => late(stanza, address, at));
		const sized = lines.map((line) => ({ line, chars: serialize(line).length }));
		return fitting(sized, chars).map(({ line }) => line);
	};
export type History = ReturnType<typeof createHistory>;

/**
 * Returns the part of its history that a session gets: none of the lines that it gets live, since they came while it
 * waited. Notes this part, so that a line of it that comes later is not sent again, see {@link sessionsWithout}.
 */
export function beforeLive(session: Session, history: readonly Element[], now: number): readonly Element[] {
	const { address, held = [] } = session;
	const part = untilLive(history, held, address);
	const ids = part.map((line) => wholeId(idIn(line, address) ?? ""));
	session.history = { ids: new Set(ids), until: now + overlap };
	return part;
}

/** Yields the sessions that get a line live: those that do not have it in their history. */
export function* sessionsWithout(room: HostedRoom, id: MessageId, now: number): Generator<Session, void> {
	for (const session of room.sessions.values()) {
		if (session.history && session.history.until < now) delete session.history;
		if (!session.history?.ids.has(id)) yield session;
	}
}
