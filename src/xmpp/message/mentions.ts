import type { Person } from "../../core/event.ts";
import { type Element, xml } from "../stream/xml.ts";
import {
	along,
	type Mention,
	type MessageFeature,
	type ParsedMessage,
	type ReadContext,
	wordsOf,
} from "./feature.ts";

const explicit = "urn:xmpp:mentions:0";
const everybody = `${explicit}#channel`;
const references = "urn:xmpp:reference:0";
/** Mentions in one message that are looked at. */
const most = 100;

/**
 * Names in the text: told by XEP-0513 or XEP-0372, else found: a nick at the start, or one after an at-sign. Outwards
 * the nick stands in the body, which is what clients look for, and both are told besides.
 */
export const mentions: MessageFeature = {
	vars: [explicit, references],
	read(stanza, heard, where) {
		if (heard.body.length === 0) return heard;
		const told = [...toldIn(stanza, where), ...referred(stanza, where)];
		const all = told.length > 0 ? told : found(heard, where);
		const apart = all
			.slice(0, most)
			.sort((a, b) => a.start - b.start)
			.filter((one, index, sorted) => one.start >= (sorted[index - 1]?.end ?? 0) && one.start < one.end);
		return apart.length > 0 ? { ...heard, mentions: apart } : heard;
	},
	write(event, draft, { of, muc }) {
		// What is told late pings nobody.
		if (event.late) return { ...draft, mentions: [] };
		return along(
			draft,
			draft.mentions.map(({ person, start, end }) => {
				const range = { begin: String(start), end: String(end) };
				if (!person) return muc && xml("mention", { xmlns: explicit, mentions: everybody, ...range });
				const { jid, occupantId } = of(person);
				if (jid === undefined) return undefined;
				const who = occupantId === undefined ? { jid } : { occupantid: occupantId };
				return [
					xml("reference", { xmlns: references, type: "mention", uri: `xmpp:${encoded(jid)}`, ...range }),
					xml("mention", { xmlns: explicit, ...who, ...range }),
				];
			}),
		);
	},
};

// RFC 5122 §2.2: what would end the path, and no more, so that clients that compare texts find it.
const encoded = (jid: string) => jid.replace(/[%?#\s"<>\\^`{|}]/g, encodeURIComponent);

const number = (value: string | undefined) =>
	value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
const between = (element: Element, person: Person | undefined): readonly Mention[] => {
	const [start, end] = [number(element.attrs.begin), number(element.attrs.end)];
	return start < end ? [{ start, end, ...(person && { person }) }] : [];
};

// XEP-0513 §3
function toldIn(stanza: Element, where: ReadContext): readonly Mention[] {
	return stanza.getChildren("mention", explicit).flatMap((one) => {
		if (one.getChild("noping")) return [];
		if (one.attrs.mentions === everybody) return where.muc === undefined ? [] : between(one, undefined);
		const { occupantid, jid } = one.attrs;
		const person = (occupantid && where.known(occupantid)) || (jid && where.at(jid)) || undefined;
		return person ? between(one, person) : [];
	});
}

// XEP-0372 §3.2
function referred(stanza: Element, where: ReadContext): readonly Mention[] {
	return stanza.getChildren("reference", references).flatMap((one) => {
		const jid = one.attrs.type === "mention" ? addressIn(one.attrs.uri ?? "") : undefined;
		const person = jid === undefined ? undefined : where.at(jid);
		return person ? between(one, person) : [];
	});
}

function addressIn(uri: string): string | undefined {
	try {
		return decodeURIComponent(/^xmpp:([^?#]+)/i.exec(uri)?.[1] ?? "") || undefined;
	} catch {
		return undefined;
	}
}

/** Nicks before a colon or comma at the start, or after an at-sign, as people write them. */
function found(heard: ParsedMessage, where: ReadContext): readonly Mention[] {
	const words = wordsOf(heard);
	const all: Mention[] = [];
	if (!/^[^\n]{0,100}[:,]|@/.test(words)) return all;
	const nicks = [...where.nicks()];
	/** Where the name ends that stands there. */
	const at = (index: number, skip: number, ends: RegExp): number | undefined => {
		const rest = words.slice(index + skip);
		const hits = nicks.filter(
			([nick]) => nick !== "" && rest.startsWith(nick) && ends.test(rest.slice(nick.length)),
		);
		// "Ann Lee: hi" is for Ann Lee, also where there is an Ann.
		const [hit] = hits.sort(([a], [b]) => b.length - a.length);
		if (!hit) return undefined;
		const start = Array.from(words.slice(0, index)).length;
		const end = start + skip + Array.from(hit[0]).length;
		const [first, last] = [heard.body[start], heard.body[end - 1]];
		if (first && last) all.push({ start: first.raw, end: last.raw + 1, person: hit[1] });
		return index + skip + hit[0].length;
	};
	// "Ann, Bob: hi" is for both.
	for (let end = at(0, 0, /^[:,]/); end !== undefined && words.startsWith(", ", end); )
		end = at(end + 2, 0, /^[:,]/);
	for (
		let i = words.indexOf("@"), looked = 0;
		i >= 0 && looked < most;
		i = words.indexOf("@", i + 1), looked++
	)
		if (i === 0 || /[\s(]/.test(words[i - 1] ?? "")) at(i, 1, /^($|[^\p{L}\p{N}_])/u);
	return all;
}
