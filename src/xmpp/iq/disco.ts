import { vars } from "../message/index.ts";
import { receiptsNs } from "../message/receipts.ts";
import * as phrases from "../phrases.ts";
import { StanzaError } from "../stanza-error.ts";
import { type Element, xml } from "../stream/xml.ts";
import { verification } from "./capabilities-hash.ts";
import { COMMANDS, commands } from "./commands.ts";
import { contactForm } from "./contact.ts";
import {
	type IqContext,
	isAnsweredAt,
	type Query,
	type Question,
	type Software,
	type Where,
} from "./query.ts";

const INFO = "http://jabber.org/protocol/disco#info";
const ITEMS = "http://jabber.org/protocol/disco#items";
const CAPS = "http://jabber.org/protocol/caps";
const everywhere: readonly Where[] = ["host", "account", "session"];

/**
 * Returns the queries of service discovery (XEP-0030). They advertise the features of the queries that are answered at an
 * address, themselves included, and those of the messages that the bridge translates.
 */
export function createDisco(others: readonly Query[]) {
	const info: Query = {
		type: "get",
		name: "query",
		ns: INFO,
		where: everywhere,
		features: [INFO],
		async answer(question, context) {
			const { where, ghost, payload } = question;
			const command = commandNode(question, context);
			if (command) return command;
			const { node } = payload.attrs;
			// XEP-0115 §6.2: a client that reads the hash of a session asks for the node of this name.
			const isHash = where === "session" && node === hashNode(capabilities(context.software).attrs);
			if (!isHash) refuseNodes(question);
			const info = described(where, where === "session" ? context.software.name : ghost.name, node);
			const form = where === "host" ? contactForm(context.contact ?? []) : undefined;
			if (form) info.append(form);
			return info;
		},
	};
	/** Returns the description of an address. That of a session is the same for all, so that clients ask once. */
	function described(where: Where, name: string, node?: string): Element {
		const asked = all.filter((query) => isAnsweredAt(query, where)).flatMap((query) => query.features);
		const own = where === "host" ? ofService : where === "bot" ? [] : [receiptsNs];
		const features = [...new Set([...asked, ...own, ...vars])]
			.sort()
			.map((one) => xml("feature", { var: one }));
		const identity = identities[where].map((one) => xml("identity", { ...one, name }));
		return xml("query", { xmlns: INFO, node }, identity, features);
	}
	/** Returns the element that announces in a presence what the sessions of ghosts answer (XEP-0115). */
	const capabilities = ({ name, uri }: Software): Element =>
		xml("c", { xmlns: CAPS, hash: "sha-1", node: uri, ver: verification(described("session", name)) });
	const items: Query = {
		type: "get",
		name: "query",
		ns: ITEMS,
		where: everywhere,
		features: [ITEMS],
		async answer(question, { adHoc, finding }) {
			const { payload, from, where, to } = question;
			if (payload.attrs.node === COMMANDS && adHoc && isAnsweredAt(commands, where)) {
				// XEP-0050 §2.2
				const items = adHoc
					.list(from)
					.map(({ name, help }) => xml("item", { jid: to, node: name, name: `${name} – ${help}` }));
				return xml("query", { xmlns: ITEMS, node: COMMANDS }, items);
			}
			refuseNodes(question);
			// Clients take each item of a service with rooms for a room, so the bot is none: the service itself answers for it.
			const rooms = where === "host" ? await finding?.publicRooms(payload, from) : undefined;
			return xml("query", { xmlns: ITEMS }, rooms);
		},
	};
	const all = [...others, info, items];
	return { queries: [info, items], capabilities };
}

const hashNode = ({ node, ver }: Element["attrs"]) => `${node}#${ver}`;

const identities: Readonly<Record<Where, readonly { category: string; type: string }[]>> = {
	// XEP-0045 §6.1: clients look for rooms at a service with the second one.
	host: [
		{ category: "gateway", type: "matrix" },
		{ category: "conference", type: "text" },
	],
	account: [{ category: "account", type: "registered" }],
	session: [{ category: "client", type: "web" }],
	bot: [{ category: "client", type: "bot" }],
};
/** The features of the component as a service with rooms, of which it lists the public ones page by page. */
const ofService: readonly string[] = ["http://jabber.org/protocol/muc", "http://jabber.org/protocol/rsm"];

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
