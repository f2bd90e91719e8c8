import type { Element } from "./stream/xml.ts";

/** Measured bytes that V8 takes for an element of ltx without its strings, for one attribute, and for one string. */
const [perElement, perAttribute, perText] = [320, 32, 32];

/** Estimates the memory of a stanza's tree, in bytes: for `<a/>` that is 80 times its size on the wire. */
export function stanzaMemory(element: Element): number {
	let bytes = perElement;
	for (const key in element.attrs)
		bytes += perAttribute + perText + 2 * String(element.attrs[key] ?? "").length;
	for (const node of element.children)
		bytes += typeof node === "string" ? perText + 2 * node.length : stanzaMemory(node as Element);
	return bytes;
}
