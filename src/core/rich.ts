import type { Person } from "./event.ts";

/**
 * Words with their formatting, as a tree of what people can write on any network. Only this tree crosses: markup of one
 * network is read into it and written from it, so what is not in it cannot pass.
 */
export type Rich = readonly RichNode[];
export type RichNode = string | Element;

type Parent<Tag extends string, More = unknown> = Readonly<{ tag: Tag; children: Rich }> & Readonly<More>;
export type Element =
	| Parent<"bold" | "italic" | "strike" | "underline" | "code" | "paragraph" | "quote" | "item">
	| Parent<"spoiler", { reason?: string }>
	| Parent<"preformatted", { language?: string }>
	| Parent<"heading", { level: 1 | 2 | 3 | 4 | 5 | 6 }>
	/** `start`: the number of the first item of an ordered one, where that is not 1. */
	| Parent<"list", { ordered: boolean; start?: number }>
	/** `href` leads to the web, to a mailbox, to a place on earth, or to a person or room of a network; each network checks the scheme. */
	| Parent<"link", { href: string }>
	/** Absent `person`: everybody in the room. */
	| Parent<"mention", { person?: Person }>
	| Readonly<{ tag: "break" }>;

const blocks = new Set(["paragraph", "quote", "preformatted", "heading", "list", "item"]);

/** The words alone, blocks on lines of their own; `sign` stands before lines that are quoted. */
export function plain(rich: Rich, sign = ""): string {
	let text = "";
	const line = () => {
		if (text !== "" && !text.endsWith("\n")) text += "\n";
	};
	const walk = (nodes: Rich) => {
		for (const node of nodes) {
			if (typeof node === "string") text += node;
			else if (node.tag === "break") text += "\n";
			else if (blocks.has(node.tag)) {
				line();
				const quote = node.tag === "quote" && sign !== "" ? plain(node.children, sign) : "";
				if (quote) text += sign + quote.replaceAll("\n", `\n${sign}`);
				else walk(node.children);
				line();
			} else walk(node.children);
		}
	};
	walk(rich);
	return text.replace(/\n$/, "");
}

/** Who is mentioned, and whether everybody is. */
export function mentions(rich: Rich): Readonly<{ people: readonly Person[]; room: boolean }> {
	const people = new Map<string, Person>();
	let room = false;
	const walk = (nodes: Rich) => {
		for (const node of nodes) {
			if (typeof node === "string" || node.tag === "break") continue;
			if (node.tag === "mention") {
				if (node.person) people.set(`${node.person.network} ${node.person.id}`, node.person);
				else room = true;
			}
			walk(node.children);
		}
	};
	walk(rich);
	return { people: [...people.values()], room };
}
