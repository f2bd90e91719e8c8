import { afterEach, describe, expect, test, vi } from "vitest";
import { PermanentError, TemporaryError } from "../../../../src/core/errors.ts";
import { type Levels, personKey, type RoomFacts } from "../../../../src/core/hosting.ts";
import type { RoomId } from "../../../../src/core/ids.ts";
import { roomJid } from "../../../../src/xmpp/hosted/addresses.ts";
import { stanza } from "../../stanza.ts";
import {
	alice,
	component,
	facts,
	type HostedWorld,
	hostedWorld,
	join,
	juliet,
	lobby,
	matrixPerson,
	romeo,
	view,
	xmppPerson,
} from "../world.ts";

const laptop = "romeo@montague.test/laptop";
const romeoHimself = xmppPerson(romeo, "Romeo");
afterEach(() => void vi.useRealTimers());

async function started(...given: Parameters<typeof hostedWorld>) {
	const world = hostedWorld(...given);
	await world.start();
	return world;
}

/** Has the looks of a source wait. Returns the promise that they wait for. */
function heldLooks({ source }: HostedWorld): PromiseWithResolvers<undefined> {
	const held = Promise.withResolvers<undefined>();
	const { look } = source;
	source.look = async (address) => {
		await held.promise;
		return look(address);
	};
	return held;
}

