import type { Log } from "../../core/log.ts";
import type { Link, Portal } from "../../core/mapping.ts";
import { roomMark } from "../../core/passed-rooms.ts";
import * as capabilities from "../capabilities.ts";
import type { Conversation } from "../conversation.ts";
import { answerIq } from "../iq/index.ts";
import type { Software } from "../iq/query.ts";
import { bare, local } from "../jid.ts";
import * as phrases from "../phrases.ts";
import type { createJoinedRooms } from "./index.ts";

/** Returns the marks of the rooms whose people are occupants of ours in the MUC of this link. */
const linkedTo = ({ links }: Portal, { id }: Link): readonly string[] =>
	links.flatMap((one) => (one.room && one.id !== id && one.in ? [roomMark(one.network, one.room)] : []));

/** The MUCs of somebody else, as the kind of conversation that the rest of `xmpp` sees. */
export function createJoinedConversation(
	rooms: ReturnType<typeof createJoinedRooms>,
	deps: {
		software: Software;
		/** Occupants of ours that a MUC may have before it gets none for people who have not spoken. */
		membersMirrored: number;
		log: Log;
	},
) {
	const { software, membersMirrored, log } = deps;
	/** Only a listener of ours can be asked here: ghosts answer for themselves, in a MUC or not. */
	const listener = { software, log, ghost: async () => ({ name: software.name }) };

	return {
		// A bare JID; the room of a chat of two holds a space.
		owns: (room) => !room.includes(" "),
		attach: (portal, link, members, isNew) =>
			rooms.attach(
				link,
				members.length > membersMirrored ? [] : members,
				linkedTo(portal, link),
				isNew === true && portal.links.some((one) => one.id !== link.id && one.ours === true),
			),
		detach: (link) => rooms.detach(link),
		capabilities: (room) => (rooms.hasIds(room) ? capabilities.joined : capabilities.withoutIds),
		show: (room) => room,
		label(room) {
			const name = rooms.nameOf(room);
			return name && name !== local(room) ? phrases.named(name, room) : room;
		},
		hindrance: rooms.hindrance,
		isPublic: rooms.isListed,
		members: rooms.others,
		occupant: rooms.person,
		send: rooms.send,
		signal: rooms.signal,
		hears: rooms.hears,
		delivered: rooms.delivered,
		async refuse(event, error, target) {
			// Such errors come in numbers, or long after the line: one notice on the other side stands for all.
			if (error.reason === "busy" || error.reason === "expired") rooms.missed(event.room);
			else await rooms.whisper(event, phrases.deliveryReport(error, target));
		},
		claims: ({ name, attrs: { from = "", to = "" } }) =>
			name === "iq" ? rooms.isListener(to) : rooms.has(bare(from)) || rooms.isTrial(to),
		stanza: rooms.stanza,
		iq: (stanza) => answerIq(stanza, listener),
		isMuc: rooms.has,
		skips: rooms.skip,
		online: rooms.online,
		offline: rooms.offline,
		stop: rooms.leaveAll,
	} satisfies Conversation;
}
