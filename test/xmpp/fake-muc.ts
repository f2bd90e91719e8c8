import { bare } from "../../src/xmpp/jid.ts";
import { photoUpdate } from "../../src/xmpp/photo.ts";
import { StanzaError } from "../../src/xmpp/stanza-error.ts";
import { type Element, xml } from "../../src/xmpp/stream/xml.ts";

/** The faults and options of the fake MUC; by default it has no fault. */
export type MucFaults = {
	/** The MUC answers no join. */
	mute?: boolean;
	/** The MUC reflects no message. */
	deaf?: boolean;
	/** Returns the error that refuses the join of this nick and JID. */
	refuse?: (nick: string, jid: string) => readonly [type: string, condition: string] | undefined;
	/** The bare JIDs of the members, if the MUC is for members only. */
	members?: Set<string>;
	/** The MUC does not tell strangers that it is for members only. */
	hidden?: boolean;
	/** The MUC gives hats. */
	hats?: boolean;
	/** The password that a join has to name. */
	password?: string;
	/** Returns the error that refuses messages of this JID. */
	refuseLine?: (jid: string) => readonly [type: string, condition: string] | undefined;
	/** Changes the requested nick (status 210). */
	normalise?: (nick: string) => string;
	/** The MUC adds no stanza-ids, or no occupant-ids. */
	noStanzaIds?: boolean;
	noOccupantIds?: boolean;
	/** The MUC is non-anonymous: it shows the real JIDs of other occupants, made of their ids and "there.test". */
	accounts?: boolean;
	/** The MUC has no archive, only the history that a join requests. */
	noArchive?: boolean;
	/** The MUC refuses all archive queries with this error, although it announces an archive. */
	refuseArchive?: readonly [type: string, condition: string];
	/** The most results of one page of the archive. */
	pageSize?: number;
	/** The most messages of the history that a join gets. */
	history?: number;
	/** The MUC sends its history even to joins that do not request it. */
	unasked?: boolean;
	/** The delay before the history and the subject of a join, in ms. */
	slow?: number;
	/** Announces moderation (XEP-0425). Returns the condition that refuses a request of this JID, if it is refused. */
	moderate?: (from: string) => string | undefined;
	/** Returns the condition that refuses a request of muc#admin by this JID, if it is refused. */
	administer?: (from: string) => string | undefined;
};

export type FakeMuc = ReturnType<typeof fakeMuc>;

const mam = "urn:xmpp:mam:2";
const mucUser = "http://jabber.org/protocol/muc#user";
const stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";

/**
 * Creates a fake MUC (XEP-0045). It takes the stanzas that the component writes to the MUC, and emits those that the
 * component would read, in order, with a copy for each own occupant.
 */
