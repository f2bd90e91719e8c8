import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PermanentError, TemporaryError } from "../../../src/core/errors.ts";
import { photoIn } from "../../../src/xmpp/photo.ts";
import { StanzaError } from "../../../src/xmpp/stanza-error.ts";
import { xml } from "../../../src/xmpp/stream/xml.ts";
import { eventually } from "../../eventually.ts";
import { avatar } from "../fake-faces.ts";
import { png } from "../hosted/queries/world.ts";
import { stanza } from "../stanza.ts";
import { alice, aliceJid, bodies, failure, link, person, room, type World, world } from "./muc-world.ts";

/** Returns the stanza id that a line of ours was sent under. */
const wire = expect.stringMatching(/^op/);

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

describe("joins of a MUC", () => {
	test("tell the roster of a MUC of a thousand in one piece", async () => {
		const w = world();
		for (let n = 0; n < 1000; n++) w.muc.come(`p${n}`);
		await w.attach();
		expect(w.syncs).toHaveLength(1);
		expect(w.syncs[0]).toHaveLength(1000);
		expect(w.told).toEqual([]);
	});

	test("build hardly any stanza tree when a ghost joins a MUC of a thousand", async () => {
		const w = world();
		for (let n = 0; n < 1000; n++) w.muc.come(`p${n}`);
		await w.attach();
		w.counts.built = 0;
		for (let n = 0; n < 20; n++) await w.done(w.move("join", person(`ghost${n}`)));
		expect(w.counts.built).toBeLessThan(20 * 25);
		expect(w.told).toEqual([]);
	});

	test("cause one read of each message, although twenty own occupants get a copy", async () => {
		const w = world();
		w.muc.come("Romeo");
		await w.attach();
		await Promise.all(Array.from({ length: 20 }, (_, n) => w.done(w.move("join", person(`ghost${n}`)))));
		w.counts.arrived = w.counts.built = 0;
		for (let n = 0; n < 10; n++) w.muc.say("Romeo", `line ${n}`, `${n}`);
		await w.settle();
		expect(w.counts).toEqual({ arrived: 210, built: 10 });
		expect(w.lines()).toEqual(Array.from({ length: 10 }, (_, n) => `Romeo: line ${n}`));
	});

	test("end with a nick where the first one is taken, refused, or changed by the MUC", async () => {
		const w = world({
			refuse: (nick) => (/🎉/u.test(nick) ? ["modify", "jid-malformed"] : undefined),
			normalise: (nick) => nick.replace("Ⅷ", "VIII").replaceAll("_", "-"),
		});
		w.muc.come("Alice");
		await w.attach();
		const ids = await w.done(w.say("hi", person("alice", "Alice 🎉")));
		expect(ids).toEqual(["S1"]);
		expect([...w.muc.occupants.keys()]).toContain("Alice (alice)");
		await w.done(w.say("ho", person("snake", "snake_case")));
		expect([...w.muc.occupants.keys()]).toContain("snake-case");
		expect(w.told, "none of us is taken for a stranger").toEqual([]);
	});

	test("announce a stranger who joins at the same time", async () => {
		const w = world();
		await w.attach();
		w.muc.faults.mute = true;
		const joining = w.move("join");
		await w.settle();
		w.muc.come("Tybalt");
		await w.settle();
		expect(w.told).toEqual([]);
		await w.pass(25_000);
		await joining;
		await w.pass(60_000);
		expect(w.told).toMatchObject([{ kind: "membership", change: "join", sender: { name: "Tybalt" } }]);
	});

	test("announce a stranger who speaks at the same time before the line", async () => {
		const w = world();
		await w.attach();
		w.muc.faults.mute = true;
		void failure(w.move("join"));
		await w.settle();
		w.muc.come("Tybalt");
		w.muc.say("Tybalt", "peace?");
		await w.settle();
		expect(w.told.map((event) => event.kind)).toEqual(["membership", "message"]);
	});

	test("fail with the reason of a ban, and are not repeated within a minute", async () => {
		const w = world({ refuse: () => ["auth", "forbidden"] });
		expect(await failure(w.attach())).toMatchObject({
			reason: "forbidden",
			message: expect.stringContaining("banned"),
		});
		const before = w.muc.taken.length;
		expect(await failure(w.attach())).toBeInstanceOf(PermanentError);
		expect(await failure(w.done(w.say("hi")))).toBeInstanceOf(PermanentError);
		expect(w.muc.taken).toHaveLength(before);
		w.muc.faults.refuse = () => undefined;
		await w.pass(61_000);
		await w.attach();
		expect(await w.done(w.say("hi"))).toEqual(["S1"]);
	});

	test("bring back the occupants of before a restart", async () => {
		const w = world();
		await w.attach(alice, person("bob", "Bob"));
		await w.settle();
		expect([...w.muc.occupants.keys()].sort()).toEqual(["Alice", "Bob", "Trivium"]);
	});

	test("take over the nicks that a killed run left, and announce no strangers for them", async () => {
		const w = world();
		w.muc.come("Romeo");
		w.muc.occupants.set("Alice", { jid: aliceJid, id: "id of alice@bridge.test" });
		await w.attach(alice);
		await w.settle();
		expect(w.syncs).toEqual([["Romeo"]]);
		expect(w.told).toEqual([]);
		expect(await w.done(w.say("hi"))).toEqual(["S1"]);
		expect([...w.muc.occupants.keys()].sort()).toEqual(["Alice", "Romeo", "Trivium"]);
	});

	test("are retried until a service that is down is up", async () => {
		const w = world();
		w.server.up = false;
		const attached = failure(w.rooms.attach(link, []));
		await w.pass(26_000);
		expect(await attached).toBeInstanceOf(TemporaryError);
		w.server.up = true;
		await w.pass(120_000);
		expect(await w.done(w.say("at last"))).toEqual(["S1"]);
	});
});

