import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Moderation } from "../../../src/core/event.ts";
import type { Person } from "../../../src/core/person.ts";
import { xml } from "../../../src/xmpp/stream/xml.ts";
import { alice, aliceJid, failure, link, person, room, world } from "./muc-world.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const listener = /^~listener-.*@bridge\.test\/trivium$/;

describe("an act of a moderator of another network", () => {
	/** Returns a MUC with Alice's occupant and Romeo, and the function by which Alice acts upon Romeo. */
	async function verona(faults: Parameters<typeof world>[0] = {}) {
		const w = world(faults);
		w.muc.come("Romeo");
		await w.attach();
		await w.done(w.move("join"));
		const [whom] = w.rooms.others(w.muc.jid) as [Person];
		const act = (what: Moderation["act"], reason?: string, about: Person = whom) =>
			w
				.done(w.send({ kind: "moderation", act: what, whom: about, ...(reason !== undefined && { reason }) }))
				.then(
					() => "done",
					(error: Error) => error.message,
				);
		return { w, act, whom };
	}
	const refusing = (who: RegExp) => ({
		administer: (from: string) => (who.test(from) ? "forbidden" : undefined),
	});

	test("is done by their own occupant, and is no news to its own portal", async () => {
		const { w, act } = await verona();
		expect(await act("kick", "calm down")).toBe("done");
		expect(w.muc.administered).toEqual([`nick Romeo, role none by ${aliceJid}`]);
		expect([...w.muc.occupants.keys()]).not.toContain("Romeo");
		expect(w.told.map(({ kind }) => kind)).toEqual(["membership"]);
	});

	test("is done to each of several people, whatever is refused for one of them", async () => {
		const { w, whom } = await verona({ accounts: true });
		w.muc.come("Paris");
		await w.settle();
		const [paris] = w.rooms.others(w.muc.jid).filter(({ name }) => name === "Paris") as [Person];
		const { address: _, ...stranger } = person("stranger");
		const unknown = { ...stranger, network: whom.network, address: [room, "?"] };
		const also = [
			{ act: "unban" as const, whom: unknown },
			{ act: "mute" as const, whom: paris },
		];
		const refused = await failure(w.done(w.send({ kind: "moderation", act: "mute", whom, also })));
		expect(refused?.message).toContain("address");
		expect(w.muc.administered.map((one) => one.split(" by ")[0])).toEqual([
			"nick Romeo, role visitor",
			"nick Paris, role visitor",
		]);
	});

	test("is done by the listener, if only that has the right", async () => {
		const { w, act } = await verona(refusing(/^alice@/));
		expect(await act("ban")).toBe("done");
		const [, by = ""] = w.muc.administered[1]?.split(" by ") ?? [];
		expect(by).toMatch(listener);
		expect([...w.muc.occupants.keys()]).not.toContain("Romeo");
	});

	test("is refused where none of the two has the right, and changes nothing", async () => {
		const { w, act } = await verona(refusing(/./));
		expect(await act("kick")).toMatch(/only a moderator of the XMPP room .* can remove this person/);
		expect([...w.muc.occupants.keys()]).toContain("Romeo");
	});

	test("names a person by the JID where the MUC shows it, and a ban is lifted by it", async () => {
		const { w, act } = await verona({ accounts: true });
		await act("ban");
		await act("unban");
		expect(w.muc.administered.map((one) => one.split(" by ")[0])).toEqual([
			"jid id of Romeo@there.test, affiliation outcast",
			"jid id of Romeo@there.test, affiliation none",
		]);
	});

	test("lifts the ban of a person whose JID the MUC hid when their ghost was made, and showed with the ban", async () => {
		const { w, act, whom } = await verona({ accounts: true });
		const ghosts = { ...whom, handles: [] };
		await act("ban", undefined, ghosts);
		expect(await act("unban", undefined, ghosts)).toBe("done");
		expect(w.muc.administered.at(-1)).toContain("jid id of Romeo@there.test, affiliation none");
	});

	test("is refused with the reason when it needs a JID that the MUC hides", async () => {
		const { w, act } = await verona();
		expect(await act("unban")).toMatch(/hides the address/);
		expect(w.muc.administered).toEqual([]);
	});

	test("upon somebody who has left needs no request", async () => {
		const { w, act } = await verona();
		w.muc.go("Romeo");
		await w.settle();
		expect(await act("kick")).toBe("done");
		expect(w.muc.administered).toEqual([]);
	});
});

