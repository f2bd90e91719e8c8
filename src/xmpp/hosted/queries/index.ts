import { account } from "../../from-xmpp.ts";
import { resource } from "../../jid.ts";
import { StanzaError } from "../../stanza-error.ts";
import { type Element, xml } from "../../stream/xml.ts";
import { roomJid, viewOf } from "../addresses.ts";
import type { HostedContext } from "../context.ts";
import {
	broken,
	failed,
	isRefusal,
	notFound,
	type Refusal,
	refusedWith,
	unfit,
	unknownRoom,
} from "../refusals.ts";
import { administration } from "./administration.ts";
import { info } from "./info.ts";
import { items } from "./items.ts";
import { lists } from "./lists.ts";
import { askOccupant } from "./occupant.ts";
import { owner } from "./owner.ts";
import { ping } from "./ping.ts";
import type { Place, RoomQuery } from "./query.ts";
import { registration } from "./registration.ts";
import { createRelay } from "./relay.ts";
import { vcard } from "./vcard.ts";

const simple: readonly RoomQuery[] = [
	...administration,
	items,
	lists,
	...owner,
	ping,
	...registration,
	...vcard,
];
const queries: readonly RoomQuery[] = [...simple, info(simple.flatMap(({ features }) => features))];

/** The IQs to hosted rooms and their occupants, but for those of the archive and of moderation. */
export function createQueries(context: HostedContext) {
	const relay = createRelay(context.link);

	/** Resolves with the room that is asked, or with the reason why the asker gets no answer about it. */
	async function place(stanza: Element): Promise<Place | Refusal> {
		const { from = "", to: address = "" } = stanza.attrs;
		const { aliases, rooms, component, of, bridge } = context;
		const joined = rooms.joined(stanza);
		if (joined) return { address, facts: joined.room.facts, room: joined.room, joined };
		const room = aliases.at(address);
		if (!room) return unknownRoom;
		const looked = await bridge().views.look(of, room, account(from));
		if (looked.kind !== "room") return notFound(looked);
		const { facts } = looked;
		const gone = unfit(facts, (one) => roomJid(one, component));
		if (gone) return gone;
		return { address, facts, room: rooms.get(viewOf(facts.id, component)), joined };
	}

	async function answer(stanza: Element): Promise<Element | undefined> {
		const { type, from = "", to = "", id } = stanza.attrs;
		// RFC 6120 §8.2.3
		if (type === "result" || type === "error") return undefined;
		const [payload, ...more] = stanza.getChildElements();
		if ((type !== "get" && type !== "set") || !payload || more.length > 0)
			throw new StanzaError("bad-request", "modify");
		if (resource(to) !== undefined) return askOccupant(stanza, payload, context, relay);
		const asked = await place(stanza);
		if (isRefusal(asked)) return refusedWith(stanza, asked);
		const query = queries.find((one) => one.type === type && payload.is(one.name, one.ns));
		if (!query) throw new StanzaError("service-unavailable", "cancel");
		const result = await query.answer({ from, place: asked, payload }, context);
		return xml("iq", { type: "result", from: to, to: from, id }, result);
	}

	/** Resolves with the answer to a get or set to a room or an occupant. Never rejects. */
	return (stanza: Element): Promise<Element | undefined> =>
		answer(stanza).catch((error: unknown) => {
			const refusal = failed(error);
			if (!refusal) context.log.error({ err: error }, "a query about a hosted room could not be answered");
			return refusedWith(stanza, refusal ?? broken);
		});
}
