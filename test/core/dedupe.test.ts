import { beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { keysOf } from "../../src/core/dedupe.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Journal } from "../../src/core/journal.ts";
import type { Received } from "../../src/core/network.ts";
import { eventKey } from "../../src/core/operation.ts";
import { createMemoryJournal } from "../../src/store/memory.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, until } from "../fakes.ts";

const noon = 1_800_000_000_000;
const within = 120_000;

let bridge: Running;
let journal: Journal;
let earth: Fake;
let mars: Fake;
beforeEach(async () => {
	earth = fakeNetwork("earth");
	mars = fakeNetwork("mars");
	mars.rooms.set("market", []);
	journal = createMemoryJournal();
	bridge = bridgeOf([earth, mars], rulesFor({ "*": "admin" }), { journal });
	await bridge.start();
	await command(bridge, earth, "link mars market");
});

const shown = () =>
	mars.sent.flatMap(({ event }) =>
		event.kind === "message" ? event.text.replace(/^(door|lamp): /, "") : [],
	);
/** Waits until a last message has crossed, so that nothing else is under way. */
async function settled(): Promise<readonly string[]> {
	const end = `end ${mars.sent.length}`;
	await earth.say("plaza", "ann", end, { id: end as MessageId });
	await until(
		() => shown().includes(end),
		() => shown().join(),
	);
	return shown().filter((text) => !text.startsWith("end "));
}

describe("an event without a unique id", () => {
	const line = (at: number, text = "ok"): Received => ({
		kind: "message",
		style: "text",
		text,
		id: `ok.${at}` as MessageId,
		room: "plaza" as RoomId,
		sender: earth.person("ann"),
		at,
		unnamed: { as: "ok" as MessageId, within },
	});

	test("is ignored as a repeat while its time lasts, and is another event from then on", async () => {
		await bridge.receive([line(noon)]);
		await bridge.receive([line(noon + 1), line(noon + within)]);
		expect(await settled()).toEqual(["ok"]);
		await bridge.receive([line(noon + within + 1)]);
		expect(await settled()).toEqual(["ok", "ok"]);
		const [one, other] = mars.sent;
		expect(one?.operation).not.toBe(other?.operation);
	});
	test("is ignored as a repeat that claims an earlier time, within the same bounds", async () => {
		await bridge.receive([line(noon)]);
		await bridge.receive([line(noon - within), line(noon - within - 1)]);
		expect(await settled()).toEqual(["ok", "ok"]);
	});
	test("is known by the key that releases up to 0.1.0 wrote, if a backfill reads it", async () => {
		await journal.once(eventKey({ ...line(noon), id: "ok" as MessageId }));
		await bridge.receive([{ ...line(noon), since: noon - 1 }]);
		expect(await settled()).toEqual([]);
		await bridge.receive([line(noon)]);
		expect(await settled()).toEqual(["ok"]);
	});
});

describe("the standing value of a thing", () => {
	let count = 0;
	const value = (text: string | null, more: Partial<Received> = {}): Received =>
		({
			kind: "state",
			key: "door",
			label: "door",
			value: text,
			id: `value ${++count}` as MessageId,
			room: "plaza" as RoomId,
			sender: earth.person("door"),
			at: noon,
			...more,
		}) as Received;
	const standing = (text: string, more: Partial<Received> = {}) => value(text, { standing: true, ...more });

	test("is ignored if it equals the last one, and shown if it equals an older one", async () => {
		await bridge.receive([value("online")]);
		await bridge.receive([standing("online")]);
		expect(await settled()).toEqual(["online"]);
		await bridge.receive([value("offline"), standing("online"), standing("online")]);
		expect(await settled()).toEqual(["online", "offline", "online"]);
		await bridge.receive([standing("offline")]);
		expect(await settled()).toEqual(["online", "offline", "online", "offline"]);
	});
	test("is shown after the value was cleared, and at first", async () => {
		await bridge.receive([standing("online"), value(null), standing("online")]);
		expect(await settled()).toEqual(["online", "(cleared)", "online"]);
	});
	test("is compared with values of its own thing and room alone", async () => {
		await bridge.receive([value("on"), standing("on", { key: "lamp" } as never)]);
		expect(await settled()).toEqual(["on", "on"]);
		const keys = (room: string) => keysOf(standing("on", { room: room as RoomId }), "k", true).value?.key;
		expect(keys("plaza")).not.toBe(keys("market"));
	});
	test("is shown again in a room that was linked anew", async () => {
		earth.rooms.set("house", []);
		const house = { room: "house" as RoomId };
		expect(await command(bridge, mars, "link earth house", { room: "yard" })).toMatch(/^Linked/);
		await bridge.receive([value("online", house), standing("online", house)]);
		expect(await settled()).toEqual(["online"]);
		expect(await command(bridge, mars, "unlink earth", { room: "yard" })).toMatch(/^Unlinked/);
		expect(await command(bridge, mars, "link earth house", { room: "garden" })).toMatch(/^Linked/);
		await bridge.receive([standing("online", house)]);
		expect(await settled()).toEqual(["online", "online"]);
	});
	test("is shown if the rate limits refused the value before it", async () => {
		const keys = keysOf(value("offline"), "k", false);
		expect(keys.value).toBeUndefined();
	});
	test("is each a value of its own if things repeat it live", async () => {
		await bridge.receive([value("21"), value("21")]);
		expect(await settled()).toEqual(["21", "21"]);
	});
});
