import { TemporaryError } from "../../../src/core/errors.ts";
import { bare, resource } from "../../../src/xmpp/jid.ts";
import { type StanzaError, stanzaError } from "../../../src/xmpp/stanza-error.ts";
import type { Component } from "../../../src/xmpp/stream/component.ts";
import { type Element, xml } from "../../../src/xmpp/stream/xml.ts";
import { fakeMuc, type MucFaults } from "../fake-muc.ts";

const stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";
// The global: a test's clock drives it.
export const sleep = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

/** What comes first is done first, each a moment later. */
export function inOrder(later: () => number): (work: () => void) => void {
	let due = 0;
	return (work) => {
		due = Math.max(due, Date.now() + later());
		setTimeout(work, due - Date.now());
	};
}

type Taker = { stanza(stanza: Element): void };

/**
 * A room, its XMPP server, and the streams to us, in time: each stanza takes a moment, in order on each stream. What is
 * on its way when a stream breaks is lost, of what we wrote before only a part; the server notices later than we do, and
 * from then on bounces what is for us, for which the room puts our occupants out (Prosody's mod_component, and
 * is_kickable_error in muc.lib.lua). Rooms are persistent: an archive outlives a restart, presence does not.
 */
export function mucService(jid: string, chance: () => number, faults: MucFaults = {}) {
	/** Where the server writes to; undefined: it knows that we are gone. */
	let current: ReturnType<typeof stream> | undefined;
	const trouble = {
		/** The server takes connections. */
		up: true,
		/** The room's server: there; gone; or there and out of reach of ours. */
		room: "there" as "there" | "gone" | "cut",
		/** How likely a question to the archive is refused, and is never answered. */
		refused: 0,
		unanswered: 0,
	};
	const later = () => chance() * (chance() < 0.05 ? 800 : 25);
	const muc = fakeMuc(jid, toUs, faults);

	function toUs(stanza: Element): void {
		if (trouble.room !== "gone" && current && trouble.room !== "cut") current.toUs(stanza);
		else if (stanza.attrs.type !== "error") setTimeout(() => kick(stanza.attrs.to ?? "", "333"), later());
	}
	const nickOf = (full: string) => [...muc.occupants].find(([, one]) => one.jid === full)?.[0];
	function kick(full: string, ...codes: string[]): void {
		const nick = nickOf(full);
		if (nick !== undefined) muc.kick(nick, codes);
	}

	const error = (stanza: Element, type: string, condition: string) => {
		const { from = "", to = "", id } = stanza.attrs;
		const why = xml("error", { type }, xml(condition, { xmlns: stanzas }));
		return xml(stanza.name, { type: "error", from: to, to: from, id }, why);
	};
	/** What the server does with what we wrote. */
	function fromUs(stanza: Element): void {
		const { to = "", from = "", type } = stanza.attrs;
		const isQuestion = stanza.name === "iq";
		if (bare(to) !== jid) {
			if (isQuestion) current?.toUs(result(stanza));
		} else if (trouble.room !== "there") {
			const no = trouble.room === "cut" ? "timeout" : "not-found";
			if (type !== "error") current?.toUs(error(stanza, "wait", `remote-server-${no}`));
		} else if (isQuestion) {
			const answer = asked(stanza);
			if (answer) current?.toUs(answer);
		}
		// XEP-0045 §16.4
		else if (type === "error") kick(from, "333");
		else muc.take(stanza);
	}
	const result = ({ attrs: { from, to, id } }: Element, ...inside: Element[]) =>
		xml("iq", { type: "result", from: to, to: from, id }, ...inside);
	function asked(stanza: Element): Element | undefined {
		const { to = "", from = "" } = stanza.attrs;
		if (stanza.getChild("query", "urn:xmpp:mam:2")) return archived(stanza);
		if (stanza.getChild("query", "http://jabber.org/protocol/disco#info")) return result(stanza, muc.info());
		const nick = resource(to);
		if (nick === undefined) return result(stanza);
		// XEP-0410 §3.2
		if (!muc.isIn(from)) return error(stanza, "cancel", "not-acceptable");
		return muc.occupants.has(nick) ? result(stanza) : error(stanza, "cancel", "item-not-found");
	}
	function archived(stanza: Element): Element | undefined {
		if (chance() < trouble.unanswered) return undefined;
		// Prosody says cancel (mod_muc_mam.lua), ejabberd wait.
		if (chance() < trouble.refused)
			return error(stanza, chance() < 0.5 ? "cancel" : "wait", "internal-server-error");
		try {
			return result(stanza, ...muc.query(stanza).getChildElements());
		} catch (no) {
			const { type, condition } = no as StanzaError;
			return error(stanza, type, condition);
		}
	}

	function stream(taker: Taker) {
		const [down, up] = [inOrder(later), inOrder(later)];
		/** From when on nothing of what we wrote is taken. */
		let cut = Number.POSITIVE_INFINITY;
		let broken = false;
		const me = {
			toUs: (stanza: Element) => down(() => void (broken || taker.stanza(stanza))),
			write(stanza: Element): void {
				if (!broken)
					up(() => {
						if (Date.now() < cut) fromUs(stanza);
					});
			},
			/** `noticed`: so much later the server knows. */
			break(noticed: number): void {
				if (broken) return;
				broken = true;
				// What it had in its buffers it reads all the same.
				cut = Date.now() + chance() * 1_500;
				setTimeout(() => {
					if (current === me) current = undefined;
				}, noticed);
			},
		};
		return me;
	}

	return {
		muc,
		trouble,
		kick,
		nickOf,
		/** The end of whatever connection there is, as the server makes it. */
		drop(): void {
			current = undefined;
		},
		connect(taker: Taker): ReturnType<typeof stream> | undefined {
			if (!trouble.up) return undefined;
			current = stream(taker);
			return current;
		},
	};
}
export type MucService = ReturnType<typeof mucService>;

