import { describe, expect, test } from "vitest";
import { PermanentError } from "../../../../src/core/errors.ts";
import { type Hosting, type LevelChange, personKey, type RoomFacts } from "../../../../src/core/hosting.ts";
import { account } from "../../../../src/xmpp/from-xmpp.ts";
import { takeFacts } from "../../../../src/xmpp/hosted/configuration.ts";
import { noteForRecord, takeMember } from "../../../../src/xmpp/hosted/membership.ts";
import { type Element, xml } from "../../../../src/xmpp/stream/xml.ts";
import { alice, createWorld, facts, levels, lobby, mercutio, outcome, romeo } from "./world.ts";

const ns = "http://jabber.org/protocol/muc#admin";
const stranger = "paris@verona.test/gate";
const own = (jid: string) => personKey(account(jid));

/** A room whose owner is Mercutio. Resolves with the outcome of a request, and what the source was asked to do. */
function room(
	of: Readonly<Record<string, number>> = { [own(mercutio)]: 100 },
	more: Partial<RoomFacts> = {},
	over: Partial<Hosting> = {},
	requests = 1_000,
) {
	const done: string[] = [];
	const whomOf = (whom: LevelChange["whom"]) => ("id" in whom ? whom.id : whom.join("%"));
	const inside = facts({ levels: levels(of), ...more });
	const world = createWorld({
		...{ facts: inside, requests },
		known: { lobby: { kind: "room", facts: facts() } },
		hosting: {
			moderate: async (_room, by, act, whom, reason) =>
				void done.push(`${by.name} ${act} ${whomOf(whom)}${reason ? `: ${reason}` : ""}`),
			setLevels: async (_room, by, changes) => {
				done.push(`${by.name} ${changes.map(({ whom, level }) => `${whomOf(whom)} = ${level}`).join(", ")}`);
				const now = world.room.facts;
				const after = new Map(now.levels?.of);
				const people = [...(now.levels?.people ?? [])];
				for (const { whom, level } of changes) {
					if (!("id" in whom)) continue;
					if (level === undefined) after.delete(personKey(whom));
					else after.set(personKey(whom), level);
					people.push(whom);
				}
				// The source shows the change.
				takeFacts(world.room, { ...now, levels: { ...now.levels!, of: after, people } }, world.context);
			},
			invite: async (_room, by, whom) => void done.push(`${by.name} invite ${whomOf(whom)}`),
			banDomain: async (_room, by, domain, ban) =>
				void done.push(`${by.name} ${ban ? `bans ${domain}: ${ban.reason}` : `lifts ${domain}`}`),
			absent: async (_room, _reader, as) =>
				as === "banned"
					? [{ network: account(stranger).network, address: ["paris@verona.test"], reason: "brawl" }, alice]
					: [{ network: account(stranger).network, address: ["rosaline@capulet.test"] }],
			view: async () => ({ facts: inside, members: [] }),
			...over,
		},
	});
	const change = async (items: readonly Record<string, string>[], from = mercutio, reason?: string) => {
		const told = items.map((one) =>
			xml("item", one, ...(reason === undefined ? [] : [xml("reason", {}, reason)])),
		);
		return outcome(await world.ask(lobby, xml("query", { xmlns: ns }, ...told), from, "set"));
	};
	const list = async (wanted: Record<string, string>, from = mercutio) => {
		const answer = await world.ask(lobby, xml("query", { xmlns: ns }, xml("item", wanted)), from);
		if (answer.attrs.type === "error") return outcome(answer);
		return (answer.getChild("query")?.getChildren("item") ?? []).map(itemLine);
	};
	/** Returns what Romeo's client was shown since the last call: each item of muc#user, with the status codes. */
	const seen = () =>
		world.shown
			.splice(0)
			.filter(({ attrs }) => attrs.to === romeo)
			.map(shownLine);
	return { ...world, done, change, list, seen };
}
const itemLine = ({ attrs: { affiliation, role, jid, nick } }: Element): string =>
	[affiliation, role, jid, nick].filter((one) => one !== undefined).join(" ");
function shownLine(stanza: Element): string {
	const x = stanza.getChild("x");
	const item = x?.getChild("item");
	const actor = item?.getChild("actor")?.attrs.nick;
	const reason = item?.getChild("reason")?.getText();
	const codes = x?.getChildren("status").map(({ attrs }) => attrs.code) ?? [];
	const who = stanza.attrs.from?.split("/")[1] ?? item?.attrs.jid;
	return [
		...[stanza.name, stanza.attrs.type, who, `${item?.attrs.affiliation}/${item?.attrs.role}`],
		...[actor && `by ${actor}`, reason && `(${reason})`, ...codes],
	]
		.filter((one) => one !== undefined)
		.join(" ");
}

