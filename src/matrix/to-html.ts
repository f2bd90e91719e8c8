import type { Person } from "../core/event.ts";
import { plain, type Rich, type RichNode } from "../core/rich.ts";
import { isLink } from "./html.ts";

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string) => text.toWellFormed().replace(/[&<>"]/g, (found) => escapes[found] ?? "");

/** The words of code, to the last line break. */
const verbatim = (nodes: Rich): string =>
	nodes.every((node) => typeof node === "string") ? nodes.join("") : plain(nodes);

/** The formatted_body of a tree. `mxid`: the address of somebody who is mentioned; without one there is no pill. */
export function writeHtml(rich: Rich, mxid: (person: Person) => string | undefined): string {
	// HTML knows no link in a link.
	let linked = false;
	const all = (nodes: Rich): string => nodes.map(one).join("");
	const link = (to: string | undefined, children: Rich): string => {
		if (!to || linked) return all(children);
		linked = true;
		const inner = all(children);
		linked = false;
		return `<a href="${escaped(to)}">${inner}</a>`;
	};
	function one(node: RichNode): string {
		if (typeof node === "string") return escaped(node).replaceAll("\n", "<br>");
		if (node.tag === "break") return "<br>";
		const inner = () => all(node.children);
		switch (node.tag) {
			case "bold":
				return `<strong>${inner()}</strong>`;
			case "italic":
				return `<em>${inner()}</em>`;
			case "strike":
				return `<del>${inner()}</del>`;
			case "underline":
				return `<u>${inner()}</u>`;
			case "code":
				return `<code>${escaped(verbatim(node.children))}</code>`;
			case "paragraph":
				return `<p>${inner()}</p>`;
			case "quote":
				return `<blockquote>${inner()}</blockquote>`;
			case "item":
				return `<li>${inner()}</li>`;
			case "spoiler":
				return `<span data-mx-spoiler${node.reason ? `="${escaped(node.reason)}"` : ""}>${inner()}</span>`;
			case "preformatted": {
				const language = node.language?.replace(/[^\w+#.-]/g, "").slice(0, 32);
				const of = language ? ` class="language-${language}"` : "";
				return `<pre><code${of}>${escaped(verbatim(node.children))}\n</code></pre>`;
			}
			case "heading":
				return `<h${node.level}>${inner()}</h${node.level}>`;
			case "list":
				if (!node.ordered) return `<ul>${inner()}</ul>`;
				return `<ol${node.start === undefined ? "" : ` start="${node.start}"`}>${inner()}</ol>`;
			case "link":
				return link(isLink(node.href) ? node.href : undefined, node.children);
			case "mention": {
				const to = node.person && mxid(node.person);
				return link(to && pill(to), node.children);
			}
			default:
				return node satisfies never;
		}
	}
	return all(rich);
}

/** Unescaped as far as can be: clients compare it. */
const pill = (mxid: string) => `https://matrix.to/#/${encodeURI(mxid).replace(/[?#/]/g, encodeURIComponent)}`;
