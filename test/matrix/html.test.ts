import fc from "fast-check";
import { Parser } from "htmlparser2";
import { describe, expect, test } from "vitest";
import { plain, type Rich } from "../../src/core/rich.ts";
import { parseHtml, personIn } from "../../src/matrix/html.ts";
import { writeHtml } from "../../src/matrix/to-html.ts";
import { samplePerson } from "./samples.ts";

const known = (mxid: string) => (/^@[a-z]+:hs\.test$/.test(mxid) ? samplePerson(mxid) : undefined);
const parse = (html: string) => parseHtml(html, known);
const write = (rich: Rich) => writeHtml(rich, ({ id }) => id);
/** Returns a tree on one line: [tag detail|children]. */
const brief = (rich: Rich): string =>
	rich
		.map((node) => {
			if (typeof node === "string") return node;
			if (node.tag === "break") return "⏎";
			const { tag, children, ...detail } = node;
			const values = Object.values(detail).map((value) => (typeof value === "object" ? value.id : value));
			return `[${[tag, ...values].join(" ")}|${brief(children)}]`;
		})
		.join("");

describe("parseHtml", () => {
	test.each([
		["<b>a</b> <strong>b</strong>", "[bold|a] [bold|b]"],
		[
			"<i>a</i><em>b</em><u>c</u><del>d</del><s>e</s><code>f</code>",
			"[italic|a][italic|b][underline|c][strike|d][strike|e][code|f]",
		],
		["a &amp; b &lt;c&gt; &quot;&#39;", "a & b <c> \"'"],
		["a<br>b<br/>c", "a⏎b⏎c"],
		["<p>a</p>\n<p>b</p>", "[paragraph|a][paragraph|b]"],
		["<blockquote>\n<p>a</p>\n</blockquote>\nb", "[quote|[paragraph|a]]b"],
		["<h1>a</h1><h6>b</h6>", "[heading 1|a][heading 6|b]"],
		[
			"<ul>\n<li>a</li>\n<li>b<ol><li>c</li></ol></li>\n</ul>",
			"[list false|[item|a][item|b[list true|[item|c]]]]",
		],
		['<ol start="3"><li>a</li></ol>', "[list true 3|[item|a]]"],
		['<ol start="-x"><li>a</li></ol>', "[list true|[item|a]]"],
		['<pre><code class="language-js">a\n  b\n</code></pre>', "[preformatted js|a\n  b]"],
		["<pre>\na</pre>", "[preformatted|a]"],
		["<span data-mx-spoiler>a</span><span data-mx-spoiler='why'>b</span>", "[spoiler|a][spoiler why|b]"],
		["<span style='x'>a</span>", "a"],
		['<a href="https://x.test/?a=1&amp;b">a</a>', "[link https://x.test/?a=1&b|a]"],
		['<a href="https://matrix.to/#/@bob:hs.test">Bob</a>: hi', "[mention @bob:hs.test|Bob]: hi"],
		['<a href="https://matrix.to/#/%40bob%3Ahs.test?via=x">Bob</a>', "[mention @bob:hs.test|Bob]"],
		['<a href="matrix:u/bob:hs.test">Bob</a>', "[mention @bob:hs.test|Bob]"],
		["<mx-reply><blockquote>x</blockquote></mx-reply>a", "a"],
		["a<table><tr><th>b</th><th>c</th></tr>\n<tr><td>d</td></tr></table>e", "a[paragraph|b | c⏎d]e"],
		["<table><tr><td></td><td>a</td></tr></table>", "[paragraph|| a]"],
		['<img data-mx-emoticon src="mxc://hs.test/1" alt=":x:"> a', ":x: a"],
		["a<hr>b", "a———b"],
	])("%s", (html, tree) => expect(brief(parse(html))).toBe(tree));

	test("formats the content of a block within an inline tag", () => {
		expect(brief(parse("<b>a<p>b</p>c</b>d"))).toBe("[bold|a][paragraph|[bold|b]][bold|c]d");
	});
	test("reads a code block literally, and keeps a spoiler around it hidden", () => {
		expect(brief(parse("<b><pre>a<i>b</i>\nc</pre></b>"))).toBe("[preformatted|ab\nc]");
		expect(brief(parse("<span data-mx-spoiler><pre>a</pre></span>"))).toBe("[paragraph|[spoiler|a]]");
	});
	test("collapses white space as a browser does", () => {
		expect(brief(parse(" <p> a \n <b> b</b> <i></i> </p> c "))).toBe("[paragraph|a [bold|b]]c");
	});
	test.each([
		"javascript:alert(1)",
		"data:text/html,x",
		"/etc",
		"vbscript:x",
		" javascript:x",
		"https://a b",
		"java\nscript:x",
	])("%s is no link", (href) => expect(parse(`<a href="${href}">a</a>`)).toEqual(["a"]));
	test.each(["script", "style", "iframe", "template", "title"])("drops the content of <%s>", (tag) => {
		expect(plain(parse(`a<${tag}>alert(1)</${tag}>b`))).toBe("ab");
	});
	test("reads ten thousand nested tags as text", () => {
		expect(plain(parse(`${"<blockquote>".repeat(10_000)}a`))).toBe("a");
	});
	test("reads Element's link to an occupant, with an unescaped slash in the MXID, as a mention", () => {
		const romeo = "@_xmpp_verona=40muc.test/=52omeo:hs.test";
		expect(personIn(`https://matrix.to/#/${romeo}`)).toBe(romeo);
		expect(personIn("https://matrix.to/#/@bob:hs.test:8448/?via=x")).toBe("@bob:hs.test:8448");
	});
	test("reads a link to a room or an event as a link, not as a mention", () => {
		expect(personIn("https://matrix.to/#/#room:hs.test")).toBeUndefined();
		expect(personIn("https://matrix.to/#/!r:hs.test/$e?via=hs.test")).toBeUndefined();
		expect(personIn("https://matrix.to/#/%E0%A4%A")).toBeUndefined();
	});
});