describe("a line into a MUC", () => {
	let w: World;
	beforeEach(async () => {
		w = world();
		w.muc.come("Romeo");
		await w.attach();
	});

	test("is confirmed by the MUC's reflection, with its stanza-id", async () => {
		expect(await w.done(w.say("hi"))).toEqual(["S1"]);
		expect(w.lines()).toEqual([]);
	});

	test("is confirmed with our own id in a MUC without stanza-ids", async () => {
		const plain = world({ noStanzaIds: true });
		await plain.attach();
		expect(await plain.done(plain.say("hi", alice, 0, "op"))).toEqual([wire]);
	});

	test("keeps the order of calls, also where its occupant has to join first", async () => {
		const all = ["a", "b", "a", "c", "b", "a"].map((who, n) => w.say(`${n}`, person(who)));
		await w.settle();
		await Promise.all(all);
		expect(w.bodies()).toEqual(["a: 0", "b: 1", "a: 2", "c: 3", "b: 4", "a: 5"]);
	});

	test("fails with a temporary error when it is lost, and so do all lines behind it", async () => {
		await w.done(w.say("0"));
		w.server.lost = 1;
		const all = [w.say("1"), w.say("2"), w.say("3")].map(failure);
		await w.settle();
		for (const error of await Promise.all(all)) expect(error).toBeInstanceOf(TemporaryError);
		expect(await w.done(w.say("1"))).toEqual(["S2"]);
		expect(w.bodies()).toEqual(["alice: 0", "alice: 1"]);
	});

	test("holds back no other line when the MUC refuses it", async () => {
		await w.done(w.say("hello"));
		w.muc.faults.refuse = (_, jid) => (jid.startsWith("mallory") ? ["auth", "forbidden"] : undefined);
		const refused = failure(w.say("let me in", person("mallory")));
		expect(await w.done(w.say("fine"))).toEqual(["S2"]);
		expect(await refused).toMatchObject({ reason: "forbidden" });
	});

	test("fails with the reason where its occupant has no voice", async () => {
		w.muc.faults.refuseLine = () => ["auth", "forbidden"];
		expect(await failure(w.done(w.say("hi")))).toMatchObject({
			reason: "forbidden",
			message: expect.stringContaining("voice"),
		});
	});

	test("has us rejoin a MUC that forgot us", async () => {
		await w.done(w.say("before"));
		w.muc.forget();
		w.muc.come("Romeo");
		expect(await failure(w.done(w.say("lost", alice, 0, "op again")))).toBeInstanceOf(TemporaryError);
		await w.pass(2_000);
		expect(await w.done(w.say("lost", alice, 1, "op again"))).toEqual(["S2"]);
		w.muc.say("Romeo", "welcome");
		await w.settle();
		expect(w.lines()).toEqual(["Romeo: welcome"]);
	});

	test("is retried without a reflection, but never sent into the MUC twice", async () => {
		w.muc.faults.deaf = true;
		const first = failure(w.say("hi", alice, 0, "op"));
		await w.settle();
		await w.pass(31_000);
		expect(await first).toBeInstanceOf(TemporaryError);
		// The reflection was only slow, and comes after the wait for it ended.
		const nick = "Alice";
		w.muc.say(nick, "hi", "op");
		await w.settle();
		const before = w.bodies().length;
		expect(await w.done(w.say("hi", alice, 1, "op"))).toEqual(["S1"]);
		expect(w.bodies()).toHaveLength(before);
	});

	test("has its occupant rejoin after 30 seconds without a reflection, where the MUC lost it in silence", async () => {
		await w.done(w.say("before"));
		w.muc.occupants.delete("Alice");
		const { take } = w.muc;
		w.muc.take = (stanza) => void (stanza.name === "message" || take(stanza));
		const line = failure(w.say("unheard"));
		await w.pass(29_000);
		expect([...w.muc.occupants.keys()]).not.toContain("Alice");
		await w.pass(2_000);
		expect(await line).toBeInstanceOf(TemporaryError);
		expect([...w.muc.occupants.keys()]).toContain("Alice");
	});

	test("has the listener rejoin after 30 seconds without a reflection, where the MUC lost it in silence", async () => {
		await w.done(w.say("before"));
		w.muc.occupants.delete("Trivium");
		const line = failure(w.say("said, and not heard by us"));
		await w.pass(31_000);
		expect(await line).toBeInstanceOf(TemporaryError);
		w.muc.say("Romeo", "I heard it");
		await w.settle();
		expect(w.lines()).toEqual(["Romeo: I heard it"]);
	});

	test.each([
		["at once", undefined],
		["also where a self-ping says that it is in", () => true],
	])("has its occupant rejoin after the MUC says that it is none: %s", async (_, isIn) => {
		await w.done(w.say("before"));
		w.muc.occupants.delete("Alice");
		if (isIn) w.muc.isIn = isIn;
		expect(await failure(w.done(w.say("refused", alice, 0, "op again")))).toBeInstanceOf(TemporaryError);
		expect([...w.muc.occupants.keys()]).toContain("Alice");
		const again = w.say("refused", alice, 1, "op again");
		await w.pass(3_000);
		expect(await w.done(again)).toEqual(["S2"]);
	});

	test("waits for the listener that it goes through, also where the stream breaks meanwhile", async () => {
		w.muc.faults.refuse = (nick) => (nick === "Alice" ? ["wait", "service-unavailable"] : undefined);
		await w.done(w.say("hi"));
		w.server.up = false;
		w.muc.kick("Trivium", ["333"]);
		await w.settle();
		const line = failure(w.say("through whom?"));
		await w.settle();
		w.server.online = false;
		w.rooms.offline("gone");
		await w.pass(15_000);
		expect(await line).toBeInstanceOf(TemporaryError);
	});

	test("is not confirmed by somebody else's line with its id, which is handed on as theirs", async () => {
		w.muc.faults.deaf = true;
		let settled = false;
		const mine = failure(w.say("hi", alice, 0, "op")).then(() => {
			settled = true;
		});
		await w.settle();
		w.muc.say("Romeo", "hi", "op");
		await w.settle();
		expect(settled).toBe(false);
		expect(w.lines()).toEqual(["Romeo: hi"]);
		await w.pass(31_000);
		await mine;
	});

	test.each([
		["wait", "service-unavailable"],
		["wait", "resource-constraint"],
	] as const)("in a full room (%s %s) goes through the listener", async (type, condition) => {
		w.muc.faults.refuse = () => [type, condition];
		expect(await w.done(w.say("hi\nBob: I quit"))).toEqual(["S1"]);
		expect(w.bodies()[0]).toMatch(/^~listener-\w+: Alice: hi\n {4}Bob: I quit$/);
	});

	test("shows a display name of two lines as one line", async () => {
		w.muc.faults.refuse = () => ["wait", "service-unavailable"];
		await w.done(w.say("hi", person("alice", "Alice\nBob")));
		expect(w.bodies()[0]).toMatch(/^~listener-\w+: Alice Bob: hi$/);
	});

	test("goes through the listener where its occupant cannot join within 20 seconds, and blocks nobody longer", async () => {
		w.muc.faults.mute = true;
		const line = w.say("hi");
		await w.pass(19_000);
		expect(w.bodies()).toEqual([]);
		await w.pass(2_000);
		expect(await w.done(line)).toEqual(["S1"]);
		expect(await w.done(w.say("op again"))).toEqual(["S2"]);
	});
});

