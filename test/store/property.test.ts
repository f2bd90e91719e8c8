import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Message } from "../../src/core/event.ts";
import type { Range } from "../../src/core/hosting.ts";
import type { Entry, Journal, NewRow, Row } from "../../src/core/journal.ts";
import type { Mapping } from "../../src/core/mapping.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { createNedbMapping } from "../../src/store/nedb.ts";
import { createSqliteJournal } from "../../src/store/sqlite.ts";
import { freshFile, never } from "./directory.ts";
import {
	entry,
	ghost,
	id,
	lane,
	matrix,
	muc,
	original,
	person,
	portal,
	portalId,
	room,
	silent,
	timeless,
	user,
	xmpp,
} from "./sample.ts";

const ids = ["a", "b", "c", "d", "e\u2028é\u0000"];
const few = fc.constantFrom(...ids);
const lanes = [lane("one"), lane("two")] as const;
const at = { network: matrix, room: room("!r") };

/** A step calls a store and returns its answer, which must be the same for both stores. Null closes and reopens them. */
type Step<Store> = ((store: Store) => Promise<unknown>) | null;

const changing = (row: NewRow, of: string): NewRow => ({
	...row,
	event: { ...(row.event as Message), kind: "edit", target: { id: id(of) } },
});

/** Returns a range without the members that are undefined. */
const stated = (range: { readonly [Key in keyof Range]: Range[Key] | undefined }) =>
	Object.fromEntries(Object.entries(range).filter(([, value]) => value !== undefined)) as unknown as Range;

const pick = async (journal: Journal, index: number): Promise<Row | undefined> => {
	const rows = (await Promise.all(lanes.map((of) => journal.rows(of, 0, 100)))).flat();
	return rows[index % Math.max(1, rows.length)];
};

const onJournal: fc.Arbitrary<Step<Journal>> = fc.oneof(
	fc.constant(null),
	fc
		.array(
			fc.record({
				name: few,
				to: fc.subarray([...lanes]),
				present: fc.option(fc.boolean()),
				aka: fc.subarray([...ids]),
				shared: fc.subarray([...ids]),
				of: fc.option(few),
				held: fc.boolean(),
				into: fc.option(few),
			}),
			{ maxLength: 4 },
		)
		.map((chosen) => async (journal: Journal) => {
			const entries = chosen.map(({ name, to, present, aka, shared, of, held, into }): Entry => {
				const member = present === null ? {} : { member: { ...at, person: person(name), present } };
				const said = entry(name, ...(to.length > 0 ? to : lanes)).rows;
				const now = to.length === 0 ? [] : of === null ? said : said.map((row) => changing(row, of));
				const rows = held ? now.map((row) => ({ ...row, held: true as const })) : now;
				const merging = held && into !== null && rows.length > 0 && { into: id(into) };
				const cursor = { key: "", value: name };
				const reaction = {
					...at,
					message: id(name),
					sender: user("a"),
					now: aka.map((emoji) => ({ emoji })),
				};
				const what = { ...(of !== null && { of: id(of) }) };
				const further = { aka: aka.map(id), shared: shared.map(id) };
				return { ...entry(name), rows, ...member, ...merging, ...further, ...what, cursor, reaction };
			});
			return timeless(await journal.accept(entries));
		}),
	few.map((name) => (journal: Journal) => journal.once(name)),
	fc
		.array(few, { maxLength: 2 })
		.map((names) => async (journal: Journal) => timeless(await journal.enter(names.map(original)))),
	fc
		.tuple(fc.nat(20), fc.option(few, { nil: undefined }))
		.map(([index, request]) => async (journal: Journal) => {
			const row = await pick(journal, index);
			return row && journal.attempt(row, request);
		}),
	fc.tuple(fc.nat(20), fc.array(few, { maxLength: 3 })).map(([index, ids]) => async (journal: Journal) => {
		const row = await pick(journal, index);
		if (row) await journal.done(row, muc, ids.map(id));
	}),
	fc.tuple(fc.nat(20), few).map(([index, reason]) => async (journal: Journal) => {
		const row = await pick(journal, index);
		if (row) await journal.refuse(row, reason);
	}),
	few.map((name) => async (journal: Journal) => timeless(await journal.cancel(original(name)))),
	few.map((name) => async (journal: Journal) => timeless(await journal.cancel({ ...muc, id: id(name) }))),
	fc.tuple(fc.option(fc.constantFrom(...lanes)), fc.nat(2)).map(([of, limit]) => async (journal: Journal) => {
		return timeless(await journal.revive({ ...(of && { lane: of }), limit }));
	}),
	fc
		.tuple(few, few, fc.array(fc.tuple(few, fc.option(few)), { maxLength: 3 }))
		.map(([message, sender, chosen]) => async (journal: Journal) => {
			const now = chosen.map(([emoji, own]) => ({ emoji, ...(own !== null && { id: id(own) }) }));
			await journal.setReactions(at.network, at.room, id(message), user(sender), now);
		}),
	fc
		.tuple(fc.array(few, { maxLength: 4 }), fc.option(few, { nil: undefined }), fc.boolean(), fc.boolean())
		.map(([names, before, ahead, begun]) => (journal: Journal) => {
			const places = names.map((name) => ({ id: id(name), at: ids.indexOf(name) }));
			if (!ahead) return journal.places.append(at.network, at.room, places);
			return journal.places.prepend(
				at.network,
				at.room,
				places,
				before === undefined ? before : id(before),
				begun,
			);
		}),
	fc
		.record({
			after: fc.option(few.map(id), { nil: undefined }),
			before: fc.option(few.map(id), { nil: undefined }),
			start: fc.option(fc.nat(4), { nil: undefined }),
			end: fc.option(fc.nat(4), { nil: undefined }),
			limit: fc.nat(3),
			last: fc.boolean(),
		})
		.map((range) => (journal: Journal) => journal.places.match(at.network, at.room, stated(range))),
	fc.constant((journal: Journal) => journal.places.forget(at.network, at.room)),
	fc.constant((journal: Journal) => journal.forget(at.network, at.room)),
	fc.constant(async (journal: Journal) => journal.prune(Date.now())),
);

