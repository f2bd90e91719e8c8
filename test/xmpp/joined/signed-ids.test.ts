import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { OperationId } from "../../../src/core/ids.ts";
import { createSignedIds, operationOf } from "../../../src/xmpp/joined/signed-ids.ts";

const { of, operation } = createSignedIds("secret");
const op = "mDmZ5g0uxKxhFbqvS8p0n5u2wEw4bE1x" as OperationId;

test("a signed id is recognised in its MUC and under its nick alone", () => {
	const id = of(op, "verona@muc.test", "Alice");
	expect(operation(id, "verona@muc.test", "Alice")).toBe(op);
	expect(operationOf(id)).toBe(op);
	expect(operation(id, "verona@muc.test", "Romeo")).toBeUndefined();
	expect(operation(id, "mantua@muc.test", "Alice")).toBeUndefined();
	expect(createSignedIds("another").operation(id, "verona@muc.test", "Alice")).toBeUndefined();
});

test("a signed id of an earlier run, or of an earlier release, is recognised", () => {
	const secret = "bV3p5Xy2Lq9sT4wR8zKc1nHd7jFg6mQe0uAi_oB-YvE";
	const text = ["verona@muc.test", "Alïce", op].join("\0");
	const seal = createHmac("sha256", secret).update(text).digest("base64url").slice(0, 11);
	expect(createSignedIds(secret).operation(`${op}.${seal}`, "verona@muc.test", "Alïce")).toBe(op);
	expect(createSignedIds(secret).of(op, "verona@muc.test", "Alïce")).toBe(`${op}.${seal}`);
});

test("the id of a message's second part is not taken for that of the first", () => {
	const caption = `${op}.caption` as OperationId;
	expect(operation(of(caption, "r", "n"), "r", "n")).toBe(caption);
	expect(operationOf(of(caption, "r", "n"))).toBe(caption);
	expect(operation(caption, "r", "n")).toBeUndefined();
});

test("an id without our signature is not recognised", () => {
	const seals = fc.string({ unit: fc.constantFrom(..."abcXYZ019-_"), minLength: 11, maxLength: 11 });
	const ids = fc.oneof(
		fc.string(),
		fc.tuple(fc.string(), seals).map(([id, seal]) => `${id}.${seal}`),
	);
	fc.assert(fc.property(ids, (id) => operation(id, "r", "n") === undefined));
});
