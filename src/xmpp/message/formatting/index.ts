import { spend } from "../../../core/budget.ts";
import type { Rich, RichNode } from "../../../core/rich.ts";
import { child, clean, text, xml } from "../../stream/xml.ts";
import { along, length, type MessageFeature, type ParsedMessage, type Point, wordsOf } from "../feature.ts";
import { markup } from "./markup.ts";
import { type Atom, hasMarks, looksStyled, styling } from "./styling.ts";
import { styled } from "./styling-writer.ts";
import { xhtml } from "./xhtml.ts";

const ns = "urn:xmpp:styling:0";
const spoiler = "urn:xmpp:spoiler:0";

/** Formatting: styling (XEP-0393) both ways; markup (XEP-0394), XHTML-IM (XEP-0071) and spoilers (XEP-0382) as they come. */
export const formatting: MessageFeature = {
	vars: [ns, spoiler],
	read(stanza, heard) {
		if (heard.body.length === 0) return heard;
		const html = child(stanza, "html", "http://jabber.org/protocol/xhtml-im")?.getChild("body");
		const ranges = child(stanza, "markup", "urn:xmpp:markup:0");
		const hidden = child(stanza, "spoiler", spoiler);
		// Most of what is said: to look at it letter by letter would cost as much as all else that is read of it.
		if (!html && !ranges && !hidden && heard.mentions.length === 0 && !hasMarks(wordsOf(heard))) return heard;
		const { atoms, at } = named(heard);
		// What was cut from the body is in the HTML, too, and nothing marks it there.
		const whole = heard.body.length === length(text(stanza, "body") ?? "");
		let rich: Rich;
		if (html && whole && heard.mentions.length === 0) rich = xhtml(html);
		else if (ranges) rich = markup(ranges, atoms, at);
		// §4.4: the sender says that it is no styling.
		else if (child(stanza, "unstyled", ns)) rich = styling([]).concat(atoms);
		else rich = styling(atoms);
		if (hidden) {
			const reason = hidden.getText().trim();
			rich = [{ tag: "spoiler", children: rich, ...(reason && { reason }) }];
		}
		return rich.some(says) ? { ...heard, rich } : heard;
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

/** Whether it is more than letters and lines. */
const says = (node: RichNode): boolean =>
	typeof node !== "string" &&
	node.tag !== "break" &&
	(node.tag === "paragraph" ? node.children.some(says) : true);

/** The body with the names in it as what they are, and where a code point of the stanza's body stands in that. */
function named({ body, mentions }: ParsedMessage): { atoms: readonly Atom[]; at(raw: number): number } {
	spend(body.length);
	const atoms: Atom[] = [];
	/** Where each atom stood; what was added to the body stood nowhere. */
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
