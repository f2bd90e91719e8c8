import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PermanentError, TemporaryError } from "../../../src/core/errors.ts";
import { xml } from "../../../src/xmpp/stream/xml.ts";
import { alice, aliceJid, failure, link, person, room, type World, world } from "./muc-world.ts";

/** The id of a line of ours as it was sent. */
const wire = expect.stringMatching(/^op/);

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

describe("coming in", () => {
	test("a room of a thousand is told in one piece", async () => {
		const w = world();
		for (let n = 0; n < 1000; n++) w.muc.come(`p${n}`);
		await w.attach();
		expect(w.syncs).toHaveLength(1);
		expect(w.syncs[0]).toHaveLength(1000);
		expect(w.told).toEqual([]);
	});

	test("the join of a ghost into a room of a thousand costs hardly anything", async () => {
		const w = world();
		for (let n = 0; n < 1000; n++) w.muc.come(`p${n}`);
		await w.attach();
		w.counts.built = 0;
		for (let n = 0; n < 20; n++) await w.done(w.move("join", person(`ghost${n}`)));
		expect(w.counts.built).toBeLessThan(20 * 25);
		expect(w.told).toEqual([]);
	});

	test("of the copies that twenty of us get, one is looked at", async () => {
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

	test("a taken nick, one that is refused, and one that the room changes are all dealt with", async () => {
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

	test("who comes while one of ours comes is told all the same", async () => {
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

	test("a stranger who speaks is announced first, even then", async () => {
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

	test("a room that bans us gives the reason, and is not stormed", async () => {
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

	test("who was there before a restart is there again", async () => {
		const w = world();
		await w.attach(alice, person("bob", "Bob"));
		await w.settle();
		expect([...w.muc.occupants.keys()].sort()).toEqual(["Alice", "Bob", "Trivium"]);
	});

	test("nicks left over from a run that was killed are taken over, and no strangers", async () => {
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

	test("a service that is down is tried until it is up", async () => {
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

describe("speaking", () => {
	let w: World;
	beforeEach(async () => {
		w = world();
		w.muc.come("Romeo");
		await w.attach();
	});

	test("is confirmed by the room's own id, once the room has reflected it", async () => {
		expect(await w.done(w.say("hi"))).toEqual(["S1"]);
		expect(w.lines()).toEqual([]);
	});

	test("in a room without stanza-ids by ours", async () => {
		const plain = world({ noStanzaIds: true });
		await plain.attach();
		expect(await plain.done(plain.say("hi", alice, 0, "op"))).toEqual([wire]);
	});

	test("keeps the order of calls, whoever has to be let in first", async () => {
		const all = ["a", "b", "a", "c", "b", "a"].map((who, n) => w.say(`${n}`, person(who)));
		await w.settle();
		await Promise.all(all);
		expect(w.bodies()).toEqual(["a: 0", "b: 1", "a: 2", "c: 3", "b: 4", "a: 5"]);
	});

	test("what is lost on the way holds back all behind it", async () => {
		await w.done(w.say("0"));
		w.server.lost = 1;
		const all = [w.say("1"), w.say("2"), w.say("3")].map(failure);
		await w.settle();
		for (const error of await Promise.all(all)) expect(error).toBeInstanceOf(TemporaryError);
		expect(await w.done(w.say("1"))).toEqual(["S2"]);
		expect(w.bodies()).toEqual(["alice: 0", "alice: 1"]);
	});

	test("a definite no holds back nobody", async () => {
		await w.done(w.say("hello"));
		w.muc.faults.refuse = (_, jid) => (jid.startsWith("mallory") ? ["auth", "forbidden"] : undefined);
		const refused = failure(w.say("let me in", person("mallory")));
		expect(await w.done(w.say("fine"))).toEqual(["S2"]);
		expect(await refused).toMatchObject({ reason: "forbidden" });
	});

	test("without voice the speaker is told", async () => {
		w.muc.faults.refuseLine = () => ["auth", "forbidden"];
		expect(await failure(w.done(w.say("hi")))).toMatchObject({
			reason: "forbidden",
			message: expect.stringContaining("voice"),
		});
	});

	test("into a room that forgot us brings us back", async () => {
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

	test("without a reflection it is tried again, but never twice into the room", async () => {
		w.muc.faults.deaf = true;
		const first = failure(w.say("hi", alice, 0, "op"));
		await w.settle();
		await w.pass(31_000);
		expect(await first).toBeInstanceOf(TemporaryError);
		// It was but slow: the reflection comes after we gave up.
		const nick = "Alice";
		w.muc.say(nick, "hi", "op");
		await w.settle();
		const before = w.bodies().length;
		expect(await w.done(w.say("hi", alice, 1, "op"))).toEqual(["S1"]);
		expect(w.bodies()).toHaveLength(before);
	});

	test("where the room lost the speaker in silence they are back once their line was waited for", async () => {
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

	test("where it lost our ear in silence we hear again once a line of ours was waited for", async () => {
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
		["also where it says to a ping that they are there", () => true],
	])("who is told that they are no occupant comes back %s", async (_, isIn) => {
		await w.done(w.say("before"));
		w.muc.occupants.delete("Alice");
		if (isIn) w.muc.isIn = isIn;
		expect(await failure(w.done(w.say("refused", alice, 0, "op again")))).toBeInstanceOf(TemporaryError);
		expect([...w.muc.occupants.keys()]).toContain("Alice");
		const again = w.say("refused", alice, 1, "op again");
		await w.pass(3_000);
		expect(await w.done(again)).toEqual(["S2"]);
	});

	test("a line through the listener waits for it also where the link breaks meanwhile", async () => {
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

	test("somebody else's line with our id confirms nothing, and is theirs", async () => {
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

	test("nor is a name of two lines somebody else's line", async () => {
		w.muc.faults.refuse = () => ["wait", "service-unavailable"];
		await w.done(w.say("hi", person("alice", "Alice\nBob")));
		expect(w.bodies()[0]).toMatch(/^~listener-\w+: Alice Bob: hi$/);
	});

	test("who is not let in within twenty seconds goes through the listener, and blocks nobody longer", async () => {
		w.muc.faults.mute = true;
		const line = w.say("hi");
		await w.pass(19_000);
		expect(w.bodies()).toEqual([]);
		await w.pass(2_000);
		expect(await w.done(line)).toEqual(["S1"]);
		expect(await w.done(w.say("op again"))).toEqual(["S2"]);
	});
});

describe("being renamed", () => {
	const rename = (w: World, name: string) =>
		w.send({ kind: "profile", sender: person("alice", name) } as never);

	test("is followed, and their lines are still theirs", async () => {
		const w = world();
		await w.attach();
		await w.done(w.move("join"));
		await w.done(rename(w, "Alicia"));
		expect([...w.muc.occupants.keys()]).toEqual(["Trivium", "Alicia"]);
		expect(await w.done(w.say("it is me", person("alice", "Alicia")))).toEqual(["S1"]);
		expect(w.told).toEqual([]);
	});

	test("while still coming in is followed too", async () => {
		const w = world();
		await w.attach();
		const coming = w.move("join");
		// The room has let them in; they do not know yet.
		while (!w.muc.isIn(aliceJid)) await vi.advanceTimersByTimeAsync(0);
		const renamed = rename(w, "Alicia");
		for (let n = 0; n < 3; n++) await vi.advanceTimersByTimeAsync(0);
		await w.settle();
		await Promise.all([coming, renamed]);
		expect([...w.muc.occupants.keys()]).toEqual(["Trivium", "Alicia"]);
	});

	test("to a name that is taken gives another form of it; to one no form of which is free nothing", async () => {
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

describe("hearing", () => {
	test("the same id of two people, and twice of one, are different lines", async () => {
		const w = world({ noStanzaIds: true });
		for (const nick of ["Romeo", "Juliet"]) w.muc.come(nick);
		await w.attach();
		w.muc.say("Romeo", "hi", "1");
		w.muc.say("Juliet", "hi", "1");
		w.muc.say("Romeo", "ho", "1");
		await w.settle();
		expect(new Set(w.told.map((event) => event.id)).size).toBe(3);
	});

	test("a renamed person stays who they are, where the room says so", async () => {
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

	test("a person with two nicks is there until the last of them goes", async () => {
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

	test("where it does not, one goes and another comes", async () => {
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

	test("the next holder of a nick is somebody else", async () => {
		const w = world();
		w.muc.come("Romeo", "first");
		await w.attach();
		w.muc.go("Romeo");
		w.muc.come("Romeo", "second");
		await w.settle();
		expect(new Set(w.told.map((event) => event.sender.id)).size).toBe(2);
	});

	test("where only accounts tell: the next holder of a nick too, and who comes back or is renamed is not", async () => {
		const w = world({ noOccupantIds: true, accounts: true });
		w.muc.come("Romeo", "first");
		await w.attach();
		w.muc.rename("Romeo", "Montague");
		w.muc.go("Montague");
		w.muc.come("Romeo", "second");
		w.muc.say("Romeo", "I am new");
		w.muc.go("Romeo");
		w.muc.come("Romeo", "first");
		// The room shows accounts to nobody any more; nobody went.
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

	test("history is not news, and what a speaker calls so is no history", async () => {
		const w = world({ unasked: true });
		w.muc.come("Romeo");
		w.muc.say("Romeo", "old", "0");
		await vi.advanceTimersByTimeAsync(1_000);
		await w.attach();
		// Not every room takes it out (ejabberd).
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

	test("an error is never shown", async () => {
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

describe("being put out", () => {
	let w: World;
	beforeEach(async () => {
		w = world();
		w.muc.come("Romeo");
		await w.attach();
		await w.done(w.move("join"));
	});

	test.each([["332"], ["333"], ["307", "333"]])(
		"for technical reasons (%s) means coming back",
		async (...codes) => {
			w.muc.kick("Alice", codes);
			w.muc.kick("Trivium", codes);
			await w.pass(5_000);
			expect([...w.muc.occupants.keys()].sort()).toEqual(["Alice", "Romeo", "Trivium"]);
			expect(w.lines()).toEqual([]);
		},
	);

	test.each([
		["307", "kicked"],
		["301", "banned"],
		["321", "removed"],
		["322", "removed"],
	])("by somebody (%s) means staying out until one comes again", async (code, word) => {
		w.muc.kick("Alice", [code], "Prince", "brawl");
		await w.pass(600_000);
		expect([...w.muc.occupants.keys()]).not.toContain("Alice");
		expect(w.lines().join()).toMatch(new RegExp(`Alice was ${word} .* by Prince \\(brawl\\)`));
		expect(await failure(w.done(w.say("hi")))).toMatchObject({
			reason: "forbidden",
			message: expect.stringContaining(word),
		});
		await w.done(w.move("leave"));
		await w.done(w.move("join"));
		expect(await w.done(w.say("hi"))).toEqual(["S1"]);
	});

	test("the listener, by somebody: who is in hears for all of us, and nothing is missed or heard twice", async () => {
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

	test("all of us, by somebody: nobody is left, and who speaks is told why", async () => {
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

	test("the ear that leaves hands over to the next; who was put out does not come back unasked", async () => {
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

	test("the listener, for technical reasons: a ghost hears until it is back", async () => {
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

	test("for good, into a room that refuses the listener: a ghost hears for us", async () => {
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

	test("in silence is noticed by asking", async () => {
		w.muc.forget();
		w.rooms.online();
		await w.pass(200_000);
		expect([...w.muc.occupants.keys()]).toContain("Trivium");
	});
});

test("lines that do not come through are told of to those who miss them, once for many", async () => {
	const w = world();
	w.muc.come("Romeo");
	await w.attach();
	for (let n = 0; n < 100; n++) w.rooms.missed("verona@muc.test");
	w.rooms.missed("elsewhere@muc.test");
	expect(w.lines()).toEqual([expect.stringMatching(/^Verona: Not all .* too many messages at once/)]);
});

test("what is refused is told in private to the occupant who said it or had it deleted, under the nick they have now, once for many", async () => {
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

test("nobody is told anything in the name of a person who hears the room for us", async () => {
	const w = world({ refuse: (_, jid) => (jid.startsWith("~listener") ? ["auth", "forbidden"] : undefined) });
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

test("who cannot be told in private now, for we are not in the room, can be told once we are", async () => {
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

describe("a broken link", () => {
	test("is followed by what waits for a room, as soon as we are in that again", async () => {
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

	test("fails what waits, and brings all back who were there", async () => {
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
	"a room out of reach (%s)",
	(condition) => {
		test("is waited for: nothing said on either side is refused or lost", async () => {
			const w = world();
			w.muc.come("Romeo");
			await w.attach();
			await w.done(w.say("before"));
			w.server.cut = condition;
			// It cannot reach us either, and puts out whoever it cannot tell something (XEP-0045 §16.4).
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

describe("a room that was out of reach for an hour", () => {
	async function lost() {
		const w = world();
		await w.attach();
		await w.done(w.say("before"));
		w.rooms.offline("our server was restarted");
		w.muc.forget();
		w.server.cut = "remote-server-timeout";
		w.rooms.online();
		await w.pass(3_600_000);
		// Just after a try, so that the next is minutes away.
		for (const before = w.server.asked; w.server.asked === before; ) await w.pass(500);
		await w.pass(6_000);
		return w;
	}

	test("is tried at once when somebody speaks", async () => {
		const w = await lost();
		w.server.cut = undefined;
		await w.done(w.say("after"));
		expect(w.bodies()).toEqual(["alice: before", "alice: after"]);
	});

	test("is tried every few seconds while a line waits, however many wait", async () => {
		const w = await lost();
		const before = w.server.asked;
		// A lane tries again once a minute at last.
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

	test("is tried now and then where nobody speaks", async () => {
		const w = await lost();
		const before = w.server.asked;
		await w.pass(3_600_000);
		expect(w.server.asked - before).toBeLessThan(30);
		expect(w.server.asked - before).toBeGreaterThan(10);
	});
});

describe("leaving", () => {
	test("unlink leaves nobody of us behind, whatever was under way", async () => {
		const w = world();
		await w.attach();
		await w.done(w.move("join"));
		const line = failure(w.say("last words", person("bob")));
		await w.done(w.rooms.detach(link));
		expect(await line).toBeInstanceOf(Error);
		await w.pass(100_000);
		expect([...w.muc.occupants.keys()]).toEqual([]);
	});

	test("a line still on its way when its speaker leaves is not taken for a stranger's", async () => {
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

	test("and coming back at once works", async () => {
		const w = world();
		await w.attach();
		await w.done(w.move("join"));
		const both = [w.move("leave"), w.move("join")];
		await w.settle();
		await Promise.all(both);
		expect(w.muc.isIn(aliceJid)).toBe(true);
		expect(await w.done(w.say("back"))).toEqual(["S1"]);
	});

	test("a session of ours nobody knows any more is taken off the list when it is spoken to", async () => {
		const w = world();
		await w.attach();
		w.muc.occupants.set("Ghost", { jid: "ghost@bridge.test/trivium", id: "x" });
		w.muc.come("Romeo");
		w.muc.say("Romeo", "hi", "1");
		await w.settle();
		expect(w.answers.map(({ attrs: { type, from, to } }) => [type, from, to])).toEqual([
			["error", "ghost@bridge.test/trivium", `${room}/Romeo`],
		]);
		// XEP-0045 §16.4: the room knows by this one that they are gone.
		expect(w.answers[0]?.getChild("error")?.getChild("recipient-unavailable")).toBeDefined();
		expect(w.lines()).toEqual(["Romeo: hi"]);
	});

	test("a session of ours from an earlier run is sent home", async () => {
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
