import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plain, type Rich, type RichNode } from "../../../src/core/rich.ts";
import { markup } from "../../../src/xmpp/message/formatting/markup.ts";
import { hasMarks, isPlain, looksStyled, styling } from "../../../src/xmpp/message/formatting/styling.ts";
import { styled } from "../../../src/xmpp/message/formatting/styling-writer.ts";
import { xhtml } from "../../../src/xmpp/message/formatting/xhtml.ts";
import { processorTime } from "../../processor-time.ts";
import { stanza } from "../stanza.ts";

const read = (text: string) => styling(Array.from(text));
const write = (rich: Rich) => styled(rich, (person) => person.name);
/** Returns the tree as readable text: "<bold>a</bold>". */
const shown = (rich: Rich): string =>
	rich
		.map((node) => {
			if (typeof node === "string") return node;
			if (node.tag === "break") return "\n";
			return `<${node.tag}>${shown(node.children)}</${node.tag}>`;
		})
		.join("");

test("hasMarks is true for every text that styling changes", () => {
	const some = fc.string({ unit: fc.constantFrom("||", ..."*_~`>#+-a \n"), maxLength: 7 });
	fc.assert(
		fc.property(some, (text) => hasMarks(text) || read(text).every(isPlain)),
		{ numRuns: 5_000 },
	);
});