describe("a moderator's change of a hosted room", () => {
	test("of a role is a removal or a power level in the moderator's name", async () => {
		const { change, done } = room();
		expect(await change([{ nick: "Romeo", role: "none" }], mercutio, "loud")).toBe("result");
		expect(await change([{ nick: "Romeo", role: "visitor" }])).toBe("result");
		expect(await change([{ nick: "Romeo", role: "participant" }])).toBe("result");
		expect(done).toEqual([
			"mercutio kick romeo@montague.test: loud",
			"mercutio romeo@montague.test = -1",
			"mercutio romeo@montague.test = undefined",
		]);
	});

	test("gives the role of a moderator where the room has a level for it, until the person leaves", async () => {
		const {
			change,
			done,
			room: muc,
			context,
			seen,
		} = room(undefined, {
			levels: { ...levels({ [own(mercutio)]: 100 }), needed: { ...levels().needed, kick: 25, redact: 25 } },
		});
		expect(await change([{ nick: "Romeo", role: "moderator" }], mercutio, "trusted")).toBe("result");
		expect(seen()).toEqual(["presence Romeo none/moderator by Mercutio (trusted) 110"]);
		takeMember(muc, { kind: "member", person: account(romeo), now: "out", by: alice }, context);
		await new Promise((resolve) => setImmediate(resolve));
		expect(done).toEqual(["mercutio romeo@montague.test = 25", "mercutio romeo@montague.test = undefined"]);
		expect(muc.record.moderators.size).toBe(0);
		expect(await room().change([{ nick: "Romeo", role: "moderator" }])).toBe("cancel not-allowed");
	});

	test("leaves a level that people of the source gave a moderator meanwhile", async () => {
		const {
			change,
			done,
			room: muc,
			context,
		} = room(undefined, {
			levels: { ...levels({ [own(mercutio)]: 100 }), needed: { ...levels().needed, kick: 25, redact: 25 } },
		});
		await change([{ nick: "Romeo", role: "moderator" }]);
		const raised = new Map(muc.facts.levels?.of).set(own(romeo), 50);
		takeFacts(muc, { ...muc.facts, levels: { ...muc.facts.levels!, of: raised } }, context);
		takeMember(muc, { kind: "member", person: account(romeo), now: "out", by: alice }, context);
		expect(done).toEqual(["mercutio romeo@montague.test = 25"]);
		expect(muc.record.moderators.size).toBe(0);
	});

	test("of affiliations is one change of power levels, and bans, also of JIDs that never came", async () => {
		const { change, done, seen } = room();
		const items = [
			{ jid: "romeo@montague.test", affiliation: "admin" },
			{ jid: "Paris@Verona.test", affiliation: "owner" },
			{ jid: "tybalt@capulet.test/phone", affiliation: "outcast" },
			{ jid: "rosaline@capulet.test", affiliation: "none" },
		];
		expect(await change(items, mercutio, "brawl")).toBe("result");
		expect(done).toEqual([
			"mercutio romeo@montague.test = 50, paris@verona.test = 100",
			"mercutio unban paris@verona.test: brawl",
			"mercutio ban tybalt@capulet.test: brawl",
			"mercutio unban rosaline@capulet.test: brawl",
		]);
		expect(seen()).toEqual([
			"presence Romeo admin/moderator by Mercutio (brawl) 110",
			"message paris@verona.test owner/none",
		]);
	});

	test("makes members of a room that everybody may join, which the bridge keeps over a restart", async () => {
		const { change, done, seen, list, context, cursors, room: muc } = room();
		const items = [
			{ jid: "romeo@montague.test", affiliation: "member" },
			{ jid: "paris@verona.test", affiliation: "member", nick: "County" },
		];
		expect(await change(items, mercutio, "friends")).toBe("result");
		expect(done).toEqual(["mercutio unban paris@verona.test: friends"]);
		expect(seen()).toEqual([
			"presence Romeo member/participant 110",
			"message paris@verona.test member/none",
		]);
		const both = ["member romeo@montague.test Romeo", "member paris@verona.test County"];
		expect(await list({ affiliation: "member" })).toEqual(both);
		expect(await list({ affiliation: "member" }, romeo)).toBe("auth forbidden");
		expect([...cursors.keys()]).toEqual([`xmpp kept ${muc.id}`]);
		await context.records.load();
		expect(await list({ affiliation: "member" })).toEqual(both);
		const taken = { jid: "rosaline@capulet.test", affiliation: "member", nick: "County" };
		expect(await change([taken])).toBe("cancel conflict");
		expect(await change(items.map(({ jid }) => ({ jid, affiliation: "none" })))).toBe("result");
		expect(seen()).toEqual(["presence Romeo none/participant 110", "message paris@verona.test none/none"]);
		expect(cursors.size).toBe(0);
	});

	test("a change of a member to an outcast ends the membership and takes the nick, as a ban by people of the source does", async () => {
		const { change, context, room: muc } = room();
		const paris = { jid: "paris@verona.test", affiliation: "member", nick: "County" };
		expect(await change([paris])).toBe("result");
		expect([muc.record.members.size, muc.record.nicks.size]).toEqual([1, 1]);
		expect(await change([{ jid: paris.jid, affiliation: "outcast" }])).toBe("result");
		expect([muc.record.members.size, muc.record.nicks.size]).toEqual([0, 0]);
		expect(await change([paris])).toBe("result");
		const banned = { kind: "member", person: account(stranger), now: "banned", by: alice } as const;
		noteForRecord(muc.id, banned, context);
		expect([muc.record.members.size, muc.record.nicks.size]).toEqual([0, 0]);
	});

	test("a change to a member in a moderated room gives voice", async () => {
		const { change, done } = room(undefined, { levels: levels({ [own(mercutio)]: 100 }, 10) });
		expect(await change([{ jid: "romeo@montague.test", affiliation: "member" }])).toBe("result");
		expect(await change([{ jid: "romeo@montague.test", affiliation: "none" }])).toBe("result");
		expect(done).toEqual(["mercutio romeo@montague.test = 10", "mercutio romeo@montague.test = undefined"]);
	});

	test("a change to a member in a room by invitation is an invitation, and its end a removal with that cause", async () => {
		const { change, done, seen, room: muc, context, list } = room(undefined, { entry: "invited" });
		expect(await change([{ jid: "paris@verona.test", affiliation: "member" }])).toBe("result");
		takeMember(muc, { kind: "member", person: account(stranger), now: "invited", by: alice }, context);
		expect(seen()).toEqual(["message paris@verona.test member/none"]);
		expect(await list({ affiliation: "member" }, romeo)).toEqual([
			"member alice@bridge.test Alice",
			"member romeo@montague.test Romeo",
			"member rosaline@capulet.test",
		]);
		// The bot names the moderator in its own words when it acts.
		expect(await change([{ jid: "romeo@montague.test", affiliation: "none" }])).toBe("result");
		takeMember(
			muc,
			{ kind: "member", person: account(romeo), now: "out", by: alice, reason: "by x" },
			context,
		);
		expect(seen()).toEqual(["presence unavailable Romeo none/none by Mercutio 321 110"]);
		expect(done).toEqual([
			"mercutio unban paris@verona.test",
			"mercutio invite paris@verona.test",
			"mercutio kick romeo@montague.test",
		]);
	});

	test("a change of a role leaves the membership of a room by invitation that the bot has made, also when it is opened", async () => {
		const closed = { entry: "invited", made: true } as const;
		const { change, done, room: muc, context, seen } = room(undefined, closed);
		expect(await change([{ nick: "Romeo", role: "none" }])).toBe("result");
		expect(done).toEqual(["mercutio kick romeo@montague.test", "mercutio invite romeo@montague.test"]);
		seen();
		takeFacts(muc, { ...muc.facts, entry: "everybody" }, context);
		expect(seen().filter((line) => line.startsWith("presence"))).toEqual([]);
		expect([...muc.record.members.values()]).toEqual(["alice@bridge.test", "romeo@montague.test"]);
	});

	test("asks nothing about the people of its items for somebody who may change nothing", async () => {
		const { ask, context } = room();
		let asked = 0;
		Object.assign(context.bridge(), { findPerson: async () => void asked++ });
		const item = xml("item", { jid: "bob@bridge.test", affiliation: "member" });
		const request = () => xml("query", { xmlns: ns }, item);
		expect(outcome(await ask(lobby, request(), romeo, "set"))).toBe("auth forbidden");
		expect(asked).toBe(0);
		expect(outcome(await ask(lobby, request(), mercutio, "set"))).toBe("cancel item-not-found");
		expect(asked).toBe(1);
	});

	test("asks nothing about the people of its items for somebody who asks too often", async () => {
		const { ask, context } = room(undefined, {}, {}, 2);
		let asked = 0;
		Object.assign(context.bridge(), { findPerson: async () => void asked++ });
		const request = (items: number) =>
			xml(
				"query",
				{ xmlns: ns },
				...Array.from({ length: items }, () =>
					xml("item", { jid: "bob@bridge.test", affiliation: "member" }),
				),
			);
		expect(outcome(await ask(lobby, request(3), mercutio, "set"))).toBe("wait resource-constraint");
		expect(asked).toBe(0);
	});

	test("bans a whole domain: its people are removed, and their joins are refused", async () => {
		const { change, done, seen, list, context, room: muc, join } = room();
		join(stranger, "Paris");
		expect(await change([{ jid: "verona.test", affiliation: "outcast" }], mercutio, "spam")).toBe("result");
		expect(done).toEqual(["mercutio bans verona.test: spam", "mercutio kick paris@verona.test: spam"]);
		takeMember(muc, { kind: "member", person: account(stranger), now: "out", by: alice }, context);
		expect(seen()).toEqual(["presence unavailable Paris outcast/none by Mercutio (spam) 301"]);
		expect(context.records.of(muc.id).domains.get("verona.test")).toBe("spam");
		expect(await list({ affiliation: "outcast" })).toContain("outcast verona.test");
		expect(await change([{ jid: "verona.test", affiliation: "none" }])).toBe("result");
		expect(context.records.of(muc.id).domains.size).toBe(0);
		expect(done.at(-1)).toBe("mercutio lifts verona.test");
		expect(await change([{ jid: "montague.test", affiliation: "outcast" }])).toBe("cancel conflict");
		const of = { [own(mercutio)]: 100, [own(stranger)]: 100 };
		const equal = room(of, { levels: { ...levels(of), people: [account(stranger)] } });
		expect(await equal.change([{ jid: "verona.test", affiliation: "outcast" }])).toBe("cancel not-allowed");
		expect(await change([{ jid: "bridge.test", affiliation: "outcast" }])).toBe("cancel not-allowed");
		expect(await change([{ jid: "verona.test", affiliation: "member" }])).toBe("modify bad-request");
	});

	test("is refused without the right, and then nothing of the request is done", async () => {
		const { change, done } = room({ [own(mercutio)]: 50, [personKey(alice)]: 100 });
		const refused = async (item: Record<string, string>, from = mercutio) =>
			change([{ nick: "Romeo", role: "none" }, item], from);
		expect(await change([{ nick: "Mercutio", role: "none" }], romeo)).toBe("auth forbidden");
		expect(await change([{ jid: "tybalt@capulet.test", affiliation: "outcast" }], stranger)).toBe(
			"auth forbidden",
		);
		expect(await refused({ nick: "Alice 🎉", role: "none" })).toBe("cancel item-not-found");
		expect(await refused({ nick: "Alice", role: "none" })).toBe("cancel not-allowed");
		expect(await refused({ nick: "Alice", affiliation: "outcast" })).toBe("cancel not-allowed");
		expect(await refused({ nick: "Alice", affiliation: "member" })).toBe("auth forbidden");
		expect(await refused({ jid: "paris@verona.test", affiliation: "owner" })).toBe("auth forbidden");
		expect(await refused({ jid: "mercutio@montague.test", affiliation: "outcast" })).toBe("cancel conflict");
		expect(await refused({ jid: "@", affiliation: "outcast" })).toBe("modify jid-malformed");
		expect(await refused({ jid: "verona.test", role: "none" })).toBe("modify jid-malformed");
		expect(await refused({ nick: "Romeo", affiliation: "king" })).toBe("modify bad-request");
		expect(done).toEqual([]);
	});

	test("is made by an admin who is not in the room, where the bot has made it", async () => {
		const of = { [own(stranger)]: 50 };
		const { change, done } = room(of, { made: true });
		expect(await change([{ jid: "tybalt@capulet.test", affiliation: "outcast" }], stranger)).toBe("result");
		expect(done).toEqual(["paris ban tybalt@capulet.test"]);
		const gone = room(of, { made: true });
		gone.rooms.remove(gone.room);
		expect(await gone.change([{ jid: "tybalt@capulet.test", affiliation: "outcast" }], stranger)).toBe(
			"result",
		);
		const foreign = room(of);
		foreign.rooms.remove(foreign.room);
		expect(await foreign.change([{ jid: "tybalt@capulet.test", affiliation: "outcast" }], stranger)).toBe(
			"auth forbidden",
		);
	});

	test("leaves the room an owner, whatever the items of the request", async () => {
		const { change, done } = room();
		expect(await change([{ jid: "mercutio@montague.test", affiliation: "admin" }])).toBe("cancel conflict");
		expect(done).toEqual([]);
		const of = { [own(mercutio)]: 100, [own(romeo)]: 100 };
		const made = room(of, { made: true });
		const [self, other] = ["mercutio@montague.test", "romeo@montague.test"].map((jid) => ({
			...{ jid, affiliation: "admin" },
		}));
		expect(await made.change([self!, other!])).toBe("cancel conflict");
		expect(await made.change([other!])).toBe("result");
		expect(made.done).toEqual(["mercutio romeo@montague.test = 50"]);
		// The source lets nobody lower an equal.
		expect(await room(of).change([other!])).toBe("cancel not-allowed");
		expect(await room(of).change([self!])).toBe("result");
	});

	test("is answered with forbidden when the source refuses it", async () => {
		const { change } = room(undefined, undefined, {
			setLevels: () => Promise.reject(new PermanentError("forbidden", "your level is too low")),
		});
		expect(await change([{ nick: "Romeo", affiliation: "admin" }])).toBe("auth forbidden");
	});
});

