import fc from "fast-check";
import { expect, test } from "vitest";
import { StreamParser } from "../../../src/xmpp/stream/parser.ts";
import {
	bytes,
	child,
	clean,
	cleanAttribute,
	type Element,
	serialize,
	text,
	xml,
} from "../../../src/xmpp/stream/xml.ts";

/** Returns the one stanza in the text, read by a strict parser. */
function parse(raw: string): Element {
	const got: Element[] = [];
	const fail = () => {
		throw new Error(`not one element: ${raw}`);
	};
	const parser = new StreamParser({ element: (el) => got.push(el), skip: () => false, truncated: fail });
	parser.on("error", (error) => {
		throw error;
	});
	parser.write(`<stream xmlns='jabber:component:accept'>${raw}`);
	if (got.length !== 1) fail();
	return got[0]!;
}

// Any UTF-16 text. Lone surrogates and forbidden characters are as frequent as others.
const anyText = fc
	.array(
		fc.oneof(
			fc.nat(0xffff),
			fc.nat(0x20),
			fc.constantFrom(
				0xd800,
				0xdfff,
				0xfffe,
				0xffff,
				0xfeff,
				0x85,
				0x2028,
				0x26,
				0x3c,
				0x3e,
				0x22,
				0x27,
				0x5d,
			),
		),
	)
	.map((units) => String.fromCharCode(...units));

test("serialize returns well-formed XML for any text, with the characters that XML allows", () => {
	fc.assert(
		fc.property(anyText, anyText, (value, body) => {
			const element = parse(serialize(xml("message", { id: value }, xml("body", {}, body, body))));
			expect(element.attrs.id).toBe(cleanAttribute(value));
			expect(text(element, "body")).toBe(clean(body) + clean(body));
		}),
		{ numRuns: 2000 },
	);
});

test("xml cleans text at once, so that offsets into it are the receiver's", () => {
	fc.assert(
		fc.property(anyText, (body) => {
			const element = xml("body", {}, body);
			expect(parse(serialize(element)).getText()).toBe(element.getText());
			expect(clean(clean(body))).toBe(clean(body));
		}),
	);
});

test("clean removes only the characters that XML forbids", () => {
	expect(clean("a\0b\u0001c\u000bd\u001fe\ufffef\uffffg")).toBe("abcdefg");
	expect(clean("\ud83c\udf89 \ud800! é\tx\n\u007f\u0085 ‮")).toBe("🎉 \ufffd! é\tx\n\u007f\u0085 ‮");
	expect(clean("a\r\nb\rc")).toBe("a\nb\nc");
	expect(cleanAttribute("a\tb\nc\r\nd")).toBe("a b c d");
});

test("xml omits undefined attributes and children, and keeps empty ones", () => {
	expect(serialize(xml("a", { b: undefined, c: "" }, undefined, [xml("d"), [undefined]]))).toBe(
		'<a c=""><d/></a>',
	);
});

test("bytes returns the size on the wire, with escapes", () => {
	expect(bytes(xml("a", {}, '"é'))).toBe("<a>&quot;xx</a>".length);
});

test("serialize returns a received stanza unchanged", () => {
	const raw = `<iq id="&quot;&lt;"><query xmlns="q"><![CDATA[<&>]]>&#x1f389;</query><x:y xmlns:x="z"/></iq>`;
	const again = parse(serialize(parse(raw)));
	expect(text(again, "query", "q")).toBe("<&>🎉");
	expect(child(again, "y", "z")).toBeDefined();
	expect(child(again, "y", "q")).toBeUndefined();
	expect(text(again, "nothing")).toBeUndefined();
});