describe("a rename of our people", () => {
	const rename = (w: World, name: string) =>
		w.send({ kind: "profile", sender: person("alice", name) } as never);

	test("changes their nick, and their lines are still recognised", async () => {
		const w = world();
		await w.attach();
		await w.done(w.move("join"));
		await w.done(rename(w, "Alicia"));
		expect([...w.muc.occupants.keys()]).toEqual(["Trivium", "Alicia"]);
		expect(await w.done(w.say("it is me", person("alice", "Alicia")))).toEqual(["S1"]);
		expect(w.told).toEqual([]);
	});

	test("changes their nick also while they join", async () => {
		const w = world();
		await w.attach();
		const coming = w.move("join");
		// The MUC has let Alice in, and its answer is on its way.
		while (!w.muc.isIn(aliceJid)) await vi.advanceTimersByTimeAsync(0);
		const renamed = rename(w, "Alicia");
		for (let n = 0; n < 3; n++) await vi.advanceTimersByTimeAsync(0);
		await w.settle();
		await Promise.all([coming, renamed]);
		expect([...w.muc.occupants.keys()]).toEqual(["Trivium", "Alicia"]);
	});

	test("gives another form of a name that is taken, and changes nothing where no form is free", async () => {
		const w = world();
		w.muc.come("Romeo");
		await w.attach();
		await w.done(w.move("join"));
		await w.done(rename(w, "Romeo"));
		expect([...w.muc.occupants.keys()]).toContain("Romeo (alice)");
		w.muc.faults.refuse = () => ["cancel", "conflict"];
		await w.done(rename(w, "Juliet"));
		expect([...w.muc.occupants.keys()]).toContain("Romeo (alice)");
		w.muc.faults.refuse = () => undefined;
		expect(await w.done(w.say("still here", person("alice", "Juliet")))).toEqual(["S1"]);
	});
});

test("a person whose name looks like that of another occupant gets another nick", async () => {
	const w = world();
	for (const nick of ["Аliсe", "Tom"]) w.muc.come(nick);
	await w.attach(alice);
	w.rooms.online();
	await w.done(w.say("it is me"));
	expect([...w.muc.occupants.keys()]).toContain("Alice (alice)");
	await w.done(w.send({ kind: "profile", sender: person("alice", "Том") } as never));
	expect([...w.muc.occupants.keys()]).toContain("Том (alice)");
	await w.done(w.send({ kind: "profile", sender: person("alice", "Bob") } as never));
	expect([...w.muc.occupants.keys()]).toContain("Bob");
});

