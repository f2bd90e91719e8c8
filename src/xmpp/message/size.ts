import { withinBudget } from "../../core/budget.ts";
import { type Rich, walk } from "../../core/rich.ts";
import type { Element } from "../stream/xml.ts";
import type { Sayable } from "./feature.ts";

/** Sizes of messages, for budgets and for limits on results: characters, plus a constant per element or node. */

/** The deepest stanza or tree that is walked: recursion goes this deep. The stream's parser allows less. */
export const deepest = 100;
/** The shortest element, `<a/>`, in characters. */
const element = 4;

/** Returns how large the result for a message of this size may be; larger formatting is left out. */
export const largest = (size: number): number => 1_000 + 4 * size;

/** Returns the size of a stanza in characters, and its depth; counting stops at {@link deepest} + 1 levels. */
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

/** Returns the size of an event's text, of its formatting and of the text it replies to. */
export function sizeOfEvent(event: Sayable): number {
	const own = "text" in event ? event.text.length : 0;
	const answered = "replyTo" in event ? (event.replyTo?.text?.length ?? 0) : 0;
	return own + answered + ("rich" in event && event.rich ? measured(event.rich).size : 0);
}

/** True if the tree is within the limits of depth and size for the result of a message of this size. */
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
	const { rich: _, ...rest } = event as T & { rich?: Rich };
	return rest as T;
}
