import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Journal } from "../../src/core/journal.ts";
import type { Rate } from "../../src/core/limits.ts";
import { noMeter } from "../../src/core/meter.ts";
import type { Received } from "../../src/core/network.ts";
import { createPermissions } from "../../src/core/permissions.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { createSqliteJournal } from "../../src/store/sqlite.ts";
import { bridgeOf, command, noLimits, rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, lines, quiet, until } from "../fakes.ts";

const plaza = "plaza" as RoomId;
const id = (name: string) => name as MessageId;
/** A rate that releases nothing within a test. */
const once = (burst: number): Rate => ({ perMinute: 0.001, burst });
/** A rate of one event every 5 ms. */
const fast = (burst: number): Rate => ({ perMinute: 12_000, burst });
/** A rate of one event every 300 ms: nothing is released while a test writes its lines. */
const slow = (burst: number): Rate => ({ perMinute: 200, burst });

let bridge: Running;
let earth: Fake;
let mars: Fake;
let journal: Journal;
let warned: object[];
let limited = 0;
let blocked: string[] = [];
const mapping = { current: createMemoryMapping() };
afterEach(() => bridge.stop(0));

async function begin(
	limits: { sender?: Rate; domain?: Rate },
	{ again = false, store = createMemoryJournal(), window = 5 } = {},
): Promise<void> {
	[earth, mars] = [fakeNetwork("earth"), fakeNetwork("mars", { window })];
	mars.rooms.set("crater", []);
	[warned, limited, blocked, journal] = [[], 0, [], store];
	if (!again) mapping.current = createMemoryMapping();
	const permissions = createPermissions({ "*": "admin" });
	bridge = bridgeOf(
		[earth, mars],
		rulesFor(
			{},
			{
				limits: { ...noLimits, ...limits },
				level: (person) => (blocked.includes(person.name ?? "") ? "block" : permissions(person)),
			},
		),
		{
			journal,
			mapping: mapping.current,
			log: { ...quiet, warn: (fields: object) => void warned.push(fields) },
			meter: { ...noMeter, limited: () => limited++ },
		},
	);
	await bridge.start();
	if (!again) await command(bridge, earth, "link mars crater", { who: "boss", room: "plaza" });
}

let count = 0;
const event = (who: string, what: object, more: object = {}): Received =>
	({
		...{ id: id(`event ${++count}`), room: plaza, sender: earth.person(who), at: Date.now() },
		...what,
		...more,
	}) as Received;
const line = (who: string, text: string, more: object = {}) =>
	event(who, { kind: "message", style: "text", text }, { id: id(text), ...more });
const edit = (who: string, of: string, text: string, more: object = {}) =>
	event(who, { kind: "edit", style: "text", text, target: { id: id(of) } }, more);
const redaction = (who: string, of: string) => event(who, { kind: "redaction", target: { id: id(of) } });
const say = (who: string, text: string, more: object = {}) => earth.bridge.receive([line(who, text, more)]);
const held = async () => (await journal.stats()).held;
/** Returns the final view of people on mars: each message with the text of its newest edit, in the order of arrival. */
function shown(): string[] {
	const texts = new Map<string, string>();
	for (const { event: one, refs, operation } of mars.sent) {
		if (one.kind === "message") texts.set(`mars:${operation}`, `${one.sender.name}: ${one.text}`);
		if (one.kind === "edit") {
			const target = refs[one.target.id]?.[0] ?? "unknown";
			expect(texts.has(target), `${one.text} arrived before its target`).toBe(true);
			texts.set(target, `${one.sender.name}: ${one.text}`);
		}
	}
	return [...texts.values()];
}
const arrive = (wanted: readonly string[], ms = 5_000) =>
	until(
		() => JSON.stringify(shown()) === JSON.stringify(wanted),
		() => JSON.stringify(shown()),
		ms,
	);
const numbered = (who: string, many: number, from = 0) =>
	Array.from({ length: many }, (_, n) => `${who} ${from + n}`);