describe("a join of a hosted room", () => {
	test("brings the others, then the own presence with the id of the join, then the subject", async () => {
		const world = await started();
		await world.join(romeo, "Romeo");
		const own = world.sent.find(({ attrs }) => attrs.from === `${lobby}/Romeo`);
		expect(own?.attrs).toMatchObject({ id: "join", to: romeo });
		expect(own?.getChild("x", "http://jabber.org/protocol/muc#user")?.getChild("item")?.attrs.jid).toBe(
			romeo,
		);
		expect(world.got(romeo)).toEqual([
			"presence Alice none/participant",
			"presence Romeo none/participant 100 110 170",
			"message subject Welcome",
		]);
		expect(world.calls).toEqual(["look", "open", "enter romeo@montague.test Romeo", "view"]);
	});

	test("is told of for the bookmarks of the person, by the address that the client joined by; a refusal is not", async () => {
		const world = await started();
		await world.join(romeo, "Romeo");
		await world.join(juliet, "Romeo");
		expect(world.entered).toEqual([`romeo@montague.test as Romeo: ${facts.name}`]);
	});

	test("is shown to those who are in, with the JID and the occupant-id of the person", async () => {
		const world = await started();
		await world.join(juliet, "Juliet");
		world.got(juliet);
		await world.join(romeo, "Romeo");
		const [shown] = world.sent.filter(({ attrs }) => attrs.to === juliet);
		expect(shown?.toString()).toContain(`jid="${romeo}"`);
		const own = world.sent.find(({ attrs }) => attrs.to === romeo && attrs.from === `${lobby}/Romeo`);
		const id = (one: typeof own) => one?.getChild("occupant-id", "urn:xmpp:occupant-id:0")?.attrs.id;
		expect(id(shown)).toMatch(/^[\w-]{43}$/);
		expect(id(own)).toBe(id(shown));
		expect(world.got(juliet)).toEqual(["presence Romeo none/participant"]);
	});

	test("from a second client of a person shares the nick, and brings all to that client alone", async () => {
		const world = await started();
		await world.join(romeo, "Romeo");
		await world.join(juliet, "Juliet");
		for (const one of [romeo, juliet]) world.got(one);
		await world.join(laptop, "Mr M");
		expect(world.got(laptop)).toEqual([
			"presence Alice none/participant",
			"presence Juliet none/participant",
			"presence Romeo none/participant 100 110 170 210",
			"message subject Welcome",
		]);
		expect([...world.got(romeo), ...world.got(juliet)]).toEqual([]);
		expect(world.calls.filter((call) => call.startsWith("enter romeo"))).toHaveLength(1);
	});

	test("of a client that is in already brings it all again, and tells nobody else", async () => {
		const world = await started();
		await world.join(romeo, "Romeo");
		await world.join(juliet, "Juliet");
		const first = world.got(romeo).slice(0, -1);
		world.got(juliet);
		await world.join(romeo, "Romeo");
		expect(world.got(romeo)).toEqual([first[0], "presence Juliet none/participant", ...first.slice(1)]);
		expect(world.got(juliet)).toEqual([]);
	});

	test("under another nick changes the nick of a client that is in", async () => {
		const world = await started();
		await world.join(romeo, "Romeo");
		await world.join(juliet, "Juliet");
		world.got(romeo);
		world.got(juliet);
		await world.join(romeo, "Montague");
		expect(world.got(romeo)).toEqual([
			"presence unavailable Romeo none/participant →Montague 110 303",
			"presence Montague none/participant 110",
			"presence Alice none/participant",
			"presence Juliet none/participant",
			"presence Montague none/participant 100 110 170",
			"message subject Welcome",
		]);
		expect(world.got(juliet)).toEqual([
			"presence unavailable Romeo none/participant →Montague 303",
			"presence Montague none/participant",
		]);
	});

	test("keeps the address that each client joined by; all of them lead to one room", async () => {
		const world = await started();
		await world.join(romeo, "Romeo");
		await world.join(juliet, "Juliet", view);
		expect(world.got(romeo).at(-1)).toBe("presence Juliet none/participant");
		const from = (jid: string) =>
			world.sent.filter(({ attrs }) => attrs.to === jid).map(({ attrs }) => attrs.from);
		expect(from(juliet).toSorted()).toEqual([view, `${view}/Alice`, `${view}/Juliet`, `${view}/Romeo`]);
		expect(world.calls.filter((call) => call === "view")).toHaveLength(1);
		// A client that joins by two addresses sees two rooms.
		world.got(juliet);
		await world.join(juliet, "Juliet", lobby);
		expect(from(juliet).every((one) => one?.startsWith(lobby))).toBe(true);
		world.take(`<presence from='${juliet}' to='${lobby}/Juliet' type='unavailable'/>`);
		expect(world.got(juliet).at(-1)).toBe("presence unavailable Juliet none/none 110");
		expect(world.got(romeo)).toEqual([]);
	});

	// Poezio drops each stanza from a nick that stringprep does not know.
	test("shows a name with emoji beside a nick without them", async () => {
		const world = hostedWorld([matrixPerson("bob", "Bob 🎉")]);
		await world.start();
		await world.join(romeo, "Romeo");
		const bob = world.sent.find(({ attrs }) => attrs.from === `${lobby}/Bob`);
		expect(bob?.getChild("nick", "http://jabber.org/protocol/nick")?.getText()).toBe("Bob 🎉");
	});

	test("ignores a password", async () => {
		const world = await started();
		world.take(join(romeo, "Romeo").replace("/></presence>", "><password>x</password></x></presence>"));
		await world.settle();
		expect(world.got(romeo)).toContain("presence Romeo none/participant 100 110 170");
	});

	test("of a large room waits for a slow link, and then shows the people who are still there", async () => {
		// Moderators, since a large room shows others as they speak.
		const people = Array.from({ length: 1_201 }, (_, n) => matrixPerson(`p${n}`, `Person ${n}`));
		const of = new Map(people.map((person) => [personKey(person), 50]));
		const world = await started(people);
		const taken = Promise.withResolvers<void>();
		world.source.facts = { ...facts, levels: { ...(facts.levels as Levels), of } };
		world.link.taken = () => ({ bytes: 20_000, taken: taken.promise });
		await world.join(romeo, "Romeo");
		expect(world.sent).toHaveLength(500);
		// Of those who leave meanwhile, one has been shown already.
		for (const person of [people[0], people[999]])
			if (person) world.happens(person, { kind: "member", person, now: "out" });
		world.link.taken = () => ({ bytes: 0, taken: Promise.resolve() });
		taken.resolve();
		await world.settle();
		const got = world.got(romeo);
		expect(got.filter((one) => /^presence Person \d+ admin/.test(one))).toHaveLength(1_200);
		expect(got.slice(1_200)).toEqual([
			"presence Romeo none/participant 100 110 170",
			"message subject Welcome",
			expect.stringMatching(/^presence unavailable Person \d+ admin\/none$/),
			expect.stringMatching(/^presence unavailable Person \d+ admin\/none$/),
		]);
	});

	test("sees people whose membership outlives their clients as away, in a room for the invited", async () => {
		const invited: RoomFacts = { ...facts, entry: "invited" };
		const world = await started([alice, romeoHimself]);
		world.source.facts = invited;
		await world.join(juliet, "Juliet");
		expect(world.got(juliet)).toEqual([
			"presence Romeo member/participant away",
			"presence Alice member/participant",
			"presence Juliet member/participant 100 110 170",
			"message subject Welcome",
		]);
		await world.join(romeo, "Romeo");
		expect(world.got(juliet)).toEqual(["presence Romeo member/participant"]);
		world.take(`<presence from='${romeo}' to='${lobby}/Romeo' type='unavailable'/>`);
		await world.settle();
		expect(world.got(juliet)).toEqual(["presence Romeo member/participant away"]);
		expect(world.calls.some((call) => call.startsWith("leave"))).toBe(false);
	});
});