describe("styling (XEP-0393)", () => {
	test.each([
		["*strong* plain *strong*", "<bold>strong</bold> plain <bold>strong</bold>"],
		["*strong*plain*", "<bold>strong</bold>plain*"],
		["not strong*", "not strong*"],
		["*not strong", "*not strong"],
		["*not \n strong*", "*not \n strong*"],
		["*not *strong", "*not *strong"],
		["* not strong *", "* not strong *"],
		["**", "**"],
		["****", "****"],
		["_*both*_", "<italic><bold>both</bold></italic>"],
		["`*code*`", "<code>*code*</code>"],
		["*this `cannot* cross`", "<bold>this `cannot</bold> cross`"],
		["> a\n> > b\nc", "<quote>a<quote>b</quote></quote>c"],
		[">a\n>b", "<quote>a\nb</quote>"],
		["```\n*a*\n```", "<preformatted>*a*</preformatted>"],
		["```a b```\n*c*", "<preformatted>a b</preformatted><bold>c</bold>"],
		["```only this", "<preformatted>only this</preformatted>"],
		["```let a;\nlet b;\n```", "<preformatted>let a;\nlet b;</preformatted>"],
		["> ```\n> *a*\nb", "<quote><preformatted>*a*</preformatted></quote>b"],
		["2*3*4 snake_case_name a~b~c", "2*3*4 snake_case_name a~b~c"],
		["||a *b*||", "<spoiler>a <bold>b</bold></spoiler>"],
		["a || b || c", "a || b || c"],
	])("%s", (text, expected) => expect(shown(read(text))).toBe(expected));

	test("loses no letter of any text", () => {
		const text = fc.string({ unit: fc.constantFrom("*", "_", "~", "`", ">", "|", " ", "\n", "a", "🎉") });
		fc.assert(
			fc.property(fc.oneof(text, fc.string({ unit: "binary" })), (words) => {
				const letters = (of: string) => of.replace(/[*_~`>|\s]/g, "");
				const said = read(words);
				// The language of a code block is stored beside its text.
				const languages = JSON.stringify(said).match(/"language":"([^"]*)"/g)?.length ?? 0;
				if (languages === 0) expect(letters(plain(said))).toBe(letters(words));
				if (!looksStyled(words))
					expect(said.every((node) => typeof node === "string" || node.tag === "break")).toBe(true);
			}),
		);
	});

	test.each(["*a ", "_*", "`", "> ", ">", "||a", "*a* ", "```\n"])("takes linear time: %s", (part) => {
		const begun = processorTime();
		read(part.repeat(60_000 / part.length));
		expect(processorTime() - begun).toBeLessThan(2_000);
	});
});

describe("styled, whose text is read again", () => {
	const word = fc.stringMatching(/^[a-zé🎉]{1,6}$/u);
	/** Formatting that styling can express: spans between blanks, without line ends, none inside a span of its kind. */
	const span = (tags: readonly ("bold" | "italic" | "strike")[]): fc.Arbitrary<RichNode> =>
		tags.length === 0
			? word
			: fc.oneof(
					word,
					word.map((text): RichNode => ({ tag: "code", children: [text] })),
					fc
						.constantFrom(...tags)
						.chain((tag) =>
							span(tags.filter((one) => one !== tag)).map((inner): RichNode => ({ tag, children: [inner] })),
						),
				);
	const spoken = fc
		.array(span(["bold", "italic", "strike"]), { minLength: 1, maxLength: 5 })
		.map((spans) => spans.flatMap((one, index) => (index > 0 ? [" ", one] : [one])));
	const block: fc.Arbitrary<RichNode> = fc.oneof(
		spoken.map((children): RichNode => ({ tag: "quote", children })),
		fc.tuple(word, fc.constantFrom(undefined, "ts")).map(
			([code, language]): RichNode => ({
				tag: "preformatted",
				children: [code],
				...(language && { language }),
			}),
		),
	);
	const message = fc.array(
		fc.oneof(
			spoken,
			block.map((one): Rich => [one]),
		),
		{ minLength: 1, maxLength: 4 },
	);

	/** Joins neighbouring texts. */
	const joined = (rich: Rich): string => JSON.stringify(rich).replaceAll('","', "");

	test("preserves all formatting that styling can express", () => {
		fc.assert(
			fc.property(message, (parts) => {
				const rich = parts.flatMap((part, index): Rich => {
					const isBlock = (of: Rich | undefined) =>
						typeof of?.[0] === "object" && ["quote", "preformatted"].includes(of[0].tag);
					const apart = index > 0 && !isBlock(part) && !isBlock(parts[index - 1]);
					return apart ? [{ tag: "break" }, ...part] : part;
				});
				const quotes = parts.some((part, index) => {
					const tag = (of: Rich | undefined) => (typeof of?.[0] === "object" ? of[0].tag : "");
					return tag(part) === "quote" && tag(parts[index - 1]) === "quote";
				});
				// Styling joins two consecutive quotes.
				fc.pre(!quotes);
				const { text, literal } = write(rich);
				const back = literal ? [text] : read(text);
				expect(joined(back)).toBe(joined(rich));
			}),
		);
	});

	const tag = fc.constantFrom(
		"bold",
		"italic",
		"strike",
		"underline",
		"code",
		"paragraph",
		"quote",
		"item",
		"spoiler",
		"preformatted",
	);
	const { any } = fc.letrec<{ any: Rich }>((tie) => ({
		any: fc.array(
			fc.oneof(
				{ maxDepth: 4 },
				fc.string({ unit: fc.constantFrom("*", "_", "~", "`", ">", "|", " ", "\n", "a", "🎉") }),
				fc.record({ tag, children: tie("any") }),
				fc.constant({ tag: "break" }),
				fc.record({ tag: fc.constant("list"), ordered: fc.boolean(), children: tie("any") }),
				fc.record({ tag: fc.constant("link"), href: fc.webUrl(), children: tie("any") }),
			),
			{ maxLength: 5 },
		) as unknown as fc.Arbitrary<Rich>,
	}));

	test("loses no letter of any formatting, and marks literal text as unstyled", () => {
		fc.assert(
			fc.property(any, (rich) => {
				const { text, literal } = write(rich);
				const letters = (of: string) => of.replace(/[^a🎉]/gu, "");
				const urls = JSON.stringify(rich).includes('"link"');
				if (!urls) expect(letters(text)).toBe(letters(plain(rich)));
				expect(literal && !looksStyled(text)).toBe(false);
			}),
		);
	});

	test("returns the range of each mention in code points", () => {
		const person = { name: "Zoé 🎉" } as never;
		fc.assert(
			fc.property(any, any, (before, after) => {
				const { text, mentions } = write([...before, { tag: "mention", person, children: [] }, ...after]);
				for (const { start, end } of mentions)
					expect(Array.from(text).slice(start, end).join("")).toBe("Zoé 🎉");
				expect(mentions).toHaveLength(1);
			}),
		);
	});
});

describe("formatting in elements beside the body", () => {
	test("markup loses no letter, whatever its ranges are", () => {
		const range = fc.record({
			start: fc.integer({ min: -2, max: 12 }),
			end: fc.integer({ min: -2, max: 12 }),
		});
		const kind = fc.constantFrom("span", "bcode", "bquote", "list");
		fc.assert(
			fc.property(fc.array(fc.tuple(kind, range), { maxLength: 8 }), (all) => {
				const inside = all.map(
					([name, { start, end }]) =>
						`<${name} start='${start}' end='${end}'><emphasis/><code/><li start='3'/></${name}>`,
				);
				const element = stanza(
					`<message><markup xmlns='urn:xmpp:markup:0'>${inside.join("")}</markup></message>`,
				).getChild("markup");
				const text = "0123456789";
				const at = (raw: number) => (raw < 0 ? Number.NaN : Math.min(raw, text.length));
				const rich = element ? markup(element, Array.from(text), at) : [];
				expect(plain(rich).replaceAll("\n", "")).toBe(text);
			}),
		);
	});

	test("xhtml drops unknown elements and keeps their text", () => {
		const html = stanza(
			"<message><body xmlns='http://www.w3.org/1999/xhtml'><p style='font-weight: bold'>a<img src='x' alt='cat'/><iframe>b</iframe></p><ol><li>c</li></ol></body></message>",
		).getChild("body");
		expect(shown(html ? xhtml(html) : [])).toBe(
			"<paragraph><bold>acatb</bold></paragraph><list><item>c</item></list>",
		);
	});
});
