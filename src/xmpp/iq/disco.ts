import { vars } from "../message/index.ts";
import { StanzaError } from "../stanza-error.ts";
import { type Element, xml } from "../stream/xml.ts";
import type { Feature, Question, Where } from "./query.ts";

const INFO = "http://jabber.org/protocol/disco#info";
const ITEMS = "http://jabber.org/protocol/disco#items";
const everywhere: readonly Where[] = ["host", "account", "session"];

/** XEP-0030: what each address of ours is and can be asked, told from the very tables that answer and translate. */
export function disco(others: readonly Feature[]): readonly Feature[] {
	const info: Feature = {
		type: "get",
		name: "query",
		ns: INFO,
		where: everywhere,
		answer(question) {
			refuseNodes(question);
			const { where, name } = question;
			const asked = all.filter((feature) => feature.where.includes(where)).map(({ ns }) => ns);
			const features = [...asked, ...vars].sort().map((ns) => xml("feature", { var: ns }));
			return xml("query", { xmlns: INFO }, xml("identity", { ...identities[where], name }), features);
		},
	};
	const items: Feature = {
		type: "get",
		name: "query",
		ns: ITEMS,
		where: everywhere,
		answer(question): Element {
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
