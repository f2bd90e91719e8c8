import { boundedId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { inUri } from "../jid.ts";
import { type Element, xml } from "../stream/xml.ts";
import { along, type Mention, type MessageFeature, type ReadContext } from "./feature.ts";
import { nicksIn } from "./nicks.ts";

const explicit = "urn:xmpp:mentions:0";
const everybody = `${explicit}#channel`;
const references = "urn:xmpp:reference:0";
/** The most mentions of one message that are read or written. */
const most = 100;

/**
 * Mentions. Reading takes those marked by XEP-0513 or XEP-0372; without marks it searches the text for nicks. Writing puts
 * the nick into the body, which clients search for, and adds both marks.
 */
export const mentions: MessageFeature = {
	vars: [explicit, references],
	read(stanza, parsed, where) {
		if (parsed.body.length === 0) return parsed;
		const marked = [...explicitIn(stanza, where), ...referred(stanza, where)];
		const all = marked.length > 0 ? marked : nicksIn(parsed, where, most);
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
					xml("reference", { xmlns: references, type: "mention", uri: `xmpp:${inUri(jid)}`, ...range }),
					xml("mention", { xmlns: explicit, ...who, ...range }),
				];
			}),
		);
	},
};

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
