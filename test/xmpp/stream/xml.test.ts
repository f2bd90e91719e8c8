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

/** Reads one stanza as the strictest receiver would. */
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

// Any UTF-16, lone surrogates and forbidden characters in it as often as others.
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

test("whatever people write, the stanza parses, and holds what can be said of it in XML", () => {
	fc.assert(
		fc.property(anyText, anyText, (value, body) => {
			const element = parse(serialize(xml("message", { id: value }, xml("body", {}, body, body))));
			expect(element.attrs.id).toBe(cleanAttribute(value));
			expect(text(element, "body")).toBe(clean(body) + clean(body));
		}),
		{ numRuns: 2000 },
	);
});

test("what was built holds already what will be read, so that offsets into it are right", () => {
	fc.assert(
		fc.property(anyText, (body) => {
			const element = xml("body", {}, body);
			expect(parse(serialize(element)).getText()).toBe(element.getText());
			expect(clean(clean(body))).toBe(clean(body));
		}),
	);
});

test("characters XML forbids are left out, and nothing else is", () => {
	expect(clean("a\0b\u0001c\u000bd\u001fe\ufffef\uffffg")).toBe("abcdefg");
	expect(clean("\ud83c\udf89 \ud800! é\tx\n\u007f\u0085 ‮")).toBe("🎉 \ufffd! é\tx\n\u007f\u0085 ‮");
	expect(clean("a\r\nb\rc")).toBe("a\nb\nc");
	expect(cleanAttribute("a\tb\nc\r\nd")).toBe("a b c d");
});

test("absent attributes and children leave no trace, empty ones do", () => {
	expect(serialize(xml("a", { b: undefined, c: "" }, undefined, [xml("d"), [undefined]]))).toBe(
		'<a c=""><d/></a>',
	);
});

test("the size is that on the wire, in bytes, with every escape", () => {
	expect(bytes(xml("a", {}, '"é'))).toBe("<a>&quot;xx</a>".length);
});

test("what was received can be sent on as it is", () => {
	const raw = `<iq id="&quot;&lt;"><query xmlns="q"><![CDATA[<&>]]>&#x1f389;</query><x:y xmlns:x="z"/></iq>`;
	const again = parse(serialize(parse(raw)));
	expect(text(again, "query", "q")).toBe("<&>🎉");
	expect(child(again, "y", "z")).toBeDefined();
	expect(child(again, "y", "q")).toBeUndefined();
	expect(text(again, "nothing")).toBeUndefined();
});
