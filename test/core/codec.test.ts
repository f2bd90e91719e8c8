import fc from "fast-check";
import { expect, test } from "vitest";
import { decode, encode } from "../../src/core/codec.ts";

test("a name made of safe characters is spelt as it is", () => {
	expect(encode("alice.b_c-9")).toBe("alice.b_c-9");
});

test("everything else is spelt by its bytes, so that case folding cannot merge two people", () => {
	expect(encode("Romeo@montague.lit")).toBe("=52omeo=40montague.lit");
	expect(encode("é=🎉")).toBe("=c3=a9=3d=f0=9f=8e=89");
});

test("every text comes back from its spelling, which is plain lower-case ASCII", () => {
	fc.assert(
		fc.property(fc.string({ unit: "binary" }), (text) => {
			const spelt = encode(text);
			expect(spelt).toMatch(/^[a-z0-9._=-]*$/);
			expect(decode(spelt)).toBe(text);
		}),
	);
});

test("no second spelling of anything is accepted", () => {
	for (const spelt of ["=61", "=4A", "A", "a b", "=", "=4", "=ff", "=c3", "=ed=a0=80", "a%b", "é", "=g0"])
		expect(decode(spelt), spelt).toBeUndefined();
	fc.assert(
		fc.property(fc.stringMatching(/^[a-cA-C0-9=._-]{0,12}$/), (spelt) => {
			const text = decode(spelt);
			if (text !== undefined) expect(encode(text)).toBe(spelt);
		}),
	);
});
