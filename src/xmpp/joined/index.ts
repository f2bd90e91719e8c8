import { createLookAlikes } from "../../core/confusable.ts";
import { TemporaryError } from "../../core/errors.ts";
import type { BridgeEvent } from "../../core/event.ts";
import { createGuard } from "../../core/guard.ts";
import type { MessageId } from "../../core/ids.ts";
import type { Link } from "../../core/mapping.ts";
import type { Delivery, Outbound } from "../../core/network.ts";
import type { Avatar, Person } from "../../core/person.ts";
import type { Signal, SignalOut } from "../../core/signal.ts";
import { within } from "../deadline.ts";
import { bare } from "../jid.ts";
import { createArchive } from "../muc/archive.ts";
import * as phrases from "../phrases.ts";
import type { Venue } from "../private/venue.ts";
import type { Element } from "../stream/xml.ts";
import { admit } from "./admit.ts";
import { findArchivedIds } from "./archived-ids.ts";
import { restorePosition } from "./backfill.ts";
import { barredBefore, forgetBars } from "./bars.ts";
import { createConfirmations } from "./confirmations.ts";
import { announce, type Context, type World } from "./context.ts";
import { isCopy } from "./copies.ts";
import { alternateOf, forgetAlternate } from "./destroyed.ts";
import { resetBackfill } from "./gap.ts";
import { createIdleOccupants } from "./idle-occupants.ts";
import { createInvitations } from "./invitations.ts";
import { invite } from "./invite.ts";
import { leave } from "./join.ts";
import { createKeepalive } from "./keepalive.ts";
import { forgetPassword } from "./kept-password.ts";
import { ensureJoined, keepJoined } from "./listener.ts";
import { wake } from "./listening.ts";
import { takeMessage } from "./messages.ts";
import { givePicture } from "./muc-picture.ts";
import { notice } from "./notice.ts";
import { forgetOutcasts } from "./outcasts.ts";
import { ghostJid, isListenerJid, listenerJid, type OwnJidParts, statedJid } from "./own-jids.ts";
import {
	createOwnOccupant,
	isIn,
	type OwnOccupant,
	occupantOf,
	putAllOut,
	unbar,
	want,
} from "./own-occupants.ts";
import { hasIds } from "./participants.ts";
import { createPasswords } from "./passwords.ts";
import { takePresence } from "./presences.ts";
import { nickOf, showPrivate, writePrivate } from "./private-chats.ts";
import { createPrivateNotices } from "./private-notice.ts";
import { createRealNames } from "./real-names.ts";
import { close, createRoom, noteMissed, type Room, relink } from "./room.ts";
import { abandonJoins } from "./roster.ts";
import { sendEvent } from "./send-event.ts";
import { hearsSignals, showSignal } from "./signals.ts";
import { mayAskAgain } from "./speaker.ts";
import { forgetGiven } from "./subject.ts";

const attachWithin = 25_000;
/** Time, in ms, in which the portal gets one notice for all lines that do not come through. */
const missedAgainAfter = 5 * 60_000;