describe("writeHtml", () => {
	test("keeps the first number of a list", () => {
		expect(write(parse('<ol start="3"><li>a</li></ol>'))).toBe('<ol start="3"><li>a</li></ol>');
	});
	const bob = samplePerson("@_xmpp_bob=40x/y:hs.test");
	test("writes a mention as a link to the person, and as text without an MXID", () => {
		const said: Rich = [{ tag: "mention", person: bob, children: ["B&B"] }];
		expect(write(said)).toBe('<a href="https://matrix.to/#/@_xmpp_bob=40x%2Fy:hs.test">B&amp;B</a>');
		expect(personIn("https://matrix.to/#/@_xmpp_bob=40x%2Fy:hs.test")).toBe(bob.id);
		expect(writeHtml(said, () => undefined)).toBe("B&amp;B");
		expect(write([{ tag: "mention", children: ["@room"] }])).toBe("@room");
	});
	test("writes a line break in a text as <br>", () => {
		expect(write(["a\nb", { tag: "break" }, "c"])).toBe("a<br>b<br>c");
	});
	test("replaces a lone surrogate", () => {
		expect(write(["a\uD83D"])).toBe("a\uFFFD");
	});
});

const words = fc.oneof(
	fc.string({ maxLength: 6 }),
	fc.constantFrom("a", " b ", "\n", "<", "&amp;", '"', "<script>", "--", "🎉", "\u00a0"),
);
const hrefs = fc.constantFrom(
	"https://x.test/?a=1&b",
	"javascript:alert(1)",
	'https://x.test/"><script>',
	"JaVaScRiPt:x",
	"geo:1,2",
	"data:x",
);
const rich = fc.letrec<{ tree: Rich; node: Rich[number] }>((tie) => {
	const children = tie("tree");
	const tagged = <T extends object>(more: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
		fc.record({ ...more, children });
	return {
		tree: fc.array(tie("node"), { maxLength: 3 }),
		node: fc.oneof(
			{ maxDepth: 5, withCrossShrink: true },
			words,
			fc.constant({ tag: "break" }),
			tagged({
				tag: fc.constantFrom("bold", "italic", "strike", "underline", "code", "paragraph", "quote", "item"),
			}),
			tagged({ tag: fc.constant("spoiler"), reason: words }),
			tagged({ tag: fc.constant("preformatted"), language: words }),
			tagged({ tag: fc.constant("heading"), level: fc.constantFrom(1, 2, 6) }),
			tagged({ tag: fc.constant("list"), ordered: fc.boolean() }),
			tagged({ tag: fc.constant("link"), href: hrefs }),
			tagged({
				tag: fc.constant("mention"),
				person: fc.constantFrom(samplePerson("@bob:hs.test"), samplePerson("@a/\"'<:hs.test")),
			}),
		) as fc.Arbitrary<Rich[number]>,
	};
}).tree;
const markup = fc
	.array(
		fc.oneof(
			words,
			fc.constantFrom(
				..."b i u p div li ul ol pre code blockquote h1 h2 a span td tr table br hr script style mx-reply svg title"
					.split(" ")
					.flatMap((tag) => [`<${tag}>`, `</${tag}>`, `<${tag} `]),
				...[
					'<a href="https://x.test">',
					"<a href=javascript:x>",
					"<span data-mx-spoiler=x>",
					"<!--",
					"]]>",
					"<![CDATA[",
				],
				...[
					'<code class="language-js">',
					'<a href="https://matrix.to/#/@bob:hs.test">',
					"&#x6a;",
					"&nbsp",
					'">',
					"'",
				],
			),
		),
		{ maxLength: 20 },
	)
	.map((parts) => parts.join(""));

const letters = (text: string) => text.toWellFormed().replace(/[ \t\n\r\f]+/g, "");
const bounds = { numRuns: 1_000 };

describe("writeHtml and parseHtml: any tree", () => {
	test("keeps its text", () => {
		fc.assert(
			fc.property(rich, (said) => {
				expect(letters(plain(parse(write(said))))).toBe(letters(plain(said)));
			}),
			bounds,
		);
	});
	test("is read as the same tree", () => {
		fc.assert(
			fc.property(fc.oneof(markup, rich.map(write)), (html) => {
				const once = parse(html);
				expect(parse(write(once))).toEqual(once);
			}),
			bounds,
		);
	});
	test("is written with harmless tags, attributes and links only", () => {
		const tags = /^(strong|em|del|u|code|p|blockquote|li|span|pre|h[1-6]|ul|ol|a|br)$/;
		fc.assert(
			fc.property(fc.oneof(rich, markup.map(parse)), (said) => {
				new Parser({
					onopentag(name, { href, ...attributes }) {
						expect(name).toMatch(tags);
						if (href !== undefined) expect(href).toMatch(/^(https:|geo:)/);
						for (const key of Object.keys(attributes))
							expect(`${name} ${key}`).toMatch(/^(span data-mx-spoiler|code class)$/);
					},
					oncomment: () => expect.unreachable(),
					onprocessinginstruction: () => expect.unreachable(),
				}).end(write(said));
			}),
			bounds,
		);
	});
	test("is written and read without an error, from any HTML", () => {
		fc.assert(
			fc.property(fc.oneof(markup, fc.string()), (html) => {
				plain(parse(html));
			}),
			bounds,
		);
	});
});