describe("a sender above the rate limit", () => {
	test("loses no line, in whatever batches they come, and keeps their order", async () => {
		await begin({ sender: fast(20) });
		const texts = numbered("ann", 200);
		await earth.bridge.receive(texts.slice(0, 90).map((text) => line("ann", text)));
		for (const text of texts.slice(90)) await say("ann", text);
		await arrive(texts.map((text) => `ann: ${text}`));
		expect(earth.refused).toEqual([]);
		expect(await held()).toBe(0);
		// Memory has forgotten them, too.
		expect(await command(bridge, earth, "status", { who: "boss 2", room: "plaza" })).not.toContain("limits");
	});

	test("gets the burst at once and the rest at the rate", async () => {
		await begin({ sender: fast(20) });
		const start = Date.now();
		await earth.bridge.receive(numbered("ann", 120).map((text) => line("ann", text)));
		await until(
			() => lines(mars).length >= 20,
			() => `${lines(mars).length}`,
		);
		await arrive(numbered("ann", 120).map((text) => `ann: ${text}`));
		expect(Date.now() - start).toBeGreaterThan(450);
	});

	test("is logged once, without the text", async () => {
		await begin({ sender: once(1) });
		for (const text of numbered("ann", 50)) await say("ann", text);
		expect(warned).toEqual([{ trace: expect.any(String), domain: "earth", sender: "ann@earth" }]);
		expect(limited).toBe(0);
	});

	test("is the reason that `status` gives for what waits", async () => {
		await begin({ sender: once(1) });
		const status = (who: string) => command(bridge, earth, "status", { who, room: "plaza" });
		expect(await status("boss 2")).not.toContain("limits");
		for (const text of numbered("ann", 3)) await say("ann", text);
		expect(await status("boss 3")).toContain("2 messages wait because people or devices send faster than");
	});

	test("slows nobody else down", async () => {
		await begin({ sender: once(2) });
		for (const text of numbered("ann", 5)) await say("ann", text);
		for (const text of numbered("bob", 2)) await say("bob", text);
		await arrive(["ann: ann 0", "ann: ann 1", "bob: bob 0", "bob: bob 1"]);
		expect(await held()).toBe(3);
	});

	test("moves the cursor of its source on at once", async () => {
		await begin({ sender: once(1) });
		await earth.bridge.receive(
			numbered("ann", 3).map((text) => ({
				...line("ann", text),
				cursor: { key: "earth plaza", value: text },
			})),
		);
		expect(await journal.cursor("earth plaza")).toBe("ann 2");
		expect(await held()).toBe(2);
	});

	test("has at most 1,000 lines waiting, and is told of the others", async () => {
		await begin({ sender: once(1) });
		await earth.bridge.receive(numbered("ann", 1_003).map((text) => line("ann", text)));
		expect(await held()).toBe(1_000);
		expect(earth.refused.map(({ event: one, sentence }) => [one.id, sentence])).toEqual(
			["ann 1001", "ann 1002"].map((text) => [text, expect.stringContaining("at once")]),
		);
		expect(limited).toBe(2);
	});

	test("has at most 4 MiB waiting", async () => {
		await begin({ sender: once(1) });
		const long = "x".repeat(60_000);
		await earth.bridge.receive(
			numbered("ann", 60).map((text) => line("ann", `${text} ${long}`, { id: id(text) })),
		);
		expect(await held()).toBeGreaterThan(30);
		expect(await held()).toBeLessThan(36);
		expect(earth.refused).toHaveLength(60 - 1 - (await held()));
	});

	test("leaves room for the senders of other domains", async () => {
		await begin({ sender: once(1) });
		const stranger = (n: number, text: string) => {
			const one = line(`eve${n}`, text);
			return { ...one, sender: { ...one.sender, domain: "flood" } };
		};
		for (let n = 0; n < 12; n++)
			await earth.bridge.receive(numbered(`eve${n}`, 1_001).map((text) => stranger(n, text)));
		expect(await held()).toBe(10_000);
		await earth.bridge.receive(numbered("ann", 3).map((text) => line("ann", text)));
		expect(await held()).toBe(10_002);
		expect(earth.refused.every(({ event: one }) => one.sender.domain === "flood")).toBe(true);
	});

	test("leaves the room on the other side after its lines, and not before", async () => {
		await begin({ sender: fast(1) });
		await earth.bridge.receive([
			...numbered("ann", 30).map((text) => line("ann", text)),
			event("ann", { kind: "membership", change: "leave" }),
		]);
		await until(
			() => mars.sent.some((out) => out.event.kind === "membership"),
			() => `${mars.sent.length}`,
		);
		expect(mars.sent.at(-1)?.event.kind).toBe("membership");
		expect(lines(mars)).toHaveLength(30);
	});

	test("has nothing delivered any more once it is blocked, and is told", async () => {
		await begin({ sender: fast(1) });
		await earth.bridge.receive([
			...numbered("ann", 40).map((text) => line("ann", text)),
			event("ann", { kind: "membership", change: "leave" }),
		]);
		blocked.push("ann");
		await until(
			() => earth.refused.length > 0,
			() => "",
		);
		while ((await held()) > 0) await sleep(10);
		await sleep(20);
		expect(lines(mars).length + earth.refused.length).toBe(40);
		expect(earth.refused[0]?.sentence).toContain("blocked");
		expect(mars.sent.at(-1)?.event.kind).toBe("membership");
	});

	test("does not delay late messages that were sent within the rate", async () => {
		await begin({ sender: { perMinute: 60, burst: 5 } });
		const since = Date.now() - 400_000;
		await earth.bridge.receive(
			numbered("ann", 300).map((text, n) => ({ ...line("ann", text, { at: since + n * 1_000 }), since })),
		);
		expect(await held()).toBe(0);
	});
});

