import { bare } from "../jid.ts";
import * as phrases from "../phrases.ts";
import { child, type Element, xml } from "../stream/xml.ts";
import { mucUser } from "./status-codes.ts";

/** Invitations into MUCs, ours and those of others, as stanzas (XEP-0045 §7.8, XEP-0249). Pure. */

/** The namespace of direct invitations. */
export const direct = "jabber:x:conference";

/** True for a message that invites somebody through a room, or declines such an invitation. A line of the room does neither. */
export const isInvite = (stanza: Element): boolean => {
	const x = stanza.attrs.type === "groupchat" ? undefined : child(stanza, "x", mucUser);
	return x !== undefined && (child(x, "invite") ?? child(x, "decline")) !== undefined;
};

/** Returns the bare JID of a room, by `isRoom`, into which a message to a ghost invites directly (XEP-0249). */
export function invitedDirectly(stanza: Element, isRoom: (jid: string) => boolean): string | undefined {
	if (stanza.name !== "message" || stanza.attrs.type === "error") return undefined;
	const room = bare(child(stanza, "x", direct)?.attrs.jid ?? "");
	return isRoom(room) ? room : undefined;
}

/** Returns the invitation of a room of ours to somebody on XMPP. `from`: the JID of the inviter. */
export const invitation = (
	room: string,
	to: string,
	id: string,
	from: Readonly<{ jid: string; name: string }>,
	about: Readonly<{ title: string | undefined; reason: string | undefined }>,
): Element => {
	const { reason } = about;
	return xml(
		"message",
		{ from: room, to, id },
		xml("body", {}, phrases.hostedInvitation(from.name, about.title, room)),
		xml("x", { xmlns: mucUser }, xml("invite", { from: from.jid }, reason && xml("reason", {}, reason))),
		// COMPAT clients that know direct invitations alone.
		xml("x", { xmlns: direct, jid: room, reason }),
	);
};

/** Returns the answer of somebody who declines, as the inviter gets it. */
export const decline = (room: string, to: string, from: string, reason: string | undefined): Element =>
	xml(
		"message",
		{ from: room, to },
		xml("x", { xmlns: mucUser }, xml("decline", { from }, reason && xml("reason", {}, reason))),
	);