describe("a removal by a moderator of the MUC", () => {
	test("of one of its people crosses as such, before the leave, with actor and reason", async () => {
		const w = world();
		w.muc.come("Romeo");
		w.muc.come("Prince");
		await w.attach();
		w.muc.kick("Romeo", ["301"], "Prince", "brawl");
		await w.settle();
		expect(w.told).toMatchObject([
			{
				...{ kind: "moderation", act: "ban", reason: "brawl" },
				...{ whom: { name: "Romeo" }, sender: { name: "Prince" } },
			},
			{ kind: "membership", change: "leave", by: "Prince", reason: "brawl" },
		]);
	});

	test("for a technical reason is a leave alone", async () => {
		const w = world();
		w.muc.come("Romeo");
		await w.attach();
		w.muc.kick("Romeo", ["307", "333"]);
		await w.settle();
		expect(w.told.map(({ kind }) => kind)).toEqual(["membership"]);
	});

	test("by one of ours is not told once more to the room where it was done first", async () => {
		const w = world();
		w.muc.come("Romeo");
		await w.attach();
		await w.done(w.move("join", person("bob", "Bob")));
		w.muc.kick("Romeo", ["307"], "Bob");
		await w.settle();
		expect(w.told.map(({ kind }) => kind)).toEqual(["membership"]);
	});
});

describe("a ban of the listener", () => {
	test("ends the link for good, with the reason, and nobody of ours takes over", async () => {
		const w = world();
		w.muc.come("Romeo");
		await w.attach();
		await w.done(w.move("join"));
		w.muc.kick("Trivium", ["301"], "Prince");
		await w.pass(600_000);
		expect(w.load.ended).toEqual([expect.stringMatching(/has banned the bridge.*for good/)]);
		expect([...w.muc.occupants.keys()]).not.toContain("Trivium");
	});

	test("at its join ends the link, too, although a ghost could come in", async () => {
		const w = world({
			refuse: (_, jid) => (jid.startsWith("~listener") ? ["auth", "forbidden"] : undefined),
		});
		expect(await failure(w.attach(alice))).toMatchObject({ message: expect.stringContaining("banned") });
		await w.pass(10_000);
		expect(w.load.ended).toHaveLength(1);
		expect([...w.muc.occupants.keys()]).toEqual([]);
	});

	test("by a ban of our whole domain bans none of our people in person", async () => {
		const w = world();
		await w.attach();
		await w.done(w.move("join"));
		w.muc.kick("Alice", ["301"], "Prince");
		w.muc.kick("Trivium", ["301"], "Prince");
		await w.pass(10_000);
		expect(w.load.ended).toHaveLength(1);
		expect(w.told.filter(({ kind }) => kind === "moderation")).toEqual([]);
	});
});

describe("the word of a MUC about somebody who is out", () => {
	const news = (to: string, jid: string, affiliation: string) =>
		xml(
			"message",
			{ from: room, to },
			xml(
				"x",
				{ xmlns: "http://jabber.org/protocol/muc#user" },
				xml("item", { jid, affiliation, role: "none" }),
			),
		);
	const acts = (w: ReturnType<typeof world>) =>
		w.told.flatMap((event) => (event.kind === "moderation" ? [`${event.act} ${event.whom.name}`] : []));

	test("is a ban or the end of one of our people, told once however many of us hear it", async () => {
		const w = world();
		await w.attach();
		await w.done(w.move("join"));
		for (const to of [aliceJid, w.muc.occupants.get("Trivium")?.jid ?? ""]) {
			w.muc.emit(news(to, "alice@bridge.test", "outcast"));
			w.muc.emit(news(to, "alice@bridge.test", "none"));
			w.muc.emit(news(to, "nobody@bridge.test", "none"));
		}
		await w.settle();
		expect(acts(w)).toEqual(["ban Alice", "unban Alice"]);
	});

	test("ends the ban of a person of the MUC whose JID it showed, also in a later run", async () => {
		const w = world({ accounts: true });
		w.muc.come("Romeo");
		await w.attach();
		const [romeo] = w.rooms.others(room);
		w.muc.kick("Romeo", ["301"], "Prince");
		await w.settle();
		w.crash();
		await w.attach();
		// A moderator of another network may lift it as well.
		await w.done(w.send({ kind: "moderation", act: "unban", whom: { ...romeo!, handles: [] } }));
		expect(w.muc.administered.at(-1)).toContain("jid id of Romeo@there.test, affiliation none");
		w.muc.emit(news(w.muc.occupants.get("Trivium")?.jid ?? "", "id of Romeo@there.test", "none"));
		await w.settle();
		expect(acts(w)).toEqual(["ban Romeo", "unban Romeo"]);
		expect([...w.disk.cursors.keys()].filter((key) => key.startsWith("outcast"))).toEqual([]);
	});
});

