import { type Element as LtxElement, xml as ltx } from "@xmpp/component";
import { table } from "../../core/table.ts";

/** The choke point of everything that leaves: one illegal character would close the stream of the whole component. */
export type Element = LtxElement;
/** What an element can hold; nothing stands for what is absent. */
export type Node = Element | string | undefined | readonly Node[];

/** An element as it came over the wire, nothing cleaned. `attrs` is its own from now on: ltx would copy them, slowly. */
export function received(name: string, attrs: Record<string, string>): Element {
	const element = new ltx.Element(name);
	element.attrs = attrs;
	return element;
}

/** Makes an element; attributes without a value are left out, text and values are made legal. */
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
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const illegal = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g;

/** Text as it can be sent: without characters XML forbids, lone surrogates replaced, line ends as a line feed. */
export const clean = (text: string) => text.toWellFormed().replace(illegal, "").replace(/\r\n?/g, "\n");
/** An attribute's value as it can be sent: also with blanks for tabs and line ends, as a parser reads them (§3.3.3). */
export const cleanAttribute = (value: string) => clean(value).replace(/[\t\n]/g, " ");

/** The element as it goes over the wire. Cleans again: a received element may be sent on, or one be changed. */
export function serialize(element: Element): string {
	let out = `<${element.name}`;
	for (const [key, value] of Object.entries(element.attrs))
		if (value !== undefined) out += ` ${key}="${escaped(cleanAttribute(value))}"`;
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
// Quotes in text too: servers write them so and count the stanza's size with them.
const escaped = (text: string) => text.replace(/[&<>"']/g, (char) => entities[char]!);

/** How many bytes the element takes on the wire. */
export const bytes = (element: Element) => Buffer.byteLength(serialize(element));

/** The first child of this name (any prefix) and namespace; without one, of any. */
export const child = (element: Element, name: string, ns?: string): Element | undefined =>
	element.getChild(name, ns);
/** The text of that child; undefined where there is no such child. */
export const text = (element: Element, name: string, ns?: string): string | undefined =>
	element.getChild(name, ns)?.getText();
