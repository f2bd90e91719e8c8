import { PermanentError } from "../../../core/errors.ts";
import { levelOf, personKey } from "../../../core/hosting.ts";
import { createRateLimit } from "../../../core/limits.ts";
import type { Person } from "../../../core/person.ts";
import { account, xmppNetwork } from "../../from-xmpp.ts";
import { bare, domain } from "../../jid.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { child, type Element, text, xml } from "../../stream/xml.ts";
import { memberSteps } from "../administration/affiliations.ts";
import { carryOut } from "../administration/carry-out.ts";
import { keep, levelFor, type Step } from "../administration/items.ts";
import type { HostedContext } from "../context.ts";
import { dismiss } from "../leaving.ts";
import { giveNick, refusalFor, refusalToReserve } from "../nick-changes.ts";
import { affiliationOf } from "../presences.ts";
import { domainBanned, errorOf } from "../refusals.ts";
import { occupantOf } from "../room.ts";
import { type Asker, askerOf } from "./asker.ts";
import type { RoomQuery, RoomQuestion } from "./query.ts";

const ns = "jabber:iq:register";
const roomNick = "muc#register_roomnick";
/** Registrations of one person: each one is written to disk, and may ask the homeserver. */
const mayRegister = createRateLimit({ perMinute: 6, burst: 20 });

/**
 * Registration in a room (XEP-0045 §7.10) reserves a nick. In a room where everybody may join and write, it makes a member as
 * well; in a room by invitation the members of the source are registered, and nobody else can be.
 */
type Registrant = Readonly<{ asker: Asker; person: Person; isIn: boolean; isClosed: boolean }>;

async function registrant(question: RoomQuestion, context: HostedContext): Promise<Registrant> {
	const asker = await askerOf(question, context).catch((error: unknown) => {
		if (error instanceof StanzaError && error.condition === "forbidden") throw joinFirst();
		throw error;
	});
	const person = account(question.from);
	const isIn = asker.inside.some((one) => personKey(one) === personKey(person));
	const isClosed = asker.standing.facts.entry === "invited";
	if (isClosed && !isIn) throw joinFirst();
	return { asker, person, isIn, isClosed };
}

const joinFirst = () => new StanzaError("not-allowed", "cancel", phrases.hostedJoinFirst);

/** Tells a registered person the nick, and gives others the form. */
const get: RoomQuery = {
	type: "get",
	name: "query",
	ns,
	features: [ns],
	async answer(question, context) {
		const { asker, person, isClosed } = await registrant(question, context);
		const { record } = asker.standing;
		const room = asker.place.room;
		const own = record.nicks.get(personKey(person))?.nick;
		const nick = own ?? (isClosed && room ? occupantOf(room, person)?.nick : undefined);
		if (nick === undefined) return xml("query", { xmlns: ns }, ...form());
		return xml(
			"query",
			{ xmlns: ns },
			xml("registered"),
			xml("username", {}, nick),
			xml("instructions", {}, isClosed ? phrases.hostedRegistered(nick) : phrases.hostedNickIsYours(nick)),
		);
	},
};

const form = (): readonly Element[] => [
	xml("instructions", {}, phrases.hostedRegister),
	xml(
		"x",
		{ xmlns: "jabber:x:data", type: "form" },
		xml("title", {}, phrases.hostedRegisterTitle),
		xml("instructions", {}, phrases.hostedRegister),
		xml(
			"field",
			{ var: "FORM_TYPE", type: "hidden" },
			xml("value", {}, "http://jabber.org/protocol/muc#register"),
		),
		xml("field", { var: roomNick, type: "text-single", label: phrases.hostedVoiceNick }, xml("required")),
	),
];

/** Gives a person a nick, or ends their registration. */
const set: RoomQuery = {
	type: "set",
	name: "query",
	ns,
	features: [],
	async answer(question, context) {
		if (!mayRegister(bare(question.from)))
			throw new StanzaError("resource-constraint", "wait", phrases.tooFast);
		const one = await registrant(question, context);
		// XEP-0077 §3.2
		if (child(question.payload, "remove")) await remove(one, context);
		else await register(one, wanted(question.payload), context);
		return undefined;
	},
};

export const registration: readonly RoomQuery[] = [get, set];

/** Ends a registration: in a room by invitation the membership, and with it all sessions of the person. @throws TemporaryError */
async function remove({ asker, person, isClosed }: Registrant, context: HostedContext): Promise<void> {
	const { place, standing } = asker;
	const key = personKey(person);
	const { facts, record } = standing;
	const has = (["members", "nicks"] as const).filter((list) => record[list].has(key));
	const forget = has.map((list) => keep({ list, key, value: undefined }));
	if (!isClosed) {
		const voice = levelFor("member", facts);
		const isOver =
			facts.made && voice !== undefined && facts.levels && levelOf(facts.levels, person) === voice;
		const lowered: readonly Step[] = isOver
			? [{ kind: "level", whom: person, level: undefined, reason: undefined }]
			: [];
		await carryOut([...lowered, ...forget], person, place, context);
		return;
	}
	await context.memberships.leave(place.source, person);
	await carryOut(forget, person, place, context);
	const occupant = place.room && occupantOf(place.room, person);
	if (place.room && occupant) dismiss(place.room, occupant, { affiliation: "none" }, context);
}

async function register(
	{ asker, person, isIn, isClosed }: Registrant,
	nick: string | undefined,
	context: HostedContext,
): Promise<void> {
	if (!nick) throw new StanzaError("bad-request", "modify");
	const { standing, place } = asker;
	const { facts, record } = standing;
	const { room, source } = place;
	const key = personKey(person);
	if (record.domains.has(domain(person.id))) throw errorOf(domainBanned);
	const refusal = room ? refusalFor(room, nick, person) : refusalToReserve(standing, nick, person);
	if (refusal) throw errorOf(refusal);
	if (!isIn && (await isBanned(source, person, context))) throw new StanzaError("forbidden", "auth");
	const jid = bare(person.id);
	// In a moderated room members may write, so nobody makes a member of themselves.
	const joins =
		!isClosed && levelFor("member", facts) === undefined && affiliationOf(standing, person) === "none";
	await carryOut(
		[
			...(joins ? memberSteps(standing, { person, jid, isIn }) : []),
			keep({ list: "nicks", key, value: { jid, nick } }),
		],
		person,
		place,
		context,
	);
	const occupant = room && occupantOf(room, person);
	if (room && occupant && occupant.nick !== nick) giveNick(room, occupant, nick, context);
}

/** Resolves with true for an outcast. A person who is not in the room cannot read who is in one that the bot has not made. */
async function isBanned(
	source: Asker["place"]["source"],
	person: Person,
	context: HostedContext,
): Promise<boolean> {
	const there = context.bridge().views.source(context.of);
	const banned = await there.absent(source, person, "banned").catch((error: unknown) => {
		if (error instanceof PermanentError) throw joinFirst();
		throw error;
	});
	return banned.some(({ network, address }) => network === xmppNetwork && address[0] === bare(person.id));
}

/** Returns the nick in a form of XEP-0045 §7.10. */
function wanted(payload: Element): string | undefined {
	const fields = child(payload, "x", "jabber:x:data")?.getChildren("field") ?? [];
	const field = fields.find(({ attrs }) => attrs.var === roomNick);
	return field && text(field, "value");
}