describe("lines and presences of others", () => {
	test("count as different lines where two people, or one twice, use the same id", async () => {
		const w = world({ noStanzaIds: true });
		for (const nick of ["Romeo", "Juliet"]) w.muc.come(nick);
		await w.attach();
		w.muc.say("Romeo", "hi", "1");
		w.muc.say("Juliet", "hi", "1");
		w.muc.say("Romeo", "ho", "1");
		await w.settle();
		expect(new Set(w.told.map((event) => event.id)).size).toBe(3);
	});

	test("keep a person across a rename where the MUC gives occupant-ids", async () => {
		const w = world();
		w.muc.come("Romeo");
		await w.attach();
		w.muc.rename("Romeo", "Montague");
		w.muc.say("Montague", "it is me");
		await w.settle();
		expect(w.told.map((event) => event.kind)).toEqual(["profile", "message"]);
		expect(w.told[1]?.sender).toMatchObject({
			name: "Montague",
			address: [room, "Romeo"],
			id: w.told[0]?.sender.id,
		});
	});

	test("tell the picture of a person, each change of it, and keep it across a rename", async () => {
		const w = world();
		const hash = "a".repeat(40);
		w.muc.come("Romeo");
		await w.attach();
		for (const photo of [hash, hash, "b".repeat(40), "", hash]) w.muc.picture("Romeo", photo);
		w.muc.rename("Romeo", "Montague");
		w.muc.say("Montague", "it is me");
		await w.settle();
		expect(
			w.told.map(({ kind, sender }) => `${kind} ${sender.avatar?.ref.replace(/([ab])+ /, "$1 ") ?? "none"}`),
		).toEqual([
			`profile face a ${room}/Romeo`,
			`profile face b ${room}/Romeo`,
			"profile none",
			`profile face a ${room}/Romeo`,
			`profile face a ${room}/Montague`,
			`message face a ${room}/Montague`,
		]);
		expect(new Set(w.told.map(({ sender }) => sender.id)).size).toBe(1);
	});

	test("tell the real name of a person, each change of it, and keep it across a rename", async () => {
		const w = world();
		w.muc.come("rm42");
		await w.attach();
		for (const name of ["rm42", "Romeo Montague", "Romeo Montague", "R. \n Montague"])
			w.muc.named("rm42", name);
		w.muc.rename("rm42", "rm43");
		w.muc.say("rm43", "it is me");
		await w.settle();
		expect(w.told.map(({ kind, sender }) => `${kind} ${sender.name} ${sender.realName}`)).toEqual([
			"profile rm42 Romeo Montague",
			"profile rm42 R. Montague",
			"profile rm43 R. Montague",
			"message rm43 R. Montague",
		]);
	});

	test("give the next holder of a nick no real name of the last one where nicks alone tell people apart", async () => {
		const w = world();
		w.muc.faults.noOccupantIds = true;
		w.muc.come("rm42");
		await w.attach();
		w.muc.named("rm42", "Romeo Montague");
		w.muc.go("rm42");
		w.muc.named("rm42", "rm42");
		w.muc.come("rm42");
		await w.settle();
		expect(w.told.map(({ kind, sender }) => `${kind} ${sender.realName}`).at(-1)).toBe("membership null");
	});

	test("take the full name of their vCards when they speak first, and at a new picture", async () => {
		const w = world();
		const jid = `${room}/rm42`;
		w.muc.come("rm42");
		w.muc.come("lurker");
		await w.attach();
		w.cards.names.set(jid, "Romeo Montague");
		for (const words of ["hi", "again"]) w.muc.say("rm42", words);
		await w.settle();
		w.cards.names.set(jid, "Son of Montague");
		for (const hash of ["a", "a", "b"]) w.muc.picture("rm42", hash.repeat(40));
		await w.settle();
		w.cards.names.delete(jid);
		w.muc.picture("rm42", "c".repeat(40));
		await w.settle();
		expect(w.cards.read).toEqual(Array(4).fill(jid));
		expect(w.told.map(({ kind, sender }) => `${kind} ${sender.realName}`)).toEqual([
			...["message undefined", "message undefined", "profile Romeo Montague"],
			...["profile Romeo Montague", "profile Romeo Montague", "profile Son of Montague"],
			"profile Son of Montague",
		]);
	});

	test("keep the name that they give themselves in a presence, whatever their vCards say", async () => {
		const w = world();
		w.cards.names.set(`${room}/rm42`, "In the vCard");
		w.muc.come("rm42");
		await w.attach();
		w.muc.named("rm42", "Romeo");
		w.muc.say("rm42", "hi");
		w.muc.picture("rm42", "a".repeat(40));
		await w.settle();
		expect(w.cards.read).toEqual([]);
		expect(w.told.at(-1)?.sender.realName).toBe("Romeo");
	});

	test("take no name of the vCard of somebody who got the nick meanwhile", async () => {
		const w = world();
		w.muc.come("rm42", "romeo's");
		await w.attach();
		const held = Promise.withResolvers<void>();
		w.cards.held = held.promise;
		w.cards.names.set(`${room}/rm42`, "Paris");
		w.muc.say("rm42", "hi");
		await w.settle();
		w.muc.go("rm42");
		w.muc.come("rm42", "paris's");
		await w.settle();
		held.resolve();
		await w.settle();
		expect(w.told.map(({ sender }) => sender.realName)).not.toContain("Paris");
	});

	test("keep a person with two nicks until the last of them leaves", async () => {
		const w = world();
		w.muc.come("Romeo", "romeo's");
		w.muc.come("Romeo's phone", "romeo's");
		await w.attach();
		w.muc.go("Romeo");
		await w.settle();
		expect(w.told).toEqual([]);
		w.muc.go("Romeo's phone");
		await w.settle();
		expect(w.told).toMatchObject([{ kind: "membership", change: "leave" }]);
	});

	test("make a rename a leave and a join where nicks alone tell people apart", async () => {
		const w = world({ noOccupantIds: true });
		w.muc.come("Romeo");
		await w.attach();
		w.muc.rename("Romeo", "Montague");
		await w.settle();
		expect(w.told).toMatchObject([
			{ kind: "membership", change: "leave", sender: { name: "Romeo" } },
			{ kind: "membership", change: "join", sender: { name: "Montague" } },
		]);
	});

	test("make the next holder of a nick another person", async () => {
		const w = world();
		w.muc.come("Romeo", "first");
		await w.attach();
		w.muc.go("Romeo");
		w.muc.come("Romeo", "second");
		await w.settle();
		expect(new Set(w.told.map((event) => event.sender.id)).size).toBe(2);
	});

	test("tell people apart by their JIDs where the MUC shows those: by nick after a leave, and across renames and rejoins", async () => {
		const w = world({ noOccupantIds: true, accounts: true });
		w.muc.come("Romeo", "first");
		await w.attach();
		w.muc.rename("Romeo", "Montague");
		w.muc.go("Montague");
		w.muc.come("Romeo", "second");
		w.muc.say("Romeo", "I am new");
		w.muc.go("Romeo");
		w.muc.come("Romeo", "first");
		// The MUC shows JIDs to nobody any more; nobody left.
		w.muc.faults.accounts = false;
		w.muc.enter("Romeo", { id: "first" });
		w.muc.say("Romeo", "I am back");
		await w.settle();
		const [renamed, ...rest] = w.told;
		expect(renamed).toMatchObject({
			kind: "profile",
			sender: { name: "Montague", address: [room, "Romeo"] },
		});
		expect(rest.map((event) => [event.kind, event.sender.id === renamed?.sender.id])).toEqual([
			["membership", true],
			["membership", false],
			["message", false],
			["membership", false],
			["membership", true],
			["message", true],
		]);
		expect(w.told.map(({ sender }) => sender.id).join()).not.toContain("there.test");
	});

	test("leave out the history of a first join, but no live line with a delay of its sender's own", async () => {
		const w = world({ unasked: true });
		w.muc.come("Romeo");
		w.muc.say("Romeo", "old", "0");
		await vi.advanceTimersByTimeAsync(1_000);
		await w.attach();
		// ejabberd does not remove a foreign delay.
		const delay = (from: string) =>
			xml("delay", { xmlns: "urn:xmpp:delay", from, stamp: "2020-01-01T00:00:00Z" });
		w.muc.say("Romeo", "hidden?", "1", delay(room));
		w.muc.say("Romeo", "new", "2", delay(`${room}/Romeo`));
		await w.settle();
		expect(w.lines()).toEqual(["Romeo: hidden?", "Romeo: new"]);
		expect(w.told.flatMap((event) => (event.kind === "message" ? [event.at] : []))).toEqual([
			Date.now(),
			Date.now(),
		]);
	});

	test("never hand on an error", async () => {
		const w = world();
		await w.attach();
		const [listener = ""] = [...w.muc.occupants.values()].map((one) => one.jid ?? "");
		w.muc.emit(
			xml(
				"message",
				{ type: "error", from: `${room}/Romeo`, to: listener, id: "x" },
				xml("body", {}, "oops"),
			),
		);
		await w.settle();
		expect([w.lines(), w.answers]).toEqual([[], []]);
	});
});

