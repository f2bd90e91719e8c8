import { spend } from "../../../core/budget.ts";
import type { Rich, RichNode } from "../../../core/rich.ts";
import { child, clean, xml } from "../../stream/xml.ts";
import { along, length, type MessageFeature, type ParsedMessage, type Point, wordsOf } from "../feature.ts";
import { bodyOf, inDefaultLanguage } from "../language.ts";
import { markup } from "./markup.ts";
import { type Atom, hasMarks, looksStyled, styling } from "./styling.ts";
import { styled } from "./styling-writer.ts";
import { xhtml } from "./xhtml.ts";

const ns = "urn:xmpp:styling:0";
const spoiler = "urn:xmpp:spoiler:0";

/**
 * Formatting: reads and writes styling (XEP-0393); only reads markup (XEP-0394), XHTML-IM (XEP-0071), spoilers
 * (XEP-0382).
 */
export const formatting: MessageFeature = {
	vars: [ns, spoiler],
	read(stanza, parsed) {
		if (parsed.body.length === 0) return parsed;
		const xhtmlIm = child(stanza, "html", "http://jabber.org/protocol/xhtml-im");
		const html = xhtmlIm && inDefaultLanguage(xhtmlIm, "body");
		const ranges = child(stanza, "markup", "urn:xmpp:markup:0");
		const hidden = child(stanza, "spoiler", spoiler);
		// The fast path of most messages: splitting the body into atoms would double the cost of reading them.
		if (!html && !ranges && !hidden && parsed.mentions.length === 0 && !hasMarks(wordsOf(parsed)))
			return parsed;
		const { atoms, at } = named(parsed);
		// Text that was cut from the body (fallbacks, URLs) is still in the HTML, and unmarked there.
		const whole = parsed.body.length === length(bodyOf(stanza) ?? "");
		let rich: Rich;
		if (html && whole && parsed.mentions.length === 0) rich = xhtml(html);
		else if (ranges) rich = markup(ranges, atoms, at);
		// XEP-0393 §4.4: the sender declares that the body is not styled.
		else if (child(stanza, "unstyled", ns)) rich = styling([]).concat(atoms);
		else rich = styling(atoms);
		if (hidden) {
			const reason = hidden.getText().trim();
			rich = [{ tag: "spoiler", children: rich, ...(reason && { reason }) }];
		}
		return rich.some(says) ? { ...parsed, rich } : parsed;
	},
	write(event, draft, { of }) {
		if (event.kind !== "message" && event.kind !== "edit") return draft;
		if (!event.rich) {
			const words = { ...draft, body: clean(event.text) };
			return looksStyled(words.body) ? along(words, xml("unstyled", { xmlns: ns })) : words;
		}
		const { literal, text: body, mentions } = styled(event.rich, (person) => of(person).nick ?? person.name);
		return along({ ...draft, body, mentions }, literal ? xml("unstyled", { xmlns: ns }) : undefined);
	},
};

/** True if the node is more than plain text and line breaks. */
const says = (node: RichNode): boolean =>
	typeof node !== "string" &&
	node.tag !== "break" &&
	(node.tag === "paragraph" ? node.children.some(says) : true);

/**
 * Returns the body as atoms, with mentions as nodes, and `at`, which finds the atom at a code point of the stanza's
 * body.
 */
function named({ body, mentions }: ParsedMessage): { atoms: readonly Atom[]; at(raw: number): number } {
	spend(body.length);
	const atoms: Atom[] = [];
	/** The raw index of each atom; text that was added to the body has none. */
	const raws: number[] = [];
	let next = 0;
	for (let i = 0; i < body.length; ) {
		const { char, raw } = body[i] as Point;
		while ((mentions[next]?.start ?? Number.POSITIVE_INFINITY) < raw) next++;
		const mention = mentions[next]?.start === raw ? mentions[next] : undefined;
		if (!Number.isNaN(raw)) raws.push(raw);
		let name = "";
		for (; mention && i < body.length && (body[i] as Point).raw < mention.end; i++) name += body[i]?.char;
		if (mention && name !== "")
			atoms.push({ tag: "mention", children: [name], ...(mention.person && { person: mention.person }) });
		else {
			atoms.push(char);
			i++;
		}
	}
	return {
		atoms,
		at(raw) {
			if (Number.isNaN(raw)) return Number.NaN;
			let [low, high] = [0, raws.length];
			while (low < high) {
				spend();
				const middle = (low + high) >> 1;
				if ((raws[middle] as number) >= raw) high = middle;
				else low = middle + 1;
			}
			return low === raws.length ? atoms.length : low;
		},
	};
}
