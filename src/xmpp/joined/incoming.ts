import { isProgrammingError } from "../../core/errors.ts";
import { SetAside } from "../../core/guard.ts";
import type { OperationId } from "../../core/ids.ts";
import { fromGroupchat, occupantIdIn, originId, roomItself, stanzaId } from "../from-xmpp.ts";
import { resource } from "../jid.ts";
import { delayedBy } from "../message/delay.ts";
import { threadOf } from "../message/threads.ts";
import { statusCodes, statusCodesOf } from "../muc/status-codes.ts";
import { stanzaItem } from "../stanza-item.ts";
import { child, type Element } from "../stream/xml.ts";
import { beginGap, heldAlready, hold, noteSpeaker } from "./backfill.ts";
import { announce, type Context } from "./context.ts";
import { cursorOf, isOld, missingSince } from "./cursor.ts";
import { isNews } from "./message-actions.ts";
import type { Reflection } from "./outbox.ts";
import { hasIds, readContext } from "./participants.ts";
import { type Room, readable } from "./room.ts";
import { release, speaker } from "./roster.ts";
import { operationOf } from "./signed-ids.ts";

/** What the room says, in the ear's copy: our own lines confirm, those of others are passed on, each once and in order. */
export function createIncoming(
	context: Context,
	on: { reflection(line: Reflection): void; missing(room: Room): void; changed(room: Room): void },
) {
	/** Which line of ours it is, where it is one. */
	function ours(room: Room, stanza: Element, nick: string, old: boolean): OperationId | undefined {
		const ids = [stanza.attrs.id, originId(stanza)].filter((id) => id !== undefined);
		for (const id of ids) {
			const operation = context.marks().operation(id, room.jid, nick);
			if (operation) return operation;
		}
		// Said under another nick than the one it is shown with.
		return !old && room.nicks.has(nick) ? operationOf(ids[0] ?? "") : undefined;
	}

	/** Confirms a line of ours; an `old` one is known by its seal alone. False where it is somebody else's. */
	function own(room: Room, stanza: Element, old: boolean): boolean {
		const nick = resource(stanza.attrs.from ?? "");
		const operation = nick === undefined ? undefined : ours(room, stanza, nick, old);
		if (operation === undefined) return false;
		const known = stanzaId(stanza, room.jid, room.features.stanzaIds);
		on.reflection({ operation, id: stanza.attrs.id, known, by: nick ? room.nicks.get(nick) : undefined });
		return true;
	}

	/** `said`: see {@link pass}. */
	function read(room: Room, stanza: Element, said: number | undefined): void {
		const now = context.now().at;
		const at = said ?? now;
		const id = stanzaId(stanza, room.jid, hasIds(room)) ?? room.read?.id;
		const heard = said === undefined && !room.gap ? now : room.read?.heard;
		room.read = {
			...room.read,
			...(id !== undefined && { id }),
			at,
			from: room.read?.from ?? at,
			...(heard !== undefined && { heard }),
		};
	}

	/** Takes in one line; `said` is when, ms since 1970, where that was long ago. What we fail on is no reason to read it again. */
	function pass(room: Room, stanza: Element, said?: number): void {
		try {
			context.guard.handle(stanzaItem(stanza), () => take(room, stanza, said));
		} catch (error) {
			if (!isProgrammingError(error) && !(error instanceof SetAside)) throw error;
			const { from, id } = stanza.attrs;
			// The guard has logged what is set aside.
			if (!(error instanceof SetAside))
				context.log.error(
					{ err: error, from, id },
					"a line is left out by a fault of our own; please report it",
				);
			read(room, stanza, said);
		}
	}

	function take(room: Room, stanza: Element, said?: number): void {
		const now = context.now();
		const nick = resource(stanza.attrs.from ?? "");
		if (said !== undefined && own(room, stanza, true)) {
			read(room, stanza, said);
			return;
		}
		if (nick !== undefined && said === undefined)
			announce(room, release(room, context.component, now, nick), context);
		const sender =
			nick === undefined
				? roomItself(room.jid, room.features.name)
				: speaker(room, nick, occupantIdIn(stanza));
		const { stanzaIds } = room.features;
		const at = said ?? now.at;
		// Who has the nick now need not be who had it then.
		const place = readContext(
			room,
			nick === undefined ? undefined : sender,
			said === undefined ? nick : undefined,
		);
		const event = fromGroupchat(stanza, { room: room.jid, sender, stanzaIds, now: at, place });
		const thread = threadOf(stanza);
		if (thread) room.threads.set(thread, true);
		const since = said === undefined || !room.read ? undefined : missingSince(room.read);
		read(room, stanza, said);
		if (!event || !room.read || !isNews(room, event)) return;
		if (!readable(room)) room.read = { ...room.read, last: event.id };
		if (room.gap && event.id === room.gap.last) room.gap.joins = true;
		context.tell([{ ...event, cursor: cursorOf(room, room.read), ...(since !== undefined && { since }) }]);
		room.saved = room.read;
		if (said !== undefined && nick !== undefined && room.gap) noteSpeaker(room.gap, sender);
	}

	return {
		own,
		pass,
		/** A message of the room's, as the ear just got it. */
		line(room: Room, stanza: Element): void {
			const { at } = context.now();
			room.heardAt = at;
			const subject = child(stanza, "subject") && !child(stanza, "body");
			const said = room.telling && !subject ? delayedBy(stanza, room.jid) : undefined;
			// What was said before we came is not news, unless we were there before.
			if (said !== undefined) {
				if (!room.gap || !room.read || readable(room) || isOld(room.read, said)) return;
				if (!heldAlready(room.gap, stanza, said)) pass(room, stanza, said);
				return;
			}
			// XEP-0045 §7.2.15: the subject ends the history. Later anybody can write a delay, and not every room takes it out.
			if (room.telling) {
				room.telling = false;
				room.gap?.end();
				if (subject) return;
			}
			const mine = own(room, stanza, false);
			// For an occupant that a run before this one left there: it comes again when we are in.
			if (room.activeListener.state !== "in" && !room.gap) return;
			if (mine) {
				if (!room.gap) read(room, stanza, undefined);
				return;
			}
			if (isChange(stanza)) on.changed(room);
			if (room.gap) hold(room.gap, stanza, readable(room));
			else if (readable(room) && context.crowded()) {
				beginGap(room).cut = true;
				on.missing(room);
			} else pass(room, stanza);
		},
	};
}

const settingsChanged = [
	statusCodes.configurationChanged,
	statusCodes.loggingEnabled,
	statusCodes.loggingDisabled,
] as const;
/** XEP-0045 §10.2.1: the settings of the room changed; archiving went on, or off. */
function isChange(stanza: Element): boolean {
	if (resource(stanza.attrs.from ?? "") !== undefined) return false;
	const codes = statusCodesOf(stanza);
	return settingsChanged.some((code) => codes.has(code));
}
