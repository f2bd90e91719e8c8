import { spend } from "../../../core/budget.ts";
import type { Rich } from "../../../core/rich.ts";
import type { Element } from "../../stream/xml.ts";

/** Returns the formatting of the body of an XHTML-IM message (XEP-0071). Its depth is that of a stanza, which is bounded. */
export function xhtml(body: Element): Rich {
	spend(body.children.length);
	return body.children.flatMap((node) => (typeof node === "string" ? words(node) : read(node)));
}
function words(text: string): Rich {
	spend(text.length);
	return text === "" ? [] : [text.replace(/\s+/g, " ")];
}

function read(element: Element): Rich {
	const children = xhtml(element);
	const tag = element.getName();
	switch (tag) {
		case "strong":
		case "b":
			return [{ tag: "bold", children }];
		case "em":
		case "i":
		case "cite":
			return [{ tag: "italic", children }];
		case "del":
		case "s":
		case "strike":
			return [{ tag: "strike", children }];
		case "u":
			return [{ tag: "underline", children }];
		case "code":
		case "tt":
			return [{ tag: "code", children }];
		case "pre":
			return [{ tag: "preformatted", children: [letters(element)] }];
		case "blockquote":
			return [{ tag: "quote", children }];
		case "p":
		case "div":
			return [{ tag: "paragraph", children: styledBy(element, children) }];
		case "ul":
		case "ol":
			return [{ tag: "list", ordered: tag === "ol", children }];
		case "li":
			return [{ tag: "item", children }];
		case "br":
			return [{ tag: "break" }];
		case "a": {
			const href = element.attrs.href ?? "";
			return /^(https?|mailto|xmpp|geo):/i.test(href) ? [{ tag: "link", href, children }] : children;
		}
		case "img":
			return words(element.attrs.alt ?? "");
		case "script":
		case "style":
			return [];
	}
	const level = /^h([1-6])$/.exec(tag)?.[1];
	if (level) return [{ tag: "heading", level: Number(level) as 1, children }];
	return styledBy(element, children);
}

function letters(element: Element): string {
	spend(element.children.length);
	return element.children.map((node) => (typeof node === "string" ? node : letters(node))).join("");
}

/** How much of an element's style attribute is read, in characters. */
const longestStyle = 1_000;

function styledBy(element: Element, children: Rich): Rich {
	const tags = new Set<"bold" | "italic" | "strike" | "underline">();
	for (const declaration of (element.attrs.style ?? "").slice(0, longestStyle).split(";")) {
		spend();
		const [property = "", value = ""] = declaration.split(":", 2).map((part) => part.trim());
		if (property === "font-weight" && value.startsWith("bold")) tags.add("bold");
		if (property === "font-style" && value.startsWith("italic")) tags.add("italic");
		if (property === "text-decoration" && value.includes("line-through")) tags.add("strike");
		if (property === "text-decoration" && value.includes("underline")) tags.add("underline");
	}
	return [...tags].reduce<Rich>((inner, tag) => [{ tag, children: inner }], children);
}
