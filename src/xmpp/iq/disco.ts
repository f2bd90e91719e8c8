import { vars } from "../message/index.ts";
import { StanzaError } from "../stanza-error.ts";
import { xml } from "../stream/xml.ts";
import type { Query, Question, Where } from "./query.ts";

const INFO = "http://jabber.org/protocol/disco#info";
const ITEMS = "http://jabber.org/protocol/disco#items";
const everywhere: readonly Where[] = ["host", "account", "session"];

/**
 * Returns the queries of service discovery (XEP-0030). They advertise the features of the queries that are answered at an
 * address, themselves included, and those of the messages that the bridge translates.
 */
export function createDisco(others: readonly Query[]): readonly Query[] {
	const info: Query = {
		type: "get",
		name: "query",
		ns: INFO,
		where: everywhere,
		features: [INFO],
		async answer(question) {
			refuseNodes(question);
			const { where, name } = question;
			const asked = all.filter((query) => query.where.includes(where)).flatMap((query) => query.features);
			const features = [...new Set([...asked, ...vars])].sort().map((one) => xml("feature", { var: one }));
			return xml("query", { xmlns: INFO }, xml("identity", { ...identities[where], name }), features);
		},
	};
	const items: Query = {
		type: "get",
		name: "query",
		ns: ITEMS,
		where: everywhere,
		features: [ITEMS],
		async answer(question) {
			refuseNodes(question);
			return xml("query", { xmlns: ITEMS });
		},
	};
	const all = [...others, info, items];
	return [info, items];
}

const identities: Readonly<Record<Where, { category: string; type: string }>> = {
	host: { category: "gateway", type: "matrix" },
	account: { category: "account", type: "registered" },
	session: { category: "client", type: "web" },
};

function refuseNodes({ payload }: Question) {
	if (payload.attrs.node !== undefined) throw new StanzaError("item-not-found", "cancel");
}
