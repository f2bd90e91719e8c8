import { bare } from "../jid.ts";
import { StanzaError } from "../stanza-error.ts";
import { stanzaMemory } from "../stanza-memory.ts";
import type { Component } from "../stream/component.ts";
import { child, type Element, xml } from "../stream/xml.ts";

/** Reads the archive of a MUC (XEP-0313) page by page. */

const mam = "urn:xmpp:mam:2";
const delay = "urn:xmpp:delay";
const sid = "urn:xmpp:sid:0";
const pageSize = 100;
/** Bytes that one page takes in memory, as trees. One line is taken whatever its size, so that reading goes on. */
const pageBytes = 8 * 1_048_576;
const pageWithin = 30_000;

/** The lines to read: those after or before an id (empty: the last ones), or from a time on, in ms since 1970. */
export type Which = Readonly<{ after: string } | { before: string } | { start: number }>;

export type Page = Readonly<{
	/** Oldest first, as the MUC would send them to a newcomer: with its own delay and stanza-id. */
	lines: readonly Element[];
	first: string | undefined;
	last: string | undefined;
	/** True for the last page in the direction of reading. */
	complete: boolean;
}>;

/** The MUC whose archive is read, by the occupant of ours that asks it. */
export type Archived = Readonly<{ jid: string; asker: string }>;

type Kept = Readonly<{ result: Element; bytes: number }>;
/** A page that is being read: its results, oldest first, and whether it was cut because the archive sent more. */
type Question = Readonly<{ room: string; backwards: boolean; results: Kept[] }> & {
	bytes: number;
	cut: boolean;
};

export type Archive = ReturnType<typeof createArchive>;

export function createArchive(link: Pick<Component, "iq">, unique: () => string) {
	const asked = new Map<string, Question>();

	/** Resolves with one page. @throws StanzaError where the MUC refuses, item-not-found for an id that it does not know. */
	async function page(room: Archived, which: Which, most = pageSize): Promise<Page> {
		const queryid = unique();
		const backwards = "before" in which;
		const question: Question = { room: room.jid, backwards, results: [], bytes: 0, cut: false };
		asked.set(queryid, question);
		try {
			const query = xml("query", { xmlns: mam, queryid }, form(which), paging(which, most));
			const from = room.asker;
			const answer = await link.iq(xml("iq", { type: "set", from, to: room.jid }, query), pageWithin);
			const { cut } = question;
			const results = question.results.map(({ result }) => result);
			const fin = child(answer, "fin", mam);
			return {
				lines: results.map((result) => line(room.jid, result)).filter((one) => one !== undefined),
				first: results[0]?.attrs.id,
				last: results.at(-1)?.attrs.id,
				complete: !cut && (fin?.attrs.complete === "true" || results.length === 0),
			};
		} finally {
			asked.delete(queryid);
		}
	}

	return {
		page,
		/** Yields up to `pages` pages, the newest first. `room` is asked before each, as the asker can change. @throws as `page` */
		async *backwards(room: () => Archived, pages: number): AsyncGenerator<Page, void> {
			let before = "";
			for (let n = 0; n < pages; n++) {
				const one = await page(room(), { before });
				yield one;
				if (one.complete || one.first === undefined) return;
				before = one.first;
			}
		},
		/** Takes a message that carries a result. False for all other messages. */
		takes(stanza: Element): boolean {
			const result = child(stanza, "result", mam);
			if (!result) return false;
			const question = asked.get(result.attrs.queryid ?? "");
			// XEP-0313 §9: only the archive that was asked may send results.
			if (!question || question.room !== stanza.attrs.from) return true;
			keep(question, { result, bytes: stanzaMemory(stanza) });
			return true;
		},
	};
}

/**
 * Adds a result to its page. A page takes bounded memory whatever the archive sends, and the next page begins where this
 * one was cut: a page that is read forwards therefore loses its newest lines, one that is read backwards its oldest.
 */
function keep(question: Question, result: Kept): void {
	const { results, backwards } = question;
	const full = (bytes: number) =>
		results.length > 0 && (results.length >= pageSize || bytes + result.bytes > pageBytes);
	if (backwards)
		while (full(question.bytes)) {
			question.bytes -= results.shift()?.bytes ?? 0;
			question.cut = true;
		}
	else if (question.cut || full(question.bytes)) {
		question.cut = true;
		return;
	}
	results.push(result);
	question.bytes += result.bytes;
}

/** Returns the form of a query. An id goes into RSM instead: not every archive has the extended fields of XEP-0313. */
function form(which: Which): Element | undefined {
	if (!("start" in which)) return undefined;
	const field = (name: string, value: string) => xml("field", { var: name }, xml("value", {}, value));
	return xml(
		"x",
		{ xmlns: "jabber:x:data", type: "submit" },
		field("FORM_TYPE", mam),
		field("start", new Date(which.start).toISOString()),
	);
}

// XEP-0059
const paging = (which: Which, most: number): Element =>
	xml(
		"set",
		{ xmlns: "http://jabber.org/protocol/rsm" },
		xml("max", {}, String(most)),
		"after" in which && which.after !== "" ? xml("after", {}, which.after) : undefined,
		"before" in which ? xml("before", {}, which.before) : undefined,
	);

/** True for the error of a MUC that does not let us read its archive, or this part of it. */
export const isRefusal = (error: unknown): boolean =>
	error instanceof StanzaError &&
	error.type !== "wait" &&
	!error.condition.startsWith("remote-server-") &&
	!isBroken(error);

/**
 * True for an internal error of the archive. Its type is `cancel` (RFC 6120 §8.3.3.6), also where the store of Prosody is
 * only busy, so the archive is asked again, though not for ever.
 */
export const isBroken = (error: unknown): boolean =>
	error instanceof StanzaError && error.type !== "wait" && error.condition === "internal-server-error";
/** Internal errors, within some ten minutes, after which the MUC counts as one without an archive. */
export const askedBroken = 10;

/** Returns a result as the line that it was. A delay or stanza-id in the MUC's name inside the line is forged. */
function line(room: string, result: Element): Element | undefined {
	const forwarded = child(result, "forwarded", "urn:xmpp:forward:0");
	const message = forwarded && child(forwarded, "message");
	const stamp = forwarded && child(forwarded, "delay", delay)?.attrs.stamp;
	const { from = "", type, id } = message?.attrs ?? {};
	if (!message || !stamp || type !== "groupchat" || bare(from) !== room) return undefined;
	const forged = (one: Element) =>
		(one.is("delay", delay) && one.attrs.from === room) ||
		(one.is("stanza-id", sid) && one.attrs.by === room);
	return xml(
		"message",
		{ type, from, id },
		message.getChildElements().filter((one) => !forged(one)),
		xml("delay", { xmlns: delay, from: room, stamp }),
		xml("stanza-id", { xmlns: sid, by: room, id: result.attrs.id }),
	);
}
