import { describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../../src/core/errors.ts";
import type { Looked, RoomFacts } from "../../../src/core/hosting.ts";
import type { NetworkName, RoomId, UserId } from "../../../src/core/ids.ts";
import type { Person } from "../../../src/core/person.ts";
import { createFinding } from "../../../src/xmpp/finding/index.ts";
import { createRoomSearch } from "../../../src/xmpp/finding/room-search.ts";
import { addressOf } from "../../../src/xmpp/hosted/addresses.ts";
import { StanzaError } from "../../../src/xmpp/stanza-error.ts";
import { alice, component, facts, matrix, romeo } from "../hosted/queries/world.ts";

const bob: Person = {
	...alice,
	id: "@bob:other.test" as UserId,
	address: ["bob", "other.test"],
	name: "Bob",
};

/** The ways to find alice, whom everybody may write to, bob, whom nobody may, and the rooms of `looks`. */
function finding(looks: Readonly<Record<string, Looked>> = {}) {
	const asked: string[] = [];
	const made = createFinding({
		component,
		aliases: { of: (facts) => addressOf(facts, component) },
		of: matrix,
		ghost: ({ address }) => `${address.join("%")}@${component}`,
		bridge: () => ({
			async findPerson(_: NetworkName, [typed = ""]: readonly string[]) {
				if (typed.includes(" ")) throw new PermanentError("invalid", "This is no address.");
				return [alice, bob].find(({ id }) => id === typed);
			},
			mayReach: async (_: Person, to: Person) => to === alice,
			async searchPeople(of: NetworkName, words: string, by: Person) {
				if (words === "busy" || words === "failed") throw new PermanentError(words, "No search now.");
				asked.push(`${of} ${words} ${by.id}`);
				return [alice];
			},
			views: {
				look: async (_of, address) =>
					looks[address.kind === "alias" ? address.parts.join(":") : address.id] ?? {
						...{ kind: "refused", why: "unknown", text: "There is no such room." },
					},
				source: () =>
					({
						typed: (text: string) =>
							text.startsWith("#") ? { kind: "alias", parts: text.slice(1).split(":") } : undefined,
						listed: async () => ({ rooms: [], count: 0 }),
					}) as never,
			},
		}),
	});
	return { ...made, asked };
}
const refusal = (typed: string, looks?: Readonly<Record<string, Looked>>) =>
	finding(looks)
		.jid(typed, romeo)
		.catch((error: unknown) => error instanceof StanzaError && `${error.condition}: ${error.text}`);

describe("a typed address", () => {
	test("becomes the JID of the person or room", async () => {
		const looks: Record<string, Looked> = {
			"lobby:other.test": { kind: "room", facts: facts() },
			verona: { kind: "linked", to: "verona@muc.montague.test" as RoomId },
		};
		const { jid } = finding(looks);
		expect(await jid("@alice:hs.test", romeo)).toBe("alice@bridge.test");
		expect(await jid("#lobby:other.test", romeo)).toBe("#lobby%other.test@bridge.test");
		expect(await jid("#verona", romeo)).toBe("verona@muc.montague.test");
	});

	test("is refused with the cause where it leads to nobody, or to what the account may not reach", async () => {
		expect(await refusal("@carol:hs.test")).toMatch(/^item-not-found: /);
		expect(await refusal("a b")).toBe("not-acceptable: This is no address.");
		expect(await refusal("@bob:other.test")).toMatch(/^not-allowed: .*have to write to you first/);
		expect(await refusal("#nowhere")).toBe("item-not-found: There is no such room.");
		const secret: Looked = { kind: "refused", why: "policy", text: "This room is elsewhere." };
		expect(await refusal("#secret", { secret })).toBe("not-allowed: This room is elsewhere.");
	});
});

describe("a search for people", () => {
	test("is made for the account that asks", async () => {
		const { people, asked } = finding();
		expect(await people("ali", romeo)).toEqual([{ jid: "alice@bridge.test", name: "Alice 🎉" }]);
		expect(asked).toEqual(["matrix ali romeo@montague.test"]);
	});

	test("a search that fails is told apart from one that finds nobody", async () => {
		const { people } = finding();
		const ask = (words: string) =>
			people(words, romeo).catch((error: StanzaError) => `${error.type} ${error.condition}: ${error.text}`);
		expect(await ask("busy")).toBe("wait resource-constraint: No search now.");
		expect(await ask("failed")).toBe("cancel service-unavailable: No search now.");
	});

	test("has to wait above the rate of an account, and above that of a domain", async () => {
		const { people, jid, asked } = finding();
		const ask = (from: string) => people("x", from).catch((error: StanzaError) => error.condition);
		for (let n = 0; n < 20; n++) await ask(`${romeo}${n}`);
		expect(await ask(romeo)).toBe("resource-constraint");
		await expect(jid("@alice:hs.test", romeo)).rejects.toThrow(StanzaError);
		for (let n = 0; n < 120; n++) await ask(`crowd${n}@montague.test`);
		expect(asked).toHaveLength(120);
		expect(await ask("paris@verona.test")).toHaveLength(1);
	});
});

describe("a search for rooms", () => {
	const all = Array.from({ length: 250 }, (_, n) =>
		facts({
			room: `!${n}` as RoomId,
			id: `${n}`,
			alias: [`r${n}`],
			name: `Room ${n}`,
			topic: "x".repeat(1_000),
		}),
	);
	function search(listed?: (limit: number, after: string, from: string) => RoomFacts[]) {
		let [at, calls] = [0, 0];
		const rooms = createRoomSearch({
			aliases: { of: (facts) => addressOf(facts, component) },
			now: () => at,
			async listed(from, limit, after = "0", word = "") {
				calls++;
				if (listed) return { rooms: listed(limit, after, from), count: 0, next: "on" };
				const found = all.filter(({ name = "" }) => name.includes(word));
				const next = Number(after) + limit;
				return {
					...{ rooms: found.slice(Number(after), next), count: found.length },
					...(next < found.length && { next: String(next) }),
				};
			},
		});
		return {
			rooms,
			calls: () => calls,
			later: (ms: number) => {
				at = ms;
			},
		};
	}

	test("is refused to the domain alone whose rate is exceeded, also while others share its search", async () => {
		let [refused, read] = [0, 0];
		const { rooms } = search((_limit, after, from) => {
			if (from !== romeo) {
				read++;
				return all.slice(0, 1);
			}
			// The first page is read before the rate is exceeded.
			if (after === "0") return [];
			refused++;
			throw new StanzaError("resource-constraint", "wait");
		});
		const [his, ...others] = await Promise.allSettled(
			[romeo, "ann@one.test/a", "bob@two.test/b", "cat@two.test/c"].map((from) => rooms("Room", from)),
		);
		expect(his).toMatchObject({ status: "rejected", reason: expect.any(StanzaError) });
		expect(others.map((one) => one.status === "fulfilled" && one.value.length > 0)).toEqual([
			true,
			true,
			true,
		]);
		// The others share one search, of 20 pages.
		expect([refused, read]).toEqual([1, 20]);
	});

	test("reads all pages of the source, and shortens what a list need not show", async () => {
		const { rooms } = search();
		const found = await rooms(undefined, romeo);
		expect(found).toHaveLength(250);
		expect(found[249]).toEqual({
			...{ jid: "#r249@bridge.test", name: "Room 249", users: 7, open: true },
			description: "x".repeat(300),
		});
		expect(await rooms("249", romeo)).toHaveLength(1);
	});

	test("is kept for the next pages of a client, and those who ask at once share it", async () => {
		const { rooms, calls, later } = search();
		await Promise.all([rooms("2", romeo), rooms("2", romeo)]);
		const once = calls();
		await rooms("2", romeo);
		expect(calls()).toBe(once);
		later(20_001);
		await rooms("2", romeo);
		expect(calls()).toBe(2 * once);
	});

	test("has to wait above the rate of a domain, also for an answer that is kept", async () => {
		const { rooms } = finding();
		const ask = (from: string) =>
			rooms("x", from).then(
				() => "found",
				(error: StanzaError) => `${error.type} ${error.condition}`,
			);
		const answers = await Promise.all(Array.from({ length: 400 }, (_, n) => ask(`crowd${n}@montague.test`)));
		expect(answers[0]).toBe("found");
		expect(answers.at(-1)).toBe("wait resource-constraint");
		expect(await ask("paris@verona.test")).toBe("found");
	});

	test("ends after two thousand rooms of a source that does not end", async () => {
		const { rooms, calls } = search((limit) => all.slice(0, limit));
		expect(await rooms(undefined, romeo)).toHaveLength(2_000);
		expect(calls()).toBe(20);
	});

	test("is tried again after a failure", async () => {
		let isAway = true;
		const { rooms } = search(() => {
			if (isAway) throw new TemporaryError("away");
			return [];
		});
		await expect(rooms("x", romeo)).rejects.toThrow("away");
		isAway = false;
		expect(await rooms("x", romeo)).toEqual([]);
	});
});
