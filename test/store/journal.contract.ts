import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Kind, keyKinds, valuesOf } from "../../src/core/dedupe.ts";
import type { Entry, Journal, Lane, Row } from "../../src/core/journal.ts";
import { bounds } from "../../src/store/bounds.ts";
import {
	entry,
	id,
	lane,
	matrix,
	message,
	muc,
	newRow,
	original,
	person,
	room,
	user,
	xmpp,
} from "./sample.ts";

/** The contract of every journal. `make` creates a journal, `open` opens one that a test has closed. */
export function journalContract(engine: string, make: () => Promise<{ open(): Promise<Journal> }>): void {
	describe(`a journal in ${engine}`, () => {
		let place: { open(): Promise<Journal> };
		let journal: Journal;
		beforeEach(async () => {
			place = await make();
			journal = await place.open();
		});
		afterEach(async () => {
			vi.useRealTimers();
			await journal.close();
		});
		const reopen = async () => {
			await journal.close();
			journal = await place.open();
		};
		const all = (of = lane()) => journal.rows(of, 0, 1_000_000);
		const accepted = async (...entries: readonly Entry[]) => {
			const [first, ...others] = await journal.accept(entries);
			return [first as Row, ...others] as const;
		};

		it("returns the rows of a lane in order, and none of another lane", async () => {
			const rows = await journal.accept([entry("a"), entry("b", lane("other")), entry("c")]);
			expect(rows.map((row) => row.trace)).toEqual(["a", "b", "c"]);
			expect(await all()).toEqual([rows[0], rows[2]]);
			expect(rows[0]).toMatchObject({ ...newRow("a"), state: "waiting", attempts: 0 });
			expect(Math.abs(Date.now() - (rows[0]?.queuedAt ?? 0))).toBeLessThan(60_000);
		});

		it("keeps the order of concurrent calls", async () => {
			const names = Array.from({ length: 300 }, (_, index) => `message ${index}`);
			const rows = await Promise.all(names.map((name) => journal.accept([entry(name)])));
			const seqs = rows.flat().map((row) => row.seq);
			expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
			expect((await all()).map((row) => row.trace)).toEqual(names);
		});

		it("names by a shared id the one of a room's last 1,000 messages that has it", async () => {
			const says = (name: string, ...shared: string[]): Entry => ({
				...entry(name),
				aka: [id(`own ${name}`)],
				shared: shared.map(id),
			});
			const named = async (shared: string) => (await journal.copies(original(shared)))[0]?.id;
			/** The id itself stands for several messages. */
			const several = "2";
			await journal.accept([says("a", "1", "origin"), says("b", "2")]);
			expect([await named("1"), await named("origin"), await named("2")]).toEqual(["a", "a", "b"]);
			await journal.accept([says("c", "2")]);
			await reopen();
			expect([await named("1"), await named("2"), await named("3")]).toEqual(["a", several, undefined]);
			// The correction of a message is the same message.
			await journal.accept([{ ...says("d", "1", "4"), of: id("own a") }]);
			expect([await named("1"), await named("4")]).toEqual(["a", "a"]);
			// Now a and b are older than the last 1,000 messages, then c and d as well.
			await journal.accept(Array.from({ length: bounds.shared.count - 2 }, (_, n) => says(`e${n}`, `e${n}`)));
			expect([await named("2"), await named("1")]).toEqual(["c", "a"]);
			await journal.accept([says("f", "f"), says("g", "g")]);
			const last = ["2", "1", "e0", "f"].map(named);
			expect(await Promise.all(last)).toEqual([undefined, undefined, "e0", "f"]);
		});

		it("names no message by a shared id that another message there has as its own copy", async () => {
			const [row] = await accepted(entry("a"));
			await journal.done(row, muc, [id("m1")]);
			const forged = { ...message("x1"), sender: person("romeo", xmpp), room: muc.room };
			const rows = [newRow("x1", lane("back"), forged)];
			await journal.accept([{ key: "x1", rows, aka: [id("own x1")], shared: [id("m1")] }]);
			expect(await journal.copies({ ...muc, id: id("m1") })).toEqual([{ ...muc, id: id("m1") }]);
			expect(await journal.copies(original("a"))).toHaveLength(2);
		});

		it("accepts an event once, however often and close together it arrives", async () => {
			const twice = await Promise.all([
				journal.accept([entry("a"), entry("a")]),
				journal.accept([entry("a")]),
			]);
			expect(twice.flat()).toHaveLength(1);
			await journal.done((await all())[0] as Row, muc, []);
			await reopen();
			expect(await journal.accept([entry("a")])).toEqual([]);
			expect(await all()).toEqual([]);
		});

		it("stores a cursor with an entry or alone", async () => {
			expect(await journal.cursor("muc")).toBeUndefined();
			await journal.accept([{ ...entry("a"), cursor: { key: "muc", value: "1" } }]);
			await journal.saveCursor("other", "");
			// A repeated entry brings nothing new but still moves the cursor.
			await journal.accept([{ ...entry("a"), cursor: { key: "muc", value: "2" } }]);
			await reopen();
			expect(await journal.cursor("muc")).toBe("2");
			expect(await journal.cursor("other")).toBe("");
			await journal.saveCursor("muc", "3");
			expect(await journal.cursor("muc")).toBe("3");
		});

		it("removes an expired row only if it was never attempted", async () => {
			const [waiting, tried, again] = await journal.accept(["a", "b", "c"].map((name) => entry(name)));
			if (!waiting || !tried || !again) throw new Error("three rows");
			await journal.attempt(tried);
			await journal.attempt(again);
			await journal.release([again]);
			const gone = await Promise.all([waiting, tried, again, waiting].map((row) => journal.expire(row)));
			expect(gone).toEqual([true, false, true, false]);
			await reopen();
			expect((await all()).map((row) => row.trace)).toEqual(["b"]);
			expect(await journal.dead(10)).toEqual([]);
			expect(await journal.attempt(waiting)).toBe(false);
		});

		it("lists the cursors below a prefix in the order of their keys, and forgets one that is removed", async () => {
			const keys = ["s a/1", "s a/2", "s a/\u{1F600}", "s b", "r", "t"];
			for (const key of keys.toReversed()) await journal.saveCursor(key, `of ${key}`);
			const below = async (prefix: string) => (await journal.cursors(prefix)).map(({ key }) => key);
			expect(await below("s a/")).toEqual(keys.slice(0, 3));
			expect(await journal.cursors("s b")).toEqual([{ key: "s b", value: "of s b" }]);
			await journal.saveCursor("s a/2", undefined);
			await journal.saveCursor("s c", undefined);
			await reopen();
			expect(await below("s ")).toEqual(["s a/1", "s a/\u{1F600}", "s b"]);
			expect(await journal.cursor("s a/2")).toBeUndefined();
		});

		it("ignores an entry with a known key, its member and ids included", async () => {
			const member = { network: matrix, room: room("!r"), person: person("@bob:hs.test"), present: true };
			await journal.once("known");
			await journal.accept([{ key: "known", rows: [newRow("a")], member, aka: [id("a too")] }]);
			expect(await all()).toEqual([]);
			expect(await journal.copies(original("a"))).toEqual([]);
			expect(await journal.members(matrix, room("!r"))).toEqual([]);
		});

		it("reports a key as new exactly once", async () => {
			expect(await Promise.all([journal.once("k"), journal.once("k"), journal.once("l")])).toEqual([
				true,
				false,
				true,
			]);
			await reopen();
			expect(await journal.once("k")).toBe(false);
		});

		it("stores every character of an event", async () => {
			const text = "\u0000\u0001\b\t\n\r\"\\ 'ÿ\u0085\u2028\u2029\ud83d lone \udc00 🜂 \ufffe\u202e";
			const event = message(`id ${text}`, text);
			await journal.accept([{ key: text, rows: [newRow("a", lane(), event)] }]);
			await reopen();
			expect((await all())[0]?.event).toEqual(event);
		});

		it("pages through a lane by seq", async () => {
			await journal.accept(["a", "b", "c", "d"].map((name) => entry(name)));
			const first = await journal.rows(lane(), 0, 2);
			expect(first.map((row) => row.trace)).toEqual(["a", "b"]);
			const rest = await journal.rows(lane(), first[1]?.seq ?? 0, 10);
			expect(rest.map((row) => row.trace)).toEqual(["c", "d"]);
		});

		it("never reuses a seq, so that a lane misses no row", async () => {
			const [row] = await accepted(entry("a"));
			await journal.done(row, muc, []);
			await reopen();
			const [next] = await accepted(entry("b"));
			expect(next.seq).toBeGreaterThan(row.seq);
		});

		it("lists the lanes that hold rows, with their count and age", async () => {
			vi.useFakeTimers({ toFake: ["Date"], now: 1_000 });
			const [row] = await accepted(entry("a", lane("one"), lane("two")));
			vi.setSystemTime(2_000);
			await journal.accept([entry("b", lane("two")), entry("c", lane("three"))]);
			expect(await journal.lanes()).toEqual([
				{ ...lane("one"), depth: 1, oldest: 1_000 },
				{ ...lane("two"), depth: 2, oldest: 1_000 },
				{ ...lane("three"), depth: 1, oldest: 2_000 },
			]);
			await journal.done(row, muc, []);
			expect((await journal.lanes()).map(({ link }) => link)).toEqual(["two", "three"]);
		});

		it("knows after a restart which rows are in doubt", async () => {
			const [row] = await accepted(entry("a"), entry("b"));
			await journal.attempt(row);
			await journal.attempt(row);
			await reopen();
			expect((await all()).map(({ state, attempts }) => [state, attempts])).toEqual([
				["doubt", 2],
				["waiting", 0],
			]);
		});

		it("returns a row that was not sent to waiting, where a cancel removes it", async () => {
			const [a, b, c] = (await accepted(entry("a"), entry("b"), entry("c"))) as readonly Row[] as [
				Row,
				Row,
				Row,
			];
			await Promise.all([a, b, b, c].map((row) => journal.attempt(row)));
			await Promise.all([journal.done(c, muc, []), journal.release([a, b, c])]);
			await journal.release([a]);
			await reopen();
			expect((await all()).map(({ state, attempts }) => [state, attempts])).toEqual([
				["waiting", 0],
				["doubt", 1],
			]);
			expect(await journal.cancel(original("a"))).toEqual([a]);
			expect(await journal.cancel(original("b"))).toEqual([]);
		});

		it("removes the rows of a message that was deleted while they were in doubt, once they prove unsent", async () => {
			const edit = { ...message("edit"), kind: "edit" as const, target: { id: id("a") } };
			const changing: Entry = { key: "edit", rows: [newRow("edit", lane(), edit)], of: id("a") };
			const rows = await accepted(entry("a"), changing, entry("b"), entry("c"));
			const [a, change, b, c] = rows as readonly Row[] as [Row, Row, Row, Row];
			await Promise.all([a, change, b, b, c].map((row) => journal.attempt(row)));
			for (const name of ["a", "b"]) expect(await journal.cancel(original(name))).toEqual([]);
			await reopen();
			await journal.release([a, change, b, c]);
			expect((await all()).map(({ trace }) => trace)).toEqual(["b", "c"]);
			expect(await Promise.all([a, b].map(({ event }) => journal.gone(original(event.id))))).toEqual([
				...[true, false],
			]);
			expect(await journal.attempt(a)).toBe(false);
			await journal.release([b]);
			expect((await all()).map(({ trace }) => trace)).toEqual(["c"]);
		});

		describe("with held rows", () => {
			const later = (name: string, ...lanes: readonly Lane[]): Entry => {
				const one = entry(name, ...lanes);
				return { ...one, rows: one.rows.map((row) => ({ ...row, held: true })) };
			};
			const editing = (name: string, of: string, text: string): Entry => {
				const event = { ...message(name, text), kind: "edit" as const, target: { id: id(of) } };
				return { key: name, rows: [{ ...newRow(name, lane(), event), held: true }], of: id(of) };
			};
			const names = (rows: readonly Row[]) => rows.map(({ trace, lane: { link } }) => `${trace} ${link}`);

			it("keeps them out of their lanes over a restart, until they enter at the end in the order asked for", async () => {
				const rows = await journal.accept([later("a", lane("one"), lane("two")), later("b"), entry("c")]);
				expect(rows.map(({ trace, held }) => [trace, held])).toEqual([
					...[
						["a", true],
						["a", true],
						["b", true],
						["c", undefined],
					],
				]);
				await reopen();
				expect(names(await all())).toEqual(["c link"]);
				expect((await journal.lanes()).map(({ depth }) => depth)).toEqual([1]);
				expect(await journal.stats()).toMatchObject({ waiting: 1, held: 2 });
				expect((await journal.held(0, 10)).map(({ event }) => event)).toEqual([message("a"), message("b")]);
				const entered = await journal.enter([original("b"), original("a"), original("c")]);
				expect(names(entered)).toEqual(["b link", "a one", "a two"]);
				expect(entered[0]).toMatchObject({ state: "waiting", attempts: 0, event: message("b") });
				expect(names(await all())).toEqual(["c link", "b link"]);
				expect(await all(lane("two"))).toEqual([entered[2]]);
				expect(await journal.enter([original("a")])).toEqual([]);
				expect(await journal.stats()).toMatchObject({ waiting: 4, held: 0 });
			});

			it("accepts a held event once, and pages through those by position", async () => {
				await journal.accept(["a", "b", "c"].map((name) => later(name)));
				expect(await journal.accept([later("a"), entry("b")])).toEqual([]);
				const [first] = await journal.held(0, 1);
				expect(first?.event.id).toBe("a");
				const rest = await journal.held(first?.position ?? 0, 10);
				expect(rest.map(({ event }) => event.id)).toEqual(["b", "c"]);
				await journal.enter([original("a")]);
				expect(await journal.accept([later("a")])).toEqual([]);
			});

			it("keeps the request of a held row", async () => {
				const one = later("a");
				await journal.accept([{ ...one, rows: one.rows.map((row) => ({ ...row, request: "{}" })) }]);
				expect(await journal.enter([original("a")])).toMatchObject([{ request: "{}" }]);
			});

			it("merges an edit with the held message, whose further id that of the edit becomes", async () => {
				await journal.accept([{ ...later("a"), aka: [id("a too")] }, later("b")]);
				expect(await journal.accept([{ ...editing("edit", "a", "better"), into: id("a") }])).toEqual([]);
				await reopen();
				expect(await journal.held(0, 1)).toEqual([
					{ position: expect.any(Number), event: message("a", "better"), ids: [id("a too"), id("edit")] },
				]);
				expect(await journal.accept([{ ...editing("edit", "a", "worse"), into: id("a") }])).toEqual([]);
				const [row] = await journal.enter([original("a")]);
				expect(row).toMatchObject({ trace: "a", event: message("a", "better") });
				await journal.done(row as Row, muc, [id("copy")]);
				expect(await journal.copies(original("edit"))).toContainEqual({ ...muc, id: id("copy") });
			});

			it("holds an edit on its own if the message that it would merge with is not held", async () => {
				await journal.accept([entry("a")]);
				const [row] = await journal.accept([{ ...editing("edit", "a", "better"), into: id("a") }]);
				expect(row).toMatchObject({ held: true, trace: "edit" });
				expect(names(await journal.enter([original("edit")]))).toEqual(["edit link"]);
			});

			it("cancels them with their message, and those of its edits", async () => {
				await journal.accept([later("a", lane("one"), lane("two")), entry("b"), editing("edit", "b", "x")]);
				expect(names(await journal.cancel(original("a")))).toEqual(["a one", "a two"]);
				expect(await journal.gone(original("a"))).toBe(true);
				const cancelled = await journal.cancel(original("b"));
				expect(cancelled.map(({ trace, held }) => [trace, held])).toEqual([
					...[
						["b", undefined],
						["edit", true],
					],
				]);
				expect(await journal.held(0, 10)).toEqual([]);
			});

			it("tells the shared ids of a held event with its others", async () => {
				await journal.accept([{ ...later("a"), aka: [id("a too")], shared: [id("chosen"), id("chosen 2")] }]);
				await reopen();
				expect((await journal.held(0, 1))[0]?.ids).toEqual(["a too", "chosen", "chosen 2"]);
			});

			it("keeps the id of a held message from the further ids of others", async () => {
				await journal.accept([later("a"), { ...entry("b"), aka: [id("a")] }]);
				const [row] = await journal.enter([original("a")]);
				await journal.done(row as Row, muc, [id("copy of a")]);
				expect(await journal.copies(original("a"))).toContainEqual({ ...muc, id: id("copy of a") });
			});
		});

		it("accepts a row as already attempted, until the lane reports it unsent", async () => {
			const begun = (name: string) => ({ key: name, rows: [{ ...newRow(name), begun: true }] });
			const [a, b] = (await accepted(begun("a"), begun("b"))) as readonly Row[] as [Row, Row];
			expect([a.begun, a.state, a.attempts]).toEqual([true, "waiting", 0]);
			expect(await journal.attempt(b, "rendered")).toBe(true);
			await reopen();
			expect((await all()).map(({ state, attempts, request }) => [state, attempts, request])).toEqual([
				["doubt", 1, undefined],
				["doubt", 1, "rendered"],
			]);
			// Else the next run would not count its own attempt, and an unsent one would take back this one's doubt.
			expect((await all()).map(({ begun }) => begun)).toEqual([undefined, undefined]);
			await journal.release([a, b]);
			expect((await all()).map(({ state, attempts }) => [state, attempts])).toEqual([
				["waiting", 0],
				["waiting", 0],
			]);
			expect(await journal.cancel(original("a"))).toHaveLength(1);
		});

		it("keeps the delivery plan given with a row until the first attempt replaces it", async () => {
			const known = (name: string) => ({
				key: name,
				rows: [{ ...newRow(name), begun: true, request: "room" }],
			});
			const [, b] = (await accepted(known("a"), known("b"))) as readonly Row[] as [Row, Row];
			expect(await journal.attempt(b, "another room")).toBe(true);
			await reopen();
			expect((await all()).map(({ request }) => request)).toEqual(["room", "another room"]);
		});

		it("knows an arrival in the next call, and after an immediate close", async () => {
			const [a, b] = await accepted(entry("a"), entry("b"));
			const noted = journal.done(a, muc, [id("x")]);
			expect(await journal.copies(original("a"))).toHaveLength(2);
			await noted;
			void journal.done(b as Row, muc, []);
			await reopen();
			expect(await all()).toEqual([]);
		});

		it("refuses an attempt on a row that is gone", async () => {
			const [first, second] = await accepted(entry("a"), entry("b"));
			await journal.done(first, muc, []);
			await journal.refuse(second as Row, "no");
			expect(await journal.attempt(first)).toBe(false);
			expect(await journal.attempt(second as Row, "rendered")).toBe(false);
		});

		it("keeps the rendered request, so that a retry after a restart sends the same", async () => {
			const [row] = await accepted(entry("a"));
			expect(row).not.toHaveProperty("request");
			expect(await journal.attempt(row)).toBe(true);
			expect((await all())[0]).not.toHaveProperty("request");
			const request = '{"body":"\u2028 one"}';
			expect(await journal.attempt(row, request)).toBe(true);
			expect(await journal.attempt(row)).toBe(true);
			await reopen();
			expect((await all())[0]).toMatchObject({ request, attempts: 3 });
			await journal.keep(row, "and what was made since");
			await reopen();
			expect((await all())[0]).toMatchObject({ request: "and what was made since", attempts: 3 });
			await journal.attempt(row, "through another ghost, after a refusal");
			await journal.refuse(row, "no");
			expect((await journal.dead(1))[0]?.request).toBe("through another ghost, after a refusal");
			await journal.keep(row, "of a row that is gone");
			expect(await all()).toEqual([]);
		});

		it("finds a message by each of its ids in its own room, from its arrival on", async () => {
			await journal.accept([{ ...entry("a"), aka: [id("a by origin-id"), id("a")] }]);
			const family = [original("a"), original("a by origin-id")];
			for (const of of family) expect(await journal.copies(of)).toEqual(family);
			await journal.done((await all())[0] as Row, muc, [id("stanza-id"), id("message id")]);
			await reopen();
			const both = [
				{ ...muc, id: id("stanza-id") },
				{ ...muc, id: id("message id") },
			];
			for (const of of [...family, ...both]) expect(await journal.copies(of)).toEqual([...family, ...both]);
			const there = (await journal.copies(original("a"))).filter((copy) => copy.room === muc.room);
			expect(there).toEqual(both);
		});

		it("moves a reused id to the later message, but never another message's own id", async () => {
			const forged = [id("1"), id("a")];
			await journal.accept([
				{ ...entry("a"), aka: [id("1")] },
				{ ...entry("b"), aka: forged },
			]);
			const ofB = [original("b"), original("1")];
			expect(await journal.copies(original("1"))).toEqual(ofB);
			expect(await journal.copies(original("a"))).toEqual([]);
			const copy = { ...muc, id: id("copy of a") };
			await journal.done((await all())[0] as Row, muc, [copy.id]);
			await journal.accept([{ ...entry("c"), aka: forged }]);
			expect(await journal.copies(original("a"))).toEqual([original("a"), copy]);
			const there = { ...message("d"), room: muc.room, sender: person("romeo", xmpp) };
			await journal.accept([{ key: "d", rows: [newRow("d", lane(), there)], aka: [copy.id] }]);
			expect(await journal.copies(copy)).toEqual([original("a"), copy]);
		});

		it("finds a message by the ids of its edits, in every room", async () => {
			const edit = { ...message("b"), kind: "edit" as const, target: { id: id("a") } };
			const [first] = await accepted({ ...entry("a"), aka: [id("own a")] });
			await journal.done(first, muc, [id("x")]);
			const change = { key: "b", rows: [newRow("b", lane(), edit)], aka: [id("own b")], of: id("own a") };
			const [row] = await accepted(change);
			await journal.done(row, muc, [id("y")]);
			await reopen();
			const family = [
				...["a", "own a"].map(original),
				{ ...muc, id: id("x") },
				...["b", "own b"].map(original),
				{ ...muc, id: id("y") },
			];
			for (const of of family) expect(await journal.copies(of)).toEqual(family);
		});

		it("treats an edit of an unknown message as a message of its own", async () => {
			const edit = { ...message("b"), kind: "edit" as const, target: { id: id("a") } };
			const [row] = await accepted({
				key: "b",
				rows: [newRow("b", lane(), edit)],
				aka: [id("own b")],
				of: id("own a"),
			});
			await journal.done(row, muc, [id("y")]);
			expect(await journal.copies(original("own a"))).toEqual([]);
			expect(await journal.copies(original("own b"))).toEqual([
				...["b", "own b"].map(original),
				{ ...muc, id: id("y") },
			]);
		});

		it("cancels a deleted message with its edits, and nothing else", async () => {
			const edit = { ...message("b"), kind: "edit" as const, target: { id: id("a") } };
			const change: Entry = { key: "b", rows: [newRow("b", lane(), edit)], of: id("a") };
			const [one, two] = await accepted(entry("a"), change, entry("c"));
			expect((await journal.cancel(original("a"))).map(({ trace }) => trace)).toEqual(["a", "b"]);
			await reopen();
			for (const [name, gone] of [
				["a", true],
				["b", true],
				["c", false],
			] as const)
				expect(await journal.gone(original(name))).toBe(gone);
			await journal.refuse(one, "gone already");
			await journal.refuse(two as Row, "gone already");
			expect((await all()).map(({ trace }) => trace)).toEqual(["c"]);
		});

		it("finds every copy of a message from any copy, the original first", async () => {
			const other = { network: matrix, room: room("!other:hs.test") };
			const [one, two] = await accepted(entry("a", lane("one"), lane("two")));
			await journal.done(one, muc, [id("x1"), id("x2")]);
			await journal.done(two as Row, other, [id("m1")]);
			await reopen();
			const copies = [
				original("a"),
				{ ...muc, id: id("x1") },
				{ ...muc, id: id("x2") },
				{ ...other, id: id("m1") },
			];
			for (const of of copies) expect(await journal.copies(of)).toEqual(copies);
			expect(await journal.copies({ ...muc, id: id("m1") })).toEqual([]);
			expect(await journal.copies({ ...muc, room: room("unheard@muc.test"), id: id("x1") })).toEqual([]);
			expect(await all(lane("one"))).toEqual([]);
		});

		it("resolves an id to its latest message", async () => {
			const [first, second] = await accepted(entry("a"), entry("b"));
			await journal.done(first, muc, [id("same")]);
			await journal.done(second as Row, muc, [id("same")]);
			expect(await journal.copies({ ...muc, id: id("same") })).toEqual([
				original("b"),
				{ ...muc, id: id("same") },
			]);
			expect(await journal.copies(original("a"))).toEqual([]);
		});

		it("settles a row once and ignores later results", async () => {
			const [row] = await accepted(entry("a"));
			await journal.done(row, muc, [id("x")]);
			await journal.refuse(row, "too late");
			await journal.attempt(row);
			await journal.done(row, muc, [id("y")]);
			expect(await journal.dead(10)).toEqual([]);
			expect(await journal.copies(original("a"))).toHaveLength(2);
		});

		it("lists dead letters, the latest first, with the reason", async () => {
			const [first, second] = await accepted(entry("a"), entry("b"));
			await journal.attempt(second as Row);
			await journal.refuse(second as Row, "nobody there");
			await journal.refuse(first, "forbidden");
			await reopen();
			const dead = await journal.dead(10);
			expect(dead.map(({ trace, reason, state }) => [trace, reason, state])).toEqual([
				["a", "forbidden", "waiting"],
				["b", "nobody there", "doubt"],
			]);
			expect(dead[0]).toMatchObject(first);
			expect(await journal.dead(1)).toHaveLength(1);
			expect(await journal.dead(10, first.lane.portal)).toEqual(dead);
			expect(await journal.dead(10, "another" as typeof first.lane.portal)).toEqual([]);
			expect(await all()).toEqual([]);
		});

		it("cancels the unattempted rows of a deleted message by any of its ids", async () => {
			const [one, two, three] = await accepted(
				{ ...entry("a", lane("one"), lane("two"), lane("three")), aka: [id("a by origin-id")] },
				entry("b", lane("one")),
			);
			await journal.attempt(two as Row);
			expect(await journal.cancel(original("a by origin-id"))).toEqual([one, three]);
			expect(await journal.cancel(original("a"))).toEqual([]);
			await reopen();
			expect((await all(lane("one"))).map((row) => row.trace)).toEqual(["b"]);
			expect((await all(lane("two"))).map((row) => row.trace)).toEqual(["a"]);
			expect(await journal.attempt(one)).toBe(false);
			expect(await journal.cancel(original("unheard of"))).toEqual([]);
		});

		it("lets the first of attempt and cancel win", async () => {
			const [a, b] = await accepted(entry("a"), entry("b"));
			expect(await Promise.all([journal.cancel(original("a")), journal.attempt(a)])).toEqual([[a], false]);
			expect(await Promise.all([journal.attempt(b as Row), journal.cancel(original("b"))])).toEqual([
				true,
				[],
			]);
		});

		it("revives dead letters at the end of their lanes, the oldest first, and in doubt if they were", async () => {
			const rows = await accepted(entry("a"), entry("b", lane("other")), entry("c"), entry("d"));
			for (const row of [rows[2], rows[0], rows[1]] as readonly Row[]) {
				await journal.attempt(row, "as it was");
				await journal.refuse(row, "no");
			}
			vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
			expect(await journal.revive({ lane: lane("unheard of"), limit: 10 })).toEqual([]);
			const [first, ...others] = await journal.revive({ lane: lane(), limit: 1 });
			expect(others).toEqual([]);
			const tried = { state: "doubt", attempts: 1 };
			expect(first).toEqual({ ...rows[2], ...tried, seq: first?.seq, queuedAt: Date.now() });
			const rest = await journal.revive({ limit: 10 });
			expect(rest.map((row) => row.trace)).toEqual(["a", "b"]);
			await reopen();
			expect((await all()).map((row) => row.trace)).toEqual(["d", "c", "a"]);
			expect(await all(lane("other"))).toEqual([rest[1]]);
			expect((await all()).map(({ state }) => state)).toEqual(["waiting", "doubt", "doubt"]);
			expect((await all()).every(({ request }) => request === undefined)).toBe(true);
			expect(await journal.dead(10)).toEqual([]);
			expect(await journal.revive({ limit: 10 })).toEqual([]);
			// A revived row can be delivered, or become a dead letter again.
			await journal.done(first as Row, muc, [id("x")]);
			expect(await journal.copies(original("c"))).toHaveLength(2);
			await journal.refuse(rest[0] as Row, "no");
			expect(await journal.dead(10)).toHaveLength(1);
		});

		it("revives no message that its sender deleted", async () => {
			const [row] = await accepted(entry("a"));
			await journal.refuse(row, "no");
			expect(await journal.cancel(original("a"))).toEqual([]);
			expect(await journal.dead(10)).toEqual([]);
			expect(await journal.revive({ limit: 10 })).toEqual([]);
		});

		it("counts waiting rows and tells the age of the oldest", async () => {
			expect(await journal.stats()).toEqual({ waiting: 0, oldest: undefined, dead: 0, held: 0 });
			const [first] = await accepted(entry("a"), entry("b"), entry("c"));
			expect(await journal.stats()).toEqual({ waiting: 3, oldest: first.queuedAt, dead: 0, held: 0 });
			await journal.refuse(first, "no");
			expect(await journal.stats()).toMatchObject({ waiting: 2, dead: 1 });
		});

		it("stores one person's reactions to a message separately for each room", async () => {
			const [alice, bob] = [user("@alice:hs.test"), user("@bob:hs.test")];
			const lobby = room("!lobby:hs.test");
			const shown = [{ emoji: "👍", id: id("$1") }, { emoji: "🎉", id: id("$2") }, { emoji: "e\u0301" }];
			await journal.setReactions(matrix, lobby, id("m"), alice, shown);
			await journal.setReactions(matrix, lobby, id("m"), bob, [{ emoji: "👍", id: id("$3") }]);
			await journal.setReactions(xmpp, muc.room, id("m"), alice, [{ emoji: "👍" }]);
			await reopen();
			expect(await journal.reactions(matrix, lobby, id("m"), alice)).toEqual(shown);
			expect(await journal.reactions(xmpp, muc.room, id("m"), alice)).toEqual([{ emoji: "👍" }]);
			expect(await journal.reactions(matrix, lobby, id("other"), alice)).toEqual([]);
			expect(await journal.reactions(matrix, room("!unheard"), id("m"), alice)).toEqual([]);
			const found = { message: id("m"), sender: alice, emoji: "🎉" };
			expect(await journal.reactionAt(matrix, lobby, id("$2"))).toEqual(found);
			expect(await journal.reactionAt(xmpp, muc.room, id("$2"))).toBeUndefined();
			await journal.setReactions(matrix, lobby, id("m"), alice, [{ emoji: "🙂" }]);
			expect(await journal.reactionAt(matrix, lobby, id("$2"))).toBeUndefined();
			expect(await journal.reactions(matrix, lobby, id("m"), alice)).toEqual([{ emoji: "🙂" }]);
			await journal.setReactions(matrix, lobby, id("m"), alice, []);
			expect(await journal.reactions(matrix, lobby, id("m"), alice)).toEqual([]);
			expect(await journal.reactions(matrix, lobby, id("m"), bob)).toHaveLength(1);
		});

		it("stores a reaction with its event, once", async () => {
			const lobby = room("!lobby:hs.test");
			const [alice, message] = [user("@alice:hs.test"), id("m")];
			const set = { network: matrix, room: lobby, message, sender: alice };
			await journal.accept([{ ...entry("$1"), reaction: { ...set, now: [{ emoji: "👍", id: id("$1") }] } }]);
			await journal.accept([{ ...entry("$2"), reaction: { ...set, now: [] } }]);
			await journal.accept([{ ...entry("$1"), reaction: { ...set, now: [{ emoji: "👍", id: id("$1") }] } }]);
			await reopen();
			expect(await journal.reactions(matrix, lobby, message, alice)).toEqual([]);
			expect((await all()).map((row) => row.trace)).toEqual(["$1", "$2"]);
		});

		it("lists the members of a room by their current profile", async () => {
			const at = { network: matrix, room: room("!r") };
			const alice = person("@alice:hs.test");
			const renamed = { ...alice, name: "Alice" };
			const bob = person("@bob:hs.test");
			const change = (key: string, who: typeof alice, present: boolean): Entry => ({
				key,
				rows: [],
				member: { ...at, person: who, present },
			});
			await journal.accept([change("1", alice, true), change("2", bob, true), change("3", renamed, true)]);
			await reopen();
			expect(await journal.members(matrix, at.room)).toEqual([renamed, bob]);
			await journal.accept([change("4", alice, false)]);
			expect(await journal.members(matrix, at.room)).toEqual([bob]);
			expect(await journal.members(matrix, room("!other"))).toEqual([]);
			await journal.forget(matrix, at.room);
			expect(await journal.members(matrix, at.room)).toEqual([]);
		});

		describe("in time", () => {
			const start = Date.UTC(2026, 0, 1);
			const day = 24 * 60 * 60 * 1000;
			beforeEach(() => {
				vi.useFakeTimers({ toFake: ["Date"], now: start });
			});

			it("prunes copies, reactions and dead letters past their age, but no waiting row", async () => {
				const [old, dead] = await accepted(entry("old"), entry("dead"), entry("waits"));
				await journal.done(old, muc, [id("old copy")]);
				const react = (to: string) =>
					journal.setReactions(matrix, room("!r"), id(to), user("@alice:hs.test"), [{ emoji: "👍" }]);
				const reacted = async (to: string) =>
					(await journal.reactions(matrix, room("!r"), id(to), user("@alice:hs.test"))).length;
				await react("old");
				await react("changed");
				await journal.refuse(dead as Row, "no");
				vi.setSystemTime(start + bounds.copies.age);
				const [fresh] = await accepted(entry("fresh"));
				await journal.done(fresh, muc, [id("fresh copy")]);
				await react("changed");
				await journal.prune(start + bounds.copies.age);
				expect(await journal.copies(original("old"))).toHaveLength(2);
				expect(await reacted("old")).toBe(1);
				expect(await journal.dead(10)).toHaveLength(1);
				await journal.prune(start + bounds.copies.age + 1);
				expect(await journal.copies(original("old"))).toEqual([]);
				expect([await reacted("old"), await reacted("changed")]).toEqual([0, 1]);
				expect(await journal.copies(original("fresh"))).toHaveLength(2);
				expect(await journal.dead(10)).toEqual([]);
				expect((await all()).map((row) => row.trace)).toEqual(["waits"]);
			});

			/** Prunes each day for some days of running time, from this day on. */
			const run = async (from: number, days: number) => {
				for (let n = 0; n <= days; n++) await journal.prune(start + (from + n) * day);
			};
			const week = Object.entries<Kind>(keyKinds).filter(([, kind]) => kind.age !== undefined);

			it.each(week)(
				"prunes dedupe keys of the kind %s by running time, but never the newest",
				async (_, kind) => {
					const { prefix, age = 0, newest = 0 } = kind;
					const many = Array.from({ length: newest }, (_, index) => `${prefix}key-${index}`);
					await journal.once(`${prefix}oldest`);
					await Promise.all(many.map((key) => journal.once(key)));
					// A year of downtime does not count as running time.
					await journal.prune(start);
					await reopen();
					await journal.prune(start + 365 * day);
					await run(365, age / day - 1);
					expect(await journal.once(`${prefix}oldest`)).toBe(false);
					await run(365 + age / day, 1);
					if (many.length > 0) expect(await journal.once(`${prefix}key-1`)).toBe(false);
					expect(await journal.once(`${prefix}oldest`)).toBe(true);
				},
			);

			const value = (thing: number, text: string, standing = false): Entry => {
				const subject = `${keyKinds.value.prefix}room thing-${thing} `;
				return {
					key: `${Math.random()}`,
					rows: [newRow(`${thing} is ${text}`)],
					value: { subject, key: subject + text, standing },
				};
			};

			it("keeps the last value of a thing at any age, until the next one", async () => {
				await journal.accept([value(0, "on"), value(1, "on"), value(0, "off"), value(0, "on")]);
				await run(0, 400);
				await reopen();
				expect(await journal.accept([value(0, "on", true), value(1, "on", true)])).toEqual([]);
				expect(await journal.accept([value(0, "off", true), value(0, "on", true)])).toHaveLength(2);
				expect(await journal.accept([value(10, "on", true), value(1, "on", true)])).toHaveLength(1);
			});

			it("forgets the last values of a room with its members", async () => {
				const subject = valuesOf(muc.network, muc.room);
				const entry = () => ({ ...value(1, "on"), value: { subject, key: `${subject}on`, standing: true } });
				await journal.accept([entry()]);
				expect(await journal.accept([entry()])).toEqual([]);
				await journal.forget(muc.network, muc.room);
				expect(await journal.accept([entry()])).toHaveLength(1);
			});
		});
	});
}