describe("a nick that somebody has", () => {
	test("is refused if it is that of another person of XMPP, or looks like it", async () => {
		const world = await started();
		await world.join(romeo, "Romeo");
		for (const nick of ["Romeo", "ROMEO", "Rоmeo"]) {
			await world.join(juliet, nick);
			expect(world.got(juliet)).toEqual([`presence error ${nick} cancel/conflict`]);
		}
	});

	test("is refused if it is that of the bridge's bot, or looks like it", async () => {
		const world = await started();
		for (const nick of ["Trivium", "trivium", "Тrivium"]) {
			await world.join(juliet, nick);
			expect(world.got(juliet)).toEqual([`presence error ${nick} cancel/conflict`]);
		}
	});

	test("brings nobody into the room who is refused for it", async () => {
		const world = await started();
		await world.join(romeo, "Romeo");
		world.got(romeo);
		await world.join(juliet, "Romeo");
		expect(world.got(romeo)).toEqual([]);
		expect(world.calls.filter((call) => call.includes("juliet"))).toEqual([]);
	});

	test("is found out by those alone who may come into a room by invitation", async () => {
		const world = await started();
		world.source.facts = { ...facts, entry: "invited" };
		await world.join(romeo, "Romeo");
		world.source.enter = async () => ({
			kind: "refused",
			why: "invited-only",
			text: "you need an invitation.",
		});
		await world.join(juliet, "Romeo");
		expect(world.got(juliet)).toEqual(["presence error Romeo auth/registration-required"]);
	});

	test("is altered if it is that of a Matrix member, or looks like it", async () => {
		for (const nick of ["Alice", "alice", "Аlice"]) {
			const world = await started();
			await world.join(romeo, nick);
			const altered = `${nick} (romeo@montague.test)`;
			expect(world.got(romeo)[1]).toBe(`presence ${altered} none/participant 100 110 170 210`);
			expect(world.calls.at(-1)).toBe(`rename romeo@montague.test ${altered}`);
		}
	});
});

test("a room by invitation that the bot has made lets people with an affiliation in, and nobody else", async () => {
	const world = hostedWorld();
	const members = [["xmpp romeo@montague.test", "romeo@montague.test"]];
	world.cursors.set(`xmpp kept ${view}`, JSON.stringify({ members }));
	await world.start();
	const levels = { ...facts.levels!, of: new Map([["xmpp juliet@capulet.test", 50]]) };
	world.source.facts = { ...facts, entry: "invited", made: true, levels };
	const { enter } = world.source;
	world.source.enter = async (person) =>
		world.calls.some((call) => call.endsWith(`invites ${person.id}`))
			? enter(person)
			: { kind: "refused", why: "invited-only", text: "you need an invitation." };
	await world.join(romeo, "Romeo");
	await world.join(juliet, "Juliet");
	expect(world.got(romeo)).toContain("presence Juliet admin/moderator");
	await world.join("paris@verona.test/x", "Paris");
	expect(world.got("paris@verona.test/x")).toEqual(["presence error Paris auth/registration-required"]);
});

