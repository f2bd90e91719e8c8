import { describe, expect, test } from "vitest";
import { PermanentError } from "../../../../src/core/errors.ts";
import { type Hosting, type LevelChange, personKey, type RoomFacts } from "../../../../src/core/hosting.ts";
import { account } from "../../../../src/xmpp/from-xmpp.ts";
import { xml } from "../../../../src/xmpp/stream/xml.ts";
import { alice, createWorld, facts, levels, lobby, mercutio, outcome, romeo } from "./world.ts";

const ns = "http://jabber.org/protocol/muc#admin";
const stranger = "paris@verona.test/gate";

/** A room whose owner is Mercutio. Resolves with the outcome of a request, and what the source was asked to do. */
function room(
	of: Readonly<Record<string, number>> = { [personKey(account(mercutio))]: 100 },
	more: Partial<RoomFacts> = {},
	over: Partial<Hosting> = {},
) {
	const done: string[] = [];
	const whomOf = (whom: LevelChange["whom"]) => ("id" in whom ? whom.id : whom.join("%"));
	const world = createWorld({
		facts: facts({ levels: levels(of), ...more }),
		hosting: {
			moderate: async (_room, by, act, whom, reason) =>
				void done.push(`${by.name} ${act} ${whomOf(whom)}${reason ? `: ${reason}` : ""}`),
			setLevels: async (_room, by, changes) => {
				done.push(`${by.name} ${changes.map(({ whom, level }) => `${whomOf(whom)} = ${level}`).join(", ")}`);
				// The source shows the change.
				world.room.facts = { ...world.room.facts };
			},
			invite: async (_room, by, whom) => void done.push(`${by.name} invite ${whomOf(whom)}`),
			absent: async () => [{ network: account(stranger).network, address: ["paris@verona.test"] }, alice],
			...over,
		},
	});
	const change = async (items: readonly Record<string, string>[], from = mercutio, reason?: string) => {
		const told = items.map((one) =>
			xml("item", one, ...(reason === undefined ? [] : [xml("reason", {}, reason)])),
		);
		return outcome(await world.ask(lobby, xml("query", { xmlns: ns }, ...told), from, "set"));
	};
	return { ...world, done, change };
}

describe("a moderator's change of a hosted room", () => {
	test("of a role is a removal or a power level in the moderator's name", async () => {
		const { change, done } = room();
		expect(await change([{ nick: "Romeo", role: "none" }], mercutio, "loud")).toBe("result");
		expect(await change([{ nick: "Romeo", role: "visitor" }])).toBe("result");
		expect(await change([{ nick: "Romeo", role: "moderator" }])).toBe("result");
		expect(await change([{ nick: "Romeo", role: "participant" }])).toBe("result");
		expect(done).toEqual([
			"mercutio kick romeo@montague.test: loud",
			"mercutio romeo@montague.test = -1",
			"mercutio romeo@montague.test = 50",
		]);
	});

	test("gives a visitor voice again", async () => {
		const { change, done } = room({
			[personKey(account(mercutio))]: 100,
			[personKey(account(romeo))]: -1,
		});
		expect(await change([{ nick: "Romeo", role: "participant" }])).toBe("result");
		expect(done).toEqual(["mercutio romeo@montague.test = undefined"]);
	});

	test("of affiliations is one change of power levels, and bans, also of JIDs that never came", async () => {
		const { change, done } = room();
		const items = [
			{ jid: "romeo@montague.test", affiliation: "admin" },
			{ jid: "Paris@Verona.test", affiliation: "owner" },
			{ jid: "tybalt@capulet.test", affiliation: "outcast" },
			{ jid: "rosaline@capulet.test", affiliation: "none" },
		];
		expect(await change(items, mercutio, "brawl")).toBe("result");
		expect(done).toEqual([
			"mercutio romeo@montague.test = 50, paris@verona.test = 100",
			"mercutio ban tybalt@capulet.test: brawl",
			"mercutio unban rosaline@capulet.test: brawl",
		]);
	});

	test("of a member in a room by invitation is an invitation, and its end a removal", async () => {
		const { change, done } = room(undefined, { entry: "invited" });
		expect(await change([{ jid: "paris@verona.test", affiliation: "member" }])).toBe("result");
		expect(await change([{ jid: "romeo@montague.test", affiliation: "none" }])).toBe("result");
		expect(done).toEqual([
			"mercutio unban paris@verona.test",
			"mercutio invite paris@verona.test",
			"mercutio kick romeo@montague.test",
		]);
	});

	test("is refused without the right, and then nothing of the request is done", async () => {
		const { change, done } = room({
			[personKey(account(mercutio))]: 50,
			[personKey(alice)]: 100,
		});
		const refused = async (item: Record<string, string>, from = mercutio) =>
			change([{ nick: "Romeo", role: "none" }, item], from);
		expect(await change([{ nick: "Mercutio", role: "none" }], romeo)).toBe("auth forbidden");
		expect(await change([{ nick: "Romeo", role: "none" }], stranger)).toBe("cancel item-not-found");
		expect(await refused({ nick: "Alice 🎉", role: "none" })).toBe("cancel item-not-found");
		expect(await refused({ nick: "Alice", role: "none" })).toBe("cancel not-allowed");
		expect(await refused({ nick: "Alice", affiliation: "outcast" })).toBe("cancel not-allowed");
		expect(await refused({ jid: "paris@verona.test", affiliation: "owner" })).toBe("auth forbidden");
		expect(await refused({ jid: "mercutio@montague.test", affiliation: "outcast" })).toBe("cancel conflict");
		expect(await refused({ jid: "verona.test", affiliation: "outcast" })).toBe(
			"cancel feature-not-implemented",
		);
		expect(await refused({ jid: "@", affiliation: "outcast" })).toBe("modify jid-malformed");
		expect(await refused({ nick: "Romeo", affiliation: "king" })).toBe("modify bad-request");
		expect(done).toEqual([]);
	});

	test("leaves the room an owner", async () => {
		const { change, done } = room();
		expect(await change([{ jid: "mercutio@montague.test", affiliation: "admin" }])).toBe("cancel conflict");
		expect(done).toEqual([]);
		const two = room({ [personKey(account(mercutio))]: 100, [personKey(alice)]: 100 });
		expect(await two.change([{ jid: "mercutio@montague.test", affiliation: "admin" }])).toBe("result");
	});

	test("is answered with forbidden when the source refuses it", async () => {
		const { change } = room(undefined, undefined, {
			setLevels: () => Promise.reject(new PermanentError("forbidden", "your level is too low")),
		});
		expect(await change([{ nick: "Romeo", affiliation: "admin" }])).toBe("auth forbidden");
	});
});

test("the list of the banned names them to admins by JID, ghosts of the source as well", async () => {
	const { ask } = room();
	const list = () => xml("query", { xmlns: ns }, xml("item", { affiliation: "outcast" }));
	const items = (await ask(lobby, list(), mercutio)).getChild("query")?.getChildren("item") ?? [];
	expect(items.map(({ attrs }) => attrs.jid)).toEqual(["paris@verona.test", "alice@bridge.test"]);
	expect(outcome(await ask(lobby, list(), romeo))).toBe("auth forbidden");
});
