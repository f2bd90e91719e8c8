import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import { type Fake, fakeNetwork, lines, until } from "../fakes.ts";
import type { FakeHomeserver } from "./fake-homeserver.ts";
import { type MatrixWorld, matrixWorld } from "./world.ts";

const verona = "#_xmpp_verona:hs.test";
const romeo = "@_xmpp_romeo:hs.test";

let world: MatrixWorld;
let hs: FakeHomeserver;
let xmpp: Fake;
let alice: string;
let room: NonNullable<ReturnType<FakeHomeserver["find"]>>;

async function begin(readReceipts?: number): Promise<void> {
	world = await matrixWorld({
		xmpp: fakeNetwork("xmpp", { typingLasts: 30_000 }),
		...(readReceipts !== undefined && { readReceipts }),
	});
	({ hs, xmpp, alice } = world);
	await hs.ask("GET", `/_matrix/app/v1/rooms/${encodeURIComponent(verona)}`);
	room = hs.find(verona) as typeof room;
	await hs.push([hs.member(room, alice, "join")]);
	await until(
		() => xmpp.attached.has("verona"),
		() => "verona is not joined",
	);
}
beforeEach(() => begin());
afterEach(() => world.stop());

const passes = (type: string, content: unknown, key = "ephemeral") =>
	hs.push([], { [key]: [{ type, room_id: room.id, content }] });
/** Resolves with the signals that reached the other network, once there are so many. */
async function reach(count: number): Promise<readonly string[]> {
	const shown = () =>
		xmpp.signals.map(({ signal, ids }) => {
			const what = signal.kind === "typing" ? (signal.active ? "types" : "stops") : signal.kind;
			return `${signal.sender.name}: ${[what, ...ids].join(" ")}`;
		});
	await until(
		() => shown().length >= count,
		() => JSON.stringify(shown()),
	);
	return shown();
}
/** Has romeo write; resolves with the Matrix event. */
async function written(text: string, more: object = {}) {
	await xmpp.say("verona", "romeo", text, more);
	const found = () => room.timeline.find(({ content }) => content.body === text);
	await until(
		() => found() !== undefined,
		() => `no ${text}`,
	);
	const event = found() as NonNullable<ReturnType<typeof found>>;
	await hs.push([event]);
	return event;
}
const read = (event: string, more: object = {}, kind = "m.read", who = alice) =>
	passes("m.receipt", { [event]: { [kind]: { [who]: { ts: 1, ...more } } } });

describe("typing on Matrix", () => {
	test("comes as a list of all who type; those who are new in it and those who left it are told", async () => {
		const bob = hs.person("bob", "Bob");
		await hs.push([hs.member(room, bob, "join")]);
		await passes("m.typing", { user_ids: [alice] });
		await passes("m.typing", { user_ids: [alice, bob] });
		await passes("m.typing", { user_ids: [bob] });
		expect(await reach(3)).toEqual(["Alice: types", "Bob: types", "Alice: stops"]);
	});

	test("is taken once from a transaction that has it under both names, and under the old one alone", async () => {
		const typing = [{ type: "m.typing", room_id: room.id, content: { user_ids: [alice] } }];
		await hs.push([], { ephemeral: typing, "de.sorunome.msc2409.ephemeral": typing });
		await passes("m.typing", { user_ids: [] }, "de.sorunome.msc2409.ephemeral");
		expect(await reach(2)).toEqual(["Alice: types", "Alice: stops"]);
	});

	test("of our own ghosts is the echo of theirs", async () => {
		await written("hello");
		await passes("m.typing", { user_ids: [romeo, "@trivium:hs.test"] });
		await passes("m.typing", { user_ids: [romeo, alice] });
		expect(await reach(1)).toEqual(["Alice: types"]);
	});

	test("costs no event of its transaction when nobody can read it", async () => {
		const event = hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: "hi" });
		const odd = [
			null,
			7,
			{ type: "m.typing" },
			{ type: "m.typing", room_id: room.id, content: { user_ids: "alice" } },
			{ type: "m.typing", room_id: room.id, content: { user_ids: [null, { a: 1 }, "no mxid"] } },
			{ type: "m.receipt", room_id: room.id, content: { $x: { "m.read": { [alice]: null, "7": {} } } } },
			{ type: "m.receipt", room_id: room.id, content: [] },
		];
		expect(await hs.push([event], { ephemeral: odd })).toBe(200);
		expect(await hs.push([], { ephemeral: "none" })).toBe(200);
		await until(
			() => lines(xmpp).length > 0,
			() => "no line",
		);
		expect(xmpp.signals).toEqual([]);
	});
});

