import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PermanentError } from "../../../src/core/errors.ts";
import type { BridgeEvent } from "../../../src/core/event.ts";
import type { MessageId } from "../../../src/core/ids.ts";
import { joinRefusal } from "../../../src/xmpp/joined/join-refusals.ts";
import { StanzaError } from "../../../src/xmpp/stanza-error.ts";
import { alice, bodies, failure, person, room, type World, world } from "./muc-world.ts";

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

const stated = "trivium@bridge.test";
const bob = person("bob", "Bob");
/** Returns the bare JIDs of our occupants in the MUC, by nick; the hash of a listener is left out. */
const ours = (w: World) =>
	Object.fromEntries(
		[...w.muc.occupants].flatMap(([nick, { jid }]) =>
			jid ? [[nick, jid.replace(/\/.*/, "").replace(/-[0-9a-f]+/, "")]] : [],
		),
	);
const locked = (...members: string[]) => world({ members: new Set(members) });

describe("a MUC for members only", () => {
	test.each([false, true])(
		"is joined under the stated JID if that is a member, also if the MUC hides its settings: %s",
		async (hidden) => {
			const w = world({ members: new Set([stated]), hidden });
			w.muc.come("Romeo");
			await w.attach();
			expect(ours(w)).toEqual({ Trivium: stated });
			w.muc.say("Romeo", "hi");
			await w.settle();
			expect(w.lines()).toEqual(["Romeo: hi"]);
		},
	);

	test("hinders its link until somebody lets the bridge in, and says so", async () => {
		const w = locked();
		expect(w.rooms.hindrance(room)).toBeUndefined();
		await w.attach().catch(() => undefined);
		expect(w.rooms.hindrance(room)).toContain(`make ${stated} a member`);
		w.muc.faults.members?.add(stated);
		await w.pass(300_000);
		await w.attach().catch(() => undefined);
		expect(w.rooms.hindrance(room)).toBeUndefined();
		w.rooms.offline("gone");
		expect(w.rooms.hindrance(room)).toBe(
			`the bridge is not in the XMPP room ${room} yet, and goes on trying.`,
		);
	});

	test("is joined under the listener's own JID if somebody made that one a member", async () => {
		const w = world();
		await w.attach();
		const [own = ""] = [...w.muc.occupants.values()].map(({ jid = "" }) => jid.replace(/\/.*/, ""));
		w.muc.lock(own);
		w.muc.forget();
		w.crash();
		await w.attach();
		expect(ours(w)).toEqual({ Trivium: "~listener@bridge.test" });
	});

	test("shows members among our people as occupants, and the others by name through the stated JID", async () => {
		const w = locked(stated, "bob@bridge.test");
		await w.attach(alice, bob);
		await w.settle();
		expect(ours(w)).toEqual({ Trivium: stated, Bob: "bob@bridge.test" });
		await w.done(w.say("hi"));
		await w.done(w.say("ho", bob));
		await w.done(w.say("again"));
		expect(w.bodies()).toEqual(["trivium: Alice: hi", "bob: ho", "trivium: Alice: again"]);
		expect(w.told, "nobody is told of a refusal").toEqual([]);
		const tries = w.muc.taken.filter(
			({ name, attrs: { from = "" } }) => name === "presence" && /^alice/.test(from),
		);
		expect(tries, "a non-member is tried once in five minutes").toHaveLength(1);
	});

	test("lets a person in as an occupant some minutes after they became a member", async () => {
		const w = locked(stated);
		await w.attach();
		await w.done(w.move("join"));
		await w.done(w.say("one"));
		w.muc.faults.members?.add("alice@bridge.test");
		await w.pass(300_000);
		await w.done(w.say("two"));
		expect(w.bodies()).toEqual(["trivium: Alice: one", "alice: two"]);
	});

	test("has edits and deletions of a relayed line come from the occupant that wrote it", async () => {
		const w = locked(stated);
		await w.attach();
		const send = (event: Partial<BridgeEvent> & { kind: BridgeEvent["kind"] }, refs = {}) =>
			w.done(w.rooms.send({ ...w.out(event), refs }));
		const id = "$m" as MessageId;
		const ids = await send({ kind: "message", style: "text", text: "hi" } as never);
		const refs = { [id]: ids };
		await send({ kind: "edit", style: "text", text: "hello", target: { id } } as never, refs);
		await send({ kind: "redaction", target: { id } } as never, refs);
		expect(bodies(w).slice(0, 2)).toEqual(["Alice: hi", "Alice: hello"]);
		const [, edit, deletion] = w.muc.taken.filter(({ name }) => name === "message");
		expect(edit?.getChild("replace")).toBeDefined();
		expect(deletion?.getChild("retract")).toBeDefined();
		expect(deletion?.attrs.from).toMatch(stated);
	});

	test("names the JID that has to be let in, and is joined ten seconds after that by the next line", async () => {
		const w = locked();
		const refused = await failure(w.attach());
		expect(refused).toBeInstanceOf(PermanentError);
		expect(refused?.message).toContain(`make ${stated} a member`);
		expect((await failure(w.done(w.say("hi"))))?.message).toContain(stated);
		w.muc.faults.members?.add(stated);
		await w.pass(10_000);
		await w.done(w.say("hi"));
		expect(w.bodies()).toEqual(["trivium: Alice: hi"]);
	});

	test("tells the portal once that nothing crosses, and is asked again without a line", async () => {
		const w = locked();
		w.rooms.online();
		await failure(w.attach());
		await w.pass(1_200_000);
		expect(w.lines()).toEqual([
			expect.stringMatching(/Nothing crosses .*make trivium@bridge\.test a member/),
		]);
		w.muc.come("Romeo");
		w.muc.faults.members?.add(stated);
		await w.pass(331_000);
		w.muc.say("Romeo", "welcome");
		await w.settle();
		expect(w.lines().slice(1)).toEqual(["Romeo: welcome"]);
	});

	test("tells nothing to the portal that ends with the refusal of its link", async () => {
		const w = locked();
		await failure(w.attach());
		await w.rooms.detach({ ...w.out({ kind: "message" } as never).link });
		await w.pass(60_000);
		expect(w.told).toEqual([]);
	});
});

