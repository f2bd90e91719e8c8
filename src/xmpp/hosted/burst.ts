import { within } from "../deadline.ts";
import { statusCodes } from "../muc/status-codes.ts";
import { child, type Element } from "../stream/xml.ts";
import { shownNow } from "./announce.ts";
import type { HostedContext } from "./context.ts";
import { beforeLive } from "./history.ts";
import { presence } from "./presences.ts";
import type { Joined, Session } from "./room.ts";
import { showPicture } from "./room-picture.ts";
import { joinSubject } from "./subject.ts";

/** How long the history of a join may take, in ms. A client that gets none finds it in the archive. */
const historyWithin = 15_000;

/** The burst that each session waits for; a client that joins again meanwhile gets another one instead. */
const bursts = new WeakMap<Session, object>();

/** Sends a session all that belongs to a join, in the order of XEP-0045 §7.1: presences, history, subject, live lines. */
export function sendBurst(
	joined: Joined,
	stanza: Element,
	{ altered }: Readonly<{ altered: boolean }>,
	context: HostedContext,
): void {
	const { room, occupant, session } = joined;
	const { address } = session;
	const mine = {};
	bursts.set(session, mine);
	session.held ??= [];
	for (const other of room.occupants.values())
		if (other !== occupant) context.out.sendNow(session, presence(address, shownNow(room, other, context)));
	const codes = [
		statusCodes.nonAnonymous,
		statusCodes.selfPresence,
		statusCodes.loggingEnabled,
		...(altered ? [statusCodes.nickModified] : []),
	];
	const self = { ...shownNow(room, occupant, context), jid: session.jid, payloads: session.presence };
	context.out.sendNow(session, presence(address, self, { id: stanza.attrs.id, codes }));
	void context.guard.run("history of a join", async () => {
		const history = await historyOf(joined, stanza, context);
		// The client has left, or asked for all of this again.
		if (bursts.get(session) !== mine || !context.rooms.joinedAs(session)) return;
		for (const line of beforeLive(session, history, context.now().at)) context.out.sendNow(session, line);
		context.out.sendNow(session, joinSubject(room, session, context));
		context.out.release(session);
		showPicture(room, [session], { changed: false }, context);
	});
}

async function historyOf(joined: Joined, join: Element, context: HostedContext): Promise<readonly Element[]> {
	const asked = child(join, "x", "http://jabber.org/protocol/muc")?.getChild("history");
	try {
		return await within(historyWithin, context.history(joined, asked));
	} catch (error) {
		const { source } = joined.room;
		context.log.warn({ err: error, room: source }, "a client joined without the history of its room");
		return [];
	}
}