export function fakeMuc(jid: string, emit: (stanza: Element) => void, faults: MucFaults = {}) {
	/** The occupants by nick. Those with a `jid` are own occupants, and get stanzas. */
	const occupants = new Map<string, { jid?: string; id: string }>();
	const taken: Element[] = [];
	const moderations: Element[] = [];
	const administered: string[] = [];
	let stanzaIds = 0;
	const archive: { id: string; from: string; stanza: string | undefined; at: number; inside: Element[] }[] =
		[];
	/** The hashes of the occupants' pictures, by nick. */
	const photos = new Map<string, string>();
	/** The names beside the nicks (XEP-0172). */
	const named = new Map<string, string>();
	/** The number of archive queries so far. */
	const counts = { queries: 0 };

	const send = (name: string, attrs: Record<string, string>, ...nodes: (Element | undefined)[]) =>
		emit(xml(name, attrs, ...nodes));
	const ours = () => [...occupants.values()].flatMap((one) => one.jid ?? []);
	const nickOf = (full: string) => [...occupants].find(([, one]) => one.jid === full)?.[0];

	type Item = { codes?: readonly string[]; nick?: string; actor?: string; reason?: string };
	function presence(nick: string, to: string, type: string | undefined, id: string, item: Item = {}): void {
		const inside = xml(
			"item",
			{
				affiliation: "none",
				role: type ? "none" : "participant",
				nick: item.nick,
				jid: faults.accounts ? (occupants.get(nick)?.jid ?? `${id}@there.test/phone`) : undefined,
			},
			item.actor && xml("actor", { nick: item.actor }),
			item.reason && xml("reason", {}, item.reason),
		);
		const codes = [...(item.codes ?? []), ...(occupants.get(nick)?.jid === to ? ["110"] : [])];
		send(
			"presence",
			{ from: `${jid}/${nick}`, to, ...(type && { type }) },
			xml("x", { xmlns: mucUser }, inside, ...codes.map((code) => xml("status", { code }))),
			faults.noOccupantIds ? undefined : xml("occupant-id", { xmlns: "urn:xmpp:occupant-id:0", id }),
			named.has(nick)
				? xml("nick", { xmlns: "http://jabber.org/protocol/nick" }, named.get(nick))
				: undefined,
			photos.has(nick) ? photoUpdate(photos.get(nick) || undefined) : undefined,
		);
	}
	/** Sends a presence to all own occupants, to its subject last. */
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

	function enter(
		nick: string,
		who: { jid?: string; id: string },
		codes: readonly string[] = [],
		since?: number,
	): void {
		if (who.jid)
			for (const [other, one] of occupants) if (other !== nick) presence(other, who.jid, undefined, one.id);
		occupants.set(nick, who);
		broadcast(nick, undefined, { codes });
		const { jid: to } = who;
		if (to === undefined) return;
		if (faults.slow === undefined) welcome(to, since);
		else setTimeout(() => welcome(to, since), faults.slow);
	}
	/** XEP-0045 §7.2.13 to §7.2.15: sends the history, and the subject that ends it. */
	function welcome(to: string, since: number | undefined): void {
		const from = since ?? (faults.unasked ? 0 : undefined);
		if (from !== undefined) history(to, from);
		// The subject carries its original time and stanza-id, so that it must not count as a new message.
		const set = [xml("subject", {}, "Love"), stamp(Date.now() - 60_000, jid), stanzaId("S0")];
		send("message", { type: "groupchat", from: jid, to }, ...set);
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
			(faults.members?.has(bare(from)) === false
				? (["auth", "registration-required"] as const)
				: undefined) ??
			(held === undefined &&
			faults.password !== undefined &&
			stanza.getChild("x")?.getChild("password")?.getText() !== faults.password
				? (["auth", "not-authorized"] as const)
				: undefined) ??
			(occupants.has(nick) && held !== nick ? (["cancel", "conflict"] as const) : undefined);
		if (type === "unavailable") {
			if (held !== undefined) out(held);
		} else if (faults.mute) return;
		else if (no) refuse(stanza, no);
		else if (held !== undefined && held !== nick) rename(held, nick);
		else {
			const asks = stanza.getChild("x")?.getChild("history")?.attrs.since;
			const since = asks === undefined ? undefined : Date.parse(asks);
			enter(nick, { jid: from, id: `id of ${from.split("/")[0]}` }, nick === asked ? [] : ["210"], since);
		}
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
		const from = `${jid}/${nick}`;
		const all = [
			...inside,
			...(faults.noOccupantIds || !one
				? []
				: [xml("occupant-id", { xmlns: "urn:xmpp:occupant-id:0", id: one.id })]),
		];
		archive.push({ id: given, from, stanza: id, at: Date.now(), inside: all });
		for (const to of ours())
			send("message", line(archive.at(-1)!, { to }), ...all.map(copy), stanzaId(given));
	}
	const copy = ({ name, attrs, children }: Element): Element =>
		xml(name, attrs, ...children.map((one) => (typeof one === "string" ? one : copy(one))));
	const stanzaId = (id: string) =>
		faults.noStanzaIds ? undefined : xml("stanza-id", { xmlns: "urn:xmpp:sid:0", by: jid, id });
	const line = (one: (typeof archive)[number], more: { to?: string } = {}): Record<string, string> => ({
		type: "groupchat",
		from: one.from,
		...more,
		...(one.stanza !== undefined && { id: one.stanza }),
	});
	const stamp = (at: number, from?: string) =>
		xml("delay", { xmlns: "urn:xmpp:delay", stamp: new Date(at).toISOString(), ...(from && { from }) });

	/** XEP-0045 §7.2.13: sends the messages since a time, in ms since 1970. */
	function history(to: string, since: number): void {
		for (const one of archive.filter(({ at }) => at >= since).slice(-(faults.history ?? 20)))
			send("message", line(one, { to }), ...one.inside.map(copy), stamp(one.at, jid), stanzaId(one.id));
	}
	/** XEP-0313: sends the results of a query, and returns the final answer. */
	function query(request: Element): Element {
		counts.queries++;
		const asked = request.getChild("query", mam) as Element;
		const set = asked.getChild("set");
		const text = (name: string) => set?.getChild(name)?.getText();
		const max = Math.min(Number(text("max")), faults.pageSize ?? 100);
		const [after, before] = [text("after"), text("before")];
		if (faults.noArchive) throw new StanzaError("service-unavailable", "cancel");
		if (faults.refuseArchive)
			throw new StanzaError(faults.refuseArchive[1], faults.refuseArchive[0] as "cancel");
		const start = asked
			.getChild("x")
			?.getChildren("field")
			.find((one) => one.attrs.var === "start");
		const at = (id: string) => {
			const found = archive.findIndex((one) => one.id === id);
			if (found < 0) throw new StanzaError("item-not-found", "cancel");
			return found;
		};
		let found = archive.filter(
			(one) => one.at >= Date.parse(start?.getChild("value")?.getText() ?? "1970-01-01"),
		);
		if (after !== undefined) found = archive.slice(at(after) + 1);
		if (before) found = archive.slice(0, at(before));
		const page = before === undefined ? found.slice(0, max) : found.slice(-max);
		for (const one of page) {
			const message = xml("message", { xmlns: "jabber:client", ...line(one) }, ...one.inside.map(copy));
			const forwarded = xml("forwarded", { xmlns: "urn:xmpp:forward:0" }, stamp(one.at), message);
			const result = xml("result", { xmlns: mam, id: one.id, queryid: asked.attrs.queryid }, forwarded);
			send("message", { from: jid, to: request.attrs.from ?? "" }, result);
		}
		const complete = page.length === found.length ? "true" : undefined;
		return xml("iq", { type: "result" }, xml("fin", { xmlns: mam, complete }));
	}

	return {
		/** Has an occupant announce a picture, "" for none. */
		picture(nick: string, hash: string): void {
			photos.set(nick, hash);
			broadcast(nick);
		},
		/** Has an occupant announce the name that stands beside its nick. */
		named(nick: string, name: string): void {
			named.set(nick, name);
			broadcast(nick);
		},
		jid,
		occupants,
		/** All stanzas that the component wrote to the MUC. */
		taken,
		faults,
		/** Processes one stanza to the MUC. */
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
		/** Returns the answer to disco#info. */
		info: (): Element =>
			xml(
				"query",
				{ xmlns: "http://jabber.org/protocol/disco#info" },
				xml("identity", { category: "conference", type: "text", name: "Verona" }),
				...[
					"http://jabber.org/protocol/muc",
					...(faults.noStanzaIds ? [] : ["urn:xmpp:sid:0"]),
					...(faults.noOccupantIds ? [] : ["urn:xmpp:occupant-id:0"]),
					...(faults.members && !faults.hidden ? ["muc_membersonly"] : []),
					...(faults.hats ? ["urn:xmpp:hats:0"] : []),
					...(faults.password === undefined ? [] : ["muc_passwordprotected"]),
					...(faults.moderate ? ["urn:xmpp:message-moderate:1"] : []),
					...(faults.noArchive ? [] : [mam]),
				].map((one) => xml("feature", { var: one })),
			),
		archive,
		counts,
		query,
		isIn: (full: string) => nickOf(full) !== undefined,
		/** An occupant of the MUC's own joins, speaks, changes the nick, leaves. */
		come: (nick: string, id = `id of ${nick}`) => enter(nick, { id }),
		say: (nick: string, body: string, id?: string, ...more: Element[]) =>
			reflect(nick, id, xml("body", {}, body), ...more),
		enter,
		rename,
		go: (nick: string) => out(nick),
		/** Removes an occupant with status codes: 307 (kick), 301 (ban), 332 (shutdown), 333 (error) and so on. */
		kick: (nick: string, codes: readonly string[], by?: string, reason?: string) =>
			out(nick, { codes, ...(by && { actor: by }), ...(reason && { reason }) }),
		/** Makes the MUC one for these members only, which removes all others of ours (322). */
		lock(...members: string[]): void {
			faults.members = new Set(members);
			for (const [nick, { jid: full }] of [...occupants])
				if (full && !faults.members.has(bare(full))) out(nick, { codes: ["322"] });
		},
		/** The service silently forgets all occupants. */
		forget: () => occupants.clear(),
		emit,
		/** The MUC itself sends a message. */
		tell(...inside: Element[]): void {
			for (const to of ours()) send("message", { type: "groupchat", from: jid, to }, ...inside.map(copy));
		},
		/** Takes a request to change a role or an affiliation: removes the occupant of the nick, or with the real JID. */
		administer(request: Element): void {
			const { attrs = {} } = request.getChild("query")?.getChild("item") ?? {};
			administered.push(
				`${Object.entries(attrs)
					.map((one) => one.join(" "))
					.join(", ")} by ${request.attrs.from}`,
			);
			const no = faults.administer?.(request.attrs.from ?? "");
			if (no) throw new StanzaError(no, "auth");
			const actor = nickOf(request.attrs.from ?? "");
			const at = [...occupants].find(
				([nick, { id }]) => nick === attrs.nick || `${id}@there.test` === attrs.jid,
			)?.[0];
			const code = attrs.affiliation === "outcast" ? "301" : attrs.role === "none" ? "307" : undefined;
			if (at !== undefined && code) out(at, { codes: [code], ...(actor && { actor }) });
		},
		/** All requests of muc#admin. */
		administered,
		/** All moderation requests. */
		moderations,
		moderate(request: Element): void {
			moderations.push(request);
			const no = faults.moderate?.(request.attrs.from ?? "");
			if (no) throw new StanzaError(no, "auth");
		},
	};
}
