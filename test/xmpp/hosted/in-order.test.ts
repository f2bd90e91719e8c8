import { expect, test } from "vitest";
import { createOrder } from "../../../src/xmpp/hosted/in-order.ts";

test("works of one room follow each other, those of others do not wait, and an error stops none", async () => {
	const done: string[] = [];
	const failures: unknown[] = [];
	const inOrder = createOrder<string>((error) => failures.push(error));
	const file = Promise.withResolvers<void>();
	inOrder("a", () => void done.push("a1"));
	expect(done).toEqual(["a1"]);
	inOrder("a", () => file.promise.then(() => void done.push("a2")));
	inOrder("a", () => void done.push("a3"));
	inOrder("b", () => void done.push("b1"));
	expect(done).toEqual(["a1", "b1"]);
	inOrder("a", () => {
		throw new Error("one");
	});
	inOrder("a", () => Promise.reject(new Error("two")));
	const end = Promise.withResolvers<void>();
	inOrder("a", () => {
		done.push("a4");
		end.resolve();
	});
	file.resolve();
	await end.promise;
	expect(done).toEqual(["a1", "b1", "a2", "a3", "a4"]);
	expect(failures.map(String)).toEqual(["Error: one", "Error: two"]);
	await new Promise((resolve) => setTimeout(resolve, 0));
	inOrder("a", () => void done.push("a5"));
	expect(done.at(-1)).toBe("a5");
});
