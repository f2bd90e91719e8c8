import fc from "fast-check";
import { expect, test } from "vitest";
import { TemporaryError } from "../../../../src/core/errors.ts";
import type { Range } from "../../../../src/core/hosting.ts";
import type { MessageId } from "../../../../src/core/ids.ts";
import type { Archive, Entry, Page } from "../../../../src/xmpp/hosted/archive/entries.ts";
import type { Filter } from "../../../../src/xmpp/hosted/archive/form.ts";
import { pageOf } from "../../../../src/xmpp/hosted/archive/page.ts";
import { StanzaError } from "../../../../src/xmpp/stanza-error.ts";

/** One place of a fictional archive with its number of stanzas. The reader may not see a hidden one. */
type Line = Readonly<{ at: number; hidden: boolean; from: string; bytes: number; stanzas: number }>;
type Found = Entry & Readonly<{ from: string }>;

const idOf = (index: number) => `$${index}` as MessageId;

const partId = (id: string, n: number) => (n === 0 ? id : `${id}#${n}`);
const stanzasOf = ({ id, at, bytes, from, stanzas }: Line & { id: string }): readonly Found[] =>
	Array.from({ length: stanzas }, (_, n) => ({ id: partId(id, n), at, bytes, from }));

/** An archive of lines in a list, which brings at most `most` places at once. */
function archiveOf(lines: readonly Line[], most = 1_000): Archive<Found> {
	const all = lines.map((line, index) => ({ id: idOf(index), ...line }));
	const index = (id: string | undefined, none: number) =>
		id === undefined ? none : all.findIndex((one) => one.id === id);
	return {
		async places({ after, before, start = 0, end = Number.POSITIVE_INFINITY, limit, last }: Range) {
			const matching = all
				.slice(index(after, -1) + 1, index(before, all.length))
				.filter(({ at }) => at >= start && at <= end);
			const count = Math.min(limit, most);
			const places = last ? matching.slice(Math.max(0, matching.length - count)) : matching.slice(0, count);
			return { places, complete: places.length === matching.length, total: matching.length };
		},
		find: async (ids) => all.filter(({ id }) => ids.includes(id)),
		entries: async (ids) =>
			ids.flatMap((id) => all.filter((one) => one.id === id && !one.hidden)).flatMap(stanzasOf),
		partOf(id) {
			const [place = "", n = "0"] = id.split("#");
			return { place: place as MessageId, n: Number(n) };
		},
		isFrom: ({ from }, jid) => from === jid,
	};
}

const line = (more: Partial<Line> = {}): Line => ({
	at: 0,
	hidden: false,
	from: "alice",
	bytes: 100,
	stanzas: 1,
	...more,
});
const lines = fc.array(
	fc.record({
		at: fc.integer({ min: 0, max: 20 }),
		hidden: fc.boolean(),
		from: fc.constantFrom("alice", "bob"),
		bytes: fc.constantFrom(100, 400_000),
		stanzas: fc.integer({ min: 1, max: 3 }),
	}),
	{ maxLength: 40 },
);
const filters = fc.record<Filter>(
	{
		start: fc.integer({ min: 0, max: 20 }),
		end: fc.integer({ min: 0, max: 20 }),
		with: fc.constantFrom("alice", "bob"),
	},
	{ requiredKeys: [] },
);

/** The ids that match, by the plain meaning of the filter. */
const expected = (all: readonly Line[], { start = 0, end = 99, with: from }: Filter) =>
	all.flatMap((one, index) =>
		!one.hidden && one.at >= start && one.at <= end && (from === undefined || one.from === from)
			? stanzasOf({ ...one, id: idOf(index) }).map(({ id }) => id)
			: [],
	);
const ids = (page: Page<Found>) => page.entries.map(({ id }) => id);

/** Reads page after page as a client does, until the archive says that it is complete. */
async function walk(
	archive: Archive<Found>,
	filter: Filter,
	{ max, backwards = false, hurry = false }: { max: number; backwards?: boolean; hurry?: boolean },
) {
	const found: string[] = [];
	let edge: string | undefined;
	for (let pages = 0; ; pages++) {
		expect(pages).toBeLessThan(100);
		const bound = edge === undefined ? {} : { [backwards ? "before" : "after"]: edge };
		const page = await pageOf(archive, filter, { max, last: backwards, ...bound }, () => hurry);
		expect(page.entries.length).toBeLessThanOrEqual(max);
		if (backwards) found.unshift(...ids(page));
		else found.push(...ids(page));
		if (page.complete) return found;
		edge = backwards ? page.first : page.last;
		expect(edge).toBeDefined();
	}
}

test("page after page, a client reads each entry once and in order, forwards and backwards", () =>
	fc.assert(
		fc.asyncProperty(
			lines,
			filters,
			fc.option(fc.tuple(fc.nat(), fc.nat())),
			fc.record({ max: fc.integer({ min: 1, max: 7 }), backwards: fc.boolean(), hurry: fc.boolean() }),
			async (all, filter, bounds, how) => {
				const every = expected(all, {});
				const [after, before] = (bounds ?? []).map((n) => every[n % every.length]);
				const between = after === undefined || before === undefined ? {} : { after, before };
				const to = before === undefined ? every.length : every.indexOf(before);
				const within = every.slice(after === undefined ? 0 : every.indexOf(after) + 1, to);
				const found = await walk(archiveOf(all, 5), { ...filter, ...between }, how);
				expect(found).toEqual(expected(all, filter).filter((id) => within.includes(id)));
			},
		),
		{ numRuns: 2000 },
	));

