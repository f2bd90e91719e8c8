import { xmppNetwork } from "../../from-xmpp.ts";
import { mucAdmin } from "../../muc/admin.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { child, type Element, xml } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import { affiliationOf, roleOf } from "../presences.ts";
import type { Occupant } from "../room.ts";
import type { RoomQuery } from "./query.ts";

/** People that are listed, so that the answer stays below the stanza limit of servers. */
const most = 1_000;

const affiliations: ReadonlySet<string> = new Set(["owner", "admin", "member"]);
const roles: ReadonlySet<string> = new Set(["moderator", "participant", "visitor"]);

/**
 * Lists the people of a room by affiliation or role (XEP-0045 §9 and §10): many clients ask at each join. In a room by
 * invitation its members may read the lists but that of the banned, else its admins may.
 */
export const lists: RoomQuery = {
	type: "get",
	name: "query",
	ns: mucAdmin,
	features: [],
	async answer({ payload, place: { facts, joined } }, context) {
		const { affiliation: wanted = "", role = "" } = child(payload, "item")?.attrs ?? {};
		if (!wanted && !role) throw new StanzaError("bad-request", "modify");
		const own = joined ? affiliationOf(facts, joined.occupant.person) : "none";
		const admin = own === "owner" || own === "admin";
		const mayRead = admin || (own === "member" && wanted !== "outcast" && !role);
		if (!joined || !mayRead) throw new StanzaError("forbidden", "auth", phrases.hostedNotYours);
		if (wanted === "outcast") {
			const banned = await context
				.bridge()
				.views.source(context.of)
				.absent(facts.room, joined.occupant.person, "banned");
			const jids = banned.map((one) => (one.network === xmppNetwork ? one.address[0] : context.ghost(one)));
			return xml(
				"query",
				{ xmlns: mucAdmin },
				jids.slice(0, most).map((jid) => xml("item", { affiliation: wanted, jid })),
			);
		}
		if (!affiliations.has(wanted) && !roles.has(role)) throw new StanzaError("bad-request", "modify");
		const found = [...joined.room.occupants.values()].filter(({ person }) =>
			role ? roleOf(facts, person) === role : affiliationOf(facts, person) === wanted,
		);
		const item = (one: Occupant): Element =>
			xml("item", {
				affiliation: affiliationOf(facts, one.person),
				role: role || undefined,
				jid: jidOf(one, context),
				nick: one.nick,
			});
		return xml("query", { xmlns: mucAdmin }, found.slice(0, most).map(item));
	},
};

const jidOf = ({ person }: Occupant, { ghost }: HostedContext): string =>
	person.network === xmppNetwork ? person.id : ghost(person);