describe("an occupant of ours that is put out", () => {
	let w: World;
	beforeEach(async () => {
		w = world();
		w.muc.come("Romeo");
		await w.attach();
		await w.done(w.move("join"));
	});

	test.each([["332"], ["333"], ["307", "333"]])("rejoins after technical reasons (%s)", async (...codes) => {
		w.muc.kick("Alice", codes);
		w.muc.kick("Trivium", codes);
		await w.pass(5_000);
		expect([...w.muc.occupants.keys()].sort()).toEqual(["Alice", "Romeo", "Trivium"]);
		expect(w.lines()).toEqual([]);
	});

	test.each([
		["307", "kicked", "kick"],
		["301", "banned", "ban"],
		["321", "removed", "kick"],
	])("stays out after somebody removed it (%s), until its person comes again", async (code, word, act) => {
		w.muc.kick("Alice", [code], "Prince", "brawl");
		await w.pass(600_000);
		expect([...w.muc.occupants.keys()]).not.toContain("Alice");
		expect(w.told.filter((one) => one.kind === "moderation")).toMatchObject([
			{ act, whom: { id: alice.id }, sender: { name: "Prince" }, reason: "brawl" },
		]);
		expect(await failure(w.done(w.say("hi")))).toMatchObject({
			reason: "forbidden",
			message: expect.stringContaining(word),
		});
		await w.done(w.move("leave"));
		await w.done(w.move("join"));
		expect(await w.done(w.say("hi"))).toEqual(["S1"]);
	});

	test.each([[["321"]], [["307", "321"]]])(
		"by a MUC that gives the codes %j alone is told what they mean",
		async (codes) => {
			w.muc.kick("Alice", codes);
			w.muc.kick("Romeo", codes);
			await w.pass(5_000);
			const removed = (name: string) =>
				expect.objectContaining({
					...{ kind: "moderation", act: "kick", reason: "not a member any more" },
					whom: expect.objectContaining({ name }),
				});
			expect(w.told.filter(({ kind }) => kind === "moderation")).toEqual([
				removed("Alice"),
				removed("Romeo"),
			]);
			expect(await failure(w.done(w.say("hi")))).toMatchObject({
				message: expect.stringMatching(/admins can grant membership/),
			});
			expect(w.told.find((one) => one.kind === "membership" && one.change === "leave")).toMatchObject({
				sender: { name: "Romeo" },
				reason: expect.stringMatching(/member/),
			});
		},
	);

	test("and is the listener, by somebody, is replaced by a ghost that is in, with no line missed or twice", async () => {
		w.muc.say("Romeo", "before", "1");
		w.muc.kick("Trivium", ["307"], "Prince", "no bridges");
		w.muc.say("Romeo", "after", "2");
		await w.pass(600_000);
		expect([...w.muc.occupants.keys()]).toEqual(["Romeo", "Alice"]);
		expect(w.lines()).toEqual([
			"Romeo: before",
			expect.stringMatching(/The bridge was kicked .* by Prince \(no bridges\)/),
			"Romeo: after",
		]);
		expect(await w.done(w.say("hi"))).toEqual(["S3"]);
		w.muc.come("Paris");
		await w.settle();
		expect(w.told.at(-1)).toMatchObject({ kind: "membership", change: "join", sender: { name: "Paris" } });
	});

	test("by somebody like all the others leaves nobody, and a line is refused with the reason", async () => {
		w.muc.kick("Trivium", ["307"], "Prince", "no bridges");
		w.muc.kick("Alice", ["307"], "Prince", "no ghosts");
		await w.pass(600_000);
		expect([...w.muc.occupants.keys()]).toEqual(["Romeo"]);
		expect(await failure(w.done(w.say("hi", person("bob"))))).toMatchObject({
			message: expect.stringMatching(/no bridges.*join it again/),
		});
		await w.pass(60_000);
		await w.done(w.move("leave"));
		await w.done(w.move("join"));
		expect([...w.muc.occupants.keys()].sort()).toEqual(["Alice", "Romeo", "Trivium"]);
		expect(await w.done(w.say("hi"))).toEqual(["S1"]);
	});

	test("does not rejoin unasked when the active listener leaves and another takes over", async () => {
		await w.done(w.move("join", person("bob", "Bob")));
		w.muc.kick("Trivium", ["307"], "Prince");
		await w.settle();
		void w.move("leave");
		w.muc.say("Romeo", "1", "1");
		await w.settle();
		w.muc.say("Romeo", "2", "2");
		w.muc.say("Romeo", "3", "3");
		w.muc.kick("Bob", ["333"]);
		w.muc.say("Romeo", "4", "4");
		await w.pass(10_000);
		w.muc.say("Romeo", "5", "5");
		await w.settle();
		expect(w.lines().filter((line) => line.startsWith("Romeo"))).toEqual(
			[1, 2, 3, 4, 5].map((n) => `Romeo: ${n}`),
		);
		expect([...w.muc.occupants.keys()]).toEqual(["Romeo", "Bob"]);
	});

	test("and is the listener, for technical reasons, is replaced by a ghost until it is back", async () => {
		w.muc.kick("Trivium", ["333"]);
		for (const n of [1, 2, 3]) {
			w.muc.say("Romeo", `${n}`, `${n}`);
			await w.settle();
		}
		expect([...w.muc.occupants.keys()]).toEqual(["Romeo", "Alice", "Trivium"]);
		w.muc.kick("Alice", ["307"]);
		w.muc.say("Romeo", "4", "4");
		await w.settle();
		expect(w.lines().filter((line) => line.startsWith("Romeo"))).toEqual(
			[1, 2, 3, 4].map((n) => `Romeo: ${n}`),
		);
		expect(w.load.pages, "all of it live").toBe(1);
	});

	test("from a MUC that refuses the listener is replaced by a ghost as the active listener", async () => {
		const refusing = world({
			refuse: (_, jid) => (jid.startsWith("~listener") ? ["wait", "service-unavailable"] : undefined),
		});
		refusing.muc.come("Romeo");
		await refusing.attach(alice);
		refusing.muc.say("Romeo", "hi", "1");
		await refusing.settle();
		expect(refusing.syncs).toEqual([["Romeo"]]);
		expect(refusing.lines()).toEqual(["Romeo: hi"]);
		expect(await refusing.done(refusing.say("ho"))).toEqual(["S2"]);
		refusing.muc.faults.refuse = () => ["wait", "service-unavailable"];
		expect(await failure(refusing.done(refusing.say("me too", person("bob"))))).toMatchObject({
			reason: "busy",
		});
	});

	test("in silence rejoins after a self-ping", async () => {
		w.muc.forget();
		w.rooms.online();
		await w.pass(200_000);
		expect([...w.muc.occupants.keys()]).toContain("Trivium");
	});
});