const journalAnswers = async (journal: Journal) => {
	const { waiting, dead, held } = await journal.stats();
	return {
		...{ waiting, dead, held },
		later: await journal.held(0, 100),
		lanes: (await journal.lanes()).map((lane) => ({ ...lane, oldest: 0 })),
		cursor: await journal.cursor(""),
		archive: await journal.places.match(at.network, at.room, { limit: 100 }),
		rows: await Promise.all(lanes.map(async (of) => timeless(await journal.rows(of, 0, 100)))),
		reactions: await Promise.all(
			ids.map((name) => journal.reactions(at.network, at.room, id(name), user("a"))),
		),
		reactionsAt: await Promise.all(ids.map((name) => journal.reactionAt(at.network, at.room, id(name)))),
		members: await journal.members(at.network, at.room),
		letters: (await journal.dead(100)).map((letter) => ({ ...letter, queuedAt: 0, diedAt: 0 })),
		copies: await Promise.all(ids.map((name) => journal.copies({ ...muc, id: id(name) }))),
		gone: await Promise.all(ids.map((name) => journal.gone(original(name)))),
		originals: await Promise.all(ids.map((name) => journal.copies(original(name)))),
	};
};

const onMapping: fc.Arbitrary<Step<Mapping>> = fc.oneof(
	fc.constant(null),
	fc.tuple(few, fc.array(few, { maxLength: 3 })).map(([name, rooms]) => (mapping: Mapping) => {
		return mapping.savePortal(portal(name, ...rooms));
	}),
	fc.tuple(few, few, few).map(([name, one, other]) => (mapping: Mapping) => {
		return mapping.savePortal({ ...portal(name, name), between: [person(one), person(other, xmpp)] });
	}),
	few.map((name) => (mapping: Mapping) => mapping.removePortal(portalId(name))),
	fc.tuple(few, few, few).map(([name, address, shown]) => (mapping: Mapping) => {
		// The two errors may differ, but both stores must throw.
		return mapping.saveGhost({ ...ghost(name, address), name: shown }).catch(() => "refused");
	}),
	fc.tuple(few, few).map(
		([key, value]) =>
			(mapping: Mapping) =>
				mapping.saveSetting(key, value),
	),
	fc.tuple(few, few).map(
		([key, value]) =>
			(mapping: Mapping) =>
				mapping.once(key, () => value),
	),
);

const mappingAnswers = async (mapping: Mapping) => {
	const each = <T>(ask: (name: string) => Promise<T>) => Promise.all(ids.map(ask));
	return {
		count: await mapping.count(),
		portals: await mapping.portals(),
		of: await each((name) => mapping.portalsOf(xmpp, room(name))),
		between: await each((one) => each((other) => mapping.portalBetween(person(other, xmpp), person(one)))),
		ghosts: await each((name) => mapping.ghost(user(name), xmpp, matrix)),
		at: await each((name) => mapping.ghostAt(matrix, user(name))),
		settings: await each((name) => mapping.setting(name)),
	};
};

type Openable = { open(): Promise<void>; close(): Promise<void> };

async function compare<Store extends Openable>(
	steps: readonly Step<Store>[],
	memory: Store,
	make: () => Store,
	answers: (store: Store) => Promise<unknown>,
): Promise<void> {
	let engine = make();
	await engine.open();
	try {
		for (const step of steps) {
			if (step) expect(await step(engine)).toEqual(await step(memory));
			else {
				await engine.close();
				await memory.open();
				engine = make();
				await engine.open();
			}
			expect(await answers(engine)).toEqual(await answers(memory));
		}
	} finally {
		await engine.close();
	}
}

describe("after random calls and restarts in any order", () => {
	it("the SQLite journal answers as the journal in memory", { timeout: 60_000 }, async () => {
		const property = fc.asyncProperty(fc.array(onJournal, { maxLength: 25 }), async (steps) => {
			const file = await freshFile("journal.db");
			const make = () => createSqliteJournal({ file, onFailure: never });
			await compare(steps, createMemoryJournal(), make, journalAnswers);
		});
		await fc.assert(property, { numRuns: 25 });
	});

	it("the nedb mapping answers as the mapping in memory", { timeout: 60_000 }, async () => {
		const property = fc.asyncProperty(fc.array(onMapping, { maxLength: 25 }), async (steps) => {
			const file = await freshFile("mapping.db");
			const make = () => createNedbMapping({ file, log: silent, onFailure: never });
			await compare(steps, createMemoryMapping(), make, mappingAnswers);
		});
		await fc.assert(property, { numRuns: 50 });
	});
});
