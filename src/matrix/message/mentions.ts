import type { Person } from "../../core/event.ts";
import { type Element, plain, type Rich, type RichNode } from "../../core/rich.ts";
import { type Content, table, text } from "../event.ts";
import { parseHtml, personIn } from "../html.ts";

/** People in one message who are looked at. */
const most = 50;

type Mention = Extract<Element, { tag: "mention" }>;
/** Somebody a message wants to be read by, and what stands for them in its words. */
type Wanted = Readonly<{ person?: Person; spellings: readonly string[]; name: string }>;

/** MXIDs whom a message means by its words or its links. // Matrix spec v1.7, "User and room mentions" */
export function mentioned(content: Content): readonly string[] {
	const found = new Set(named(content));
	for (const [, href = ""] of text(content.formatted_body).matchAll(/href\s*=\s*["']?([^"'\s>]+)/gi)) {
		const mxid = personIn(href.replaceAll("&amp;", "&"));
		if (mxid) found.add(mxid);
	}
	return [...found].slice(0, most);
}

const named = (content: Content): readonly string[] => {
	const { user_ids: ids } = table(content["m.mentions"]);
	return Array.isArray(ids) ? ids.filter((id) => typeof id === "string").slice(0, most) : [];
};

/** The words without addresses where there is a name: of those meant, and of links to people as clients write them. */
export function withNames(body: string, content: Content, person: (mxid: string) => Person): string {
	const named = body.replace(/\[([^\]\n]*)\]\(https:\/\/matrix\.to\/#\/(?:@|%40)[^)\s]*\)/gi, "$1");
	return mentioned(content).reduce(
		(words, mxid) => words.replaceAll(mxid, () => person(mxid).name ?? mxid),
		named,
	);
}

/** The words as a tree: the formatted body, or `body`, and people who are meant. Undefined where it is but words. */
export function richIn(content: Content, body: string, person: (mxid: string) => Person): Rich | undefined {
	const formatted = content.format === "org.matrix.custom.html" ? text(content.formatted_body) : "";
	const tree: Rich = formatted ? parseHtml(formatted, person) : [body];
	const wanted = named(content).map((mxid): Wanted => {
		const who = person(mxid);
		const name = who.name ?? mxid;
		return { person: who, name, spellings: [mxid, name] };
	});
	const all = table(content["m.mentions"]).room === true;
	const rich = weave(tree, [...wanted, ...(all ? [{ name: "@room", spellings: ["@room"] }] : [])]);
	if (rich.some((node) => typeof node !== "string")) return rich;
	// Clients also format what has but backslashes to lose: "\*so\*".
	const letters = rich.join("");
	return letters === "" || sameLetters(letters, body) ? undefined : rich;
}

const sameLetters = (one: string, other: string) => one.replace(/\s+/g, "") === other.replace(/\s+/g, "");

/** The tree with those who are meant made mentions where they are named first, and pills that show addresses renamed. */
function weave(tree: Rich, all: readonly Wanted[]): Rich {
	let wanted = all;
	const walk = (nodes: Rich): Rich =>
		nodes.flatMap((node): Rich => {
			if (typeof node === "string") return split(node);
			if (node.tag === "mention") return [pill(node)];
			if (node.tag === "break" || /^(link|code|preformatted)$/.test(node.tag)) return [node];
			return [{ ...node, children: walk(node.children) }];
		});
	const pill = (node: Mention): Mention => {
		wanted = wanted.filter(({ person }) => person?.id !== node.person?.id);
		return /^@[^\s:]+:\S+$/.test(plain(node.children)) && node.person?.name
			? { ...node, children: [node.person.name] }
			: node;
	};
	const split = (words: string): readonly RichNode[] => {
		const hits = wanted.flatMap((one) =>
			one.spellings.map((spelling) => ({ one, spelling, index: indexOf(words, spelling) })),
		);
		const [first] = hits.filter(({ index }) => index >= 0).sort((a, b) => a.index - b.index);
		if (!first) return [words];
		const { one, spelling, index } = first;
		wanted = wanted.filter((other) => other !== one);
		const mention: Mention = {
			tag: "mention",
			...(one.person && { person: one.person }),
			children: [one.name],
		};
		const [before, after] = [words.slice(0, index), words.slice(index + spelling.length)];
		return [...(before ? [before] : []), mention, ...(after ? split(after) : [])];
	};
	return walk(tree);
}

/** Where somebody is named as a word of its own. */
function indexOf(words: string, name: string): number {
	const letter = /[\p{L}\p{N}_]/u;
	for (let at = words.indexOf(name); name && at >= 0; at = words.indexOf(name, at + 1)) {
		const [before = "", after = ""] = [words[at - 1], words[at + name.length]];
		const inWord = letter.test(before) && letter.test(name[0] ?? "");
		if (!inWord && !(letter.test(after) && letter.test(name.at(-1) ?? ""))) return at;
	}
	return -1;
}