describe("edits and deletions above the rate limit", () => {
	test("a bot that edits one message very often ends with its newest text, and sends few edits", async () => {
		await begin({ sender: { perMinute: 600, burst: 5 } });
		await say("bot", "answer");
		for (let n = 0; n < 60; n++) {
			await earth.bridge.receive([edit("bot", "answer", `answer ${n}`)]);
			await sleep(5);
		}
		await arrive(["bot: answer 59"]);
		expect(mars.sent.length).toBeLessThan(30);
		expect(earth.refused).toEqual([]);
	});

	test("an edit merges with the held message, also when both come in one batch", async () => {
		await begin({ sender: slow(1) });
		await say("ann", "first");
		await earth.bridge.receive([
			line("ann", "slip"),
			edit("ann", "slip", "one", { id: id("e1") }),
			line("ann", "last"),
		]);
		await earth.bridge.receive([edit("ann", "slip", "two")]);
		await arrive(["ann: first", "ann: two", "ann: last"]);
		expect(mars.sent.map((out) => out.event.kind)).toEqual(["message", "message", "message"]);
	});

	test("an edit does not merge with a message that is being delivered", async () => {
		await begin({ sender: fast(1) });
		const going: (() => void)[] = [];
		mars.trouble = () => new Promise((resolve) => void going.push(resolve));
		await say("ann", "first");
		await say("ann", "second");
		while (going.length < 2) await sleep(5);
		mars.trouble = async () => undefined;
		await earth.bridge.receive([edit("ann", "first", "better"), edit("ann", "first", "best")]);
		for (const go of going) go();
		await arrive(["ann: best", "ann: second"]);
		expect(mars.sent.map(({ event: one }) => "text" in one && one.text).slice(0, 2)).toEqual([
			"first",
			"second",
		]);
	});

	test("a held message does not go out while an edit is being written into it", async () => {
		await begin({ sender: slow(1) });
		await earth.bridge.receive([line("ann", "first"), line("ann", "second")]);
		const accept = journal.accept;
		journal.accept = async (entries) => {
			if (entries.some(({ into }) => into)) await sleep(600);
			return accept(entries);
		};
		await earth.bridge.receive([edit("ann", "second", "2nd")]);
		await arrive(["ann: first", "ann: 2nd"]);
		expect(mars.sent.map((out) => out.event.kind)).toEqual(["message", "message"]);
	});

	test("an edit of another person does not merge", async () => {
		await begin({ sender: once(1) });
		await say("ann", "first");
		await say("ann", "second");
		await earth.bridge.receive([edit("bob", "second", "mine")]);
		expect(await held()).toBe(2);
		expect((await journal.held(0, 1))[0]?.event).toMatchObject({ text: "second" });
	});

	test("an edit does not move before a message that it refers to", async () => {
		await begin({ sender: slow(1) });
		await earth.bridge.receive([
			...["first", "second", "third"].map((text) => line("ann", text)),
			edit("ann", "second", "2nd", { replyTo: { id: id("third") } }),
			edit("ann", "second", "2.", { replyTo: { id: id("third") } }),
		]);
		await arrive(["ann: first", "ann: 2.", "ann: third"]);
		expect(mars.sent.map(({ event: one }) => "text" in one && one.text)).toEqual([
			...["first", "second", "third", "2."],
		]);
	});

	test("a repeated edit of the past does not replace a newer one", async () => {
		await begin({ sender: slow(1) });
		const old = edit("ann", "second", "old");
		await earth.bridge.receive([line("ann", "first"), line("ann", "second"), old]);
		await earth.bridge.receive([edit("ann", "second", "new")]);
		await earth.bridge.receive([old]);
		await arrive(["ann: first", "ann: new"]);
	});

	test("a repeated message and a new edit of it, in one batch after the message went, deliver the edit", async () => {
		await begin({ sender: slow(1) });
		await say("ann", "first");
		await arrive(["ann: first"]);
		await earth.bridge.receive([
			...numbered("ann", 3).map((text) => line("ann", text)),
			line("ann", "first"),
			edit("ann", "first", "1st"),
		]);
		await arrive(["ann: 1st", "ann: ann 0", "ann: ann 1", "ann: ann 2"]);
	});

	test("a deletion cancels a held message with its edits, takes no turn, and frees what refers to it", async () => {
		await begin({ sender: once(1) });
		await say("ann", "first");
		for (const text of ["slip", "last"]) await say("ann", text);
		await earth.bridge.receive([
			edit("ann", "slip", "worse"),
			line("bob", "answer", { replyTo: { id: id("slip") } }),
			redaction("ann", "slip"),
		]);
		await arrive(["ann: first", "bob: answer"]);
		expect((await journal.held(0, 10)).map(({ event: one }) => one.id)).toEqual(["last"]);
		expect(mars.sent.at(-1)?.event).not.toHaveProperty("replyTo");
	});

	test("a deletion of a message that was sent follows it, and its held edits are cancelled", async () => {
		await begin({ sender: slow(1) });
		await say("ann", "first");
		await arrive(["ann: first"]);
		await earth.bridge.receive([
			...numbered("ann", 3).map((text) => line("ann", text)),
			edit("ann", "first", "1st"),
			redaction("ann", "first"),
		]);
		await until(
			() => mars.sent.at(-1)?.event.kind === "redaction",
			() => "",
		);
		expect(mars.sent.map((out) => out.event.kind)).toEqual([...Array(4).fill("message"), "redaction"]);
	});
});

