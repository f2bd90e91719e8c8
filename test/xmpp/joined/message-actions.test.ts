import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { BridgeEvent } from "../../../src/core/event.ts";
import type { MessageId, OperationId } from "../../../src/core/ids.ts";
import type { Outbound } from "../../../src/core/network.ts";
import { type Element, xml } from "../../../src/xmpp/stream/xml.ts";
import { alice, aliceJid, failure, link, person, room, type World, wireId, world } from "./muc-world.ts";

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

const ns = {
	correct: "urn:xmpp:message-correct:0",
	retract: "urn:xmpp:message-retract:1",
	reactions: "urn:xmpp:reactions:0",
};
const replace = (id: string) => xml("replace", { xmlns: ns.correct, id });
const id = (text: string) => text as MessageId;
let operations = 0;
const out = (event: object, refs: Record<string, readonly string[]> = {}, operation?: string): Outbound =>
	({
		operation: (operation ?? `act${++operations}`) as OperationId,
		portal: { id: "p1", links: [link] },
		link,
		room,
		event: { id: "$e", room: "!r", sender: alice, at: 0, ...event },
		refs,
		shown: [],
		reactions: "native",
		once: (_: string, make: () => Promise<unknown>) => make(),
		attempt: 0,
	}) as unknown as Outbound;
const says = (text: string) => ({ kind: "message", style: "text", text });
const edits = (text: string) => ({
	kind: "edit",
	style: "text",
	text,
	target: { id: id("$1"), own: id("own $1") },
});
const takesBack = { kind: "redaction", target: { id: id("$1") } };
/** Returns the last stanza that we sent to the MUC. */
const last = (w: World) => w.muc.taken.at(-1) as Element;
const target = (event: BridgeEvent | undefined) => (event && "target" in event ? event.target.id : undefined);

async function begun(faults: Parameters<typeof world>[0] = {}): Promise<World> {
	const w = world(faults);
	w.muc.come("Romeo");
	await w.attach();
	return w;
}

describe("the ids of a line that we sent", () => {
	test("are the MUC's stanza-id, our stanza id, and the JID of its occupant", async () => {
		const w = await begun();
		expect(await w.done(w.rooms.send(out(says("hi"), {}, "op")))).toEqual([
			"sid S1",
			`msg ${wireId("op")}`,
			`from op ${aliceJid}`,
		]);
	});
	test("are our stanza id and the JID of its occupant in a MUC without stanza-ids", async () => {
		const w = await begun({ noStanzaIds: true });
		expect(await w.done(w.rooms.send(out(says("hi"), {}, "op")))).toEqual([
			`msg ${wireId("op")}`,
			`from op ${aliceJid}`,
		]);
	});
});

describe("a thread in a MUC", () => {
	const opens = (event: BridgeEvent) => event.aka?.includes("thread t" as MessageId);

	test("is opened by the first message with its id and by no later one, whoever writes", async () => {
		const w = await begun();
		w.muc.come("Tybalt");
		const thread = () => xml("thread", {}, "t");
		w.muc.say("Romeo", "one", "m1", thread());
		w.muc.say("Tybalt", "two", "m2", thread());
		w.muc.say("Romeo", "three", "m3", xml("thread", { parent: "t" }, "t2"));
		await w.settle();
		const said = w.told.filter((one) => one.kind === "message");
		expect(said.map(opens)).toEqual([true, false, false]);
		expect(said.map((one) => one.kind === "message" && one.thread?.id)).toEqual(Array(3).fill("thread t"));
	});
});