/** src/xmpp/stream/component.ts over such a stream: dials again and again, and answers questions. `alive`: our process is. */
export function modelledLink(
	service: MucService,
	chance: () => number,
	alive: () => boolean,
	handlers: Taker & {
		skip(from: string, to: string, name: string, type: string | undefined): boolean;
		online(): void;
		offline(cause: string): void;
	},
) {
	let connection: ReturnType<MucService["connect"]>;
	const waiting = new Map<string, { resolve(answer: Element): void; reject(error: Error): void }>();
	let questions = 0;
	let stopped = false;

	function stanza(element: Element): void {
		if (!alive()) return;
		const { from = "", to = "", id = "", type } = element.attrs;
		if (handlers.skip(from, to, element.name, type)) return;
		if (element.name !== "iq") handlers.stanza(element);
		else if (type === "result") waiting.get(id)?.resolve(element);
		else waiting.get(id)?.reject(stanzaError(element));
	}
	function dial(): void {
		if (!alive() || stopped) return;
		connection = service.connect({ stanza });
		if (connection) handlers.online();
		else setTimeout(dial, 500 + chance() * 1_500);
	}
	function broke(cause: string): void {
		if (!connection) return;
		connection = undefined;
		for (const { reject } of waiting.values()) reject(new TemporaryError(cause));
		if (alive()) handlers.offline(cause);
		setTimeout(dial, 500 + chance() * 1_000);
	}
	const link: Pick<Component, "send" | "iq" | "online"> = {
		get online() {
			return connection !== undefined;
		},
		async send(element) {
			if (!connection) throw new TemporaryError("no link", { unsent: true });
			if (alive()) connection.write(element);
			await sleep(chance());
		},
		async iq(request, timeout = 30_000) {
			const id = `q${++questions}`;
			request.attrs.id = id;
			const { promise, resolve, reject } = Promise.withResolvers<Element>();
			waiting.set(id, { resolve, reject });
			const timer = setTimeout(() => reject(new TemporaryError("no answer")), timeout);
			try {
				return (await Promise.all([promise, link.send(request)]))[0];
			} finally {
				clearTimeout(timer);
				waiting.delete(id);
			}
		},
	};
	return {
		link,
		dial,
		/** The stream breaks; both sides notice, each in its time. */
		break(ours: number, theirs: number): void {
			const was = connection;
			was?.break(theirs);
			setTimeout(() => was === connection && broke("broken"), ours);
		},
		/** Our process ends, and the kernel closes the stream. */
		end(): void {
			stopped = true;
			connection?.break(chance() * 300);
		},
	};
}
