import { boundedId } from "../../core/ids.ts";
import { nameOf, oneLine } from "../../core/names.ts";
import type { Rank } from "../../core/person.ts";
import type { Shown } from "../../core/signal.ts";
import { occupantIdIn } from "../from-xmpp.ts";
import { bare, longestBare, longestPart, resource } from "../jid.ts";
import { passedIn, passedThrough } from "../message/passed-rooms.ts";
import { photoIn, photoUpdate } from "../photo.ts";
import * as phrases from "../phrases.ts";
import { child, type Element, type Node, text, xml } from "../stream/xml.ts";
import { fullName, nickNs } from "../to-xmpp.ts";
import { availabilityOf } from "./availability.ts";
import { beginning, defined } from "./fields.ts";
import { hatsIn } from "./hats.ts";
import { mucUser, statusCodes, statusCodesOf } from "./status-codes.ts";

/** The presences of a MUC (XEP-0045 §7), read and written. Pure. */

/** One presence of an occupant as XEP-0045 §7.1 means it. */
export type OccupantPresence = Readonly<{
	nick: string;
	available: boolean;
	/** See {@link statusCodes}. */
	codes: ReadonlySet<string>;
	occupantId?: string;
	/** The affiliation if that is a rank, else the role if that is one. */
	rank?: Rank;
	/** The titles that the presence names. */
	hats?: readonly string[];
	/** The bare JID, where the MUC shows it. */
	real?: string;
	/** The nick from now on, with {@link statusCodes.nickChanged}. */
	newNick?: string;
	actor?: string;
	reason?: string;
	destroyed?: Readonly<{ alternate?: string; reason?: string }>;
	/** The hash of the picture (XEP-0153), "" for none; absent if the presence says nothing of it. */
	photo?: string;
	/** The name that the occupant goes by elsewhere (XEP-0172); absent if it is the nick, or the presence names none. */
	realName?: string;
	/** The marks of the rooms whose ghost the occupant is, in another bridge. */
	comesFrom?: readonly string[];
}>;

/** Characters of the longest real name that is shown beside a nick. */
const longestReal = 80;

/** Returns the real name that stands beside a nick; undefined without one, and for the nick itself. */
export function nameBeside(nick: string, name: string | undefined): string | undefined {
	const real = oneLine(nameOf(name ?? ""), longestReal);
	return real === "" || real === nameOf(nick) ? undefined : real;
}

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
	const passed = passedIn(presence);
	const nick = resource(presence.attrs.from ?? "") ?? "";
	return defined({
		nick,
		available: presence.attrs.type !== "unavailable",
		codes: statusCodesOf(presence),
		occupantId: occupantIdIn(presence),
		rank: rankOf(item),
		hats: hatsIn(presence),
		real: jid ? boundedId(bare(jid), longestBare) : undefined,
		newNick: bounded(item?.attrs.nick),
		actor: bounded(actor?.attrs.nick ?? actor?.attrs.jid),
		reason: words(item),
		photo: photoIn(presence),
		realName: nameBeside(nick, text(presence, "nick", nickNs)),
		comesFrom: passed.length > 0 ? passed : undefined,
		destroyed: destroy && defined({ alternate: destroy.attrs.jid, reason: words(destroy) }),
	});
}

/** An affiliation holds beyond the stay that a role belongs to, so it counts first. */
function rankOf(item: Element | undefined): Rank | undefined {
	const { affiliation, role } = item?.attrs ?? {};
	if (affiliation === "owner" || affiliation === "admin") return affiliation;
	return role === "moderator" ? role : undefined;
}

/** The JID of an own occupant, its name, its picture, and the marks of the rooms whose person it stands for. */
type Own = Readonly<{
	jid: string;
	name: string | undefined;
	comesFrom: readonly string[];
	/** The hash of the picture, "" for none; undefined while nobody knows it. */
	photo?: string | undefined;
	/** Whether its person is there; undefined where nobody says so. */
	availability?: Shown | undefined;
}>;

/** Returns the presence of an own occupant in a MUC; each one replaces what the MUC shows of it. */
const available = (
	{ jid, name, comesFrom, photo, availability }: Own,
	room: string,
	nick: string,
	...more: Node[]
): Element =>
	xml(
		"presence",
		{ from: jid, to: `${room}/${nick}` },
		...more,
		...(availability ? availabilityOf(availability) : []),
		fullName(name === nick ? undefined : name),
		passedThrough(comesFrom),
		photo === undefined ? undefined : photoUpdate(photo),
	);

/**
 * Returns a join (XEP-0045 §7.2). `since`, ms since 1970, asks for the history from then on; without it none comes. The
 * password is that of the MUC (§7.2.6), if it has one.
 */
export const enter = (
	own: Own,
	room: string,
	nick: string,
	{ since, password }: Readonly<{ since?: number | undefined; password?: string | undefined }> = {},
): Element =>
	available(
		own,
		room,
		nick,
		xml(
			"x",
			{ xmlns: "http://jabber.org/protocol/muc" },
			password === undefined ? undefined : xml("password", {}, password),
			xml("history", since === undefined ? { maxstanzas: "0" } : { since: new Date(since).toISOString() }),
		),
	);

/**
 * Returns a change of the nick (XEP-0045 §7.6): a presence to the new nick, without the `x` of a join. To the same nick it
 * changes what the MUC shows of the occupant (§7.7).
 */
export const rename = available;

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