describe("the author who may change a line of a MUC", () => {
	const own = (event: BridgeEvent | undefined) => event?.aka?.filter((one) => one.startsWith("own "));

	test("is the holder of its occupant-id, under any nick", async () => {
		const w = await begun();
		w.muc.say("Romeo", "one", "m1");
		w.muc.rename("Romeo", "Montague");
		w.muc.say("Montague", "two", "m2", replace("m1"));
		await w.settle();
		const [said, , edit] = w.told;
		expect(own(said)).toContain(target(edit));
	});
	test("is nobody who spells the author's id in another way", async () => {
		const w = await begun();
		w.muc.come("Tybalt");
		w.muc.say("Romeo", "one", "m1");
		w.muc.say("Tybalt", "two", "m2", replace(`m1 ${room} id of Romeo`));
		w.muc.say("Tybalt", "three", "m3", replace("m1"));
		await w.settle();
		const said = w.told.find((one) => one.kind === "message");
		for (const edit of w.told.filter((one) => one.kind === "edit"))
			expect(own(said)).not.toContain(target(edit));
	});
	test("is the occupant that has held the nick since, in a MUC without occupant-ids", async () => {
		const w = await begun({ noOccupantIds: true });
		w.muc.say("Romeo", "one", "m1");
		w.muc.say("Romeo", "two", "m2", replace("m1"));
		w.muc.go("Romeo");
		w.muc.come("Romeo");
		w.muc.say("Romeo", "three", "m3", replace("m1"));
		await w.settle();
		const said = w.told.find((one) => one.kind === "message");
		const [same, other] = w.told.filter((one) => one.kind === "edit");
		expect(own(said)).toContain(target(same));
		expect(own(said)).not.toContain(target(other));
	});
});

test("a correction is handed on with every id that later lines may point at", async () => {
	const w = await begun();
	w.muc.say("Romeo", "one", "m1");
	w.muc.say("Romeo", "two", "m2", replace("m1"));
	w.muc.say("Romeo", "three", "m3", replace("m2"));
	await w.settle();
	const [, second, third] = w.told;
	expect(second?.aka).toEqual([
		"sid S2",
		...["sid S2", "msg m2"].map((one) => `own ${one} ${second?.sender.id}`),
	]);
	expect(second?.aka).toContain(target(third));

	const refs = { "own $1": ["sid S0", "msg m0", `from op ${aliceJid}`] };
	expect(await w.done(w.rooms.send(out(edits("new"), refs, "op4")))).toEqual([
		"sid S4",
		`msg ${wireId("op4")}`,
	]);
});

describe("a person the MUC has no place for", () => {
	let w: World;
	const said = [`sid S1`, "msg m1", "from op ~listener"];
	beforeEach(async () => {
		w = await begun();
		w.muc.faults.refuse = (_, jid) => (jid === aliceJid ? ["wait", "service-unavailable"] : undefined);
		const ids = await w.done(w.rooms.send(out(says("one"))));
		said.splice(0, 3, ...ids);
	});

	test("corrects a line that the listener sent in their name, through the listener", async () => {
		await w.done(w.rooms.send(out(edits("two"), { "own $1": said })));
		expect(last(w).getChild("body")?.getText()).toBe("Alice: two");
		expect(last(w).getChild("replace")?.attrs.id).toBe(said[1]?.slice(4));
		expect(last(w).attrs.from).toMatch(/^~listener/);
	});
	test("corrects a line that their own occupant sent, in words", async () => {
		await w.done(w.rooms.send(out(edits("two"), { "own $1": ["sid S0", `from op ${aliceJid}`] })));
		expect(last(w).getChild("body")?.getText()).toBe("Alice: Correction: two");
		expect(last(w).getChild("replace")).toBeUndefined();
	});
	test("deletes a line that the listener sent in their name", async () => {
		await w.done(w.rooms.send(out(takesBack, { $1: said })));
		expect(last(w).getChild("retract")?.attrs.id).toBe(said[0]?.slice(4));
	});
	test("reacts in words", async () => {
		const reaction = { kind: "reaction", mode: "set", emoji: ["👍️"], target: { id: id("$1") } };
		await w.done(w.rooms.send(out(reaction, { $1: said })));
		expect(last(w).getChild("body")?.getText()).toBe("* Alice reacted with 👍️");
		const before = w.muc.taken.length;
		await w.done(w.rooms.send(out({ ...reaction, emoji: [] }, { $1: said })));
		expect(w.muc.taken.slice(before).filter((one) => one.name === "message")).toEqual([]);
	});
});

