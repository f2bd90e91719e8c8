import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Mapping, Portal } from "../../src/core/mapping.ts";
import { ghost, matrix, person, portal, portalId, room, user, xmpp } from "./sample.ts";

/** The contract of every mapping. `make` creates a mapping, `open` opens it, also after a close. */
export function mappingContract(engine: string, make: () => Promise<{ open(): Promise<Mapping> }>): void {
	describe(`a mapping in ${engine}`, () => {
		let place: { open(): Promise<Mapping> };
		let mapping: Mapping;
		beforeEach(async () => {
			place = await make();
			mapping = await place.open();
		});
		afterEach(() => mapping.close());
		const reopen = async () => {
			await mapping.close();
			mapping = await place.open();
		};

		it("begins empty", async () => {
			expect(await mapping.count()).toBe(0);
			expect(await mapping.portals()).toEqual([]);
			expect(await mapping.portal(portalId("p"))).toBeUndefined();
			expect(await mapping.ghost(user("romeo"), xmpp, matrix)).toBeUndefined();
			expect(await mapping.setting("s")).toBeUndefined();
		});

		it("finds a portal by each of its rooms, but not by a room of the same name on another network", async () => {
			const one = portal("one", "!a", "a@muc");
			await mapping.savePortal(one);
			await mapping.savePortal(portal("two", "!b", "b@muc"));
			await reopen();
			expect(await mapping.portal(one.id)).toEqual(one);
			expect(await mapping.portalsOf(matrix, room("!a"))).toEqual([one]);
			expect(await mapping.portalsOf(xmpp, room("a@muc"))).toEqual([one]);
			expect(await mapping.portalsOf(xmpp, room("!a"))).toEqual([]);
			expect((await mapping.portals()).map(({ id }) => id)).toEqual(["one", "two"]);
		});

		it("finds every portal that one room feeds", async () => {
			await mapping.savePortal(portal("two", "!b", "topic"));
			await mapping.savePortal(portal("one", "!a", "topic"));
			expect((await mapping.portalsOf(xmpp, room("topic"))).map(({ id }) => id)).toEqual(["one", "two"]);
		});

		it("forgets the rooms that left a portal, and removed portals", async () => {
			await mapping.savePortal(portal("one", "!a", "a@muc"));
			await mapping.savePortal(portal("one", "!a"));
			expect(await mapping.portalsOf(xmpp, room("a@muc"))).toEqual([]);
			await mapping.removePortal(portalId("one"));
			await mapping.removePortal(portalId("one"));
			await reopen();
			expect(await mapping.portalsOf(matrix, room("!a"))).toEqual([]);
			expect(await mapping.count()).toBe(0);
		});

		it("stores a portal whose room does not exist yet", async () => {
			const [link] = portal("one", "!a").links;
			const { room: _, ...unmade } = link as Portal["links"][number];
			await mapping.savePortal({ id: portalId("one"), links: [unmade] });
			await reopen();
			expect(await mapping.portals()).toEqual([{ id: "one", links: [unmade] }]);
		});

		it("finds the chat of two people in either order, and never a chat of others", async () => {
			const [alice, romeo] = [person("alice"), person("romeo", xmpp)];
			const chat: Portal = { ...portal("chat", "!dm"), between: [alice, romeo] };
			await mapping.savePortal(portal("group", "!g"));
			await mapping.savePortal(chat);
			await reopen();
			expect(await mapping.portalBetween(alice, romeo)).toEqual(chat);
			expect(await mapping.portalBetween(romeo, { ...alice, name: "Alice" })).toEqual(chat);
			expect(await mapping.portalBetween(alice, person("romeo"))).toBeUndefined();
			expect(await mapping.portalBetween(alice, alice)).toBeUndefined();
		});

		it("finds a ghost by its person and by its address", async () => {
			const romeo = { ...ghost("romeo@montague.lit"), name: "Romeo \u2028\u0085\u0000 \"'\\ 🌹" };
			await mapping.saveGhost(ghost("juliet@capulet.lit"));
			await mapping.saveGhost(romeo);
			await reopen();
			expect(await mapping.ghost(romeo.person.id, xmpp, matrix)).toEqual(romeo);
			expect(await mapping.ghostAt(matrix, romeo.address)).toEqual(romeo);
			expect(await mapping.ghost(romeo.person.id, matrix, xmpp)).toBeUndefined();
			expect(await mapping.ghostAt(xmpp, romeo.address)).toBeUndefined();
			expect(await mapping.count()).toBe(2);
		});

		it("finds the place of a picture that some ghost has", async () => {
			const picture = { hash: "xmpp abc", url: "mxc://hs/abc" };
			await mapping.saveGhost({ ...ghost("juliet@capulet.lit"), picture });
			await mapping.saveGhost({
				...ghost("romeo@montague.lit"),
				picture: { hash: "xmpp def", url: "mxc://hs/def" },
			});
			await reopen();
			expect(await mapping.picture("xmpp abc")).toBe("mxc://hs/abc");
			await mapping.saveGhost(ghost("juliet@capulet.lit"));
			await reopen();
			expect(await mapping.picture("xmpp abc")).toBeUndefined();
			expect(await mapping.picture("xmpp def")).toBe("mxc://hs/def");
		});

		it("refuses an address that another person has", async () => {
			await mapping.saveGhost(ghost("romeo", "@one:hs"));
			await expect(mapping.saveGhost(ghost("tybalt", "@one:hs"))).rejects.toThrow();
			await reopen();
			expect((await mapping.ghostAt(matrix, user("@one:hs")))?.person.id).toBe("romeo");
			expect(await mapping.ghost(user("tybalt"), xmpp, matrix)).toBeUndefined();
			expect(await mapping.count()).toBe(1);
		});

		it("moves a ghost to a new address, and frees the old one for another", async () => {
			await mapping.saveGhost(ghost("romeo", "@one:hs"));
			await mapping.saveGhost(ghost("romeo", "@two:hs"));
			expect(await mapping.ghostAt(matrix, user("@one:hs"))).toBeUndefined();
			await mapping.saveGhost(ghost("tybalt", "@one:hs"));
			await reopen();
			expect((await mapping.ghostAt(matrix, user("@one:hs")))?.person.id).toBe("tybalt");
			expect((await mapping.ghostAt(matrix, user("@two:hs")))?.person.id).toBe("romeo");
		});

		it("keeps settings, an empty one too", async () => {
			await mapping.saveSetting("a", "1");
			await mapping.saveSetting("a", "2");
			await mapping.saveSetting("empty", "");
			await reopen();
			expect(await mapping.setting("a")).toBe("2");
			expect(await mapping.setting("empty")).toBe("");
			expect(await mapping.once("empty", () => "made")).toBe("");
		});

		it("creates a secret once for concurrent callers", async () => {
			const asked = Array.from({ length: 50 }, (_, index) => mapping.once("secret", () => `secret ${index}`));
			const values = new Set(await Promise.all(asked));
			expect(values.size).toBe(1);
			await reopen();
			expect(await mapping.once("secret", () => "another")).toBe([...values][0]);
			expect(await mapping.setting("secret")).toBe([...values][0]);
		});

		it("keeps the last of many concurrent writes", async () => {
			const writes = Array.from({ length: 50 }, (_, index) => mapping.saveSetting("a", `${index}`));
			await Promise.all(writes);
			await reopen();
			expect(await mapping.setting("a")).toBe("49");
		});
	});
}