describe("a message that refers to a held one", () => {
	test("comes after it, and its sender's later lines after that, without being charged", async () => {
		await begin({ sender: fast(1) });
		await earth.bridge.receive(numbered("ann", 30).map((text) => line("ann", text)));
		await say("bob", "answer", { replyTo: { id: id("ann 25") } });
		await say("bob", "and more");
		await say("eve", "meanwhile");
		await until(
			() => lines(mars).length === 33,
			() => JSON.stringify(lines(mars)),
		);
		const order = lines(mars);
		expect(order.indexOf("bob: answer")).toBeGreaterThan(order.indexOf("ann: ann 25"));
		expect(order.indexOf("bob: and more")).toBeGreaterThan(order.indexOf("bob: answer"));
		expect(order.indexOf("eve: meanwhile")).toBeLessThan(order.indexOf("ann: ann 20"));
		const reply = mars.sent.find((out) => out.event.id === "answer");
		expect(reply?.refs["ann 25"]).toHaveLength(1);
	});

	test.each([
		["reaction", { mode: "add", emoji: ["👍"] }],
		["vote", { answers: [{ id: "1", text: "yes" }] }],
	])("comes after it: a %s", async (kind, more) => {
		await begin({ sender: fast(1) });
		await earth.bridge.receive(numbered("ann", 20).map((text) => line("ann", text)));
		await earth.bridge.receive([event("bob", { kind, target: { id: id("ann 19") }, ...more })]);
		await until(
			() => mars.sent.some((out) => out.event.sender.name === "bob"),
			() => "",
		);
		expect(mars.sent.at(-1)?.refs["ann 19"]).toHaveLength(1);
	});

	test.each([
		["another id that may be meant", { replyTo: { id: id("unknown"), or: [id("ann 19")] } }, {}],
		["an id that its sender chose", { replyTo: { id: id("chosen") } }, { shared: [id("chosen")] }],
	])("comes after it: a reply by %s", async (_name, reply, more) => {
		await begin({ sender: slow(1) });
		await earth.bridge.receive([line("ann", "first"), line("ann", "second"), line("ann", "ann 19", more)]);
		await say("bob", "answer", reply);
		expect(await held()).toBe(3);
		await until(
			() => lines(mars).length === 4,
			() => JSON.stringify(lines(mars)),
		);
		expect(lines(mars).at(-1)).toBe("bob: answer");
	});

	test("merges an edit by another id that may be meant", async () => {
		await begin({ sender: once(1) });
		await earth.bridge.receive([
			line("ann", "first"),
			line("ann", "second"),
			edit("ann", "unknown", "2nd", { target: { id: id("unknown"), or: [id("second")] } }),
		]);
		expect((await journal.held(0, 10)).map(({ event: one }) => "text" in one && one.text)).toEqual(["2nd"]);
	});

	test("finds it by the id of an edit that was merged, also after a restart", async () => {
		await begin({ sender: once(1) });
		await earth.bridge.receive([
			...["first", "second", "third"].map((text) => line("ann", text)),
			edit("ann", "third", "3rd", { id: id("edit") }),
		]);
		await say("bob", "answer", { replyTo: { id: id("edit") } });
		expect(await held()).toBe(3);
		await bridge.stop(0);
		await begin({ sender: once(1) }, { again: true, store: journal });
		// A new run has the token for one line.
		while ((await held()) > 2) await sleep(5);
		await say("eve", "me, too", { replyTo: { id: id("edit") } });
		expect(await held()).toBe(3);
	});
});

