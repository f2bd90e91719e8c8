import { within } from "../../deadline.ts";
import { resource } from "../../jid.ts";
import { statusCodes } from "../../muc/status-codes.ts";
import { child, type Element, xml } from "../../stream/xml.ts";
import { shownNow } from "../announce.ts";
import { beforeLive } from "../archive/history.ts";
import type { HostedContext } from "../context.ts";
import { joinSubject } from "../lines/subject.ts";
import { presence } from "../presences.ts";
import { reveal } from "../reveal.ts";
import type { HostedRoom, Joined, Occupant, Session } from "../room.ts";
import { showPicture } from "../room-picture.ts";

/** How long the history of a join may take, in ms. A client that gets none finds it in the archive. */
const historyWithin = 15_000;

/** Last lines whose senders are shown first in a large room, and how long these may take to be read, in ms. */
const [speakersOf, speakersWithin] = [50, 3_000];
/** Large rooms whose last speakers are shown. A member who speaks later is shown at that line. */
const heard = new WeakSet<HostedRoom>();

/** Presences that are written before the link is asked whether it takes them. */
const atOnce = 500;

/** The last join of each session: a client that joins again meanwhile gets the room anew, and no more for its earlier join. */
const lastJoins = new WeakMap<Session, object>();

/** Sends a session the room that it has joined, in the order of XEP-0045 §7.1: presences, history, subject, live lines. */
export function sendRoom(
	joined: Joined,
	stanza: Element,
	{ altered }: Readonly<{ altered: boolean }>,
	context: HostedContext,
): void {
	const { room, session } = joined;
	const { out } = context;
	const join = {};
	lastJoins.set(session, join);
	session.held ??= [];
	/** The client has left, or asked for all of this again. */
	const isOver = () => lastJoins.get(session) !== join || !context.rooms.joinedAs(session);
	void context.guard.run("room for a client that joins", async () => {
		if (room.hidden.size > 0 && !heard.has(room)) await showSpeakers(joined, context);
		if (isOver()) return;
		await sendOthers(joined, isOver, context);
		if (isOver()) return;
		sendOwn(joined, stanza.attrs.id, altered, context);
		const history = await historyOf(joined, stanza, context);
		if (isOver()) return;
		for (const speaker of showSenders(joined, history, context))
			out.sendNow(session, presence(session.address, shownNow(room, speaker, context)));
		for (const line of beforeLive(session, history, context.now().at)) out.sendNow(session, line);
		out.sendNow(session, joinSubject(room, session, context));
		out.release(session);
		showPicture(room, [session], { changed: false }, context);
	});
}

/** Shows the members of a large room who spoke last. Without an answer of its archive in time they are shown with their lines. */
async function showSpeakers(joined: Joined, context: HostedContext): Promise<void> {
	const asked = xml("history", { maxstanzas: String(speakersOf) });
	try {
		showSenders(joined, await within(speakersWithin, context.history(joined, asked)), context);
		heard.add(joined.room);
	} catch (error) {
		context.log.debug({ err: error, room: joined.room.source }, "the last speakers of a room are not known");
	}
}

/** Shows the hidden senders of lines to all sessions but this one, and returns them. */
function showSenders(
	{ room, session }: Joined,
	lines: readonly Element[],
	context: HostedContext,
): readonly Occupant[] {
	const nicks = new Set(lines.map(({ attrs }) => resource(attrs.from ?? "") ?? ""));
	return [...nicks].flatMap((nick) => {
		const sender = room.occupants.get(nick);
		return sender && reveal(room, sender, context, session) ? [sender] : [];
	});
}

/** Sends the presences of all others whom the room shows; those of a large room no faster than the link takes them. */
async function sendOthers(
	{ room, occupant, session }: Joined,
	isOver: () => boolean,
	context: HostedContext,
): Promise<void> {
	let sent = 0;
	for (const other of [...room.occupants.values()]) {
		// An occupant can leave meanwhile, and the session hears of that later.
		if (other === occupant || room.hidden.has(other) || room.occupants.get(other.nick) !== other) continue;
		context.out.sendNow(session, presence(session.address, shownNow(room, other, context)));
		if (++sent % atOnce !== 0) continue;
		await context.out.ready();
		if (isOver()) return;
	}
}

function sendOwn(
	{ room, occupant, session }: Joined,
	id: string | undefined,
	altered: boolean,
	context: HostedContext,
): void {
	const codes = [
		statusCodes.nonAnonymous,
		statusCodes.selfPresence,
		statusCodes.loggingEnabled,
		...(altered ? [statusCodes.nickModified] : []),
	];
	const self = { ...shownNow(room, occupant, context), jid: session.jid, payloads: session.presence };
	context.out.sendNow(session, presence(session.address, self, { id, codes }));
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