describe("a join that is refused", () => {
	const answer = async (world: Awaited<ReturnType<typeof started>>, nick = "Romeo", address = lobby) => {
		world.take(
			nick === "" ? join(romeo, nick, address).replace(`${address}/`, address) : join(romeo, nick, address),
		);
		await world.settle();
		const [stanza] = world.sent.filter(({ attrs }) => attrs.to === romeo);
		expect(stanza?.attrs).toMatchObject({ id: "join", type: "error" });
		expect(stanza?.getChild("error")?.getChild("text")?.getText()).toMatch(/\w.*\.$/);
		return world.got(romeo).map((one) => one.split(" ").at(-1))[0];
	};

	test.each([
		["has no nick", ""],
		["has a nick that is too long", "x".repeat(65)],
		["has a nick with invisible characters", "Ro\u200bmeo"],
	])("because it %s is malformed", async (_, nick) => {
		expect(await answer(await started(), nick)).toBe("modify/jid-malformed");
	});

	test.each([
		["banned", "auth/forbidden"],
		["blocked", "auth/forbidden"],
		["invited-only", "auth/registration-required"],
		["unknown", "cancel/item-not-found"],
	] as const)("by a room because the person is %s", async (why, condition) => {
		const world = await started();
		world.source.enter = async () => ({ kind: "refused", why, text: "Because." });
		expect(await answer(world)).toBe(condition);
	});

	test("a join refused by a room that has banned the whole domain asks nothing of the source", async () => {
		const world = hostedWorld();
		const domains = [["montague.test", "spam"]];
		world.cursors.set(`xmpp kept ${view}`, JSON.stringify({ domains }));
		await world.start();
		expect(await answer(world)).toBe("auth/forbidden");
		expect(world.calls).not.toContain("enter romeo@montague.test Romeo");
		// People of the source lift it while nobody of XMPP is there.
		world.happens(alice, { kind: "domain", domain: "montague.test" });
		expect(world.cursors.has(`xmpp kept ${view}`)).toBe(false);
		await world.join(romeo, "Romeo");
		expect(world.got(romeo).at(-1)).toBe("message subject Welcome");
		world.happens(alice, { kind: "domain", domain: "verona.test", ban: { reason: "spam" } });
		await world.join("paris@verona.test/gate", "Paris");
		expect(world.got("paris@verona.test/gate")).toEqual(["presence error Paris auth/forbidden"]);
		await world.join(juliet, "Juliet");
		expect(world.got(juliet).at(-1)).toBe("message subject Welcome");
	});

	test("by a room that has moved leads to its successor", async () => {
		const world = await started();
		const next = { kind: "id", id: "Next:hs.test" } as const;
		world.source.facts = { ...facts, successor: next };
		world.take(join(romeo, "Romeo"));
		await world.settle();
		const gone = world.sent[0]?.getChild("error")?.getChild("gone");
		expect(gone?.getText()).toBe(`xmpp:!=4eext=3ahs.test@${component}?join`);
		expect(roomJid(next, component)).toBe(`!=4eext=3ahs.test@${component}`);
	});

	test("by an alias that led to another room before leads to its new room by the id of that", async () => {
		const world = await started();
		await world.join(juliet, "Juliet");
		world.take(`<presence from='${juliet}' to='${lobby}/Juliet' type='unavailable'/>`);
		await world.settle();
		world.source.facts = { ...facts, room: "!Other:hs.test" as RoomId, id: "Other:hs.test" };
		expect(await answer(world)).toBe("cancel/gone");
		await world.join(romeo, "Romeo", roomJid({ kind: "id", id: "Other:hs.test" }, component));
		expect(world.got(romeo).at(-1)).toBe("message subject Welcome");
	});

	test("because nothing is spelled so, or nothing is there", async () => {
		const world = await started();
		expect(await answer(world, "Romeo", `#A%b%c@${component}`)).toBe("cancel/item-not-found");
		world.source.look = async () => undefined;
		expect(await answer(world)).toBe("cancel/item-not-found");
	});

	test.each([
		[new TemporaryError("away"), "wait/remote-server-timeout"],
		[new PermanentError("busy", "Too many."), "wait/resource-constraint"],
		[new PermanentError("forbidden", "No."), "cancel/not-allowed"],
		[new TypeError("a fault of ours"), "wait/internal-server-error"],
	])("by %s", async (error, condition) => {
		const world = await started();
		world.source.look = () => Promise.reject(error);
		expect(await answer(world)).toBe(condition);
	});

	test("because one account joins too often", async () => {
		const world = await started();
		for (let n = 0; n < 301; n++) world.take(join(`${romeo}${n}`, "Romeo"));
		await world.settle();
		expect(world.got(`${romeo}300`)).toEqual(["presence error Romeo wait/resource-constraint"]);
		expect(world.got(`${romeo}299`)).toContain("presence Romeo none/participant 100 110 170");
		await world.join(juliet, "Juliet");
		expect(world.got(juliet)).toContain("presence Juliet none/participant 100 110 170");
	});

	test("because the clients of one account are in too many rooms", async () => {
		const world = await started();
		for (let n = 0; n < 501; n++) {
			world.clock.at += 1_000;
			world.take(join(`${romeo}${n}`, "Romeo"));
			if (n % 50 === 0) await world.settle();
		}
		await world.settle();
		expect(world.got(`${romeo}499`)).toContain("presence Romeo none/participant 100 110 170");
		expect(world.got(`${romeo}500`)).toEqual(["presence error Romeo wait/resource-constraint"]);
	});
});