describe("the limit of a domain", () => {
	test("gives its senders turns", async () => {
		await begin({ domain: fast(1) });
		await earth.bridge.receive([
			...numbered("ann", 40).map((text) => line("ann", text)),
			...numbered("bob", 10).map((text) => line("bob", text)),
			...numbered("eve", 10).map((text) => line("eve", text)),
		]);
		await until(
			() => lines(mars).length === 60,
			() => `${lines(mars).length}`,
		);
		const place = (text: string) => lines(mars).indexOf(text);
		for (const who of ["bob", "eve"])
			for (let n = 0; n < 10; n++) {
				expect(place(`${who}: ${who} ${n}`)).toBeGreaterThanOrEqual(3 * n - 1);
				expect(place(`${who}: ${who} ${n}`)).toBeLessThanOrEqual(3 * n + 4);
			}
		const ofAnn = lines(mars).filter((text) => text.startsWith("ann"));
		expect(ofAnn).toEqual(numbered("ann", 40).map((text) => `ann: ${text}`));
	});

	test("lets no newcomer pass one that came before it", async () => {
		await begin({ domain: { perMinute: 3_000, burst: 1 } });
		await earth.bridge.receive(numbered("ann", 5).map((text) => line("ann", text)));
		const names = Array.from({ length: 40 }, (_, n) => `p${n}`);
		for (const who of names) {
			await say(who, who);
			await sleep(4);
		}
		await until(
			() => lines(mars).length === 45,
			() => `${lines(mars).length}`,
		);
		const newcomers = lines(mars).filter((text) => text.startsWith("p"));
		expect(newcomers).toEqual(names.map((who) => `${who}: ${who}`));
	});

	test("makes newcomers wait, and slows no other domain", async () => {
		// The first token is that of the command.
		await begin({ domain: once(2) });
		for (const text of numbered("ann", 3)) await say("ann", text);
		await say("bob", "me, too");
		const other = line("zoe", "elsewhere");
		await earth.bridge.receive([{ ...other, sender: { ...other.sender, domain: "venus" } }]);
		await arrive(["ann: ann 0", "zoe: elsewhere"]);
		expect(await held()).toBe(3);
		expect(warned).toEqual([{ trace: expect.any(String), domain: "earth" }]);
	});

	const value = (topic: string, text: string) =>
		event(topic, { kind: "state", key: topic, label: topic, value: text });
	const values = () => mars.sent.flatMap(({ event: one }) => ("text" in one ? [one.text] : []));

	test("shows each value of a thing, in order", async () => {
		await begin({ domain: fast(5) });
		await earth.bridge.receive(numbered("v", 60).map((text) => value("door", text)));
		await until(
			() => values().length === 60,
			() => `${values().length}`,
		);
		expect(values()).toEqual(numbered("v", 60).map((text) => `door: ${text}`));
	});

	test("waits as its newest value only, where each one is shown in place of the one before", async () => {
		await begin({ domain: fast(5) });
		const inPlace = (text: string) => ({ ...value("door", text), replaces: { id: "first" as MessageId } });
		await earth.bridge.receive(numbered("v", 300).map(inPlace));
		await until(
			() => values().at(-1) === "door: v 299",
			() => JSON.stringify(values().slice(-3)),
		);
		// The limit lets five values of the burst pass, and the others merge into one.
		expect(values().length).toBeLessThan(20);
	});

	test("above what may wait, replaces the last held value of a thing, so that the newest one is shown", async () => {
		await begin({ domain: once(2) });
		await earth.bridge.receive(numbered("v", 1_500).map((text) => value("door", text)));
		expect(await held()).toBe(1_000);
		expect(limited).toBe(499);
		expect((await journal.held(0, 2_000)).at(-1)?.event).toMatchObject({ value: "v 1499" });
		expect(earth.refused).toEqual([]);
	});
});

