import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createSealer } from "../../src/core/sealer.ts";

const sealer = () => createSealer(randomBytes(32).toString("base64"));

test("a sealed text opens with its key, for what it was sealed for", () => {
	const one = sealer();
	const sealed = one.seal("sesame 🗝", "a room");
	expect(sealed).not.toContain("sesame");
	expect(one.open(sealed, "a room")).toBe("sesame 🗝");
	expect(one.seal("sesame 🗝", "a room")).not.toBe(sealed);
});

test("a sealed text opens neither with another key, nor for something else, nor changed", () => {
	const one = sealer();
	const sealed = one.seal("sesame", "a room");
	expect(sealer().open(sealed, "a room")).toBeUndefined();
	expect(one.open(sealed, "another room")).toBeUndefined();
	const first = sealed.startsWith("A") ? "B" : "A";
	for (const broken of [first + sealed.slice(1), sealed.slice(0, -4), "short", ""])
		expect(one.open(broken, "a room"), broken).toBeUndefined();
});
