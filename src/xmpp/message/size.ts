import { withinBudget } from "../../core/budget.ts";
import { type Rich, walk } from "../../core/rich.ts";
import type { Element } from "../stream/xml.ts";
import type { Sayable } from "./feature.ts";

/** Sizes that budgets and results are measured by: characters, and some for each element and node. */

/** Levels of a stanza or a tree; the functions that walk them call themselves this often. A stream has fewer, see its parser. */
export const deepest = 100;
/** Characters that an element takes at least: `<a/>`. */
const element = 4;

/** The most characters and nodes that a message of this size may become; formatting that makes more of it is left out. */
export const largest = (size: number): number => 1_000 + 4 * size;

/** Returns the characters of a stanza and its depth, which stops at one more than {@link deepest}. */
export function sizeOfStanza(stanza: Element): Readonly<{ size: number; depth: number }> {
	let size = 0;
	let depth = 0;
	for (let level: Element[] = [stanza]; level.length > 0 && depth <= deepest; depth++) {
		const below: Element[] = [];
		for (const one of level) {
			size += element + one.name.length;
			for (const [name, value] of Object.entries(one.attrs)) size += name.length + (value?.length ?? 0);
			for (const node of one.children)
				if (typeof node === "string") size += node.length;
				else below.push(node);
		}
		level = below;
	}
	return { size, depth };
}

/** Returns the characters and nodes of the words of an event, and of what they answer. */
export function sizeOfEvent(event: Sayable): number {
	const said = "text" in event ? event.text.length : 0;
	const answered = "replyTo" in event ? (event.replyTo?.text?.length ?? 0) : 0;
	return said + answered + ("rich" in event && event.rich ? measured(event.rich).size : 0);
}

/** Whether a tree is no deeper and no larger than what comes of a message of this size. */
export const fits = (rich: Rich, size: number): boolean =>
	withinBudget(
		size,
		() => {
			const found = measured(rich);
			return found.depth <= deepest && found.size <= largest(size);
		},
		() => false,
	);

function measured(rich: Rich): Readonly<{ size: number; depth: number }> {
	let [size, depth, deep] = [0, 0, 0];
	walk(
		rich,
		(node) => {
			size += typeof node === "string" ? 1 + node.length : node.tag === "link" ? 1 + node.href.length : 1;
			if (typeof node === "string" || node.tag === "break") return;
			depth++;
			deep = Math.max(deep, depth);
		},
		() => {
			depth--;
		},
	);
	return { size, depth: deep };
}

export function withoutFormatting<T extends Sayable>(event: T): T {
	const { rich: _, ...said } = event as T & { rich?: Rich };
	return said as T;
}
