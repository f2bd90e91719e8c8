import { type Element as LtxElement, xml as ltx } from "@xmpp/component";
import { table } from "../../core/table.ts";

/** Builds and serialises all outgoing XML: one illegal character would close the stream of the whole component. */
export type Element = LtxElement;
/** A child of an element; undefined adds nothing. */
export type Node = Element | string | undefined | readonly Node[];

/** Returns a received element, uncleaned. It takes over `attrs` without a copy, because copying in ltx is slow. */
export function received(name: string, attrs: Record<string, string>): Element {
	const element = new ltx.Element(name);
	element.attrs = attrs;
	return element;
}

/** Returns an element without the attributes whose value is undefined; text and values are cleaned. */
export function xml(
	name: string,
	attrs: Readonly<Record<string, string | undefined>> = {},
	...nodes: Node[]
): Element {
	const element = new ltx.Element(name);
	for (const [key, value] of Object.entries(attrs))
		if (value !== undefined) element.attrs[key] = cleanAttribute(value);
	for (const node of (nodes as readonly unknown[]).flat(Number.POSITIVE_INFINITY) as (
		| Element
		| string
		| undefined
	)[])
		if (typeof node === "string") element.append(clean(node));
		else if (node !== undefined) element.append(node);
	return element;
}

// XML 1.0 §2.2 Char, less the carriage return, which parsers read as a line feed (§2.11).
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression searches for control characters
const illegal = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g;

/**
 * Returns text that XML allows: removes forbidden characters, replaces lone surrogates, makes line ends a line feed.
 */
export const clean = (text: string) => text.toWellFormed().replace(illegal, "").replace(/\r\n?/g, "\n");
/** Returns a cleaned attribute value, with blanks for tabs and line ends, as a parser would read them (§3.3.3). */
export const cleanAttribute = (value: string) => clean(value).replace(/[\t\n]/g, " ");

/** Returns a value as it stands between the quotes of an attribute. */
export const attributeValue = (value: string) => escaped(cleanAttribute(value));

/** Returns the element as XML. Cleans again, because the element may have been received or changed. */
export function serialize(element: Element): string {
	let out = `<${element.name}`;
	for (const [key, value] of Object.entries(element.attrs))
		if (value !== undefined) out += ` ${key}="${attributeValue(value)}"`;
	if (element.children.length === 0) return `${out}/>`;
	out += ">";
	for (const node of element.children)
		out += typeof node === "string" ? escaped(clean(node)) : serialize(node);
	return `${out}</${element.name}>`;
}

const entities = table<string>({
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&apos;",
});
// Quotes in text are escaped as well: servers escape them, too, and count the stanza's size with the escapes.
const escaped = (text: string) => text.replace(/[&<>"']/g, (char) => entities[char]!);

/** Returns the element's size on the wire, in bytes. */
export const bytes = (element: Element) => Buffer.byteLength(serialize(element));

/** Returns the first child with this name (any prefix) and namespace; without `ns`, in any namespace. */
export const child = (element: Element, name: string, ns?: string): Element | undefined =>
	element.getChild(name, ns);
/** Returns the text of the first such child; undefined if there is none. */
export const text = (element: Element, name: string, ns?: string): string | undefined =>
	element.getChild(name, ns)?.getText();
