import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Range } from "../../src/core/hosting.ts";
import type { Journal } from "../../src/core/journal.ts";
import { id, matrix, room } from "./sample.ts";

/** The contract of the archives in every journal. `make` creates a journal, `open` opens one that a test has closed. */
export function placesContract(engine: string, make: () => Promise<{ open(): Promise<Journal> }>): void {
	describe(`a journal in ${engine}`, () => {
		let where: { open(): Promise<Journal> };
		let journal: Journal;
		beforeEach(async () => {
			where = await make();
			journal = await where.open();
		});
		afterEach(() => journal.close());
		const reopen = async () => {
			await journal.close();
			journal = await where.open();
		};

		describe("keeps the archive of a room", () => {
			const [network, of] = [matrix, room("plaza")];
			const place = (name: string, at = 1_000) => ({ id: id(name), at });
			const named = (...names: readonly string[]) => names.map((name) => place(name));
			const match = async (range: Partial<Range> = {}) => {
				const found = await journal.places.match(network, of, { limit: 100, ...range });
				return { ...found, places: found.places.map((one) => one.id) };
			};
			const order = async () => (await match()).places;

			it("in the order in which its places came, each once, and in no other room", async () => {
				await journal.places.append(network, of, named("b", "a", "b"));
				await journal.places.append(network, of, named("c", "a", "d"));
				await journal.places.append(network, room("yard"), named("e", "a"));
				await reopen();
				expect(await order()).toEqual(["b", "a", "c", "d"]);
				expect(await journal.places.find(network, of, ["d", "x", "b"].map(id))).toEqual(named("b", "d"));
			});

			it("with earlier places before the first one, and knows when nothing precedes them", async () => {
				await journal.places.append(network, of, named("c", "d"));
				await journal.places.prepend(network, of, named("a", "b", "c"), id("d"), false);
				expect(await match()).toMatchObject({ first: place("a"), begun: false });
				await journal.places.prepend(network, of, named("y", "z", "z"), id("a"), true);
				// A second reading of the same part brings nothing new.
				await journal.places.prepend(network, of, named("y", "z", "a"), id("b"), true);
				await journal.places.prepend(network, of, named("lost"), id("unknown"), false);
				await journal.places.append(network, of, named("e", "a"));
				await reopen();
				expect(await match()).toEqual({
					places: ["y", "z", "a", "b", "c", "d", "e"],
					more: false,
					total: 7,
					first: place("y"),
					begun: true,
				});
			});

			it("also when it is read before its first message comes in", async () => {
				expect(await match()).toEqual({ places: [], more: false, total: 0, begun: false });
				await journal.places.prepend(network, of, named("a", "b"), undefined, true);
				await journal.places.append(network, of, named("b", "c"));
				expect(await match()).toMatchObject({ places: ["a", "b", "c"], begun: true });
				await journal.places.forget(network, of);
				expect(await match()).toEqual({ places: [], more: false, total: 0, begun: false });
				expect(await journal.places.find(network, of, [id("a")])).toEqual([]);
			});

			it("and finds the places between ids and times, the first or the last of them", async () => {
				const times = [5, 1, 3, 2, 4];
				await journal.places.append(
					network,
					of,
					[..."abcde"].map((name, index) => place(name, times[index])),
				);
				const ids = async (range: Partial<Range>) => {
					const { places, more, total } = await match(range);
					return `${places.join("")} ${more ? "of" : "all"} ${total}`;
				};
				expect(await ids({ after: id("b") })).toBe("cde all 3");
				expect(await ids({ after: id("b"), limit: 2 })).toBe("cd of 3");
				expect(await ids({ before: id("d") })).toBe("abc all 3");
				expect(await ids({ before: id("d"), limit: 2, last: true })).toBe("bc of 3");
				expect(await ids({ after: id("a"), before: id("e") })).toBe("bcd all 3");
				expect(await ids({ after: id("d"), before: id("b") })).toBe(" all 0");
				expect(await ids({ after: id("x") })).toBe(" all 0");
				expect(await ids({ before: id("x"), last: true })).toBe(" all 0");
				expect(await ids({ start: 2, end: 4 })).toBe("cde all 3");
				expect(await ids({ start: 2, limit: 1, last: true })).toBe("e of 4");
				expect(await ids({ start: 6 })).toBe(" all 0");
				expect(await ids({ end: 3, after: id("b"), limit: 1 })).toBe("c of 2");
				expect(await ids({ limit: 0 })).toBe(" of 5");
			});
		});
	});
}