describe("a deletion in a MUC", () => {
	test("of a file deletes its caption, too", async () => {
		const w = await begun();
		await w.done(w.move("join"));
		const ids = ["sid S1", "msg op", `from op ${aliceJid}`, "sid S2", "msg op2", `from op2 ${aliceJid}`];
		await w.done(w.rooms.send(out(takesBack, { $1: ids })));
		const gone = w.muc.taken.flatMap((one) => one.getChild("retract")?.attrs.id ?? []);
		expect(gone).toEqual(["S1", "S2"]);
	});
	test("of a corrected message is sent once", async () => {
		const w = await begun();
		await w.done(w.move("join"));
		const ids = ["sid S1", "msg op", `from op ${aliceJid}`, "sid S2", "msg op2"];
		await w.done(w.rooms.send(out(takesBack, { $1: ids })));
		const gone = w.muc.taken.flatMap((one) => one.getChild("retract")?.attrs.id ?? []);
		expect(gone).toEqual(["S1"]);
	});
	test("of another person's line on our side is sent by that person's occupant", async () => {
		const w = await begun();
		await w.done(w.move("join"));
		const bob = person("bob", "Bob");
		const refs = { $1: ["sid S1", "msg op", `from op ${aliceJid}`] };
		await w.done(w.rooms.send(out({ ...takesBack, sender: bob }, refs)));
		expect(last(w).attrs.from).toBe(aliceJid);
	});

	describe("of a line of the MUC's own people", () => {
		const theirs = { $1: ["S1", "sid S1", "own sid S1 x"] };
		async function moderated(moderate: (from: string) => string | undefined) {
			const w = await begun({ moderate });
			await w.done(w.move("join"));
			return w;
		}
		const who = (w: World) => w.muc.moderations.map((one) => one.attrs.from?.split(/[@-]/)[0]);

		test("asks the MUC to moderate, as the person's own occupant", async () => {
			const w = await moderated(() => undefined);
			await w.done(w.rooms.send(out({ ...takesBack, reason: "brawl" }, theirs)));
			expect(who(w)).toEqual(["alice"]);
			const moderate = w.muc.moderations[0]?.getChild("moderate", "urn:xmpp:message-moderate:1");
			expect([moderate?.attrs.id, moderate?.getChild("reason")?.getText()]).toEqual(["S1", "brawl"]);
			// The MUC tells all occupants of the deletion, us, too.
			const retract = xml(
				"retract",
				{ xmlns: ns.retract, id: "S1" },
				xml("moderated", { xmlns: "urn:xmpp:message-moderate:1" }),
			);
			w.muc.tell(retract);
			await w.settle();
			expect(w.told).toEqual([]);
		});
		test("asks as the listener where that alone may moderate", async () => {
			const w = await moderated((from) => (from === aliceJid ? "forbidden" : undefined));
			await w.done(w.rooms.send(out(takesBack, theirs)));
			expect(who(w)).toEqual(["alice", "~listener"]);
		});
		test("fails with the reason where none of ours may moderate", async () => {
			const w = await moderated(() => "forbidden");
			expect(await failure(w.done(w.rooms.send(out(takesBack, theirs))))).toMatchObject({
				reason: "forbidden",
				message: expect.stringContaining("only a moderator"),
			});
		});
		test("fails in a MUC without moderation", async () => {
			const w = await begun();
			expect(await failure(w.done(w.rooms.send(out(takesBack, theirs))))).toMatchObject({
				message: expect.stringContaining("no way to delete"),
			});
		});
	});
});

test("a MUC that stops archiving gives no stanza-ids that we use any more", async () => {
	const w = await begun();
	expect(w.rooms.hasIds(room)).toBe(true);
	w.muc.faults.noArchive = true;
	const status = xml("x", { xmlns: "http://jabber.org/protocol/muc#user" }, xml("status", { code: "171" }));
	w.muc.tell(status);
	await w.settle();
	expect(w.rooms.hasIds(room)).toBe(false);
});