test("a notice tells the portal once, for many, of lines that do not come through", async () => {
	const w = world();
	w.muc.come("Romeo");
	await w.attach();
	for (let n = 0; n < 100; n++) w.rooms.missed("verona@muc.test");
	w.rooms.missed("elsewhere@muc.test");
	expect(w.lines()).toEqual([expect.stringMatching(/^Verona: Not all .* too many messages at once/)]);
});

test("a refusal is sent in private to the occupant who wrote or deleted the line, at the present nick, once for many", async () => {
	const w = world();
	w.muc.come("Romeo");
	w.muc.come("Tybalt");
	await w.attach();
	w.muc.say("Romeo", "hello", "1");
	await w.settle();
	const line = w.told.find(({ kind }) => kind === "message");
	if (!line) throw new Error("nothing heard");
	w.muc.rename("Romeo", "Montague");
	await w.settle();
	for (let n = 0; n < 10; n++) await w.rooms.whisper(line, "Not delivered.");
	w.muc.go("Montague");
	await w.settle();
	await w.rooms.whisper(line, "Nobody is left to be told.");
	const moderated = { ...line, kind: "redaction", target: { id: line.id }, by: "Tybalt" } as const;
	await w.rooms.whisper(moderated, "Not deleted.");
	await w.settle();
	const whispers = w.muc.taken.filter(({ name, attrs }) => name === "message" && attrs.type === "chat");
	expect(whispers.map(({ attrs }) => attrs.to)).toEqual([
		"verona@muc.test/Montague",
		"verona@muc.test/Tybalt",
	]);
	expect(whispers[0]?.getChild("body")?.getText()).toBe("Not delivered.");
	expect(whispers[0]?.getChild("x", "http://jabber.org/protocol/muc#user")).toBeDefined();
});

test("no private notice comes from a ghost that is the active listener", async () => {
	const w = world({
		refuse: (_, jid) => (jid.startsWith("~listener") ? ["wait", "service-unavailable"] : undefined),
	});
	w.muc.come("Romeo");
	await w.attach(alice);
	w.muc.say("Romeo", "hello", "1");
	await w.settle();
	const line = w.told.find(({ kind }) => kind === "message");
	if (!line) throw new Error("nothing heard");
	await w.rooms.whisper(line, "Not delivered.");
	await w.settle();
	expect(w.muc.taken.filter(({ attrs }) => attrs.type === "chat")).toEqual([]);
});

test("a private notice fails while the listener is out, and can be sent once it is in", async () => {
	const w = world();
	w.muc.come("Romeo");
	await w.attach();
	w.muc.say("Romeo", "hello", "1");
	await w.settle();
	const line = w.told.find(({ kind }) => kind === "message");
	if (!line) throw new Error("nothing heard");
	w.server.online = false;
	expect(await failure(w.rooms.whisper(line, "Not delivered."))).toBeInstanceOf(TemporaryError);
	w.rooms.offline("gone");
	expect(await failure(w.rooms.whisper(line, "Not delivered."))).toBeInstanceOf(TemporaryError);
	w.server.online = true;
	w.rooms.online();
	await w.pass(1_000);
	await w.rooms.whisper(line, "Not delivered.");
	const whispers = w.muc.taken.filter(({ name, attrs }) => name === "message" && attrs.type === "chat");
	expect(whispers).toHaveLength(1);
});

describe("a broken stream", () => {
	test("is followed by the lines that wait for a MUC as soon as we are in it again", async () => {
		const w = world();
		await w.attach();
		w.server.online = false;
		w.rooms.offline("gone");
		w.server.up = false;
		w.server.online = true;
		w.load.resumed = 0;
		w.rooms.online();
		await w.pass(10_000);
		expect(w.load.resumed).toBe(0);
		w.server.up = true;
		await w.pass(60_000);
		expect(w.load.resumed).toBe(1);
	});

	test("fails the lines that wait, and has all occupants rejoin", async () => {
		const w = world();
		w.muc.come("Romeo");
		await w.attach();
		await w.done(w.say("before"));
		w.muc.faults.deaf = true;
		const line = failure(w.say("lost", alice, 0, "op"));
		await w.settle();
		w.server.online = false;
		w.rooms.offline("gone");
		expect(await line).toBeInstanceOf(TemporaryError);
		w.muc.forget();
		w.muc.come("Romeo");
		w.muc.faults.deaf = false;
		w.server.online = true;
		w.rooms.online();
		await w.pass(1_000);
		expect([...w.muc.occupants.keys()].sort()).toEqual(["Alice", "Romeo", "Trivium"]);
		const again = w.say("lost", alice, 1, "op");
		await w.pass(3_000);
		expect(await w.done(again)).toEqual(["S2"]);
		expect(w.syncs).toHaveLength(2);
	});
});