describe("a read receipt on Matrix", () => {
	test("names the message by its id in the other room", async () => {
		await read((await written("hello")).event_id);
		expect(await reach(1)).toEqual(["Alice: read xmpp-1"]);
	});

	test("does not cross when it is private, of a thread or of a ghost of ours", async () => {
		const { event_id: id } = await written("hello");
		const { event_id: later } = await written("again");
		await read(id, {}, "m.read.private");
		await read(id, { thread_id: "$root" });
		await read(id, {}, "m.read", romeo);
		await read(later, { thread_id: "main" });
		expect(await reach(1)).toEqual(["Alice: read xmpp-2"]);
	});

	test("of a reaction stands for the message before it, and the newest of several counts", async () => {
		const first = await written("hello");
		const second = await written("again");
		const reaction = hs.emit(room, alice, "m.reaction", {
			"m.relates_to": { rel_type: "m.annotation", event_id: first.event_id, key: "👍" },
		});
		await hs.push([reaction]);
		await written("later");
		await passes("m.receipt", {
			[reaction.event_id]: { "m.read": { [alice]: { ts: 9 } } },
			[first.event_id]: { "m.read": { [alice]: { ts: 3 } } },
		});
		expect(second.event_id).not.toBe(first.event_id);
		expect(await reach(1)).toEqual(["Alice: read xmpp-2"]);
	});
});

describe("a signal of another network", () => {
	const signal = (what: object, where: RoomId | string = "verona") =>
		world.core.signal({ room: where, sender: xmpp.person("romeo"), ...what } as never);
	const requests = (method: string, path: RegExp) =>
		hs.asked(method, path).map((one) => [one.as, decodeURIComponent(one.path).split("/").at(-1), one.body]);
	const asks = async (method: string, path: RegExp, count = 1) => {
		await until(
			() => requests(method, path).length >= count,
			() => JSON.stringify(requests(method, path)),
		);
		return requests(method, path);
	};
	const messageOfAlice = async (body: string, where = room, there = "verona") => {
		const event = hs.emit(where, alice, "m.room.message", { msgtype: "m.text", body });
		await hs.push([event]);
		await until(
			() => xmpp.sent.some((out) => out.room === there && "text" in out.event && out.event.text === body),
			() => "it did not cross",
		);
		return { event, id: `xmpp:${xmpp.sent.at(-1)?.operation}` as MessageId };
	};

	test("is shown as typing of the ghost, and its end", async () => {
		await written("hello");
		signal({ kind: "typing", active: true });
		await asks("PUT", /typing/);
		signal({ kind: "typing", active: false });
		expect(await asks("PUT", /typing/, 2)).toEqual([
			[romeo, romeo, { typing: true, timeout: 30_000 }],
			[romeo, romeo, { typing: false }],
		]);
	});

	test("is not shown for people without a ghost in the room", async () => {
		signal({ kind: "typing", active: true });
		await written("hello");
		signal({ kind: "typing", active: true, sender: xmpp.person("tybalt") });
		const { id, event } = await messageOfAlice("hi");
		signal({ kind: "read", target: { id } });
		expect(await asks("POST", /receipt/)).toEqual([[romeo, event.event_id, {}]]);
		expect(requests("PUT", /typing/)).toEqual([]);
	});

	test("is no read receipt in a room of more people than the config allows", async () => {
		await world.stop();
		await begin(2);
		await written("hello");
		const { id } = await messageOfAlice("hi");
		signal({ kind: "read", target: { id } });
		signal({ kind: "typing", active: true });
		await asks("PUT", /typing/);
		expect(requests("POST", /receipt/)).toEqual([]);
	});

	test("tells Matrix people in a chat of two that their message arrived", async () => {
		const chat = hs.room(alice);
		await hs.push([hs.member(chat, romeo, "invite", alice, { is_direct: true })]);
		await until(
			() => chat.members.get(romeo) === "join",
			() => "romeo is not in the chat",
		);
		const { id, event } = await messageOfAlice("hi", chat, "romeo+alice");
		signal({ kind: "received", target: { id } }, "romeo+alice");
		const [[as, , body] = []] = await asks("PUT", /message_send_status/);
		expect(as).toBe(romeo);
		expect(body).toEqual({
			network: "trivium",
			"m.relates_to": { rel_type: "m.reference", event_id: event.event_id },
			status: "SUCCESS",
			delivered_to_users: [romeo],
		});
	});
});
