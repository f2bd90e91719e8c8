import { bare, resource } from "../src/xmpp/jid.ts";
import { type Element, serialize, text, xml } from "../src/xmpp/stream/xml.ts";
import { domain as component, fakeServer } from "../test/xmpp/fake-server.ts";

export type Xmpp = Awaited<ReturnType<typeof xmppServer>>;
/** A MUC. `silent`: its archive does not answer, so that the bridge has to keep all messages in memory. */
type Muc = { others: readonly string[]; ours: Map<string, string>; silent?: boolean };

const features = [
	"http://jabber.org/protocol/muc",
	"urn:xmpp:sid:0",
	"urn:xmpp:occupant-id:0",
	"http://jabber.org/protocol/muc#stable_id",
];
const info = [
	xml("identity", { category: "conference", type: "text", name: "Bench" }),
	...features.map((one) => xml("feature", { var: one })),
]
	.map(serialize)
	.join("");

const archive = serialize(xml("feature", { var: "urn:xmpp:mam:2" }));

/**
 * Starts the tests' component listener with MUCs. It builds the reflected stanzas from text, since trees would cost more
 * than the bridge.
 */
export async function xmppServer(heard: (body: string) => void) {
	const mucs = new Map<string, Muc>();
	const server = await fakeServer({}, take);
	let pending: string[] = [];
	let ids = 0;
	/** The number of stanzas that came in. */
	const state = { heard: 0 };
	/** The clients of people, by full JID, and the functions that take their messages and presences. */
	const clients = new Map<string, (stanza: Element) => void>();

	/** Sends all stanzas of one turn of the event loop in one write. */
	function out(words: string): void {
		if (pending.push(words) > 1) return;
		setImmediate(() => {
			server.write(pending.join(""));
			pending = [];
		});
	}

	function presence(muc: string, nick: string, to: string, about: "" | " type='unavailable'" = ""): void {
		const self = mucs.get(muc)?.ours.get(to) === nick ? "<status code='110'/>" : "";
		const role = about ? "none" : "participant";
		out(
			`<presence from='${muc}/${nick}' to='${to}'${about}><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='${role}'/>${self}</x><occupant-id xmlns='urn:xmpp:occupant-id:0' id='o-${nick}'/></presence>`,
		);
	}

	function reflect(jid: string, nick: string, id: string, inside: string): void {
		const head = `<message type='groupchat' from='${jid}/${nick}' id='${id}' to='`;
		const tail = `'>${inside}<stanza-id xmlns='urn:xmpp:sid:0' by='${jid}' id='s${++ids}'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='o-${nick}'/></message>`;
		for (const to of mucs.get(jid)?.ours.keys() ?? []) out(head + to + tail);
	}

	function take(stanza: Element): void {
		state.heard++;
		const { to = "", from = "", id = "", type } = stanza.attrs;
		const jid = bare(to);
		const muc = mucs.get(jid);
		const client = stanza.name === "iq" ? undefined : clients.get(to);
		if (client) client(stanza);
		else if (jid.endsWith(component)) out(serialize(stanza));
		else if (stanza.name === "iq") answer(stanza, muc !== undefined && resource(to) === undefined);
		else if (!muc) {
			if (stanza.name === "message") heard(text(stanza, "body") ?? "");
		} else if (stanza.name === "message") {
			heard(text(stanza, "body") ?? "");
			reflect(jid, muc.ours.get(from) ?? "?", id, stanza.getChildElements().map(serialize).join(""));
		} else if (type === "unavailable") {
			const nick = muc.ours.get(from);
			if (nick !== undefined)
				for (const one of muc.ours.keys()) presence(jid, nick, one, " type='unavailable'");
			muc.ours.delete(from);
		} else enter(jid, muc, from, resource(to) ?? "");
	}

	function enter(jid: string, muc: Muc, from: string, nick: string): void {
		// An occupant that an earlier, stopped run left behind gets the whole join again.
		const known = muc.ours.has(from);
		muc.ours.delete(from);
		for (const other of [...muc.others, ...muc.ours.values()]) presence(jid, other, from);
		muc.ours.set(from, nick);
		for (const one of known ? [from] : muc.ours.keys()) presence(jid, nick, one);
		out(`<message type='groupchat' from='${jid}' to='${from}'><subject/></message>`);
	}

	function answer({ attrs, children }: Element, room: boolean): void {
		const { to, from, id, type } = attrs;
		if (type !== "get" && type !== "set") return;
		const [query] = children as Element[];
		const head = `<iq from='${to}' to='${from}' id='${id}' type='`;
		const ns = query?.attrs.xmlns ?? "";
		const silent = mucs.get(bare(to ?? ""))?.silent === true;
		if (ns === "urn:xmpp:mam:2" && silent) return;
		if (ns === "urn:xmpp:ping") out(`${head}result'/>`);
		else if (room && ns.endsWith("disco#info"))
			out(`${head}result'><query xmlns='${ns}'>${info}${silent ? archive : ""}</query></iq>`);
		else
			out(
				`${head}error'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
			);
	}

	return {
		service: server.service,
		component,
		mucs,
		state,
		clients,
		/** Sends a stanza as it is. */
		raw: out,
		connected: () => server.connections.open > 0,
		/** Opens a MUC with these occupants. */
		open: (jid: string, others: readonly string[]) => mucs.set(jid, { others, ours: new Map() }),
		say: (jid: string, nick: string, body: string) => reflect(jid, nick, `i${++ids}`, `<body>${body}</body>`),
		/** Sends a message with these elements. */
		line: (jid: string, nick: string, inside: string) => reflect(jid, nick, `i${++ids}`, inside),
		/** Sends a new presence of an occupant, with this content. */
		shows(jid: string, nick: string, inside: string): void {
			const item = "<item affiliation='none' role='participant'/>";
			for (const to of mucs.get(jid)?.ours.keys() ?? [])
				out(
					`<presence from='${jid}/${nick}' to='${to}'>${inside}<x xmlns='http://jabber.org/protocol/muc#user'>${item}</x><occupant-id xmlns='urn:xmpp:occupant-id:0' id='o-${nick}'/></presence>`,
				);
		},
		/** Sends the presence of a new occupant. */
		come(jid: string, nick: string): void {
			for (const to of mucs.get(jid)?.ours.keys() ?? []) presence(jid, nick, to);
		},
		chat: (from: string, to: string, body: string) =>
			out(`<message type='chat' from='${from}' to='${to}' id='i${++ids}'><body>${body}</body></message>`),
		close: () => server.stop(),
	};
}
