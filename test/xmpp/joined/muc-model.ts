import { TemporaryError } from "../../../src/core/errors.ts";
import { bare, resource } from "../../../src/xmpp/jid.ts";
import { type StanzaError, stanzaError } from "../../../src/xmpp/stanza-error.ts";
import type { Component } from "../../../src/xmpp/stream/component.ts";
import { type Element, xml } from "../../../src/xmpp/stream/xml.ts";
import { fakeMuc, type MucFaults } from "../fake-muc.ts";

const stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";
// The global: a test's clock drives it.
export const sleep = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

/** Returns a queue that does each work a moment after the one before it. */
export function inOrder(later: () => number): (work: () => void) => void {
	let due = 0;
	return (work) => {
		due = Math.max(due, Date.now() + later());
		setTimeout(work, due - Date.now());
	};
}

type Taker = { stanza(stanza: Element): void };

/**
 * Models a MUC, its XMPP server and the streams to us over time: each stanza takes a moment, in order on each stream. A
 * break loses the stanzas on their way to us, and a part of those from us. The server notices the break later than we
 * do, and from then on bounces stanzas for us, for which the MUC puts our occupants out (Prosody's mod_component, and
 * is_kickable_error in muc.lib.lua). MUCs are persistent: an archive outlives a restart, presence does not.
 */
export function mucService(jid: string, chance: () => number, faults: MucFaults = {}) {
	/** The stream that the server writes to; undefined once it knows that we are gone. */
	let current: ReturnType<typeof stream> | undefined;
	const trouble = {
		/** True while the server takes connections. */
		up: true,
		/** The state of the MUC's server: up, down, or out of reach of ours. */
		room: "there" as "there" | "gone" | "cut",
		/** The probabilities that a query of the archive is refused, and that it is never answered. */
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
	/** Handles a stanza of ours as the server does. */
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
		/** The time from which the server takes none of our stanzas. */
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
			/** `noticed` is the time, in ms, after which the server knows of the break. */
			break(noticed: number): void {
				if (broken) return;
				broken = true;
				// The server still reads the stanzas that are in its buffers.
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
		/** Ends the connection, if there is one, from the server's side. */
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

/** Stands for src/xmpp/stream/component.ts over such a stream: it dials until it is connected, and resolves IQs. `alive` tells whether our process is. */
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
		/** Breaks the stream. Both sides notice, each in its time. */
		break(ours: number, theirs: number): void {
			const was = connection;
			was?.break(theirs);
			setTimeout(() => was === connection && broke("broken"), ours);
		},
		/** Ends our process. The kernel closes the stream. */
		end(): void {
			stopped = true;
			connection?.break(chance() * 300);
		},
	};
}
