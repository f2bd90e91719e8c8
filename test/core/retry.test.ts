import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Outbound } from "../../src/core/network.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, lines, until } from "../fakes.ts";

let earth: Fake;
let mars: Fake;
let bridge: Running;
let mapping = createMemoryMapping();
let journal = createMemoryJournal();
/** Every attempt that Mars got, in order. */
let tried: Outbound[] = [];
let count = 0;

/** Starts a run of the bridge on the same stores; `can`: the present capabilities of Mars. */
async function begin(can: NonNullable<Parameters<typeof fakeNetwork>[1]>["can"] = {}): Promise<void> {
	tried = [];
	earth = fakeNetwork("earth");
	mars = fakeNetwork("mars", { can });
	mars.rooms.set("crater", []);
	bridge = bridgeOf([earth, mars], rulesFor({ "*": "admin" }), { mapping, journal });
	lose("never");
	await bridge.start();
}
beforeEach(async () => {
	mapping = createMemoryMapping();
	journal = createMemoryJournal();
	await begin();
	await command(bridge, earth, "link mars crater");
});

/** True while the confirmations of Mars are lost. */
function lose(when: "never" | "always"): void {
	mars.trouble = async (out) => {
		tried.push(out);
		if (when === "always") throw new TemporaryError("no answer");
	};
}
const says = (what: object) =>
	earth.bridge.receive([
		{
			kind: "message",
			style: "text",
			id: `e${++count}`,
			room: "plaza",
			sender: earth.person("ann"),
			at: Date.now(),
			...what,
		} as unknown as BridgeEvent,
	]);
const attempts = (n: number) =>
	until(
		() => tried.length >= n,
		() => JSON.stringify(tried),
	);
const sent = (fake: Fake, n: number) =>
	until(
		() => fake.sent.length >= n,
		() => JSON.stringify(fake.sent),
	);
const form = ({ operation, room, event, refs, shown }: Outbound) => ({ operation, room, event, refs, shown });
/** Resolves with the id on Earth of a message that both rooms have. */
async function known(): Promise<MessageId> {
	await says({ id: "known", text: "hello" });
	await sent(mars, 1);
	tried = [];
	return "known" as MessageId;
}

test.each([
	[
		"a reaction",
		(id: MessageId) => ({ kind: "reaction", target: { id, text: "hello" }, mode: "add", emoji: ["👍"] }),
	],
	["an answer", (id: MessageId) => ({ text: "yes", replyTo: { id, text: "hello" } })],
	[
		"a file",
		() => ({ text: "", media: { kind: "image", name: "cat.png", source: { network: "earth", ref: "1" } } }),
	],
	["an edit", (id: MessageId) => ({ kind: "edit", text: "hallo", target: { id, own: id, text: "hello" } })],
])("%s in doubt is retried as it was first sent, although the room can show less by now", async (_, what) => {
	await begin({ media: "native" });
	const id = await known();
	lose("always");
	await says(what(id));
	await attempts(1);
	const [first] = tried as [Outbound];
	// The run is killed: only its stores are left.
	await begin({ reaction: "text", reply: "text", media: "text", edit: "text" });
	await attempts(1);
	expect(form(tried[0] as Outbound)).toEqual(form(first));
	expect(tried[0]?.attempt).toBeGreaterThan(0);
	await sent(mars, 1);
});

test("a reaction in doubt is retried as it was first sent, although the room's setting has changed", async () => {
	const id = await known();
	lose("always");
	await says({ kind: "reaction", target: { id, text: "hello" }, mode: "add", emoji: ["👍"] });
	await attempts(1);
	await command(bridge, earth, "settings reactions text");
	lose("never");
	bridge.resume(mars.name);
	await sent(mars, 2);
	expect(tried.map(({ event }) => event.kind)).toEqual(["reaction", "reaction"]);
});

test("a dead letter is rendered anew when an admin retries it", async () => {
	const id = await known();
	mars.trouble = () => Promise.reject(new PermanentError("failed", "no reactions here."));
	await says({ kind: "reaction", target: { id, text: "hello" }, mode: "add", emoji: ["👍"] });
	await until(
		() => earth.refused.length === 0 && bridge.inDoubt() === 0,
		() => "not refused",
	);
	await command(bridge, earth, "settings reactions text");
	lose("never");
	await command(bridge, earth, "retry");
	await until(
		() => lines(mars).length === 2,
		() => lines(mars).join(" | "),
	);
	expect(lines(mars)[1]).toBe("ann: reacted with 👍 to “hello”");
});

