import { type DomainBan, type MemberChange, personKey, type Seen } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { xmppNetwork } from "../from-xmpp.ts";
import { statusCodes } from "../muc/status-codes.ts";
import { announce, announceAbsent } from "./announce.ts";
import type { HostedContext } from "./context.ts";
import { showFace } from "./faces.ts";
import { dismiss } from "./leaving.ts";
import { changeNick } from "./nick-changes.ts";
import { addMember, freeNick, setAvatar } from "./occupants.ts";
import { affiliationOf, type Happening } from "./presences.ts";
import { realJid } from "./real-jid.ts";
import { type HostedRoom, occupantOf } from "./room.ts";

/**
 * Shows a change of the source's members. The change may be known already: by a
 * join of ours, or because the room was just read.
 */
export function takeMember(room: HostedRoom, what: MemberChange, context: HostedContext): void {
	const { person } = what;
	switch (what.now) {
		case "in":
			comeIn(room, person, context);
			break;
		case "out":
		case "banned":
			goOut(room, what, context);
			break;
		case "profile":
			profile(room, person, context);
			break;
		case "invited":
			// XEP-0045 §9.3: an invitation makes a member of a room for members only.
			if (room.facts.entry === "invited") tellOfAbsent(room, what, "member", context);
			break;
		default:
			what.now satisfies never;
	}
}

function comeIn(room: HostedRoom, person: Person, context: HostedContext): void {
	if (occupantOf(room, person)) profile(room, person, context);
	// Nobody sees a person come in as away who is there a moment later.
	else if (!context.memberships.isEntering(room.source, person)) {
		const occupant = addMember(room, person, context.occupantId(room, person));
		announce(room, occupant, context);
		showFace(room, occupant, context);
	}
}

function goOut(room: HostedRoom, what: MemberChange, context: HostedContext): void {
	const { person, by, reason } = what;
	const self = what.now === "out" && !by && person.network === xmppNetwork;
	const ours = self && context.memberships.isOwnLeave(room.source, person);
	const occupant = occupantOf(room, person);
	if (!ours) context.memberships.putOut(room.source, person);
	if (!occupant) {
		// In a room that everybody may join, an invitation that is declined changes nothing.
		if (!ours && (by || room.facts.entry === "invited"))
			tellOfAbsent(room, what, what.now === "banned" ? "outcast" : "none", context);
		return;
	}
	// A client of the person has joined behind that leave.
	if (ours && occupant.sessions.size > 0) return;
	// The source may tell for whom the bot acts, in its own words.
	const act = (by && context.acts.take(room, person, "removal")) ?? { actor: by && nickOf(room, by), reason };
	dismiss(room, occupant, { ...removal(what, ours), ...act }, context);
}

/**
 * Takes a change of the source into the record of a room, also while nobody of XMPP is in the room: the change is not read
 * again with the room.
 */
export function noteForRecord(view: RoomId, what: Seen["what"], context: HostedContext): void {
	if (what.kind === "domain") noteDomainBan(view, what, context);
	else if (what.kind === "member" && what.now === "banned") forgetPerson(view, what.person, context);
}

/** Keeps a ban of a domain that people of the source have made, or forgets one that they have lifted. */
function noteDomainBan(view: RoomId, { domain, ban }: DomainBan, { records }: HostedContext): void {
	const has = records.of(view).domains.get(domain);
	if (has !== ban?.reason) records.follow(view, [{ list: "domains", key: domain, value: ban?.reason }]);
}

/** Removes an outcast from the record (XEP-0045 §9.1). A role ends with the presence. */
function forgetPerson(view: RoomId, person: Person, { records }: HostedContext): void {
	const [key, now] = [personKey(person), records.of(view)];
	const has = (["members", "nicks"] as const).filter((list) => now[list].has(key));
	records.change(
		view,
		has.map((list) => ({ list, key, value: undefined })),
	);
}

/** Tells of a change of somebody who is not in the room, unless they have power there, which lasts. */
function tellOfAbsent(
	room: HostedRoom,
	{ person, reason }: MemberChange,
	affiliation: "member" | "outcast" | "none",
	context: HostedContext,
): void {
	const has = affiliationOf(room, person, false);
	if (affiliation !== "outcast" && has !== "none") return;
	announceAbsent(room, { jid: realJid(person, context), affiliation, reason }, context);
}

/** Returns how a presence tells the cause: XEP-0045 §9.1 for a ban, §8.2 for a kick. `ours`: we took the ghost out. */
function removal({ now, by, person }: MemberChange, ours: boolean): Happening {
	if (now === "banned") return { codes: [statusCodes.banned], affiliation: "outcast" };
	// A person of XMPP never takes their own ghost out, so this is the work of an admin of the homeserver.
	return by || (person.network === xmppNetwork && !ours) ? { codes: [statusCodes.kicked] } : {};
}

const nickOf = (room: HostedRoom, person: Person): string | undefined =>
	occupantOf(room, person)?.nick ?? person.name;

/** People of XMPP have the nick that their client asked for, and the name of their ghost follows it, as the picture does. */
function profile(room: HostedRoom, person: Person, context: HostedContext): void {
	const occupant = occupantOf(room, person);
	if (!occupant || person.network === xmppNetwork) return;
	const before = occupant.person;
	if (person.avatar !== undefined) setAvatar(occupant, person.avatar);
	if (before.name !== person.name) {
		const nick = freeNick(room, person.name ?? person.address[0] ?? "", person);
		changeNick(room, occupant, nick, context, person.name);
	} else if (person.avatar === null && before.avatar) announce(room, occupant, context);
	showFace(room, occupant, context, before.avatar ?? null);
}
