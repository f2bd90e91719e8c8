import { type Person, ranks } from "../../core/person.ts";
import { type Element, plain, type Rich, type RichNode } from "../../core/rich.ts";
import { asObject, type Content, isId, text } from "../event.ts";
import { parseHtml, personIn } from "../html.ts";
import { matrixNetwork } from "../mxid.ts";
import { labelled } from "../rank-labels.ts";
import { createSpellings, isWord } from "./spellings.ts";

/** Most people mentioned in one message who are looked up. */
const most = 50;
/** Characters by which names in place of MXIDs may lengthen a text, besides its own length. */
const growth = 4_000;

type Mention = Extract<Element, { tag: "mention" }>;
/** The meaning of a spelling in a text: a person, or @room where `person` is absent. */
type Meaning = Readonly<{
	/** Identifies the person or @room, the same for each of their spellings. */
	key: string;
	person?: Person;
	name: string;
	/** True when the spelling is the MXID, or the name with a label of ours, which is replaced by the name. */
	address: boolean;
}>;

/** Returns the MXIDs that a message mentions in m.mentions or links to. // Matrix spec v1.7, "User and room mentions" */
export function mentioned(content: Content): readonly string[] {
	const found = new Set(named(content));
	for (const [, href = ""] of text(content.formatted_body).matchAll(/href\s*=\s*["']?([^"'\s>]+)/gi)) {
		if (found.size >= most) break;
		const mxid = personIn(href.replaceAll("&amp;", "&"));
		if (mxid) found.add(mxid);
	}
	return [...found];
}

const named = (content: Content): readonly string[] => {
	const { user_ids: ids } = asObject(content["m.mentions"]);
	return Array.isArray(ids)
		? ids.filter((id) => typeof id === "string" && /^@[^\s:]*:./.test(id) && isId(id)).slice(0, most)
		: [];
};

/** Returns the text in place of an MXID: the name, or the localpart once names have made the text too long. */
function createNaming(length: number) {
	let left = length + growth;
	return (mxid: string, name: string): string => {
		left -= Math.max(0, name.length - mxid.length);
		return left >= 0 ? name : mxid.slice(1, mxid.indexOf(":"));
	};
}

const keyOf = (person: Person) => `${person.network} ${person.id}`;
const everybody = "@room";

const addresses = (content: Content, person: (mxid: string) => Person) =>
	mentioned(content).flatMap((mxid): [string, Meaning][] => {
		const who = person(mxid);
		const meaning = { key: keyOf(who), person: who, name: who.name ?? mxid, address: true };
		return [mxid, ...labelledNames(who)].map((spelling) => [spelling, meaning]);
	});

/** Returns the display names with which clients may write a ghost that has the label of a rank. */
const labelledNames = ({ network, name }: Person): readonly string[] =>
	network === matrixNetwork || !name ? [] : ranks.map((rank) => labelled(name, rank));

/** Returns the body with names in place of the MXIDs and labelled names of mentioned people, and of Markdown links to people. */
export function withNames(body: string, content: Content, person: (mxid: string) => Person): string {
	const find = createSpellings(addresses(content, person));
	const name = createNaming(body.length);
	return replaced(withoutLinks(body), (words, at) => {
		const found = find(words, at, () => true);
		return found && { end: found.end, node: name(words.slice(at, found.end), found.meaning.name) };
	}).join("");
}

/**
 * Returns the body with each Markdown link to a person reduced to its label. One pass: a single pattern for label and
 * target would backtrack in quadratic time.
 */
function withoutLinks(body: string): string {
	const kept: string[] = [];
	let from = 0;
	/** Index at which an open label begins, undefined outside of labels. */
	let label: number | undefined;
	for (const { 0: token, index } of body.matchAll(
		/[[\n]|\](?:\(https:\/\/matrix\.to\/#\/(?:@|%40)[^)\s]{0,1000}\))?/gi,
	)) {
		if (token === "[") label ??= index;
		else {
			if (token.length > 1 && label !== undefined) {
				kept.push(body.slice(from, label), body.slice(label + 1, index));
				from = index + token.length;
			}
			label = undefined;
		}
	}
	return [...kept, body.slice(from)].join("");
}

/** Reads a text once and replaces each part that `find` finds by a node; inserted nodes are not searched. */
function replaced<Node extends RichNode>(
	words: string,
	find: (words: string, at: number) => Readonly<{ end: number; node: Node }> | undefined,
): readonly (Node | string)[] {
	const nodes: (Node | string)[] = [];
	let from = 0;
	for (let at = 0; at < words.length; ) {
		const found = find(words, at);
		if (!found) {
			at++;
			continue;
		}
		if (at > from) nodes.push(words.slice(from, at));
		nodes.push(found.node);
		from = at = found.end;
	}
	if (from < words.length) nodes.push(words.slice(from));
	return nodes;
}

/** Returns the tree of the formatted body, or of `body`, with mentions. Undefined when the tree is only plain text. */
export function richIn(content: Content, body: string, person: (mxid: string) => Person): Rich | undefined {
	const formatted = content.format === "org.matrix.custom.html" ? text(content.formatted_body) : "";
	const tree: Rich = formatted ? parseHtml(formatted, person) : [body];
	const wanted = named(content).map(person);
	const rich = weave(tree, {
		spellings: createSpellings<Meaning>([
			...addresses(content, person),
			...wanted.map((who): [string, Meaning] => {
				const { name = "" } = who;
				return [name, { key: keyOf(who), person: who, name, address: false }];
			}),
			[everybody, { key: everybody, name: everybody, address: false }],
		]),
		wanted: new Set([
			...wanted.map(keyOf),
			...(asObject(content["m.mentions"]).room === true ? [everybody] : []),
		]),
		name: createNaming(formatted.length + body.length),
	});
	if (rich.some((node) => typeof node !== "string")) return rich;
	// Clients also send a formatted_body when the body only has Markdown escapes: "\*so\*".
	const letters = rich.join("");
	return letters === "" || sameLetters(letters, body) ? undefined : rich;
}

const sameLetters = (one: string, other: string) => one.replace(/\s+/g, "") === other.replace(/\s+/g, "");

/**
 * Returns the tree with a mention at the first name of each mentioned person, and with names in place of MXIDs. `wanted`
 * holds the keys of the mentioned people; each is removed once the tree has a mention of that person.
 */
function weave(
	tree: Rich,
	how: Readonly<{
		spellings: ReturnType<typeof createSpellings<Meaning>>;
		wanted: Set<string>;
		name: ReturnType<typeof createNaming>;
	}>,
): Rich {
	const { spellings, wanted, name } = how;
	const split = (words: string, inLink: boolean): Rich =>
		merged(
			replaced<RichNode>(words, (text, at) => {
				const first = (key: string, end: number) => !inLink && wanted.has(key) && isWord(text, at, end);
				const found = spellings(text, at, ({ key, address }, end) => address || first(key, end));
				if (!found) return undefined;
				const { end, meaning } = found;
				if (!first(meaning.key, end)) return { end, node: name(text.slice(at, end), meaning.name) };
				wanted.delete(meaning.key);
				const { person } = meaning;
				return { end, node: { tag: "mention", ...(person && { person }), children: [meaning.name] } };
			}),
		);
	const pill = (node: Mention): Mention => {
		const { person } = node;
		wanted.delete(person ? keyOf(person) : everybody);
		const words = plain(node.children);
		const isLabelled = person && labelledNames(person).includes(words.replace(/^@/, ""));
		return person?.name && (isLabelled || /^@[^\s:]+:\S+$/.test(words))
			? { ...node, children: [person.name] }
			: node;
	};
	// The HTML reader bounds the depth of a tree, and with it this recursion.
	const all = (nodes: Rich, inLink: boolean): Rich =>
		nodes.flatMap((node): Rich => {
			if (typeof node === "string") return split(node, inLink);
			if (node.tag === "mention") return [pill(node)];
			if (node.tag === "break" || node.tag === "code" || node.tag === "preformatted") return [node];
			return [{ ...node, children: all(node.children, inLink || node.tag === "link") }];
		});
	return all(tree, false);
}

/** Returns the nodes with adjacent texts joined. */
function merged(nodes: Rich): Rich {
	const out: RichNode[] = [];
	for (const node of nodes) {
		const last = out.at(-1);
		if (typeof node === "string" && typeof last === "string") out[out.length - 1] = last + node;
		else out.push(node);
	}
	return out;
}
