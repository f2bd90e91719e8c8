/**
 * The emoji that Unicode shows in colour by themselves and lists in emoji-variation-sequences.txt (15.0). The other emoji of
 * the list are all those that are text by themselves.
 */
const ranges = `
	231a-231b 23e9-23ea 23f3 25fd-25fe 2614-2615 2648-2653 267f 2693 26a1 26aa-26ab 26bd-26be 26c4-26c5 26d4 26ea
	26f2-26f3 26f5 26fa 26fd 2753 2757 2b1b-2b1c 2b50 2b55 1f004 1f21a 1f22f 1f30d-1f30f 1f315 1f31c 1f378 1f393
	1f3a7 1f3ac-1f3ae 1f3c2 1f3c4 1f3c6 1f3ca 1f3e0 1f3ed 1f408 1f415 1f41f 1f426 1f442 1f446-1f449 1f44d-1f44e
	1f453 1f46a 1f47d 1f4a3 1f4b0 1f4b3 1f4bb 1f4bf 1f4cb 1f4da 1f4df 1f4e4-1f4e6 1f4ea-1f4ed 1f4f7 1f4f9-1f4fb
	1f508 1f50d 1f512-1f513 1f550-1f567 1f610 1f687 1f68d 1f691 1f694 1f698 1f6ad 1f6b2 1f6b9-1f6ba 1f6bc
`;
const listed = new Set(
	ranges
		.trim()
		.split(/\s+/)
		.flatMap((range) => {
			const [first = 0, last = first] = range.split("-").map((hex) => Number.parseInt(hex, 16));
			return Array.from({ length: last - first + 1 }, (_, index) => String.fromCodePoint(first + index));
		}),
);
const one = /^(?=\P{ASCII})\p{Emoji}$/u;
const inColour = /^\p{Emoji_Presentation}$/u;
const sequence = /^\p{RGI_Emoji}$/v;
/** The parts of a sequence that are text by themselves. */
const textual = /(?!\p{Emoji_Presentation})\p{Emoji}(?!\p{Emoji_Modifier})/gu;

/**
 * Returns an emoji in the one form that both clients of a reaction compare as text: a single emoji of Unicode's list of
 * variation sequences with U+FE0F, any other without, a sequence as Unicode recommends it for interchange. Any other text
 * stays as it is.
 */
export function emojiForm(text: string): string {
	const bare = text.replace(/[\uFE0E\uFE0F]/g, "");
	if (one.test(bare)) return listed.has(bare) || !inColour.test(bare) ? `${bare}\uFE0F` : bare;
	const selected = bare.replace(textual, "$&\uFE0F");
	return sequence.test(selected) ? selected : text;
}