describe.each(["remote-server-not-found", "remote-server-timeout", "service-unavailable"])(
	"a MUC out of reach (%s)",
	(condition) => {
		test("has the lines of both sides wait: none is refused or lost", async () => {
			const w = world();
			w.muc.come("Romeo");
			await w.attach();
			await w.done(w.say("before"));
			w.server.cut = condition;
			// The MUC cannot reach us either, and puts out occupants that its stanzas do not reach (XEP-0045 §16.4).
			w.muc.forget();
			w.muc.come("Romeo");
			w.muc.say("Romeo", "1", "1");
			expect(await failure(w.done(w.say("unsaid", alice, 0, "op")))).toBeInstanceOf(TemporaryError);
			const still = failure(w.say("unsaid", alice, 1, "op"));
			await w.pass(600_000);
			expect(await still).toBeInstanceOf(TemporaryError);
			w.muc.say("Romeo", "2", "2");
			w.server.cut = undefined;
			await w.pass(300_000);
			const again = w.say("unsaid", alice, 2, "op");
			await w.pass(3_000);
			await w.done(again);
			w.muc.say("Romeo", "3", "3");
			await w.settle();
			expect(w.lines()).toEqual(["Romeo: 1", "Romeo: 2", "Romeo: 3"]);
			expect(w.bodies()).toEqual(["alice: before", "alice: unsaid"]);
			expect([...w.muc.occupants.keys()].sort()).toEqual(["Alice", "Romeo", "Trivium"]);
		});
	},
);

describe("a MUC that was out of reach for an hour", () => {
	async function lost() {
		const w = world();
		await w.attach();
		await w.done(w.say("before"));
		w.rooms.offline("our server was restarted");
		w.muc.forget();
		w.server.cut = "remote-server-timeout";
		w.rooms.online();
		await w.pass(3_600_000);
		// An attempt was just made, so that the next is minutes away.
		for (const before = w.server.asked; w.server.asked === before; ) await w.pass(500);
		await w.pass(6_000);
		return w;
	}

	test("is tried at once when a line is sent", async () => {
		const w = await lost();
		w.server.cut = undefined;
		await w.done(w.say("after"));
		expect(w.bodies()).toEqual(["alice: before", "alice: after"]);
	});

	test("is tried every few seconds while a line waits, however many wait", async () => {
		const w = await lost();
		const before = w.server.asked;
		// A lane retries once a minute at least.
		for (let minute = 0; minute < 10; minute++) {
			const lines = Array.from({ length: 20 }, (_, n) => failure(w.say("unsaid", alice, 1, `line ${n}`)));
			await w.pass(60_000);
			for (const error of await Promise.all(lines)) expect(error).toBeInstanceOf(TemporaryError);
		}
		const tries = w.server.asked - before;
		expect(tries).toBeGreaterThan(50);
		expect(tries).toBeLessThan(130);
		w.server.cut = undefined;
		await w.pass(10_000);
		expect([...w.muc.occupants.keys()]).toContain("Trivium");
	});

	test("is tried every five minutes while no line waits", async () => {
		const w = await lost();
		const before = w.server.asked;
		await w.pass(3_600_000);
		expect(w.server.asked - before).toBeLessThan(30);
		expect(w.server.asked - before).toBeGreaterThan(10);
	});
});

describe("the end of an occupant's stay", () => {
	test("an unlink leaves none of our occupants behind, whatever was under way", async () => {
		const w = world();
		await w.attach();
		await w.done(w.move("join"));
		const line = failure(w.say("last words", person("bob")));
		await w.done(w.rooms.detach(link));
		expect(await line).toBeInstanceOf(Error);
		await w.pass(100_000);
		expect([...w.muc.occupants.keys()]).toEqual([]);
	});

	test("a line on its way when its occupant leaves is still confirmed, as no stranger's", async () => {
		const w = world();
		await w.attach();
		const line = w.say("bye");
		await w.settle();
		await line;
		w.muc.say("Alice", "bye again", "late");
		void w.move("leave");
		await w.settle();
		expect(w.lines()).toEqual([]);
		expect([...w.muc.occupants.keys()]).toEqual(["Trivium"]);
	});

	test("an occupant can join again at once after it left", async () => {
		const w = world();
		await w.attach();
		await w.done(w.move("join"));
		const both = [w.move("leave"), w.move("join")];
		await w.settle();
		await Promise.all(both);
		expect(w.muc.isIn(aliceJid)).toBe(true);
		expect(await w.done(w.say("back"))).toEqual(["S1"]);
	});

	test("an error answers a line to a session that we forgot, so that the MUC puts it out", async () => {
		const w = world();
		await w.attach();
		w.muc.occupants.set("Ghost", { jid: "ghost@bridge.test/trivium", id: "x" });
		w.muc.come("Romeo");
		w.muc.say("Romeo", "hi", "1");
		await w.settle();
		expect(w.answers.map(({ attrs: { type, from, to } }) => [type, from, to])).toEqual([
			["error", "ghost@bridge.test/trivium", `${room}/Romeo`],
		]);
		// XEP-0045 §16.4: this condition tells the MUC that the occupant is gone.
		expect(w.answers[0]?.getChild("error")?.getChild("recipient-unavailable")).toBeDefined();
		expect(w.lines()).toEqual(["Romeo: hi"]);
	});

	test("a session of an earlier run leaves when its presence comes", async () => {
		const w = world();
		w.muc.come("Ghost");
		w.muc.occupants.set("Ghost", { jid: "ghost@bridge.test/trivium", id: "x" });
		await w.attach();
		w.muc.emit(
			xml(
				"presence",
				{ from: `${room}/Ghost`, to: "ghost@bridge.test/trivium" },
				xml("x", { xmlns: "http://jabber.org/protocol/muc#user" }, xml("status", { code: "110" })),
			),
		);
		await w.settle();
		expect(w.muc.isIn("ghost@bridge.test/trivium")).toBe(false);
	});
});