/** Returns the MUCs of others that are linked, in which our people are occupants. */
export function createJoinedRooms(
	world: World,
	people: { ghost(person: Person): string; stated: string; nick: string; resource: string },
) {
	const rooms = new Map<string, Room>();
	const guard = world.guard ?? createGuard(world.log);
	const context: Context = {
		...world,
		guard,
		isLike: createLookAlikes(),
		archive: createArchive(world.link, world.now().unique),
		confirmations: createConfirmations(),
		invitations: createInvitations(),
		realNames: createRealNames({
			...world,
			guard,
			tell: (room, events) => announce(room, events, context),
		}),
	};
	const own: OwnJidParts = { ...people, component: world.component };
	const whisper = createPrivateNotices(context);
	const keepalive = createKeepalive(rooms, context);
	const idle = createIdleOccupants(rooms, context, world.idleAfter);
	const passwords = createPasswords(rooms, people.stated, people.nick, context);

	function oursOf(room: Room, person: Person): OwnOccupant {
		const jid = ghostJid(person, own);
		const name = person.name ?? person.address[0] ?? jid;
		return occupantOf(room.ours, jid, name, person);
	}

	/**
	 * Serves a link: the listener joins, and then `members`. `linkedTo`, `earlier`: see {@link Room}. Resolves once the listener is in, if the stream is up.
	 */
	async function attach(
		link: Link,
		members: readonly Person[],
		linkedTo: readonly string[] = [],
		earlier = false,
	): Promise<void> {
		const jid = link.room as string;
		const listeners = () => ({
			own: createOwnOccupant(listenerJid(jid, own), people.nick),
			stated: createOwnOccupant(statedJid(own), people.nick),
		});
		const room = rooms.get(jid) ?? createRoom(jid, link, listeners(), context.now().at);
		rooms.set(jid, room);
		relink(room, link, linkedTo, earlier);
		// An event of another network may attach the link before our stream to the server is up.
		want(room.listener);
		const isBarred = await barredBefore(room, context);
		await idle.restore(room);
		for (const person of members) {
			const ours = oursOf(room, person);
			if (isBarred(ours) || idle.hasLeft(room, ours)) continue;
			want(ours);
			idle.active(room, ours);
		}
		if (isIn(room.listening.active)) return;
		if (!context.link.online) return restorePosition(room, context);
		if (room.listening.barred && !mayAskAgain(room, context)) throw room.listening.barred;
		unbar(room.listener);
		await within(attachWithin, ensureJoined(room, context));
	}

	async function detach(link: Link): Promise<void> {
		const room = rooms.get(link.room as string);
		if (room?.link.id !== link.id) return;
		rooms.delete(room.jid);
		close(room);
		wake(room.listening);
		forgetPassword(room, context);
		forgetAlternate(room, context);
		forgetGiven(room, context);
		idle.forget(room);
		context.confirmations.rejectAll("the room was unlinked", room);
		for (const ours of [...room.ours.byJid.values()]) await leave(room, ours, context);
		await forgetBars(room, context);
		await forgetOutcasts(room, context);
	}

	/** See {@link sendEvent}. */
	async function send(out: Outbound): Promise<readonly MessageId[]> {
		const room = rooms.get(out.room);
		if (!room) throw new TemporaryError("the room is not served yet");
		const ours = oursOf(room, out.event.sender);
		// A new name or picture says nothing of a person who says nothing.
		if (out.event.kind !== "profile") idle.active(room, ours);
		return sendEvent(room, ours, out, context);
	}

	/** Returns the ids that lines of ours have in a MUC, none for lines it does not have. @throws TemporaryError */
	async function delivered(
		jid: string,
		all: readonly Delivery[],
	): Promise<readonly (readonly MessageId[])[]> {
		const room = rooms.get(jid);
		if (!room) return [];
		const said = all.map((one) => ({ ...one, jid: ghostJid(one.sender, own) }));
		return findArchivedIds(room, said, context);
	}

	/** Tells the portal in a notice, once for many, that it does not get all lines of the MUC. */
	function missed(jid: string): void {
		const room = rooms.get(jid);
		const now = context.now();
		if (!room || now.at - room.missedAt < missedAgainAfter) return;
		noteMissed(room, now.at);
		context.tell([notice(room, phrases.mucMissed, now)]);
	}

	return {
		attach,
		detach,
		send,
		/** As `signal` and `hears` of core's Network. */
		async signal(out: SignalOut): Promise<void> {
			const room = rooms.get(out.room);
			const ours = room?.ours.byJid.get(ghostJid(out.signal.sender, own));
			if (room && ours) idle.active(room, ours);
			if (room) await showSignal(room, ours, out, context);
		},
		hears(kind: Signal["kind"], jid: string): boolean {
			const room = rooms.get(jid);
			return room !== undefined && hearsSignals(room, kind, context);
		},
		delivered,
		missed,
		/** Sends the occupant behind an event a private message. @throws TemporaryError while the listener is out. */
		async whisper(event: BridgeEvent, text: string): Promise<void> {
			const room = rooms.get(event.room);
			if (room) await whisper(room, event, text);
		},
		has: (room: string) => rooms.has(room),
		/** See {@link alternateOf}. */
		alternate: (jid: string) => alternateOf(jid, context),
		unlock: passwords.unlock,
		/** As `inviteFrom` of core's Network. */
		async inviteFrom(jid: string, person: Person, by: Person, reason?: string): Promise<void> {
			const room = rooms.get(jid);
			if (!room) throw new TemporaryError("the room is not served yet");
			await invite(room, ghostJid(by, own), person, reason, context);
		},
		/** See {@link admit}. */
		async admits(jid: string, person: Person, how: Readonly<{ isFirst: boolean }>): Promise<void> {
			const room = rooms.get(jid);
			if (room) await admit(room, oursOf(room, person), context, how);
		},
		/** Returns true for the JID of a short-lived occupant that tries a password. */
		isTrial: passwords.isTrial,
		/** The MUCs as a place of private chats. */
		venue: {
			has: (muc) => rooms.has(muc),
			nick(muc, person) {
				const room = rooms.get(muc);
				return room && nickOf(room, person);
			},
			async write({ muc, person }, ours, make) {
				const room = rooms.get(muc);
				if (!room) throw new TemporaryError("the room is not served yet");
				const speaker = room.ours.byJid.get(ghostJid(ours, own));
				if (speaker) idle.active(room, speaker);
				await writePrivate(room, speaker, person, make, context);
			},
			async show({ muc, person }, ours, make) {
				const room = rooms.get(muc);
				if (room) await showPrivate(room, room.ours.byJid.get(ghostJid(ours, own)), person, make, context);
			},
		} satisfies Venue,
		/** Returns whether the MUC gives messages its own ids. */
		hasIds(jid: string): boolean {
			const room = rooms.get(jid);
			return room !== undefined && hasIds(room);
		},
		isListener: (jid: string) => isListenerJid(jid, people.stated),
		/** Returns the name that the MUC announces; undefined if it has none, or was not entered yet. */
		nameOf: (jid: string) => rooms.get(jid)?.features.name,
		/** Returns true if everybody may find and enter a MUC; undefined if it has not told yet. */
		isListed: (jid: string) => rooms.get(jid)?.features.listed,
		/** Returns true if an occupant under this bare JID is an owner or admin of a MUC that shows the JID and the rank. */
		owns: (jid: string, account: string): boolean =>
			[...(rooms.get(jid)?.roster.others.values() ?? [])].some(
				({ person }) =>
					account !== jid &&
					(person.rank === "owner" || person.rank === "admin") &&
					person.handles.includes(account),
			),
		/** Returns why no occupant of ours is in a MUC; undefined if one is, or the MUC is not linked. */
		hindrance(jid: string): string | undefined {
			const room = rooms.get(jid);
			if (!room || isIn(room.listening.active)) return undefined;
			return room.listening.barred?.message ?? phrases.mucNotInYet(jid);
		},
		/** See {@link givePicture}. */
		showPicture({ id, room: jid }: Link, picture: Avatar | null): void {
			const room = rooms.get(jid as string);
			if (room?.link.id === id) givePicture(room, picture, context);
		},
		others: (room: string): readonly Person[] =>
			[...(rooms.get(room)?.roster.others.values() ?? [])].map((other) => other.person),
		/** Returns the person whose ghost of this bare JID is an occupant of ours in a MUC. */
		ownPerson: (room: string, ghost: string): Person | undefined =>
			rooms.get(room)?.ours.byJid.get(`${ghost}/${people.resource}`)?.person,
		/** Returns the JID of ours that may ask the occupants of a MUC; undefined where none of ours is in it. */
		asker(jid: string): string | undefined {
			const active = rooms.get(jid)?.listening.active;
			return active && isIn(active) ? active.jid : undefined;
		},
		person: (room: string, nick: string) => rooms.get(room)?.roster.others.get(nick)?.person,
		/** Returns true for a copy of a stanza that the active listener gets, too; called before a stanza's tree is built. */
		skip(from: string, jid: string, name: string, type: string | undefined): boolean {
			const slash = from.indexOf("/");
			const room = slash < 0 ? undefined : rooms.get(from.slice(0, slash));
			return !!room && isCopy(room, jid, from.slice(slash + 1), name, type);
		},
		/** Takes a message or presence from a MUC. Returns the error that answers it, if it needs one. */
		stanza(stanza: Element): Element | undefined {
			if (passwords.take(stanza)) return undefined;
			const room = rooms.get(bare(stanza.attrs.from ?? ""));
			if (!room) return undefined;
			if (stanza.name === "message") return takeMessage(room, stanza, context);
			takePresence(room, stanza, context);
			return undefined;
		},
		online(): void {
			keepalive.start();
			idle.start();
			for (const room of rooms.values()) {
				wake(room.listening);
				if (!room.listening.barred) keepJoined(room, context);
			}
		},
		offline(cause: string): void {
			keepalive.stop();
			idle.stop();
			context.confirmations.rejectAll(cause);
			for (const room of rooms.values()) {
				putAllOut(room.ours, cause);
				abandonJoins(room.roster);
				resetBackfill(room.backfill);
			}
		},
		/**
		 * Has all occupants leave all MUCs: the bridge stops. The active listener leaves last, and its lines are taken until
		 * the MUC has answered.
		 */
		async leaveAll(): Promise<void> {
			for (const room of rooms.values()) {
				close(room);
				wake(room.listening);
				const { active } = room.listening;
				const others = [...room.ours.byJid.values()].filter((ours) => ours !== active);
				for (const ours of [...others, active]) await leave(room, ours, context);
			}
		},
	};
}
