import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Element, XmppClient } from "../../../testbed/xmpp-client.ts";
import { stanza } from "../../stanza.ts";

type Step = {
	does: string;
	sends: readonly string[];
	gets: readonly string[];
	besides?: readonly string[];
	then?: string;
};
/** One client's join; README.md explains the keys. */
export type Story = {
	client: string;
	taken: "recorded" | "source";
	repository?: string;
	commit?: string;
	files?: readonly string[];
	steps: readonly Step[];
};

const folder = new URL("./", import.meta.url);

export const stories: readonly Story[] = readdirSync(folder)
	.filter((file) => file.endsWith(".yaml"))
	.map((file) => parse(readFileSync(new URL(file, folder), "utf8")));

/** The part of an XML element that is compared. */
type Compared = {
	name: string;
	attrs: Record<string, string | undefined>;
	getNS(): string | undefined;
	getText(): string;
	getChildElements(): Compared[];
};

type Words = Map<string, string>;

const entities: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	"'": "&apos;",
	'"': "&quot;",
};
const escaped = (text: string) => text.replace(/[&<>'"]/g, (char) => entities[char] ?? char);

/** Returns the XML of a story with the words in braces replaced. */
const filled = (text: string, words: Words): string =>
	text.replace(/\{([^{}=|]+)\}/g, (whole, word: string) => {
		const value = words.get(word);
		return value === undefined ? whole : escaped(value);
	});

function fitsText(wanted: string, found: string | undefined, kept: Words): boolean {
	if (found === undefined) return false;
	const name = /^\{=(\w+)\}$/.exec(wanted)?.[1];
	if (name) kept.set(name, found);
	if (name || wanted === "*") return true;
	const choices = /^\{([^{}]+\|[^{}]+)\}$/.exec(wanted)?.[1];
	return choices ? choices.split("|").includes(found) : wanted === found;
}

/** Returns true where a received element fits a pattern; `kept` gets the values that later steps insert. */
function fits(pattern: Compared, found: Compared, kept: Words): boolean {
	const { xmlns, ...others } = pattern.attrs;
	if (pattern.name !== found.name || (xmlns ?? found.getNS()) !== found.getNS()) return false;
	const attributes = Object.entries(others);
	if (!attributes.every(([name, wanted]) => fitsText(wanted ?? "", found.attrs[name], kept))) return false;
	const children = pattern.getChildElements();
	const text = pattern.getText().trim();
	if (text && !fitsText(text, found.getText(), kept)) return false;
	return children.every((child) => found.getChildElements().some((one) => fits(child, one, kept)));
}

/**
 * Sends the stanzas of a story as its client does, and resolves when everything that the client needs has arrived, in
 * order. @throws Error with the step and the pattern that nothing fitted.
 */
export async function replay(
	story: Story,
	client: XmppClient,
	names: Readonly<Record<string, string>>,
): Promise<void> {
	const words: Words = new Map(Object.entries(names));
	const day = 24 * 3_600_000;
	words.set("me", client.jid);
	words.set("now", `${new Date(Date.now() + 60_000).toISOString().slice(0, 19)}Z`);
	words.set("yesterday", `${new Date(Date.now() - day).toISOString().slice(0, 19)}Z`);
	for (const { does, sends, gets, besides = [] } of story.steps) {
		const begin = client.inbox.items.length;
		/** Resolves with the place after the first stanza from `from` on that fits. */
		const arrival = async (text: string, from: number): Promise<number> => {
			const pattern = stanza(filled(text, words)) as unknown as Compared;
			const found = await client.waitFor(
				`${text}\nwhich ${story.client} needs when it ${does}`,
				(one: Element) =>
					client.inbox.items.indexOf(one) >= from && fits(pattern, one as unknown as Compared, words),
			);
			return client.inbox.items.indexOf(found) + 1;
		};
		for (const text of sends) await client.sendRaw(filled(text, words));
		let next = begin;
		for (const text of gets) next = await arrival(text, next);
		for (const text of besides) await arrival(text, begin);
	}
}