describe("the picture of our people", () => {
	const picture = (ref: string | null) => ({ ...alice, avatar: ref === null ? null : avatar(ref) });
	/** Returns the pictures that the MUC was told of Alice: by their beginning, "none", or "unknown". */
	const told = (w: World) =>
		w.muc.taken.flatMap((one) => {
			if (one.name !== "presence" || one.attrs.type || !one.attrs.from?.startsWith("alice@")) return [];
			const photo = photoIn(one);
			return [photo === undefined ? "unknown" : photo || "none"];
		});

	test("is told to the MUC with the join where it was read before, else once it is there", async () => {
		const w = world();
		const slow = Promise.withResolvers<Buffer>();
		w.faces.files.a = slow.promise;
		await w.attach(picture("a"));
		w.rooms.online();
		await w.done(w.move("join", picture("a")));
		expect(told(w)).toEqual(["unknown"]);
		slow.resolve(png);
		await eventually(() => expect(w.faces.hash(avatar("a"))).toBeDefined());
		await w.settle();
		const sha1 = w.faces.hash(avatar("a"));
		expect(told(w)).toEqual(["unknown", sha1]);
		await w.done(w.move("leave", picture("a")));
		await w.done(w.move("join", picture("a")));
		expect(told(w)).toEqual(["unknown", sha1, sha1]);
	});

	test("is told again when it changes, with its removal, and not when it is the same", async () => {
		const w = world();
		Object.assign(w.faces.files, { a: png, same: png, b: Buffer.concat([png, png]) });
		for (const ref of ["a", "same", "b"]) await w.faces.get(avatar(ref));
		await w.attach(picture("a"));
		w.rooms.online();
		await w.done(w.move("join", picture("a")));
		for (const ref of ["same", "b", null])
			await w.done(w.send({ kind: "profile", sender: picture(ref) } as never));
		await w.settle();
		expect(told(w)).toEqual([w.faces.hash(avatar("a")), w.faces.hash(avatar("b")), "none"]);
	});

	test("delays no line, and fails none, where it cannot be read", async () => {
		const w = world();
		w.faces.files.a = new Promise(() => undefined);
		await w.attach(picture("a"));
		w.rooms.online();
		await w.done(w.say("hello", picture("a")));
		expect(bodies(w)).toEqual(["hello"]);
	});
});

test("the picture of the MUC itself is told to the portal, once for each change, whoever of ours hears of it", async () => {
	const w = world();
	const of = (photo: string) =>
		`<presence from='${room}' to='${aliceJid}'><x xmlns='vcard-temp:x:update'><photo>${photo}</photo></x></presence>`;
	await w.attach(alice);
	for (const photo of ["", "a".repeat(40), "a".repeat(40), "b".repeat(40), "", ""])
		w.rooms.stanza(stanza(of(photo)));
	await w.settle();
	expect(w.pictures.map((one) => one.slice(0, 4))).toEqual(["aaaa", "bbbb", "none"]);
	expect(w.told).toEqual([]);
});

describe("the picture of another room", () => {
	/** Returns a MUC with a vCard, which only `owner` may set, and what it was asked. */
	async function owned(owner: string) {
		const w = world();
		const asked: string[] = [];
		const muc = { card: "<FN>Verona</FN><PHOTO><BINVAL>AA==</BINVAL></PHOTO>" };
		w.faces.files.a = png;
		w.server.vcard = (request) => {
			const { type = "", from = "" } = request.attrs;
			asked.push(`${type} ${from.split("@")[0]}`);
			if (type === "set" && !from.startsWith(owner)) throw new StanzaError("forbidden", "auth");
			if (type === "set") muc.card = (request.getChild("vCard")?.children ?? []).join("");
			return stanza(`<iq type='result'><vCard xmlns='vcard-temp'>${muc.card}</vCard></iq>`);
		};
		await w.attach(alice);
		w.rooms.online();
		await w.done(w.move("join"));
		const give = async (picture: ReturnType<typeof avatar> | null) => {
			w.rooms.showPicture({ id: "x", room } as never, null);
			w.rooms.showPicture(link, picture);
			await eventually(() => expect(w.faces.hash(avatar("a"))).toBeDefined());
			await w.settle();
		};
		const tell = async (hash: string) => {
			const x = `<x xmlns='vcard-temp:x:update'><photo>${hash}</photo></x>`;
			w.rooms.stanza(stanza(`<presence from='${room}' to='${aliceJid}'>${x}</presence>`));
			await w.settle();
		};
		return { w, asked, muc, give, tell };
	}

	test("is set by the occupant of ours that owns the MUC, beside the rest of its vCard, and removed", async () => {
		const { asked, muc, give } = await owned("alice@");
		await give(avatar("a"));
		expect(muc.card).toMatch(`<FN>Verona</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>${png.toString("base64")}`);
		expect(asked.map((one) => one.slice(0, 9)).at(-1)).toBe("set alice");
		const { length } = asked;
		await give(avatar("a"));
		expect(asked).toHaveLength(length);
		await give(null);
		expect(muc.card).toBe("<FN>Verona</FN>");
	});

	test("does not come back to its room from the MUC, not after a restart either; another one does", async () => {
		const { w, give, tell } = await owned("alice@");
		await give(avatar("a"));
		const mine = w.faces.hash(avatar("a")) ?? "";
		await tell(mine);
		w.crash();
		await w.attach(alice);
		await tell(mine);
		await tell("b".repeat(40));
		expect(w.pictures).toEqual(["b".repeat(40)]);
	});

	test("changes nothing in a MUC that none of ours owns", async () => {
		const { w, muc, give } = await owned("romeo@");
		const before = muc.card;
		await give(avatar("a"));
		expect(muc.card).toBe(before);
		expect(w.told).toEqual([]);
	});
});