describe("a person of ours whom a moderator banned", () => {
	/** Returns a MUC that has banned Alice, whose member left the other room for it. */
	async function banned() {
		const w = world();
		await w.attach();
		await w.done(w.move("join"));
		w.muc.kick("Alice", ["301"], "Prince");
		w.muc.faults.refuse = (nick) => (nick === "Alice" ? ["auth", "forbidden"] : undefined);
		await w.settle();
		await w.done(w.move("leave"));
		w.crash();
		w.muc.forget();
		await w.attach();
		return w;
	}
	const asks = (w: Awaited<ReturnType<typeof banned>>) =>
		failure(w.done(w.rooms.admits(room, alice, { isFirst: false })));
	const tries = (w: Awaited<ReturnType<typeof banned>>) =>
		w.muc.taken.filter(({ attrs }) => attrs.to === `${room}/Alice` && attrs.type === undefined).length;

	test("stays in after the next restart where the bridge did not hear that they left before the ban was lifted", async () => {
		const w = world();
		await w.attach(alice);
		w.muc.kick("Alice", ["301"], "Prince");
		await w.settle();
		expect(await asks(w)).toBeUndefined();
		await w.done(w.move("join"));
		w.crash();
		w.muc.forget();
		await w.attach(alice);
		expect([...w.muc.occupants.keys()].sort()).toEqual(["Alice", "Trivium"]);
	});

	test("is let in at their own request once the ban is lifted, also after a restart of the bridge", async () => {
		const w = await banned();
		expect((await asks(w))?.message).toContain("has banned this name");
		delete w.muc.faults.refuse;
		expect(await asks(w)).toBeUndefined();
		// The occupant tried, and comes when its person does.
		expect([...w.muc.occupants.keys()]).toEqual(["Trivium"]);
		await w.done(w.move("join"));
		expect([...w.muc.occupants.keys()]).toEqual(["Trivium", "Alice"]);
		const before = tries(w);
		expect(await asks(w)).toBeUndefined();
		expect(tries(w)).toBe(before);
	});

	test("costs no join of an occupant where nobody was banned", async () => {
		const w = world();
		await w.attach();
		expect(await asks(w)).toBeUndefined();
		expect(tries(w)).toBe(0);
	});
});

describe("a person of ours in a MUC for members only", () => {
	/** Returns a MUC that has the listener alone as a member, and the request of Alice to be let in. */
	async function members() {
		const w = world();
		w.server.info = () => {
			const info = w.muc.info();
			info.append(xml("feature", { var: "muc_membersonly" }));
			return info;
		};
		await w.attach();
		w.muc.faults.refuse = (nick) => (nick === "Alice" ? ["auth", "registration-required"] : undefined);
		const asks = (isFirst: boolean) => failure(w.done(w.rooms.admits(room, alice, { isFirst })));
		return { ...w, asks };
	}

	test("is let in among others once they are a member themselves", async () => {
		const w = await members();
		expect((await w.asks(false))?.message).toContain("make alice@bridge.test a member");
		w.muc.faults.refuse = () => undefined;
		expect(await w.asks(false)).toBeUndefined();
		// The occupant tried, and comes when its person does.
		expect([...w.muc.occupants.keys()]).toEqual(["Trivium"]);
		await w.done(w.move("join"));
		expect([...w.muc.occupants.keys()]).toEqual(["Trivium", "Alice"]);
	});

	test("is let in as the first one, for the admins of the MUC have let the listener in", async () => {
		const w = await members();
		expect(await w.asks(true)).toBeUndefined();
	});

	test("speaks through the listener after a refusal, once somebody of the other room has invited them", async () => {
		const w = await members();
		await w.asks(false);
		await w.done(w.move("join"));
		await w.done(w.say("hello"));
		expect(w.bodies().at(-1)).toMatch(/: Alice: hello$/);
	});
});

describe("a person of ours whom a moderator removed", () => {
	test("comes in again after a leave that came while they were no member of the other room", async () => {
		const w = world();
		await w.attach();
		await w.done(w.move("join"));
		w.muc.kick("Alice", ["307"], "Prince");
		await w.settle();
		w.muc.forget();
		w.crash();
		await w.attach();
		await w.done(w.move("leave"));
		w.crash();
		await w.attach(alice);
		await w.pass(60_000);
		expect([...w.muc.occupants.keys()].sort()).toEqual(["Alice", "Trivium"]);
	});

	test("is forgotten with the link, and so is a person of the MUC whom it banned", async () => {
		const w = world({ accounts: true });
		w.muc.come("Romeo");
		await w.attach();
		await w.done(w.move("join"));
		w.muc.kick("Alice", ["307"], "Prince");
		w.muc.kick("Romeo", ["301"], "Prince");
		await w.settle();
		w.crash();
		await w.attach();
		const kept = () => [...w.disk.cursors.keys()].filter((key) => /^(barred|outcast)/.test(key));
		expect(kept()).toHaveLength(2);
		await w.done(w.rooms.detach(link));
		expect(kept()).toEqual([]);
	});

	test("stays out after a restart, and a line reads why, until the person leaves and comes again", async () => {
		const w = world();
		await w.attach();
		await w.done(w.move("join"));
		w.muc.kick("Alice", ["307"], "Prince", "brawl");
		await w.settle();
		w.muc.forget();
		w.crash();
		await w.attach(alice);
		await w.pass(60_000);
		expect([...w.muc.occupants.keys()]).toEqual(["Trivium"]);
		expect(await failure(w.done(w.say("hi")))).toMatchObject({
			message: expect.stringMatching(/kicked .* by Prince \(brawl\)/),
		});
		await w.done(w.move("leave"));
		await w.done(w.move("join"));
		expect([...w.muc.occupants.keys()]).toEqual(["Trivium", "Alice"]);
		expect([...w.disk.cursors.keys()].filter((key) => key.startsWith("barred"))).toEqual([]);
	});
});
