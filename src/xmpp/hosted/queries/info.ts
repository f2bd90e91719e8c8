import { personKey } from "../../../core/hosting.ts";
import { roomMark } from "../../../core/passed-rooms.ts";
import { account } from "../../from-xmpp.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { type Element, xml } from "../../stream/xml.ts";
import { viewOf } from "../addresses.ts";
import type { HostedContext } from "../context.ts";
import { type Joined, occupantOf } from "../room.ts";
import type { RoomQuery, RoomQuestion } from "./query.ts";
import { nameOf, roomInfo } from "./room-info.ts";

/** People after whom a room without a name is called. */
const mostNamed = 3;
const ns = "http://jabber.org/protocol/disco#info";

/** Describes a room (XEP-0045 §6.4), also before the join. `asked`: the features of all queries to rooms. */
export const info = (asked: readonly string[]): RoomQuery => ({
	type: "get",
	name: "query",
	ns,
	features: [ns],
	async answer(question, context) {
		const { of, component, settings, pictures } = context;
		const { place, payload } = question;
		const { facts, joined } = place;
		switch (payload.attrs.node) {
			case undefined:
				return roomInfo(facts, [...asked, ns], {
					name: nameOf(facts) ?? (joined && nameByPeople(joined)),
					// From outside, only the number that the homeserver tells.
					occupants: joined ? joined.room.occupants.size : facts.count,
					own: place.room?.own ?? (await settings.of(viewOf(facts.id, component))),
					mark: roomMark(of, facts.room),
					picture: facts.picture && (await pictures.soon(facts.picture))?.sha1,
				});
			case "x-roomuser-item":
				return reservedNick(question, reserved(question, context));
			// XEP-0045 §17.1.1: the node lists the payloads that the room lets through. It strips none.
			case "http://jabber.org/protocol/muc#traffic":
				throw new StanzaError("service-unavailable", "cancel");
			default:
				throw new StanzaError("item-not-found", "cancel");
		}
	},
});

/** Returns the name of a room without one, as Matrix clients show it: the others in it. */
function nameByPeople({ room, occupant }: Joined): string | undefined {
	const others = [...room.occupants.values()].filter((one) => one !== occupant).map(({ nick }) => nick);
	return others.length > 0 ? phrases.hostedUnnamed(others.slice(0, mostNamed), others.length) : undefined;
}

/** Returns the nick that a person has in the room, or that belongs to them there. */
function reserved(
	{ from, place: { facts, room } }: RoomQuestion,
	context: HostedContext,
): string | undefined {
	const person = account(from);
	const { nicks } = context.records.of(viewOf(facts.id, context.component));
	return (room && occupantOf(room, person)?.nick) ?? nicks.get(personKey(person))?.nick;
}

// XEP-0045 §7.12: an answer without an identity says that the person has no nick here.
const reservedNick = ({ payload }: RoomQuestion, nick: string | undefined): Element =>
	xml(
		"query",
		{ xmlns: ns, node: payload.attrs.node },
		nick === undefined ? undefined : xml("identity", { category: "conference", type: "text", name: nick }),
	);
