import { describe, expect, test } from "vitest";
import { type MemberChange, personKey } from "../../../src/core/hosting.ts";
import type { Person } from "../../../src/core/person.ts";
import { alice, facts, hostedWorld, inside, juliet, matrixPerson, romeo, view, xmppPerson } from "./world.ts";

const bob = matrixPerson("bob", "Bob");
const romeoHimself = xmppPerson(romeo, "Romeo");

async function changing() {
	const world = await inside();
	const change = (person: Person, now: MemberChange["now"], more: Partial<MemberChange> = {}) =>
		world.happens(more.by ?? person, { kind: "member", person, now, ...more });
	return { ...world, change };
}

describe("a Matrix member", () => {
	test("comes in, is renamed and leaves", async () => {
		const world = await changing();
		world.change(bob, "in");
		world.change({ ...bob, name: "Robert" }, "profile");
		world.change({ ...bob, name: "Robert" }, "out");
		expect(world.got(juliet)).toEqual([
			"presence Bob none/participant",
			"presence unavailable Bob none/participant →Robert 303",
			"presence Robert none/participant",
			"presence unavailable Robert none/none",
		]);
	});

	test("is shown once after coming in twice, and does not leave without having been in", async () => {
		const world = await changing();
		world.change(bob, "in");
		world.change(bob, "in");
		world.change(matrixPerson("carol", "Carol"), "out");
		world.change(matrixPerson("dave", "Dave"), "invited");
		expect(world.got(juliet)).toEqual(["presence Bob none/participant"]);
	});

	test("gets another nick where a person of XMPP has that name, and shows the name beside it", async () => {
		const world = await changing();
		world.change(matrixPerson("mallory", "Romeo"), "in");
		const [shown] = world.sent.filter(({ attrs }) => attrs.to === juliet);
		expect(shown?.getChild("nick", "http://jabber.org/protocol/nick")?.getText()).toBe("Romeo");
		expect(world.got(juliet)).toEqual(["presence Romeo (mallory) none/participant"]);
		world.change({ ...bob, name: "Juliet" }, "in");
		world.change({ ...bob, name: "Romeo" }, "profile");
		expect(world.got(romeo).slice(1)).toEqual([
			"presence Juliet (bob) none/participant",
			"presence unavailable Juliet (bob) none/participant →Romeo (bob) 303",
			"presence Romeo (bob) none/participant",
		]);
	});

	test("keeps a name that others have, too, if their standing is lower, at each reading of the room", async () => {
		const names = ["zoe", "mallory", "alice"].map((localpart) => matrixPerson(localpart, "Alice"));
		const [zoe, mallory, real] = names as [Person, Person, Person];
		for (const members of [
			[zoe, mallory, real],
			[real, mallory, { ...zoe, local: true as const }],
			[mallory, zoe, real],
		]) {
			const world = hostedWorld(members);
			const { levels } = facts;
			if (!levels) throw new Error("no levels");
			world.source.facts = { ...facts, levels: { ...levels, of: new Map([["matrix @alice:hs.test", 1]]) } };
			await world.start();
			await world.join(romeo, "Romeo");
			const first = members.some(({ local }) => local) ? "zoe" : "mallory";
			const jid = (nick: string) =>
				world.sent
					.find(({ attrs }) => attrs.from?.endsWith(`/${nick}`))
					?.getChild("x", "http://jabber.org/protocol/muc#user")
					?.getChild("item")?.attrs.jid;
			expect(jid("Alice")).toBe("alice@bridge.test/trivium");
			expect(jid(`Alice (${first})`)).toBe(`${first}@bridge.test/trivium`);
		}
	});

	test("is kicked or banned with the reason, by the one who did it", async () => {
		const world = await changing();
		world.change(bob, "in");
		world.change(bob, "out", { by: alice, reason: "calm down" });
		world.change(bob, "in");
		world.change(bob, "banned", { by: alice });
		expect(world.got(juliet)).toEqual([
			"presence Bob none/participant",
			"presence unavailable Bob none/none by Alice (calm down) 307",
			"presence Bob none/participant",
			"presence unavailable Bob outcast/none by Alice 301",
		]);
	});
});