test("a page names its first and last entry, and tells whether the archive goes on", async () => {
	const archive = archiveOf(Array.from({ length: 5 }, () => line()));
	const first = await pageOf(archive, {}, { max: 2, last: false });
	expect(first).toMatchObject({ first: "$0", last: "$1", complete: false, count: 5 });
	const after = await pageOf(archive, {}, { max: 3, last: false, after: "$1" });
	expect(after).toMatchObject({ first: "$2", last: "$4", complete: true, count: 5 });
	const last = await pageOf(archive, {}, { max: 2, last: true });
	expect(last).toMatchObject({ first: "$3", last: "$4", complete: false, count: 5 });
	const before = await pageOf(archive, {}, { max: 3, last: true, before: "$3" });
	expect(before).toMatchObject({ first: "$0", last: "$2", complete: true, count: 5 });
	expect(await pageOf(archiveOf([]), {}, { max: 2, last: true })).toEqual({
		entries: [],
		complete: true,
		count: 0,
	});
});

test("a page of no entries tells their number", async () => {
	const archive = archiveOf([line({ at: 1 }), line({ at: 2 }), line({ at: 3 })]);
	expect(await pageOf(archive, { start: 2 }, { max: 0, last: false })).toEqual({
		entries: [],
		complete: false,
		count: 2,
	});
});

test("the ids of the form and those of the page bound a page together", async () => {
	const archive = archiveOf(Array.from({ length: 10 }, () => line()));
	const between: Filter = { after: "$2", before: "$8" };
	expect(ids(await pageOf(archive, between, { max: 50, last: false }))).toEqual([
		"$3",
		"$4",
		"$5",
		"$6",
		"$7",
	]);
	const next = await pageOf(archive, between, { max: 50, last: false, after: "$5" });
	expect(ids(next)).toEqual(["$6", "$7"]);
	expect(next.count).toBe(5);
	expect(ids(await pageOf(archive, between, { max: 50, last: true, before: "$9" }))).toHaveLength(5);
	const none = await pageOf(archive, { after: "$5" }, { max: 50, last: true, before: "$5" });
	expect(none).toEqual({ entries: [], complete: true, count: 0 });
});

test("an id that the archive does not have is refused, in the form and in the page", async () => {
	const archive = archiveOf([line(), line({ hidden: true })]);
	const refused = { constructor: StanzaError, condition: "item-not-found", type: "cancel" };
	const page = { max: 5, last: false };
	await expect(pageOf(archive, { after: "$9" }, page)).rejects.toMatchObject(refused);
	await expect(pageOf(archive, {}, { ...page, before: "$9", last: true })).rejects.toMatchObject(refused);
	await expect(pageOf(archive, { ids: ["$0", "$9"] }, page)).rejects.toMatchObject(refused);
	// Nobody learns whether a message is there that they may not see.
	await expect(pageOf(archive, { ids: ["$0", "$1"] }, page)).rejects.toMatchObject(refused);
});

test("entries that are asked for by their ids come in the order of the archive", async () => {
	const archive = archiveOf([line({ at: 3 }), line({ at: 2 }), line({ at: 1 })]);
	const page = await pageOf(archive, { ids: ["$2", "$0", "$2"] }, { max: 5, last: false });
	expect(page).toMatchObject({ first: "$0", last: "$2", complete: true, count: 2 });
	const second = await pageOf(archive, { ids: ["$2", "$0"] }, { max: 1, last: false, after: "$0" });
	expect(ids(second)).toEqual(["$2"]);
});

test("one stanza of a message with files is asked for by its id", async () => {
	const archive = archiveOf([line({ stanzas: 3 })]);
	expect(ids(await pageOf(archive, { ids: ["$0#2"] }, { max: 5, last: false }))).toEqual(["$0#2"]);
	await expect(pageOf(archive, { ids: ["$0#3"] }, { max: 5, last: false })).rejects.toThrow("item-not-found");
});

test("entries that precede what the bridge has read are found by their ids", async () => {
	const archive = archiveOf([line({ at: 2 }), line({ at: 1 }), line({ at: 3 })]);
	const found = (await archive.find([idOf(2)])).slice(0, 1);
	const page = await pageOf(
		{ ...archive, find: async () => found },
		{ ids: ["$0", "$1", "$2"] },
		{ max: 5, last: false },
	);
	expect(ids(page)).toEqual(["$1", "$0", "$2"]);
});

test("a page in a hurry ends with what it has, and the next one goes on from there", async () => {
	const archive = archiveOf([...Array.from({ length: 30 }, () => line({ hidden: true })), line()], 5);
	const page = await pageOf(archive, {}, { max: 2, last: false }, () => true);
	expect(page).toMatchObject({ entries: [], last: "$2", complete: false });
	expect(await walk(archive, {}, { max: 2 })).toEqual(["$30"]);
});

test("the first page of a long archive waits until the source has been read to its beginning", async () => {
	const archive = archiveOf([line(), line()]);
	let readings = 0;
	const slow: Archive<Found> = {
		...archive,
		places: async (range) =>
			range.last || ++readings > 3 ? archive.places(range) : { places: [], complete: false, total: 2 },
	};
	expect(ids(await pageOf(slow, {}, { max: 5, last: false }))).toEqual(["$0", "$1"]);
	readings = 0;
	await expect(pageOf(slow, {}, { max: 5, last: false }, () => readings > 1)).rejects.toThrow(TemporaryError);
});

test("a page is cut at its bytes, and a single large entry still comes", async () => {
	const archive = archiveOf([line({ bytes: 3_000_000 }), line({ bytes: 600_000 }), line({ bytes: 600_000 })]);
	expect(ids(await pageOf(archive, {}, { max: 50, last: false }))).toEqual(["$0"]);
	expect(ids(await pageOf(archive, {}, { max: 50, last: true }))).toEqual(["$2"]);
});
