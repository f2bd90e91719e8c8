import { vars } from "../message/index.ts";
import * as phrases from "../phrases.ts";
import { StanzaError } from "../stanza-error.ts";
import { type Element, xml } from "../stream/xml.ts";
import { COMMANDS, commands } from "./commands.ts";
import { type IqContext, isAnsweredAt, type Query, type Question, type Where } from "./query.ts";

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
		async answer(question, context) {
			const { where, name } = question;
			const node = commandNode(question, context);
			if (node) return node;
			refuseNodes(question);
			const asked = all.filter((query) => isAnsweredAt(query, where)).flatMap((query) => query.features);
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
		async answer(question, { adHoc, bot }) {
			const { payload, from, where, to } = question;
			if (payload.attrs.node === COMMANDS && adHoc && isAnsweredAt(commands, where)) {
				// XEP-0050 §2.2
				const items = adHoc
					.list(from)
					.map(({ name, help }) => xml("item", { jid: to, node: name, name: `${name} – ${help}` }));
				return xml("query", { xmlns: ITEMS, node: COMMANDS }, items);
			}
			refuseNodes(question);
			const found = where === "host" && bot ? xml("item", { jid: bot.jid, name: question.name }) : undefined;
			return xml("query", { xmlns: ITEMS }, found);
		},
	};
	const all = [...others, info, items];
	return [info, items];
}

const identities: Readonly<Record<Where, { category: string; type: string }>> = {
	host: { category: "gateway", type: "matrix" },
	account: { category: "account", type: "registered" },
	session: { category: "client", type: "web" },
	bot: { category: "client", type: "bot" },
};

/** Returns what disco tells of the list of commands, or of one command (XEP-0050 §2.2, §2.3); undefined for other nodes. */
function commandNode({ payload, from, where }: Question, { adHoc }: IqContext): Element | undefined {
	const { node } = payload.attrs;
	if (node === undefined || !adHoc || !isAnsweredAt(commands, where)) return undefined;
	const command = adHoc.list(from).find(({ name }) => name === node);
	if (node !== COMMANDS && !command) return undefined;
	const type = command ? "command-node" : "command-list";
	const features = command ? [COMMANDS, "jabber:x:data"] : [COMMANDS];
	return xml(
		"query",
		{ xmlns: INFO, node },
		xml("identity", { category: "automation", type, name: command?.help ?? phrases.title }),
		features.map((one) => xml("feature", { var: one })),
	);
}

function refuseNodes({ payload }: Question) {
	if (payload.attrs.node !== undefined) throw new StanzaError("item-not-found", "cancel");
}
