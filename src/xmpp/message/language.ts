import { spend } from "../../core/budget.ts";
import type { Element } from "../stream/xml.ts";

/**
 * Returns the child with this name in the default language: a message may hold one body and one subject a language
 * (RFC 6121 §5.2.3). A child without a language of its own has that of the stanza or stream (RFC 6120 §8.1.5), so it comes
 * before one that names the stanza's language, and any other comes last. Undefined without such a child.
 */
export function inDefaultLanguage(parent: Element, name: string): Element | undefined {
	spend(parent.children.length);
	const all = parent.getChildren(name);
	const language = parent.attrs["xml:lang"];
	return (
		all.find(({ attrs }) => !attrs["xml:lang"]) ??
		all.find(({ attrs }) => attrs["xml:lang"] === language) ??
		all[0]
	);
}

/** Returns the text of the message's body in the default language; undefined without a body. */
export const bodyOf = (message: Element): string | undefined => inDefaultLanguage(message, "body")?.getText();
