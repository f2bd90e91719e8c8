import type { Person } from "../core/person.ts";
import { type Element, plain, type Rich, walk } from "../core/rich.ts";
import { isLink } from "./html.ts";
import { matrixTo } from "./mxid.ts";

const escapes = new Map([
	["&", "&amp;"],
	["<", "&lt;"],
	[">", "&gt;"],
	['"', "&quot;"],
]);
const escaped = (text: string) => text.toWellFormed().replace(/[&<>"]/g, (found) => escapes.get(found) ?? "");

/** Returns the text of code with every line break kept. */
const verbatim = (nodes: Rich): string =>
	nodes.every((node) => typeof node === "string") ? nodes.join("") : plain(nodes);

type Parent = Exclude<Element, { tag: "break" }>;
/** The markup before and after the children of an element; `all`: the markup of the element and its children. */
type Markup = readonly [before: string, after: string] | Readonly<{ all: string }>;

/**
 * Returns the formatted_body of a tree. `mxid` returns the MXID of a mentioned person; without an MXID the mention is
 * written as plain text.
 * @throws OverBudget
 */
export function writeHtml(rich: Rich, mxid: (person: Person) => string | undefined): string {
	const parts: string[] = [];
	/** The outermost open link: HTML has no link within a link, so inner links are written as text. */
	let linked: Parent | undefined;

	function link(node: Parent, to: string | undefined): Markup {
		if (!to || linked) return ["", ""];
		linked = node;
		return [`<a href="${escaped(to)}">`, "</a>"];
	}
	function markup(node: Parent): Markup {
		switch (node.tag) {
			case "bold":
				return ["<strong>", "</strong>"];
			case "italic":
				return ["<em>", "</em>"];
			case "strike":
				return ["<del>", "</del>"];
			case "underline":
				return ["<u>", "</u>"];
			case "code":
				return { all: `<code>${escaped(verbatim(node.children))}</code>` };
			case "paragraph":
				return ["<p>", "</p>"];
			case "quote":
				return ["<blockquote>", "</blockquote>"];
			case "item":
				return ["<li>", "</li>"];
			case "spoiler":
				return [`<span data-mx-spoiler${node.reason ? `="${escaped(node.reason)}"` : ""}>`, "</span>"];
			case "preformatted": {
				const language = node.language?.replace(/[^\w+#.-]/g, "").slice(0, 32);
				const of = language ? ` class="language-${language}"` : "";
				return { all: `<pre><code${of}>${escaped(verbatim(node.children))}\n</code></pre>` };
			}
			case "heading":
				return [`<h${node.level}>`, `</h${node.level}>`];
			case "list":
				if (!node.ordered) return ["<ul>", "</ul>"];
				return [`<ol${node.start === undefined ? "" : ` start="${node.start}"`}>`, "</ol>"];
			case "link":
				return link(node, isLink(node.href) ? node.href : undefined);
			case "mention": {
				const to = node.person && mxid(node.person);
				return link(node, to && matrixTo(to));
			}
			default:
				return node satisfies never;
		}
	}

	const after: string[] = [];
	walk(
		rich,
		(node) => {
			if (typeof node === "string") parts.push(escaped(node).replaceAll("\n", "<br>"));
			else if (node.tag === "break") parts.push("<br>");
			else {
				const written = markup(node);
				if ("all" in written) {
					parts.push(written.all);
					return false;
				}
				parts.push(written[0]);
				after.push(written[1]);
			}
			return true;
		},
		(node) => {
			parts.push(after.pop() ?? "");
			if (node === linked) linked = undefined;
		},
	);
	return parts.join("");
}
