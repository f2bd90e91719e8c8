import { account } from "../../from-xmpp.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { child, type Element, text, xml } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import { dismiss } from "../leaving.ts";
import { giveNick, nickRefusal } from "../nick-changes.ts";
import { holderOf } from "../occupants.ts";
import { nickTaken } from "../refusals.ts";
import { type Occupant, occupantOf } from "../room.ts";
import type { RoomQuery, RoomQuestion } from "./query.ts";

const ns = "jabber:iq:register";

/** Registration in a room (XEP-0045 §7.10): the members of the source room are registered, each under their nick. */
const member = ({ from, place }: RoomQuestion): Occupant | undefined =>
	place.joined?.occupant ?? (place.room && occupantOf(place.room, account(from)));

/** Tells a member the nick, and how to end the membership. */
const get: RoomQuery = {
	type: "get",
	name: "query",
	ns,
	features: [ns],
	async answer(question) {
		const occupant = member(question);
		if (!occupant) throw new StanzaError("not-allowed", "cancel", phrases.hostedJoinFirst);
		return xml(
			"query",
			{ xmlns: ns },
			xml("registered"),
			xml("username", {}, occupant.nick),
			xml("instructions", {}, phrases.hostedRegistered(occupant.nick)),
		);
	},
};

/** Gives a member another nick, or ends the membership. */
const set: RoomQuery = {
	type: "set",
	name: "query",
	ns,
	features: [],
	async answer(question, context) {
		// XEP-0077 §3.2
		if (child(question.payload, "remove")) await remove(question, context);
		else register(question, context);
		return undefined;
	},
};

export const registration: readonly RoomQuery[] = [get, set];

/** Ends a membership, and with it all sessions of the person. @throws TemporaryError */
async function remove({ from, place: { facts, room } }: RoomQuestion, context: HostedContext): Promise<void> {
	const person = account(from);
	await context.memberships.leave(facts.room, person);
	const occupant = room && occupantOf(room, person);
	if (occupant) dismiss(room, occupant, { affiliation: "none" }, context);
}

function register(question: RoomQuestion, context: HostedContext): void {
	const { room } = question.place;
	const occupant = member(question);
	if (!room || !occupant) throw new StanzaError("not-allowed", "cancel", phrases.hostedJoinFirst);
	const nick = wanted(question.payload);
	if (!nick) throw new StanzaError("bad-request", "modify");
	if (nick === occupant.nick) return;
	const refusal = nickRefusal(nick) ?? (holderOf(room, nick, occupant.person) ? nickTaken : undefined);
	if (refusal) throw new StanzaError(refusal.condition, refusal.type, refusal.text);
	giveNick(room, occupant, nick, context);
}

/** Returns the nick in a form of XEP-0045 §7.10. */
function wanted(payload: Element): string | undefined {
	const fields = child(payload, "x", "jabber:x:data")?.getChildren("field") ?? [];
	const field = fields.find(({ attrs }) => attrs.var === "muc#register_roomnick");
	return field && text(field, "value");
}
