import { expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../../src/core/errors.ts";
import type { RoomId } from "../../../src/core/ids.ts";
import { createFinding } from "../../../src/xmpp/finding/index.ts";
import { rsm } from "../../../src/xmpp/finding/public-rooms.ts";
import { StanzaError } from "../../../src/xmpp/stanza-error.ts";
import { text, xml } from "../../../src/xmpp/stream/xml.ts";
import { createWorld, facts, romeo } from "../hosted/queries/world.ts";

const rooms = Array.from({ length: 5 }, (_, n) =>
	facts({
		room: `!r${n}:hs.test` as RoomId,
		id: `R${n}`,
		...(n === 4
			? { alias: undefined, name: undefined }
			: { alias: [`r${n}`, "other.test"], name: `Room ${n}` }),
	} as Parameters<typeof facts>[0]),
);

/** The list of a homeserver with these rooms, whose positions are numbers. `hidden`: rooms at its start that nobody is shown. */
const listing = (hidden = 0) =>
	createWorld({
		hosting: {
			async listed(limit, after = "0") {
				if (!/^\d+$/.test(after)) throw new PermanentError("invalid", "no such position");
				const to = Number(after) + limit;
				const shown = rooms.slice(Number(after), to).filter((_, n) => Number(after) + n >= hidden);
				return { rooms: shown, count: rooms.length, ...(to < rooms.length && { next: String(to) }) };
			},
		},
	}).context;

async function list(set: Readonly<Record<string, string>> | undefined, hidden = 0) {
	const children = Object.entries(set ?? {}).map(([name, value]) => xml(name, {}, value));
	const query = xml("query", {}, set && xml("set", { xmlns: rsm }, children));
	const answer = await createFinding(listing(hidden)).publicRooms(query, romeo);
	const page = answer.find((one) => one.name === "set")!;
	const items = answer.filter((one) => one.name === "item").map(({ attrs }) => [attrs.jid, attrs.name]);
	return { items, first: text(page, "first"), last: text(page, "last"), count: text(page, "count") };
}
const refusal = (set: Readonly<Record<string, string>>) =>
	list(set).catch((error: unknown) => error instanceof StanzaError && error.condition);

test("all public rooms are listed, each with its name and its main address", async () => {
	const { items, count } = await list(undefined);
	expect(items).toEqual([
		["#r0%other.test@bridge.test", "Room 0"],
		["#r1%other.test@bridge.test", "Room 1"],
		["#r2%other.test@bridge.test", "Room 2"],
		["#r3%other.test@bridge.test", "Room 3"],
		["!=524@bridge.test", undefined],
	]);
	expect(count).toBe("5");
});

test("a client that reads page by page sees each room once, and an end", async () => {
	const seen: unknown[] = [];
	let last: string | undefined;
	for (let n = 0; n < 4; n++) {
		const page = await list({ max: "2", ...(last !== undefined && { after: last }) });
		expect(page.count).toBe("5");
		if (page.items.length === 0) break;
		expect(page.first).toBe(page.items[0]![0]);
		seen.push(...page.items.map(([jid]) => jid));
		last = page.last;
	}
	expect(seen).toHaveLength(5);
	expect(new Set(seen).size).toBe(5);
});

test("pages of rooms that the policy hides are no end of the list", async () => {
	expect((await list({ max: "1" }, 3)).items).toEqual([["#r3%other.test@bridge.test", "Room 3"]]);
});

test("the number of rooms can be asked for alone", async () => {
	expect(await list({ max: "0" })).toEqual({ items: [], first: undefined, last: undefined, count: "5" });
});

test("pages that there are none of are refused", async () => {
	expect(await refusal({ before: "" })).toBe("feature-not-implemented");
	expect(await refusal({ index: "3" })).toBe("feature-not-implemented");
	expect(await refusal({ max: "many" })).toBe("bad-request");
	expect(await refusal({ after: "x" })).toBe("item-not-found");
	expect(await refusal({ after: "at x" })).toBe("item-not-found");
});

test("the list waits for a homeserver that is away", async () => {
	const { context } = createWorld({
		hosting: { listed: () => Promise.reject(new TemporaryError("away")) },
	});
	await expect(createFinding(context).publicRooms(xml("query"), romeo)).rejects.toThrow(TemporaryError);
});

test("a flood of readers of one domain has to wait", async () => {
	const read = createFinding(listing()).publicRooms;
	const outcomes = await Promise.allSettled(
		Array.from({ length: 310 }, (_, n) => read(xml("query"), `reader${n}@montague.test`)),
	);
	const refused = outcomes.filter(({ status }) => status === "rejected");
	expect(refused).toHaveLength(10);
	expect((refused[0] as PromiseRejectedResult).reason).toMatchObject({ condition: "resource-constraint" });
	await expect(read(xml("query"), "paris@verona.test")).resolves.toBeDefined();
});