describe("a person of XMPP", () => {
	test("hears of a removal before the history of the join is there", async () => {
		const world = await inside();
		const { sendToAll } = world.link;
		let isRemoved = false;
		world.link.sendToAll = (one, recipients) => {
			if (String(one).includes('code="110"') && !isRemoved) {
				isRemoved = true;
				queueMicrotask(() =>
					world.happens(alice, { kind: "member", person: xmppPerson(paris, "Paris"), now: "out", by: alice }),
				);
			}
			return sendToAll(one, recipients);
		};
		const paris = "paris@verona.test/gate";
		await world.join(paris, "Paris");
		expect(world.got(paris).at(-1)).toBe("presence unavailable Paris none/none by Alice 110 307");
	});

	test.each([
		["out", "none/none by Alice (calm down)", "307"],
		["banned", "outcast/none by Alice (calm down)", "301"],
	] as const)("whom somebody on Matrix takes %s is told so, with all clients", async (now, how, code) => {
		const world = await changing();
		const laptop = "romeo@montague.test/laptop";
		await world.join(laptop, "Romeo");
		world.got(laptop);
		world.got(romeo);
		world.change(romeoHimself, now, { by: alice, reason: "calm down" });
		for (const one of [romeo, laptop])
			expect(world.got(one)).toEqual([`presence unavailable Romeo ${how} 110 ${code}`]);
		expect(world.got(juliet)).toEqual([`presence unavailable Romeo ${how} ${code}`]);
		await world.settle();
		expect(world.calls.some((call) => call.startsWith("leave"))).toBe(false);
		expect(world.stored().some((key) => key.includes("romeo"))).toBe(false);
		world.take(`<message from='${romeo}' to='#lobby@bridge.test' type='groupchat'><body>hi</body></message>`);
		expect(world.got(romeo)).toEqual(["message error modify/not-acceptable"]);
	});

	test("loses membership and nick by a ban while nobody of XMPP is in the room, also in later runs", async () => {
		const world = hostedWorld();
		const key = personKey(romeoHimself);
		const nick = { jid: romeoHimself.id, nick: "Romeo" };
		const kept = { members: [[key, romeoHimself.id]], nicks: [[key, nick]], domains: [["spam.test", ""]] };
		world.cursors.set(`xmpp kept ${view}`, JSON.stringify(kept));
		await world.start();
		world.happens(alice, { kind: "member", person: bob, now: "banned", by: alice });
		world.happens(alice, { kind: "member", person: romeoHimself, now: "out", by: alice });
		expect(JSON.parse(world.cursors.get(`xmpp kept ${view}`) ?? "")).toMatchObject(kept);
		world.happens(alice, { kind: "member", person: romeoHimself, now: "banned", by: alice });
		expect(JSON.parse(world.cursors.get(`xmpp kept ${view}`) ?? "")).toMatchObject({
			...{ members: [], nicks: [], domains: kept.domains },
		});
		await world.join(juliet, "Romeo");
		expect(world.got(juliet).at(-1)).toBe("message subject Welcome");
	});

	test("is out after a kick that follows a leave and a return", async () => {
		const world = await changing();
		world.take(`<presence from='${romeo}' to='#lobby@bridge.test/Romeo' type='unavailable'/>`);
		await world.join(romeo, "Romeo");
		world.got(romeo);
		world.change(romeoHimself, "out", { by: alice });
		expect(world.got(romeo)).toEqual(["presence unavailable Romeo none/none by Alice 110 307"]);
	});

	test("is told that an admin of the homeserver took the ghost out", async () => {
		const world = await changing();
		world.change(romeoHimself, "out");
		expect(world.got(romeo)).toEqual(["presence unavailable Romeo none/none 110 307"]);
	});

	test("is shown as away when the ghost comes in without a client", async () => {
		const world = await changing();
		const mercutio = xmppPerson("mercutio@verona.test", "Mercutio");
		world.change(mercutio, "in");
		expect(world.got(juliet)).toEqual(["presence Mercutio none/participant away"]);
		world.change(mercutio, "profile");
		expect(world.got(juliet)).toEqual([]);
	});
});

describe("new power levels", () => {
	test("change the affiliations and roles of those whom they concern", async () => {
		const world = await changing();
		const of = new Map([
			["matrix @alice:hs.test", 100],
			["xmpp romeo@montague.test", 50],
		]);
		const { levels } = facts;
		if (!levels) throw new Error("no levels");
		world.happens(alice, { kind: "facts", facts: { ...facts, levels: { ...levels, of } } });
		expect(world.got(romeo)).toEqual([
			"presence Alice owner/moderator",
			"presence Romeo admin/moderator 110",
		]);
		expect(world.got(juliet)).toEqual(["presence Alice owner/moderator", "presence Romeo admin/moderator"]);
		const needed = { ...levels.needed, speak: 10 };
		world.happens(alice, { kind: "facts", facts: { ...facts, levels: { ...levels, of, needed } } });
		expect(world.got(juliet)).toEqual(["presence Juliet none/visitor 110", "message 104"]);
		world.happens(alice, { kind: "facts", facts: { ...facts, entry: "invited", levels: { ...levels, of } } });
		expect(world.got(juliet)).toEqual(["presence Juliet member/participant 110", "message 104"]);
	});
});
