import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { OperationId } from "../../../src/core/ids.ts";
import { createSignedIds, operationOf } from "../../../src/xmpp/joined/signed-ids.ts";

const { of, operation } = createSignedIds("secret");
const op = "mDmZ5g0uxKxhFbqvS8p0n5u2wEw4bE1x" as OperationId;

test("our own lines are known again by their id, in their room and under their nick alone", () => {
	const id = of(op, "verona@muc.test", "Alice");
	expect(operation(id, "verona@muc.test", "Alice")).toBe(op);
	expect(operationOf(id)).toBe(op);
	expect(operation(id, "verona@muc.test", "Romeo")).toBeUndefined();
	expect(operation(id, "mantua@muc.test", "Alice")).toBeUndefined();
	expect(createSignedIds("another").operation(id, "verona@muc.test", "Alice")).toBeUndefined();
});

test("a line said before a restart, or by a release before this one, is known again", () => {
	const secret = "bV3p5Xy2Lq9sT4wR8zKc1nHd7jFg6mQe0uAi_oB-YvE";
	const text = ["verona@muc.test", "Alïce", op].join("\0");
	const seal = createHmac("sha256", secret).update(text).digest("base64url").slice(0, 11);
	expect(createSignedIds(secret).operation(`${op}.${seal}`, "verona@muc.test", "Alïce")).toBe(op);
	expect(createSignedIds(secret).of(op, "verona@muc.test", "Alïce")).toBe(`${op}.${seal}`);
});

test("the second part of a message is not taken for the first", () => {
	const caption = `${op}.caption` as OperationId;
	expect(operation(of(caption, "r", "n"), "r", "n")).toBe(caption);
	expect(operationOf(of(caption, "r", "n"))).toBe(caption);
	expect(operation(caption, "r", "n")).toBeUndefined();
});

test("no other id is ours", () => {
	const seals = fc.string({ unit: fc.constantFrom(..."abcXYZ019-_"), minLength: 11, maxLength: 11 });
	const ids = fc.oneof(
		fc.string(),
		fc.tuple(fc.string(), seals).map(([id, seal]) => `${id}.${seal}`),
	);
	fc.assert(fc.property(ids, (id) => operation(id, "r", "n") === undefined));
});
