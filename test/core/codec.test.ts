import fc from "fast-check";
import { expect, test } from "vitest";
import { decode, encode } from "../../src/core/codec.ts";

test("a name of safe characters is encoded as itself", () => {
	expect(encode("alice.b_c-9")).toBe("alice.b_c-9");
});

test("all other characters are encoded by their bytes, so that case folding cannot merge two people", () => {
	expect(encode("Romeo@montague.lit")).toBe("=52omeo=40montague.lit");
	expect(encode("é=🎉")).toBe("=c3=a9=3d=f0=9f=8e=89");
});

test("decode returns every encoded text, and encode returns lower-case ASCII", () => {
	fc.assert(
		fc.property(fc.string({ unit: "binary" }), (text) => {
			const spelt = encode(text);
			expect(spelt).toMatch(/^[a-z0-9._=-]*$/);
			expect(decode(spelt)).toBe(text);
		}),
	);
});

test("decode rejects every second spelling of a text", () => {
	for (const spelt of ["=61", "=4A", "A", "a b", "=", "=4", "=ff", "=c3", "=ed=a0=80", "a%b", "é", "=g0"])
		expect(decode(spelt), spelt).toBeUndefined();
	fc.assert(
		fc.property(fc.stringMatching(/^[a-cA-C0-9=._-]{0,12}$/), (spelt) => {
			const text = decode(spelt);
			if (text !== undefined) expect(encode(text)).toBe(spelt);
		}),
	);
});
