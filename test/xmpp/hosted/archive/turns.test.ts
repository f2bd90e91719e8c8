import { expect, test } from "vitest";
import { createTurns } from "../../../../src/xmpp/hosted/archive/turns.ts";

/** Queries that end when the test says so. */
function set() {
	const turns = createTurns();
	const begun: string[] = [];
	const ends: (() => void)[] = [];
	/** Returns whether the query is taken. */
	function ask(person: string, query: string): boolean {
		const taken = turns(person, () => {
			begun.push(query);
			return new Promise<void>((resolve) => ends.push(resolve));
		});
		void taken;
		return taken !== undefined;
	}
	const settled = () => new Promise((resolve) => setImmediate(resolve));
	return { begun, ends, ask, settled };
}

test("three queries of a person run at once, and ten of all people", async () => {
	const { begun, ends, ask, settled } = set();
	for (const person of ["a", "b", "c", "d"]) for (let n = 0; n < 4; n++) ask(person, `${person}${n}`);
	await settled();
	expect(begun).toEqual(["a0", "a1", "a2", "b0", "b1", "b2", "c0", "c1", "c2", "d0"]);
	ends[0]?.();
	await settled();
	expect(begun).toHaveLength(11);
});

test("a person with one query does not wait for all queries of another", async () => {
	const { begun, ends, ask, settled } = set();
	for (const person of ["a", "b", "c", "d"]) for (let n = 0; n < 50; n++) ask(person, `${person}${n}`);
	ask("e", "e0");
	for (let n = 0; n < 6; n++) {
		await settled();
		ends[n]?.();
	}
	await settled();
	expect(begun).toContain("e0");
});

test("a query that fails makes room for the next one", async () => {
	const turns = createTurns();
	const fails = () => Promise.reject(new Error("no"));
	const all = Array.from({ length: 5 }, () => turns("a", fails));
	await Promise.allSettled(all);
	await expect(turns("a", async () => "yes")).resolves.toBe("yes");
});

test("past two hundred waiting queries of a person, and a thousand of all, none is taken", async () => {
	const { ask } = set();
	const taken = (person: string, count: number) =>
		Array.from({ length: count }, () => ask(person, "")).filter((one) => one).length;
	expect(taken("a", 300)).toBe(203);
	for (const person of ["b", "c", "d", "e", "f", "g"]) taken(person, 300);
	expect(taken("h", 300)).toBe(0);
});