describe("a slow homeserver", () => {
	test("gets a join an answer in time, and the next try of the client is instant", async () => {
		const world = await started();
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
		const slow = heldLooks(world);
		world.take(join(romeo, "Romeo"));
		await vi.advanceTimersByTimeAsync(25_000);
		expect(world.got(romeo)).toEqual(["presence error Romeo wait/remote-server-timeout"]);
		slow.resolve(undefined);
		await world.settle();
		expect(world.got(romeo)).toEqual([]);
		expect(world.source.members).toContainEqual(romeoHimself);
		world.source.look = () => Promise.reject(new TemporaryError("never asked"));
		world.source.view = () => Promise.reject(new TemporaryError("never asked"));
		world.source.enter = () => Promise.reject(new TemporaryError("never asked"));
		await world.join(romeo, "Montague");
		expect(world.got(romeo).at(-1)).toBe("message subject Welcome");
		expect(world.calls.at(-1)).toBe("rename romeo@montague.test Montague");
	});

	// Conversations asks directly after its join, and takes an error for an empty room.
	test("lets a query for the archive wait for the join before it", async () => {
		const world = await started();
		const slow = heldLooks(world);
		world.take(join(romeo, "Romeo"));
		const query = `<iq from='${romeo}' to='${lobby}' type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>`;
		const answer = world.conversation.iq?.(stanza(query));
		await world.settle();
		slow.resolve(undefined);
		expect((await answer)?.attrs.type).toBe("result");
		expect(world.got(romeo).at(-1)).toBe("message subject Welcome");
	});

	test("is not asked again for a client that tries again while the room is being read", async () => {
		const world = await started();
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
		const slow = Promise.withResolvers<undefined>();
		const { view } = world.source;
		world.source.view = async () => {
			await slow.promise;
			return view();
		};
		world.take(join(romeo, "Romeo"));
		await vi.advanceTimersByTimeAsync(25_000);
		world.take(join(romeo, "Romeo"));
		await world.settle();
		slow.resolve(undefined);
		await world.settle();
		expect(world.got(romeo)).toEqual([
			"presence error Romeo wait/remote-server-timeout",
			"presence Alice none/participant",
			"presence Romeo none/participant 100 110 170",
			"message subject Welcome",
		]);
		expect(world.calls.filter((call) => /^(enter|view)/.test(call))).toHaveLength(2);
	});

	// Poezio asks directly before its join.
	test("lets a query for the archive wait for the join after it", async () => {
		const world = await started();
		const query = `<iq from='${romeo}' to='${lobby}' type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>`;
		const answer = world.conversation.iq?.(stanza(query));
		await world.join(romeo, "Romeo");
		expect((await answer)?.attrs.type).toBe("result");
	});

	test("gives a query for the archive its refusal soon if no join follows", async () => {
		const world = await started();
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
		const query = `<iq from='${romeo}' to='${lobby}' type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>`;
		const answer = world.conversation.iq?.(stanza(query));
		await vi.advanceTimersByTimeAsync(1_000);
		expect((await answer)?.getChild("error")?.getChild("forbidden")).toBeDefined();
	});

	test("keeps nobody in the Matrix room whose client does not try again", async () => {
		const world = await started();
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
		const slow = Promise.withResolvers<undefined>();
		world.source.view = async () => {
			await slow.promise;
			return { facts, members: [...world.source.members] };
		};
		world.take(join(romeo, "Romeo"));
		await vi.advanceTimersByTimeAsync(25_000);
		slow.resolve(undefined);
		await world.settle();
		world.clock.at += 11 * 60_000;
		world.sweep();
		await world.settle();
		expect(world.source.members).toEqual([alice]);
	});

	test("shares one reading of a room among all who join it, and loses no change meanwhile", async () => {
		const world = await started();
		const slow = Promise.withResolvers<undefined>();
		world.source.view = async () => {
			const members = [...world.source.members];
			await slow.promise;
			return { facts, members };
		};
		const bob = matrixPerson("bob", "Bob");
		world.take(join(romeo, "Romeo"));
		world.take(join(juliet, "Juliet"));
		await world.settle();
		world.happens(bob, { kind: "member", person: bob, now: "in" });
		world.happens(alice, { kind: "member", person: alice, now: "out" });
		world.happens(alice, { kind: "member", person: romeoHimself, now: "in" });
		slow.resolve(undefined);
		await world.settle();
		expect(world.calls.filter((call) => call === "view")).toHaveLength(1);
		expect(world.got(romeo)).toEqual([
			"presence Bob none/participant",
			"presence Romeo none/participant 100 110 170",
			"message subject Welcome",
			"presence Juliet none/participant",
		]);
		expect(world.got(juliet)).toEqual([
			"presence Bob none/participant",
			"presence Romeo none/participant",
			"presence Juliet none/participant 100 110 170",
			"message subject Welcome",
		]);
	});

	test("lets nobody into a room that has become encrypted before they were in", async () => {
		const world = await started();
		world.source.view = async () => ({
			facts: { ...facts, unfit: "encrypted" },
			members: [...world.source.members],
		});
		await world.join(romeo, "Romeo");
		expect(world.got(romeo)).toEqual(["presence error Romeo cancel/not-allowed"]);
		await world.settle();
		expect(world.source.members).toEqual([alice]);
		expect(world.stored()).toEqual([]);
	});

	test("asks a second time for a person who is put out before they are in", async () => {
		const world = await started();
		await world.join(juliet, "Juliet");
		let asked = 0;
		world.source.enter = async (person) => {
			if (++asked > 1) return { kind: "refused", why: "banned", text: "You are banned." };
			world.source.members.push(person);
			queueMicrotask(() =>
				world.happens(alice, { kind: "member", person: romeoHimself, now: "banned", by: alice }),
			);
			return { kind: "in" };
		};
		await world.join(romeo, "Romeo");
		expect(world.got(romeo)).toEqual(["presence error Romeo auth/forbidden"]);
		expect(world.got(juliet).slice(-2)).toEqual(["message subject Welcome", "message outcast/none"]);
	});

	test("is answered after a kill of the bridge, and the person leaves if they do not ask again", async () => {
		const world = await started();
		world.source.view = () => new Promise(() => undefined);
		world.take(join(romeo, "Romeo"));
		await world.settle();
		const next = await started(world.source.members);
		for (const [key, value] of world.cursors) next.cursors.set(key, value);
		await next.start();
		next.conversation.online();
		await next.settle();
		expect(next.sent[0]?.getChild("error")?.getChild("text")?.getText()).toMatch(/ Join again\.$/);
		expect(next.got(romeo)).toEqual(["presence error Romeo wait/remote-server-timeout"]);
		next.conversation.online();
		await next.settle();
		expect(next.sent).toEqual([]);
		next.clock.at += 11 * 60_000;
		next.sweep();
		await next.settle();
		expect(next.source.members).toEqual([alice]);
		await next.conversation.stop();
	});

	test("does not bring in a client that has left before it was in", async () => {
		const world = await started();
		const slow = heldLooks(world);
		world.take(join(romeo, "Romeo"));
		world.take(`<presence from='${romeo}' to='${lobby}/Romeo' type='unavailable'/>`);
		slow.resolve(undefined);
		await world.settle();
		expect(world.got(romeo)).toEqual([]);
		world.clock.at += 11 * 60_000;
		world.sweep();
		await world.settle();
		expect(world.source.members).toEqual([alice]);
	});
});