describe("a message that is unconfirmed for a day", () => {
	const day = 24 * 60 * 60_000;
	const told = () => earth.refused.map(({ sentence }) => sentence);
	/** Sends a message, and lets a day pass after its first attempt. */
	async function aDayAfter(text: string): Promise<void> {
		await says({ text });
		await attempts(1);
		vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + day + 1 });
		bridge.resume(mars.name);
		await until(
			() => earth.refused.length === 1,
			() => "no sender notice",
		);
	}
	afterEach(() => void vi.useRealTimers());

	test("becomes a dead letter, and its sender is notified that it did not arrive", async () => {
		mars.trouble = async (out) => {
			tried.push(out);
			throw new TemporaryError("no link", { unsent: true });
		};
		await aDayAfter("never sent");
		expect(told()).toEqual(["it could not be delivered for a day and was given up."]);
		expect((await journal.dead(10)).map(({ state }) => state)).toEqual(["waiting"]);
		lose("never");
		await says({ text: "today" });
		await sent(mars, 1);
		expect(lines(mars)).toEqual(["ann: today"]);
	});

	test("is reported as possibly delivered if it was in doubt, and the admin's retry makes no second one", async () => {
		lose("always");
		await aDayAfter("in doubt");
		expect(told()).toEqual([
			"for a day nobody there confirmed that it arrived, so it was given up. It may be there.",
		]);
		lose("never");
		await command(bridge, earth, "retry");
		await sent(mars, 1);
		expect(tried.at(-1)).toMatchObject({ operation: tried[0]?.operation, attempt: 1 });
	});
});

test("a message in doubt of a 1:1 chat is retried in its first room, although the chat has moved", async () => {
	await earth.say("ann+zog", "ann", "hi", { to: mars.person("zog") });
	await sent(mars, 1);
	const [{ room: before } = { room: "" }] = mars.sent;
	lose("always");
	await earth.say("ann+zog", "ann", "in doubt");
	await attempts(2);
	await bridge.openDirect(mars.person("zog"), earth.person("ann"), "elsewhere" as RoomId);
	lose("never");
	await earth.say("ann+zog", "ann", "after the move");
	bridge.resume(mars.name);
	await sent(mars, 3);
	expect(mars.sent.map(({ room, event }) => [room, "text" in event && event.text])).toEqual([
		[before, "hi"],
		[before, "in doubt"],
		["elsewhere", "after the move"],
	]);
});

test("once runs its function a single time over all attempts, also after the bridge is killed", async () => {
	let made = 0;
	const urls: string[] = [];
	const upload = async () => `file ${++made}`;
	const lost = async (out: Outbound) => {
		urls.push(await out.once("file", upload));
		throw new TemporaryError("no answer");
	};
	mars.trouble = lost;
	await says({ text: "look" });
	await says({ text: "and there" });
	await until(
		() => urls.length === 1,
		() => "not tried",
	);
	bridge.resume(mars.name);
	await until(
		() => urls.length === 2,
		() => "not tried again",
	);
	await begin();
	mars.trouble = async (out) => void urls.push(await out.once("file", upload));
	await sent(mars, 2);
	expect(urls).toEqual(["file 1", "file 1", "file 1", "file 2"]);
});

test("once runs its function a single time, also if the bridge is killed right after it", async () => {
	let made = 0;
	const upload = async () => `file ${++made}`;
	// The first run gets no further answer.
	mars.trouble = (out) => out.once("file", upload).then(() => new Promise(() => undefined));
	await says({ text: "look" });
	await until(
		() => made === 1,
		() => "not tried",
	);
	await new Promise((resolve) => setTimeout(resolve, 10));
	await begin();
	const urls: string[] = [];
	mars.trouble = async (out) => void urls.push(await out.once("file", upload));
	await sent(mars, 1);
	expect(urls).toEqual(["file 1"]);
});
