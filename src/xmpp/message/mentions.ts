import { spend } from "../../core/budget.ts";
import { boundedId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
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
/** The most mentions of one message that are read or written. */
const most = 100;

/**
 * Mentions. Reading takes those marked by XEP-0513 or XEP-0372; without marks it searches the text for a nick at the
 * start or after an at-sign. Writing puts the nick into the body, which clients search for, and adds both marks.
 */
export const mentions: MessageFeature = {
	vars: [explicit, references],
	read(stanza, parsed, where) {
		if (parsed.body.length === 0) return parsed;
		const marked = [...explicitIn(stanza, where), ...referred(stanza, where)];
		const all = marked.length > 0 ? marked : found(parsed, where);
		let end = 0;
		const apart = all
			.slice(0, most)
			.sort((a, b) => a.start - b.start)
			.filter((one) => {
				if (one.start < end) return false;
				end = one.end;
				return true;
			});
		return apart.length > 0 ? { ...parsed, mentions: apart } : parsed;
	},
	write(event, draft, { of, muc }) {
		// A late message must notify nobody.
		if (event.late) return { ...draft, mentions: [] };
		return along(
			draft,
			draft.mentions.slice(0, most).map(({ person, start, end }) => {
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

// RFC 5122 §2.2: only characters that would end the path are escaped, because some clients compare the URI as text.
const encoded = (jid: string) => jid.replace(/[%?#\s"<>\\^`{|}]/g, encodeURIComponent);

const number = (value: string | undefined) =>
	value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
const between = (element: Element, person: Person | undefined): readonly Mention[] => {
	const [start, end] = [number(element.attrs.begin), number(element.attrs.end)];
	return start < end ? [{ start, end, ...(person && { person }) }] : [];
};

// XEP-0513 §3
function explicitIn(stanza: Element, where: ReadContext): readonly Mention[] {
	const all = stanza.getChildren("mention", explicit).slice(0, most);
	return all.flatMap((one) => {
		if (one.getChild("noping")) return [];
		if (one.attrs.mentions === everybody) return where.muc === undefined ? [] : between(one, undefined);
		const { occupantid, jid } = one.attrs;
		const person = (occupantid && where.known(boundedId(occupantid))) || (jid && where.at(jid)) || undefined;
		return person ? between(one, person) : [];
	});
}

// XEP-0372 §3.2
function referred(stanza: Element, where: ReadContext): readonly Mention[] {
	const all = stanza.getChildren("reference", references).slice(0, most);
	return all.flatMap((one) => {
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

/** Searches the text for nicks: before a colon or comma at the start, or after an at-sign. */
function found(parsed: ParsedMessage, where: ReadContext): readonly Mention[] {
	const words = wordsOf(parsed);
	const all: Mention[] = [];
	if (where.muc === undefined || !/^[^\n]{0,100}[:,]|@/.test(words)) return all;
	const codePoints = codePointsBefore(words);
	/**
	 * Adds the longest nick that begins `skip` characters (the at-sign) after `sign` and is followed by `ends`. Returns
	 * the index of its end; undefined if there is none.
	 */
	const nameAt = (sign: number, skip: number, ends: RegExp): number | undefined => {
		const index = sign + skip;
		let hit: { end: number; person: Person } | undefined;
		const last = Math.min(words.length, index + longest);
		for (let end = index + 1; end <= last; end++) {
			spend();
			// No nick contains a line feed.
			if (words[end - 1] === "\n") break;
			ends.lastIndex = end;
			if (!ends.test(words)) continue;
			spend();
			// "Ann Lee: hi" mentions Ann Lee, even if another occupant is called Ann.
			const person = where.at(`${where.muc}/${words.slice(index, end)}`);
			if (person) hit = { end, person };
		}
		return hit && add(sign, hit.end, hit.person);
	};
	const add = (from: number, to: number, person: Person): number => {
		const [first, last] = [parsed.body[codePoints(from)], parsed.body[codePoints(to) - 1]];
		if (first && last) all.push({ start: first.raw, end: last.raw + 1, person });
		return to;
	};
	// "Ann, Bob: hi" mentions both.
	let end = nameAt(0, 0, separator);
	for (let looked = 1; end !== undefined && looked < most && words.startsWith(", ", end); looked++)
		end = nameAt(end + 2, 0, separator);
	for (
		let i = words.indexOf("@"), looked = 0;
		i >= 0 && looked < most;
		i = words.indexOf("@", i + 1), looked++
	)
		if (i === 0 || /[\s(]/.test(words[i - 1] ?? "")) nameAt(i, 1, wordEnd);
	return all;
}
/** The longest nick that is searched for, in UTF-16 units. */
const longest = 128;
const separator = /[:,]/y;
const wordEnd = /$|[^\p{L}\p{N}_]/uy;

/**
 * Returns a function from an index of `text` to the number of code points before it; its first call counts them all.
 */
function codePointsBefore(text: string): (index: number) => number {
	let counts: Uint32Array | undefined;
	return (index) => {
		if (!counts) {
			spend(text.length);
			counts = new Uint32Array(text.length + 1);
			let count = 0;
			for (let i = 0; i < text.length; i++) {
				counts[i] = count;
				// A surrogate pair counts as one code point.
				if ((text.codePointAt(i) as number) > 0xffff) counts[++i] = count;
				count++;
			}
			counts[text.length] = count;
		}
		return counts[index] as number;
	};
}
