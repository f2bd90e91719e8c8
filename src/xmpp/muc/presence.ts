import { boundedId } from "../../core/ids.ts";
import { occupantIdIn } from "../from-xmpp.ts";
import { bare, longestBare, longestPart, resource } from "../jid.ts";
import * as phrases from "../phrases.ts";
import { child, type Element, text, xml } from "../stream/xml.ts";
import { fullName } from "../to-xmpp.ts";
import { beginning, defined } from "./fields.ts";
import { mucUser, statusCodes, statusCodesOf } from "./status-codes.ts";

/** The presences of a MUC (XEP-0045 §7), read and written. Pure. */

/** One presence of an occupant as XEP-0045 §7.1 means it. */
export type OccupantPresence = Readonly<{
	nick: string;
	available: boolean;
	/** See {@link statusCodes}. */
	codes: ReadonlySet<string>;
	occupantId?: string;
	/** The bare JID, where the MUC shows it. */
	real?: string;
	/** The nick from now on, with {@link statusCodes.nickChanged}. */
	newNick?: string;
	actor?: string;
	reason?: string;
	destroyed?: Readonly<{ alternate?: string; reason?: string }>;
}>;

/** Returns what a presence says of the occupant at its `from`. */
export function occupantPresence(presence: Element): OccupantPresence {
	const x = child(presence, "x", mucUser);
	const item = x?.getChild("item");
	const destroy = x?.getChild("destroy");
	const actor = item?.getChild("actor");
	const words = (element: Element | undefined) =>
		(element && beginning(text(element, "reason"))) || undefined;
	const bounded = (part: string | undefined) => part && boundedId(part, longestPart);
	const jid = item?.attrs.jid;
	return defined({
		nick: resource(presence.attrs.from ?? "") ?? "",
		available: presence.attrs.type !== "unavailable",
		codes: statusCodesOf(presence),
		occupantId: occupantIdIn(presence),
		real: jid ? boundedId(bare(jid), longestBare) : undefined,
		newNick: bounded(item?.attrs.nick),
		actor: bounded(actor?.attrs.nick ?? actor?.attrs.jid),
		reason: words(item),
		destroyed: destroy && defined({ alternate: destroy.attrs.jid, reason: words(destroy) }),
	});
}

/** Returns a join (XEP-0045 §7.2). `since`, ms since 1970, asks for the history from then on; without it none comes. */
export const enter = (
	from: string,
	room: string,
	nick: string,
	name: string | undefined,
	since?: number,
): Element =>
	xml(
		"presence",
		{ from, to: `${room}/${nick}` },
		xml(
			"x",
			{ xmlns: "http://jabber.org/protocol/muc" },
			xml("history", since === undefined ? { maxstanzas: "0" } : { since: new Date(since).toISOString() }),
		),
		fullName(name === nick ? undefined : name),
	);

/** Returns a change of the nick (XEP-0045 §7.6): a presence to the new nick, without the `x` of a join. */
export const rename = (from: string, room: string, nick: string, name: string | undefined): Element =>
	xml("presence", { from, to: `${room}/${nick}` }, fullName(name === nick ? undefined : name));

/** Returns the leaving of an occupant (XEP-0045 §7.14). */
export const leave = (from: string, room: string, nick: string): Element =>
	xml("presence", { from, to: `${room}/${nick}`, type: "unavailable" });

/** How and why somebody removed an occupant from the MUC. */
export type Removal = Readonly<{ how: "kicked" | "banned" | "removed"; reason?: string }>;

/**
 * Returns how somebody removed an occupant; undefined for one that left, and after a technical loss. Most MUCs name no
 * reason for a removal by a change of settings or of a member's rights, so the status code stands for one.
 */
export function removalOf({ available, codes, reason }: OccupantPresence): Removal | undefined {
	// XEP-0045 §10.9, §16.3: a shutdown (332) or technical trouble (333), which often comes with a 307.
	if (available || codes.has(statusCodes.shutdown) || codes.has(statusCodes.technicalRemoval))
		return undefined;
	const given = (words?: string) => defined({ reason: reason ?? words });
	if (codes.has(statusCodes.banned)) return { how: "banned", ...given() };
	// XEP-0045 §9.4: who is a member no more is removed from a members-only room. Some MUCs add a 307.
	if (codes.has(statusCodes.affiliationLost)) return { how: "removed", ...given(phrases.mucNoMember) };
	// XEP-0045 §10.2.1: the room has become members-only.
	if (codes.has(statusCodes.membersOnlyNow)) return { how: "removed", ...given(phrases.mucNowMembersOnly) };
	return codes.has(statusCodes.kicked) ? { how: "kicked", ...given() } : undefined;
}
