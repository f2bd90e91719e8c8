import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { TemporaryError } from "../../src/core/errors.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Network } from "../../src/core/network.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, noLimits, rulesFor } from "../bridge.ts";
import { fakeHosting } from "../fake-hosting.ts";
import { type Fake, fakeNetwork, lines, until } from "../fakes.ts";

let [journal, mapping] = [createMemoryJournal(), createMemoryMapping()];
let earth: Fake;
let mars: Fake;
let bridge: Running;

const hosting = fakeHosting("earth");
const lobby = hosting.make("lobby").facts.room;
const view = "view of lobby" as RoomId;

async function start(over: Partial<Network> = {}, limits = noLimits) {
	earth = fakeNetwork("earth", { hosting, window: 3, ...over });
	mars = fakeNetwork("mars");
	bridge = bridgeOf([earth, mars], rulesFor({ "*": "admin" }, { limits }), { journal, mapping });
	earth.trouble = away;
	await bridge.start();
	await bridge.views.open(earth.name, lobby, view, mars.person("zog"));
}
const away = () => Promise.reject(new TemporaryError("away", { unsent: true }));
beforeEach(() => {
	[journal, mapping] = [createMemoryJournal(), createMemoryMapping()];
});
afterEach(() => bridge.stop(0));

/** Zog says these lines in the view; each waits for an answer for so many ms. */
async function say(ms: number, ...texts: readonly string[]) {
	for (const text of texts)
		await mars.say(view, "zog", text, { id: text as MessageId, until: Date.now() + ms });
}
const refused = () => mars.refused.map(({ event, sentence }) => `${event.id}: ${sentence.split(",")[0]}`);
const expired = (...ids: readonly string[]) => ids.map((id) => `${id}: it could not be sent in time`);
const settled = async (count: number) => {
	await until(
		() => mars.refused.length >= count,
		() => `${count} refusals, but ${refused().join(", ")}`,
	);
	expect((await journal.dead(9)).length).toBe(0);
};

describe("a line whose sender waits for an answer", () => {
	test("is given up in time while the other side is away, is never sent, and those behind it go on", async () => {
		await start();
		await say(100, "one", "two");
		await say(60_000, "three");
		await mars.say(view, "zog", "four");
		await settled(2);
		expect(refused()).toEqual(expired("one", "two"));
		expect(mars.refused[0]?.target).toBe("EARTH");
		earth.trouble = async () => undefined;
		bridge.resume(earth.name);
		await until(
			() => earth.sent.length === 2,
			() => lines(earth).join(),
		);
		expect(lines(earth)).toEqual(["zog: three", "zog: four"]);
		expect((await journal.stats()).waiting).toBe(0);
	});

	test("is given up behind lines that are under way, which get no error", async () => {
		await start();
		const { promise, resolve } = Promise.withResolvers<void>();
		earth.trouble = () => promise;
		await say(100, "one", "two", "three", "four", "five");
		await settled(2);
		expect(refused()).toEqual(expired("four", "five"));
		resolve();
		await until(
			() => earth.sent.length === 3,
			() => lines(earth).join(),
		);
		expect(mars.refused).toHaveLength(2);
		expect((await journal.stats()).waiting).toBe(0);
	});

	test("is given up at the next start if it was never sent, and gets no error if it may have arrived", async () => {
		await start({ window: 1 });
		const never = new Promise<void>(() => undefined);
		earth.trouble = () => never;
		await say(50, "in doubt");
		await until(
			() => bridge.inDoubt() === 1,
			() => "nothing is under way",
		);
		await bridge.stop(0);
		await journal.accept([]);
		await start({ window: 1 });
		await say(50, "waiting");
		await bridge.stop(0);
		await new Promise((resolve) => setTimeout(resolve, 60));
		await start();
		await settled(1);
		expect(refused()).toEqual(expired("waiting"));
		earth.trouble = async () => undefined;
		bridge.resume(earth.name);
		await until(
			() => earth.sent.length === 1,
			() => lines(earth).join(),
		);
		expect(lines(earth)).toEqual(["zog: in doubt"]);
	});

	test("is given up on disk as well, behind as many as the memory takes", async () => {
		await start();
		const texts = Array.from({ length: 600 }, (_, n) => `line ${n}`);
		await bridge.receive(
			texts.map((text) => ({
				...{ kind: "message", style: "text", text, id: text as MessageId, room: view, at: Date.now() },
				...{ sender: mars.person("zog"), until: Date.now() + 100 },
			})) as never,
		);
		await settled(600);
		expect(refused()).toEqual(expired(...texts));
		expect((await journal.stats()).waiting).toBe(0);
	});

	test("is given up in time if its sender writes faster than the limits allow", async () => {
		await start({}, { ...noLimits, sender: { perMinute: 1e-9, burst: 2 } });
		earth.trouble = async () => undefined;
		await say(300, "one", "two", "three", "four");
		await settled(2);
		expect(lines(earth)).toEqual(["zog: one", "zog: two"]);
		expect(refused()).toEqual(expired("three", "four"));
		expect(mars.refused[0]?.sentence).toContain("too many messages are before it");
		expect(await journal.stats()).toMatchObject({ waiting: 0, held: 0 });
	});
});
