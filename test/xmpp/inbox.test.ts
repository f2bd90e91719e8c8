import { expect, test } from "vitest";
import { createBoundedMap } from "../../src/core/bounded-map.ts";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { BridgeEvent } from "../../src/core/event.ts";
import { createConcurrencyLimit } from "../../src/xmpp/concurrency-limit.ts";
import { createInbox } from "../../src/xmpp/inbox.ts";
import { createServerAck } from "../../src/xmpp/stream/server-ack.ts";
import { xml } from "../../src/xmpp/stream/xml.ts";
import { eventually } from "../eventually.ts";
import { quiet } from "../fakes.ts";

const soon = { first: 1, most: 1 };
const event = (id: string) => ({ id }) as unknown as BridgeEvent;

test("the inbox gathers events into the next batch while one is being stored, in order", async () => {
	const batches: string[][] = [];
	const writes: (() => void)[] = [];
	const box = createInbox(
		{
			receive: (events) => {
				batches.push(events.map((one) => one.id));
				return new Promise((resolve) => writes.push(resolve));
			},
		},
		quiet,
	);
	box.events([event("1")]);
	box.events([event("2")]);
	box.events([event("3")]);
	box.after(async () => void batches.push(["sync"]));
	box.events([event("4")]);
	for (let n = 0; n < 3; n++) {
		await eventually(() => expect(writes.length).toBeGreaterThan(0));
		writes.shift()?.();
	}
	await box.settled();
	expect(batches).toEqual([["1"], ["2", "3"], ["sync"], ["4"]]);
});

test("the inbox writes facts together, behind earlier events and before later ones, and waits for them when asked", async () => {
	const calls: string[] = [];
	const writes: (() => void)[] = [];
	const write = (what: string) => () => {
		calls.push(what);
		return new Promise<void>((resolve) => writes.push(resolve));
	};
	const box = createInbox({ receive: (events) => write(events.map(({ id }) => id).join())() }, quiet);
	box.save(async () => void calls.push("0"));
	await box.settled();
	box.events([event("1")]);
	box.save(write("a"));
	box.save(write("b"));
	box.events([event("2")]);
	box.save(write("c"));
	let reached = false;
	void box.reached().then(() => {
		reached = true;
	});
	await eventually(() => expect(writes).toHaveLength(1));
	expect(calls).toEqual(["0", "1"]);
	writes.shift()?.();
	// No write of a fact has ended.
	await eventually(() => expect(calls).toEqual(["0", "1", "a", "b", "2"]));
	writes.pop()?.();
	await eventually(() => expect(calls).toEqual(["0", "1", "a", "b", "2", "c"]));
	for (const end of writes.splice(1)) end();
	await new Promise((resolve) => setImmediate(resolve));
	expect(reached).toBe(false);
	for (const end of writes) end();
	await eventually(() => expect(reached).toBe(true));
});

test("the inbox stores later events after a failure", async () => {
	const seen: string[] = [];
	const box = createInbox(
		{
			receive: async ([first]) => {
				if (first?.id === "1") throw new Error("no");
				seen.push(first?.id ?? "");
			},
		},
		quiet,
		soon,
	);
	box.events([event("1")]);
	await box.settled();
	box.events([event("2")]);
	await box.settled();
	expect(seen).toEqual(["2"]);
});

test.each<[string, Error]>([
	["a bug", new TypeError("oops")],
	["a permanent error", new PermanentError("invalid", "no")],
	["an unknown error", new Error("what is this")],
])(
	"the inbox leaves out the one event of a batch that fails with %s, and takes all others",
	async (_what, error) => {
		const taken: string[] = [];
		const box = createInbox(
			{
				async receive(events) {
					if (events.some(({ id }) => id === "bad")) throw error;
					taken.push(...events.map(({ id }) => id));
				},
			},
			quiet,
			soon,
		);
		box.events(["1", "2", "bad", "3", "4"].map(event));
		await box.settled();
		expect(taken).toEqual(["1", "2", "3", "4"]);
	},
);

test("the inbox loses no event while the store fails for a while", async () => {
	const taken: string[] = [];
	let failures = 8;
	const box = createInbox(
		{
			async receive(events) {
				if (failures-- > 0) throw new TemporaryError("the store is busy");
				taken.push(...events.map(({ id }) => id));
			},
		},
		quiet,
		soon,
	);
	box.events(["1", "2", "3"].map(event));
	await box.settled();
	expect(taken).toEqual(["1", "2", "3"]);
});

test("createConcurrencyLimit runs at most two of ten tasks concurrently, and all of them even if some fail", async () => {
	const run = createConcurrencyLimit(2);
	let now = 0;
	let most = 0;
	const work = async () => {
		most = Math.max(most, ++now);
		await new Promise((resolve) => setTimeout(resolve, 1));
		now--;
		if (most > 5) return;
		throw new Error("no");
	};
	const all = await Promise.allSettled(Array.from({ length: 10 }, () => run("muc.test", work)));
	expect([all.length, most, now]).toEqual([10, 2, 0]);
});

test("createBoundedMap drops the entry that was set longest ago", () => {
	const memory = createBoundedMap<number, string>(2);
	memory.set(1, "a");
	memory.set(2, "b");
	memory.set(1, "c");
	memory.set(3, "d");
	expect([memory.get(1), memory.get(2), memory.get(3)]).toEqual(["c", undefined, "d"]);
});

test("createServerAck confirms with one ping all stanzas written before it, and none written after it", async () => {
	const pings: (() => void)[] = [];
	const confirm = createServerAck(
		{ iq: () => new Promise((resolve) => pings.push(() => resolve(xml("iq")))) },
		"bridge.test",
	);
	const done: string[] = [];
	void confirm().then(() => done.push("first"));
	for (const name of ["second", "third"]) void confirm().then(() => done.push(name));
	expect(pings).toHaveLength(1);
	pings[0]?.();
	await eventually(() => expect(pings).toHaveLength(2));
	expect(done).toEqual(["first"]);
	pings[1]?.();
	await eventually(() => expect(done).toEqual(["first", "second", "third"]));
	expect(pings).toHaveLength(2);
});