/** Returns the lines that the portal got, besides the one that the settings changed. */
const said = (w: World) =>
	w.lines().filter((line) => !line.includes("have changed: only its members may enter"));

describe("a MUC that becomes one for members only", () => {
	test("keeps our people through the stated JID, and loses no line", async () => {
		const w = world();
		w.muc.come("Romeo");
		await w.attach(alice, bob);
		await w.settle();
		w.muc.say("Romeo", "before");
		w.muc.lock(stated, "bob@bridge.test");
		w.muc.say("Romeo", "between");
		await w.pass(10_000);
		w.muc.say("Romeo", "after");
		await w.done(w.say("hi"));
		expect(ours(w)).toEqual({ Trivium: stated, Bob: "bob@bridge.test" });
		expect(said(w)).toEqual(["Romeo: before", "Romeo: between", "Romeo: after"]);
		expect(w.bodies()).toEqual(["trivium: Alice: hi"]);
	});

	test("lets nobody of ours in: the portal and the senders are told which JID has to be let in", async () => {
		const w = world();
		await w.attach(alice, bob);
		await w.settle();
		w.muc.lock();
		await w.pass(10_000);
		expect(said(w)).toEqual([expect.stringContaining(`make ${stated} a member`)]);
		expect((await failure(w.done(w.say("hi"))))?.message).toContain(stated);
	});

	test("keeps a ghost as the active listener that is a member, and names both JIDs to the others", async () => {
		const w = world();
		w.muc.come("Romeo");
		await w.attach(alice, bob);
		await w.settle();
		w.muc.lock("bob@bridge.test");
		await w.pass(10_000);
		w.muc.say("Romeo", "still here?");
		await w.done(w.say("yes", bob));
		expect(said(w)).toEqual(["Romeo: still here?"]);
		expect((await failure(w.done(w.say("me too"))))?.message).toMatch(
			/make trivium@bridge\.test a member.* or alice@bridge\.test for you alone/,
		);
		w.muc.faults.members?.add(stated);
		await w.pass(10_000);
		await w.done(w.say("me too"));
		expect(w.bodies()).toEqual(["bob: yes", "trivium: Alice: me too"]);
	});

	test("and opens again is joined under the listener's own JID at the next join", async () => {
		const w = locked(stated);
		await w.attach();
		delete w.muc.faults.members;
		w.muc.kick("Trivium", ["332"]);
		await w.pass(10_000);
		expect(ours(w)).toEqual({ Trivium: "~listener@bridge.test" });
	});
});

describe("the listener whose membership somebody took", () => {
	test("is replaced by a ghost that is a member, and comes back when it is let in again", async () => {
		const w = locked(stated, "bob@bridge.test");
		w.muc.come("Romeo");
		await w.attach(alice, bob);
		await w.settle();
		w.muc.faults.members?.delete(stated);
		w.muc.kick("Trivium", ["321"]);
		w.muc.say("Romeo", "gone?");
		await w.pass(11_000);
		expect(said(w)).toEqual(["Romeo: gone?"]);
		expect((await failure(w.done(w.say("hi"))))?.message).toContain(stated);
		w.muc.faults.members?.add(stated);
		await w.pass(300_000);
		await w.done(w.say("hi"));
		expect(w.bodies()).toEqual(["trivium: Alice: hi"]);
		expect(ours(w)).toMatchObject({ Trivium: stated });
	});
});

describe("the reason of a refused join", () => {
	const no = (condition: string, text: string) =>
		joinRefusal(room, new StanzaError(condition, "auth", text), stated).message;

	test("is a rule that lets nobody of the component into MUCs", () =>
		expect(no("forbidden", "Access denied by service policy")).toMatch(
			/nobody of bridge\.test into the rooms of muc\.test.*“access” of mod_muc/,
		));

	test("is the limit of MUCs for one bare JID", () =>
		expect(no("resource-constraint", "You have joined too many conferences")).toMatch(
			/max_user_conferences of mod_muc.*trivium@bridge\.test/,
		));
});
