import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { MessageId, RoomId } from "../../../src/core/ids.ts";
import type { Signal, SignalOut } from "../../../src/core/signal.ts";
import { type Element, xml } from "../../../src/xmpp/stream/xml.ts";
import { alice, aliceJid, linkedWithLine, room, type World, world } from "./muc-world.ts";

const states = "http://jabber.org/protocol/chatstates";
const markers = "urn:xmpp:chat-markers:0";
const composing = () => xml("composing", { xmlns: states });

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

/** Has a message without a body come from an occupant. */
async function sends(w: World, nick: string, ...inside: Element[]): Promise<void> {
	for (const ours of [...w.muc.occupants.values()])
		if (ours.jid)
			w.muc.emit(xml("message", { type: "groupchat", from: `${room}/${nick}`, to: ours.jid }, ...inside));
	await w.settle();
}
const told = ({ signals }: World) =>
	signals
		.splice(0)
		.map((one) => [
			one.kind,
			one.sender.name,
			"target" in one ? one.target.id : one.kind === "typing" && one.active,
		]);
const show = async (w: World, signal: object, ids: readonly string[] = []) => {
	const out = {
		signal: { room, sender: alice, ...signal } as Signal,
		room: room as RoomId,
		ids: ids as MessageId[],
	};
	await w.done(w.rooms.signal(out as unknown as SignalOut));
};
/** Returns the messages without a body that the MUC got since the last call. */
const written = (w: World) =>
	w.muc.taken
		.splice(0)
		.filter((one) => one.name === "message" && !one.getChild("body"))
		.map((one) => `${one.attrs.type} ${one.attrs.from}: ${one.getChildElements().map(String).join("")}`);

describe("typing and read positions of a MUC", () => {
	test("are told once, by the active listener's copy, for the occupant behind the nick", async () => {
		const w = await linkedWithLine();
		w.muc.come("Romeo");
		await w.settle();
		await sends(w, "Romeo", composing());
		w.muc.say("Romeo", "hi");
		await w.settle();
		await sends(w, "Romeo", xml("displayed", { xmlns: markers, id: "S1" }));
		expect(told(w)).toEqual([
			["typing", "Romeo", true],
			["typing", "Romeo", false],
			["read", "Romeo", "sid S1"],
		]);
	});

	test("are not told of our own occupants, of nobody, and from the history", async () => {
		const w = await linkedWithLine();
		w.muc.come("Romeo");
		await w.settle();
		await sends(w, "Alice", composing());
		await sends(w, "Nobody", composing());
		await sends(
			w,
			"Romeo",
			composing(),
			xml("delay", { xmlns: "urn:xmpp:delay", from: room, stamp: "2023-11-14T00:00:00Z" }),
		);
		expect(told(w)).toEqual([]);
	});

	test("of others are shown by the person's own occupant, and go through no listener", async () => {
		const w = await linkedWithLine();
		w.muc.come("Romeo");
		await w.settle();
		written(w);
		await show(w, { kind: "typing", active: true });
		await show(w, { kind: "read" }, ["x", "sid S1", "msg 1", "sid S2"]);
		await show(w, {
			kind: "typing",
			active: true,
			sender: { ...alice, id: "@bob:hs.test", address: ["bob"] },
		});
		expect(written(w)).toEqual([
			`groupchat ${aliceJid}: <composing xmlns="${states}"/><no-store xmlns="urn:xmpp:hints"/>`,
			`groupchat ${aliceJid}: <displayed xmlns="${markers}" id="S2"/><no-store xmlns="urn:xmpp:hints"/>`,
		]);
		expect(told(w)).toEqual([]);
		// The MUC's own copy of them is no line, and confirms none.
		await w.done(w.say("after"));
		expect(w.bodies().at(-1)).toBe("alice: after");
	});

	test("are heard where somebody else is, and read positions only where few are", async () => {
		const w = world({}, 3);
		await w.attach(alice);
		w.rooms.online();
		await w.settle();
		const hears = () => [w.rooms.hears("typing", room), w.rooms.hears("read", room)];
		expect(hears()).toEqual([false, false]);
		w.muc.come("Romeo");
		await w.settle();
		expect(hears()).toEqual([true, true]);
		await w.done(w.say("few"));
		w.muc.come("Tybalt");
		await w.settle();
		expect(hears()).toEqual([true, false]);
		await w.done(w.say("many"));
		const asks = w.muc.taken
			.filter((one) => one.getChild("body"))
			.map((one) => one.getChild("markable", markers));
		expect(asks.map((one) => one !== undefined)).toEqual([true, false]);
		expect(w.rooms.hears("received", room)).toBe(false);
	});
});

describe("the presence of a thing in a MUC", () => {
	test("is that of its occupant, which stays", async () => {
		const w = await linkedWithLine();
		w.muc.taken.splice(0);
		const presences = () =>
			w.muc.taken
				.splice(0)
				.filter(({ name, attrs }) => name === "presence" && attrs.from === aliceJid)
				.map((one) => [one.attrs.type, one.getChild("show")?.getText(), one.getChild("status")?.getText()]);
		await show(w, { kind: "presence", show: "offline" });
		expect(presences()).toEqual([[undefined, "xa", "offline"]]);
		await show(w, { kind: "presence", show: "online" });
		expect(presences()).toEqual([[undefined, undefined, undefined]]);
	});
});
