import { spend } from "../../core/budget.ts";

/** A spelling found in a text: the index after it, and its meaning. */
export type Found<Meaning> = Readonly<{ end: number; meaning: Meaning }>;
type Node<Meaning> = { next: Map<number, Node<Meaning>>; meanings: Meaning[] };

/** Budget units of one step: its map lookup takes longer than a step of other loops over a text. */
const stepCost = 4;

/**
 * Returns a search for many spellings at once. The search takes a text, an index and a test, and returns the longest
 * spelling that begins at that index and passes the test. A text is read once, however many spellings there are.
 * Of equal spellings the first one that passes counts. The search spends the budget of the translator.
 */
export function createSpellings<Meaning>(spellings: Iterable<readonly [spelling: string, meaning: Meaning]>) {
	const root: Node<Meaning> = { next: new Map(), meanings: [] };
	for (const [spelling, meaning] of spellings) {
		let node = root;
		for (let at = 0; at < spelling.length; at++) {
			const unit = spelling.charCodeAt(at);
			let next = node.next.get(unit);
			if (!next) {
				next = { next: new Map(), meanings: [] };
				node.next.set(unit, next);
			}
			node = next;
		}
		if (node !== root) node.meanings.push(meaning);
	}

	return (
		text: string,
		from: number,
		passes: (meaning: Meaning, end: number) => boolean,
	): Found<Meaning> | undefined => {
		let longest: Found<Meaning> | undefined;
		let node: Node<Meaning> | undefined = root;
		for (let at = from; node; at++) {
			const { meanings } = node;
			spend(stepCost + meanings.length);
			const meaning = meanings.find((one) => passes(one, at));
			if (meaning !== undefined) longest = { end: at, meaning };
			node = at < text.length ? node.next.get(text.charCodeAt(at)) : undefined;
		}
		return longest;
	};
}

/** Whether the part of a text from `start` to `end` is not cut out of a longer word. */
export function isWord(text: string, start: number, end: number): boolean {
	const letter = (index: number) => /[\p{L}\p{N}_]/u.test(text.charAt(index));
	if (start > 0 && letter(start - 1) && letter(start)) return false;
	return !(letter(end) && letter(end - 1));
}