test("a restart resumes what a limit held, in order, before anything new of that sender", async () => {
	const folder = mkdtempSync(join(tmpdir(), "trivium-held-"));
	const file = join(folder, "journal.db");
	const store = () => createSqliteJournal({ file, onFailure: () => undefined });
	try {
		const first = store();
		await first.open();
		await begin({ sender: fast(5) }, { store: first });
		await earth.bridge.receive(numbered("ann", 100).map((text) => line("ann", text)));
		await earth.bridge.receive([edit("ann", "ann 99", "ann 99!")]);
		while (lines(mars).length < 20) await sleep(5);
		const before = mars.sent;
		await bridge.stop(1_000);
		await first.close();
		const second = store();
		await second.open();
		await begin({ sender: fast(5) }, { again: true, store: second });
		expect(await held()).toBeGreaterThan(0);
		await earth.bridge.receive([
			...numbered("ann", 3, 100).map((text) => line("ann", text)),
			line("ann", "ann 7"),
		]);
		await until(
			() => before.length + mars.sent.length === 103,
			() => `${before.length} and ${mars.sent.length}`,
		);
		const all = [...before, ...mars.sent].map(({ event: one }) => "text" in one && one.text);
		expect(all).toEqual([...numbered("ann", 99), "ann 99!", ...numbered("ann", 3, 100)]);
		expect(await held()).toBe(0);
		await bridge.stop(0);
		await second.close();
	} finally {
		rmSync(folder, { recursive: true });
	}
});
