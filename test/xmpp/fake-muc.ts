import { type Element, xml } from "../../src/xmpp/xml.ts";

/** What goes wrong in the room; by default nothing does. */
export type MucFaults = {
	/** Answers no join. */
	mute?: boolean;
	/** Reflects nothing. */
	deaf?: boolean;
	/** Refuses joins with this condition; given the nick and the JID. */
	refuse?: (nick: string, jid: string) => readonly [type: string, condition: string] | undefined;
	/** Refuses lines with this condition. */
	refuseLine?: (jid: string) => readonly [type: string, condition: string] | undefined;
	/** Makes another nick of the one asked for (status 210). */
	normalise?: (nick: string) => string;
	/** Gives no stanza-ids, or no occupant-ids. */
	noStanzaIds?: boolean;
	noOccupantIds?: boolean;
};

export type FakeMuc = ReturnType<typeof fakeMuc>;

const mucUser = "http://jabber.org/protocol/muc#user";
const stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";

/**
 * A room as XEP-0045 has it, as far as our occupants see it: it takes what the component writes and emits what the
 * component would read, in order. Whatever is emitted is a copy for each of our occupants, as servers do it.
 */
export function fakeMuc(jid: string, emit: (stanza: Element) => void, faults: MucFaults = {}) {
	/** Who is in, by nick. Only those with a `jid` are sent anything: they are ours. */
	const occupants = new Map<string, { jid?: string; id: string }>();
	const taken: Element[] = [];
	let stanzaIds = 0;

	const send = (name: string, attrs: Record<string, string>, ...nodes: (Element | undefined)[]) =>
		emit(xml(name, attrs, ...nodes));
	const ours = () => [...occupants.values()].flatMap((one) => one.jid ?? []);
	const nickOf = (full: string) => [...occupants].find(([, one]) => one.jid === full)?.[0];

	type Item = { codes?: readonly string[]; nick?: string; actor?: string; reason?: string };
	function presence(nick: string, to: string, type: string | undefined, id: string, item: Item = {}): void {
		const inside = xml(
			"item",
			{ affiliation: "none", role: type ? "none" : "participant", nick: item.nick },
			item.actor && xml("actor", { nick: item.actor }),
			item.reason && xml("reason", {}, item.reason),
		);
		const codes = [...(item.codes ?? []), ...(occupants.get(nick)?.jid === to ? ["110"] : [])];
		send(
			"presence",
			{ from: `${jid}/${nick}`, to, ...(type && { type }) },
			xml("x", { xmlns: mucUser }, inside, ...codes.map((code) => xml("status", { code }))),
			faults.noOccupantIds ? undefined : xml("occupant-id", { xmlns: "urn:xmpp:occupant-id:0", id }),
		);
	}
	/** Tells everybody of ours, the one it is about last. */
	function broadcast(nick: string, type?: string, item?: Item): void {
		const about = occupants.get(nick);
		for (const to of ours()) if (to !== about?.jid) presence(nick, to, type, about?.id ?? "", item);
		if (about?.jid) presence(nick, about.jid, type, about.id, item);
	}
	function refuse(stanza: Element, [type, condition]: readonly [string, string]): void {
		const { from = "", to = "", id } = stanza.attrs;
		const error = xml("error", { type }, xml(condition, { xmlns: stanzas }));
		send(stanza.name, { type: "error", from: to, to: from, ...(id && { id }) }, error);
	}

	function enter(nick: string, who: { jid?: string; id: string }, codes: readonly string[] = []): void {
		if (who.jid)
			for (const [other, one] of occupants) if (other !== nick) presence(other, who.jid, undefined, one.id);
		occupants.set(nick, who);
		broadcast(nick, undefined, { codes });
		if (who.jid) send("message", { type: "groupchat", from: jid, to: who.jid }, xml("subject", {}));
	}
	function out(nick: string, item?: Item): void {
		broadcast(nick, "unavailable", item);
		occupants.delete(nick);
	}

	function takePresence(stanza: Element): void {
		const { from = "", to = "", type } = stanza.attrs;
		const asked = to.slice(to.indexOf("/") + 1);
		const nick = faults.normalise?.(asked) ?? asked;
		const held = nickOf(from);
		const no =
			faults.refuse?.(asked, from) ??
			(occupants.has(nick) && held !== nick ? (["cancel", "conflict"] as const) : undefined);
		if (type === "unavailable") {
			if (held !== undefined) out(held);
		} else if (faults.mute) return;
		else if (no) refuse(stanza, no);
		else if (held !== undefined && held !== nick) rename(held, nick);
		else enter(nick, { jid: from, id: `id of ${from.split("/")[0]}` }, nick === asked ? [] : ["210"]);
	}
	function rename(before: string, after: string): void {
		const one = occupants.get(before);
		if (!one) return;
		broadcast(before, "unavailable", { codes: ["303"], nick: after });
		occupants.delete(before);
		occupants.set(after, one);
		broadcast(after);
	}

	function reflect(nick: string, id: string | undefined, ...inside: Element[]): void {
		const one = occupants.get(nick);
		const given = `S${++stanzaIds}`;
		for (const to of ours())
			send(
				"message",
				{ type: "groupchat", from: `${jid}/${nick}`, to, ...(id !== undefined && { id }) },
				...inside,
				faults.noStanzaIds ? undefined : xml("stanza-id", { xmlns: "urn:xmpp:sid:0", by: jid, id: given }),
				faults.noOccupantIds || !one
					? undefined
					: xml("occupant-id", { xmlns: "urn:xmpp:occupant-id:0", id: one.id }),
			);
	}

	return {
		jid,
		occupants,
		/** Every stanza the component wrote to the room. */
		taken,
		faults,
		/** Takes one stanza to the room. */
		take(stanza: Element): void {
			taken.push(stanza);
			if (stanza.name === "presence") takePresence(stanza);
			else if (stanza.attrs.type === "groupchat") {
				const nick = nickOf(stanza.attrs.from ?? "");
				const no =
					nick === undefined
						? (["modify", "not-acceptable"] as const)
						: faults.refuseLine?.(stanza.attrs.from ?? "");
				if (no) refuse(stanza, no);
				else if (!faults.deaf) reflect(nick ?? "", stanza.attrs.id, ...stanza.getChildElements());
			}
		},
		/** Answers disco#info and pings; throws like a room that refuses. */
		info: (): Element =>
			xml(
				"query",
				{ xmlns: "http://jabber.org/protocol/disco#info" },
				xml("identity", { category: "conference", type: "text", name: "Verona" }),
				...[
					"http://jabber.org/protocol/muc",
					...(faults.noStanzaIds ? [] : ["urn:xmpp:sid:0", "urn:xmpp:mam:2"]),
					...(faults.noOccupantIds ? [] : ["urn:xmpp:occupant-id:0"]),
				].map((one) => xml("feature", { var: one })),
			),
		isIn: (full: string) => nickOf(full) !== undefined,
		/** Somebody else comes, speaks, is renamed, goes. */
		come: (nick: string, id = `id of ${nick}`) => enter(nick, { id }),
		say: (nick: string, body: string, id?: string, ...more: Element[]) =>
			reflect(nick, id, xml("body", {}, body), ...more),
		rename,
		go: (nick: string) => out(nick),
		/** Puts one of ours out: 307 by an admin, 301, 332, 333, … */
		kick: (nick: string, codes: readonly string[], by?: string, reason?: string) =>
			out(nick, { codes, ...(by && { actor: by }), ...(reason && { reason }) }),
		/** The service forgets everybody, and says nothing. */
		forget: () => occupants.clear(),
		emit,
	};
}
