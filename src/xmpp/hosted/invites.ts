import { mayDo, type RoomFacts } from "../../core/hosting.ts";
import { createRateLimit } from "../../core/limits.ts";
import type { Person } from "../../core/person.ts";
import { findAccount } from "../address-lookup.ts";
import { account, xmppNetwork } from "../from-xmpp.ts";
import { bare, domain } from "../jid.ts";
import { mucUser } from "../muc/status-codes.ts";
import * as phrases from "../phrases.ts";
import { StanzaError } from "../stanza-error.ts";
import { child, type Element, text, xml } from "../stream/xml.ts";
import { typedAddress } from "../typed-jid.ts";
import { addressOf, roomAt, viewOf } from "./addresses.ts";
import type { HostedContext } from "./context.ts";
import { nameOf } from "./queries/room-info.ts";
import { broken, failed, notFound, type Refusal, refusedWith, unknownRoom } from "./refusals.ts";
import { type HostedRoom, type Joined, occupantOf } from "./room.ts";

/** Invitations into hosted rooms, from XMPP and to XMPP, and the answers that decline them (XEP-0045 §7.8). */

const direct = "jabber:x:conference";
/** Invitations that one person may send or decline. */
const rate = { perMinute: 20, burst: 20 };
/** People whom one message may invite. */
const mostAtOnce = 20;

/** True for a message that invites somebody through a room, or declines such an invitation. */
export const isInvite = (stanza: Element): boolean => {
	const x = child(stanza, "x", mucUser);
	return x !== undefined && (child(x, "invite") ?? child(x, "decline")) !== undefined;
};

/** Returns the bare JID of a room of ours into which a message to a ghost invites directly (XEP-0249). */
export function invitedDirectly(stanza: Element, component: string): string | undefined {
	if (stanza.name !== "message" || stanza.attrs.type === "error") return undefined;
	const room = bare(child(stanza, "x", direct)?.attrs.jid ?? "");
	return roomAt(room, component) && room;
}

/** Returns the invitation of a room to somebody on XMPP. `from`: the JID of the one who invites. Pure. */
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

/** Returns the answer of somebody who declines, as the one who invited gets it. Pure. */
export const decline = (room: string, to: string, from: string, reason: string | undefined): Element =>
	xml(
		"message",
		{ from: room, to },
		xml("x", { xmlns: mucUser }, xml("decline", { from }, reason && xml("reason", {}, reason))),
	);

export function createInvites(context: HostedContext) {
	const { component, of, bridge, link, rooms, log } = context;
	const mayInvite = createRateLimit(rate);
	const hosting = () => bridge().views.source(of);
	const called = ({ name, address }: Person) => name ?? address[0] ?? "";

	/** Brings somebody on XMPP the invitation of a person, who is in the room by `room`. */
	const forward = (
		room: string,
		facts: RoomFacts,
		to: string,
		by: Readonly<{ jid: string; name: string }>,
		reason?: string,
	) => link.send(invitation(room, to, context.now().unique(), by, { title: nameOf(facts), reason }));

	/** Invites the account or the ghost at a JID. @throws StanzaError and core's errors. */
	async function invite({ room, occupant, session }: Joined, to: string, reason: string | undefined) {
		const { facts } = room;
		const { person } = occupant;
		if (facts.levels && !mayDo(facts.levels, person, "invite"))
			throw new StanzaError("forbidden", "auth", phrases.hostedMayNotInvite);
		if (!mayInvite(person.id)) throw new StanzaError("policy-violation", "wait", phrases.xmppCrowded);
		if (domain(to) === component) {
			const ghost = context.standsFor(bare(to));
			const known = ghost?.network === of && (await bridge().findPerson(of, ghost.address));
			if (!known) throw new StanzaError("item-not-found", "cancel", phrases.xmppNobody);
			return hosting().invite(room.source, person, known.address);
		}
		const jid = typedAddress(to);
		if (jid === undefined) throw new StanzaError("jid-malformed", "modify", phrases.notJid(to));
		if (occupantOf(room, account(jid))) throw new StanzaError("conflict", "cancel", phrases.hostedIsIn);
		// A room by invitation lets in ghosts that were invited in the source. An address without a server gets no ghost.
		const guest = facts.entry === "invited" ? await findAccount(jid, link, component) : undefined;
		if (guest) await hosting().invite(room.source, person, guest);
		return forward(session.address, facts, jid, { jid: bare(session.jid), name: occupant.nick }, reason);
	}

	/** Takes an answer that declines: the ghost of the person gives the invitation back, and the one who invited reads it. */
	async function declined(stanza: Element, answer: Element): Promise<Refusal | undefined> {
		const { from = "", to: address = "" } = stanza.attrs;
		const person = account(from);
		const asked = roomAt(address, component);
		if (!asked) return unknownRoom;
		const looked = await bridge().views.look(of, asked, person);
		if (looked.kind !== "room") return notFound(looked);
		if (!mayInvite(person.id)) throw new StanzaError("policy-violation", "wait", phrases.xmppCrowded);
		const { facts } = looked;
		const room: HostedRoom | undefined = rooms.get(viewOf(facts.id, component));
		if (room && occupantOf(room, person)) return undefined;
		const reason = text(answer, "reason") || undefined;
		await context.memberships.leave(facts.room, person, reason);
		const inviter = room && occupantOf(room, account(answer.attrs.to ?? ""));
		if (inviter?.person.network === xmppNetwork)
			for (const { jid, address: joinedBy } of inviter.sessions.values())
				await link.send(decline(joinedBy, jid, person.id, reason));
		return undefined;
	}

	async function answer(stanza: Element): Promise<Refusal | undefined> {
		const { from = "", to: address = "" } = stanza.attrs;
		const x = isInvite(stanza) ? child(stanza, "x", mucUser) : undefined;
		const answers = x && child(x, "decline");
		if (answers) return declined(stanza, answers);
		const room = x ? address : (invitedDirectly(stanza, component) ?? "");
		const joined = rooms.joined({ attrs: { from, to: room } });
		if (!joined) throw new StanzaError("not-acceptable", "cancel", phrases.hostedNotJoined);
		const invites = x
			? x.getChildren("invite").map((one) => [one.attrs.to, text(one, "reason")] as const)
			: [[address, child(stanza, "x", direct)?.attrs.reason] as const];
		for (const [to, reason] of invites.slice(0, mostAtOnce)) {
			if (!to) throw new StanzaError("jid-malformed", "modify");
			await invite(joined, to, reason || undefined);
		}
		return undefined;
	}

	return {
		/** Takes a message with an invitation, or one that declines. Resolves with the error that answers it. Never rejects. */
		async take(stanza: Element): Promise<Element | undefined> {
			const refusal = await answer(stanza).catch((error: unknown) => {
				const known = failed(error);
				if (!known) log.error({ err: error }, "an invitation into a hosted room could not be taken");
				return known ?? broken;
			});
			return refusal && refusedWith(stanza, refusal);
		},
		/** As `inviteToView` of core's Network. */
		bring: (facts: RoomFacts, person: Person, by: Person, reason?: string): Promise<void> =>
			forward(
				addressOf(facts, component),
				facts,
				person.id,
				{ jid: by.network === xmppNetwork ? by.id : context.ghost(by), name: called(by) },
				reason,
			),
	};
}
