import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import { mayDo, type RoomFacts } from "../../core/hosting.ts";
import { createRateLimit } from "../../core/limits.ts";
import type { Person } from "../../core/person.ts";
import { findAccount } from "../address-lookup.ts";
import { account, xmppNetwork } from "../from-xmpp.ts";
import { bare, domain } from "../jid.ts";
import { decline, direct, invitation, invitedDirectly, isInvite } from "../muc/invite-stanzas.ts";
import { mucUser } from "../muc/status-codes.ts";
import * as phrases from "../phrases.ts";
import { errorReply, StanzaError, stanzaError } from "../stanza-error.ts";
import { child, type Element, text, xml } from "../stream/xml.ts";
import { typedAddress } from "../typed-jid.ts";
import { viewOf } from "./addresses.ts";
import type { HostedContext } from "./context.ts";
import { nameOf } from "./queries/room-info.ts";
import { broken, failed, notFound, type Refusal, refusedWith, unknownRoom } from "./refusals.ts";
import { type HostedRoom, type Joined, occupantOf } from "./room.ts";

/** Invitations into hosted rooms, from XMPP and to XMPP, and the answers that decline them (XEP-0045 §7.8). */

/** Invitations that one person may send or decline. */
const rate = { perMinute: 20, burst: 20 };
/** Invitations on their way whose errors can be told to the inviter, and their bytes. */
const [mostOnTheWay, bytesOnTheWay] = [1_000, 1_048_576];
/** People whom one message may invite. */
const mostAtOnce = 20;

/** An invitation that was passed on, and the stanza that asked for it. */
type Forwarded = Readonly<{ guest: string; asked: Readonly<{ from: string; to: string; id?: string }> }>;

export function createInvites(context: HostedContext) {
	const { component, of, bridge, link, rooms, guard, log } = context;
	const mayInvite = createRateLimit(rate);
	const hosting = () => bridge().views.source(of);

	/** Invitations of people on XMPP, by their ids: an error that comes back is for the inviter. */
	const onTheWay = createBoundedMap<string, Forwarded>(mostOnTheWay, {
		bytes: bytesOnTheWay,
		of: (id, { guest, asked }) => textBytes(id, guest, asked.from, asked.to, asked.id),
	});
	const about = (facts: RoomFacts, reason: string | undefined) => ({ title: nameOf(facts), reason });

	/** Invites the account or the ghost at a JID, as a stanza asks. @throws StanzaError and core's errors. */
	async function invite(by: Joined, asked: Element, to: string, reason: string | undefined): Promise<void> {
		const { room, occupant, session } = by;
		const { facts } = room;
		const { person } = occupant;
		if (facts.levels && !mayDo(facts.levels, person, "invite"))
			throw new StanzaError("forbidden", "auth", phrases.hostedMayNotInvite);
		if (!mayInvite(person.id)) throw new StanzaError("policy-violation", "wait", phrases.xmppCrowded);
		if (domain(to) === component) {
			const ghost = context.standsFor(bare(to));
			const known = ghost?.network === of && (await bridge().findPerson(of, ghost.address));
			if (!known) throw new StanzaError("item-not-found", "cancel", phrases.xmppNobody);
			return hosting().invite(room.source, person, known.address, reason);
		}
		const jid = typedAddress(to);
		if (jid === undefined) throw new StanzaError("jid-malformed", "modify", phrases.notJid(to));
		const member = occupantOf(room, account(jid));
		if (member?.sessions.size) throw new StanzaError("conflict", "cancel", phrases.hostedIsIn);
		// A room by invitation lets in ghosts that were invited in the source. An address without a server gets no ghost.
		const guest = facts.entry === "invited" && !member ? await findAccount(jid, link, component) : undefined;
		if (guest) await hosting().invite(room.source, person, guest, reason);
		const id = context.now().unique();
		const { from = "", to: address = "", id: theirs } = asked.attrs;
		onTheWay.set(id, {
			guest: jid,
			asked: { from, to: address, ...(theirs !== undefined && { id: theirs }) },
		});
		const inviter = { jid: bare(session.jid), name: occupant.nick };
		await link.send(invitation(session.address, jid, id, inviter, about(facts, reason)));
	}

	/** Takes an answer that declines: the ghost of the person gives the invitation back, and the inviter reads it. */
	async function declined(stanza: Element, answer: Element): Promise<Refusal | undefined> {
		const { from = "", to: address = "" } = stanza.attrs;
		const person = account(from);
		const asked = context.aliases.at(address);
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
		const room = x
			? address
			: (invitedDirectly(stanza, (jid) => context.aliases.at(jid) !== undefined) ?? "");
		const joined = rooms.joined({ attrs: { from, to: room } });
		if (!joined) throw new StanzaError("not-acceptable", "cancel", phrases.hostedNotJoined);
		const invites = x
			? x.getChildren("invite").map((one) => [one.attrs.to, text(one, "reason")] as const)
			: [[address, child(stanza, "x", direct)?.attrs.reason] as const];
		for (const [to, reason] of invites.slice(0, mostAtOnce)) {
			if (!to) throw new StanzaError("jid-malformed", "modify");
			await invite(joined, stanza, to, reason || undefined);
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
		/** Takes an error that comes back for an invitation; false for any other. The inviter gets it. */
		takeError(stanza: Element): boolean {
			const { id = "", from = "" } = stanza.attrs;
			const forwarded = onTheWay.get(id);
			if (!forwarded || bare(from) !== forwarded.guest) return false;
			onTheWay.delete(id);
			const { type, condition, text: why } = stanzaError(stanza);
			const words = phrases.hostedNotInvited(forwarded.guest, why ?? condition);
			const error = errorReply(xml("message", forwarded.asked), type, condition, words);
			void guard.run("error for an invitation", () => link.send(error));
			return true;
		},
		/** As `inviteToView` of core's Network. */
		bring(facts: RoomFacts, person: Person, by: Person, reason?: string): Promise<void> {
			const inviter = {
				jid: by.network === xmppNetwork ? by.id : context.ghost(by),
				name: by.name ?? by.address[0] ?? "",
			};
			const room = context.aliases.of(facts);
			return link.send(invitation(room, person.id, context.now().unique(), inviter, about(facts, reason)));
		},
	};
}