describe("the lists of a hosted room", () => {
	test("name the banned to admins by JID, ghosts of the source as well, with the reason", async () => {
		const { list, ask } = room();
		expect(await list({ affiliation: "outcast" })).toEqual([
			"outcast paris@verona.test",
			"outcast alice@bridge.test",
		]);
		expect(await list({ affiliation: "outcast" }, romeo)).toBe("auth forbidden");
		const query = xml("query", { xmlns: ns }, xml("item", { affiliation: "outcast" }));
		const [first] = (await ask(lobby, query, mercutio)).getChild("query")?.getChildren("item") ?? [];
		expect(first?.getChild("reason")?.getText()).toBe("brawl");
	});

	test("name the banned, and the invited, as often as the limits allow", async () => {
		let asked = 0;
		const absent = async () => {
			asked++;
			return [];
		};
		const { list } = room(undefined, { entry: "invited" }, { absent }, 2);
		for (const affiliation of ["outcast", "member"]) {
			expect(await list({ affiliation })).not.toBe("wait resource-constraint");
			expect(await list({ affiliation })).not.toBe("wait resource-constraint");
			expect(await list({ affiliation }), affiliation).toBe("wait resource-constraint");
		}
		expect(asked).toBe(4);
	});

	test("name people with power who are not in the room, to owners and those who are there", async () => {
		const of = { [own(mercutio)]: 100, [own(romeo)]: 50, [own(stranger)]: 50, [personKey(alice)]: 100 };
		const people = [account(mercutio), account(romeo), account(stranger), alice];
		const { list } = room(of, { levels: { ...levels(of), people } });
		expect(await list({ affiliation: "admin" })).toEqual([
			"admin romeo@montague.test Romeo",
			"admin paris@verona.test",
		]);
		expect(await list({ affiliation: "owner" })).toEqual([
			"owner alice@bridge.test Alice",
			"owner mercutio@montague.test Mercutio",
		]);
		for (const affiliation of ["owner", "admin"])
			for (const from of ["romeo@montague.test/phone", "tybalt@capulet.test/x"])
				expect(await list({ affiliation }, from), `${affiliation} ${from}`).toBe("auth forbidden");
		expect(await list({ affiliation: "owner" }, romeo)).toEqual(await list({ affiliation: "owner" }));
		expect(await list({ affiliation: "owner" }, "paris@verona.test/x")).toBe("auth forbidden");
	});

	test("name those who are there by role, to admins and, but for moderators, to moderators", async () => {
		const { list } = room({ [own(mercutio)]: 50, [personKey(alice)]: -1 });
		expect(await list({ role: "moderator" })).toEqual(["admin moderator mercutio@montague.test Mercutio"]);
		expect(await list({ role: "visitor" })).toEqual(["none visitor alice@bridge.test Alice"]);
		expect(await list({ role: "participant" }, romeo)).toBe("auth forbidden");
		expect(await list({ role: "king" })).toBe("modify bad-request");
	});
});
