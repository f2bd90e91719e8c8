import { describe, expect, test } from "vitest";
import { PermanentError } from "../../src/core/errors.ts";
import type { MatrixEvent } from "../../src/matrix/event.ts";
import { createInvites } from "../../src/matrix/invites.ts";
import { quiet } from "../fakes.ts";

const bot = "@trivium:hs.test";
const invite = (sender: string, n: number, more: object = {}): MatrixEvent => ({
	type: "m.room.member",
	event_id: `$${n}`,
	room_id: `!${n}`,
	sender,
	state_key: bot,
	origin_server_ts: n,
	content: { membership: "invite", ...more },
});

/** Returns the handler of invites at a homeserver that answers no join until the test ends it. */
function slowHomeserver() {
	const joins: (() => void)[] = [];
	const invited = createInvites({
		client: {
			join: () => new Promise<void>((resolve) => joins.push(resolve)),
			messages: async () => ({ chunk: [] }),
		},
		members: {
			person: (mxid: string) => ({ id: mxid, domain: mxid.split(":")[1], local: mxid.endsWith(":hs.test") }),
			read: async () => undefined,
			of: () => new Map(),
		},
		ghosts: {},
		rooms: { botCame: () => undefined },
		upgrades: { arrived: async () => undefined },
		otherBridges: { isGhost: () => false, wrote: async () => false },
		bridge: { allows: () => true, mayOpen: () => undefined },
		domain: "hs.test",
		bot,
		log: quiet,
		take: async () => undefined,
	} as unknown as Parameters<typeof createInvites>[0]);
	const settled = () => new Promise((resolve) => setImmediate(resolve));
	return { joins, invited, settled };
}

describe("the invites that are under way", () => {
	test.each([
		["one remote server", (n: number) => `@mallory${n}:far.test`],
		["one local person", () => "@mallory:hs.test"],
	])("of %s are at most 50, and other inviters get an answer", async (_name, sender) => {
		const { joins, invited, settled } = slowHomeserver();
		for (let n = 0; n < 200; n++) void invited(invite(sender(n), n));
		await settled();
		expect(joins).toHaveLength(50);
		void invited(invite("@eve:other.test", 201));
		void invited(invite("@juliet:hs.test", 202));
		await settled();
		expect(joins).toHaveLength(52);
		joins[0]?.();
		await settled();
		for (let n = 300; n < 310; n++) void invited(invite(sender(n), n));
		await settled();
		expect(joins).toHaveLength(53);
	});

	test("take at most 32 MiB of memory, from however many servers they come", async () => {
		const { joins, invited, settled } = slowHomeserver();
		// About 1 MiB each.
		const more = { extra: Array.from({ length: 5_000 }, () => ({ a: ["b"] })) };
		for (let n = 0; n < 500; n++) void invited(invite(`@eve:server${n}.test`, n, more));
		await settled();
		expect(joins.length).toBeGreaterThan(10);
		expect(joins.length).toBeLessThan(60);
		for (const end of joins) end();
		await settled();
		const before = joins.length;
		void invited(invite("@eve:other.test", 501, more));
		await settled();
		expect(joins).toHaveLength(before + 1);
	});
});

describe("an invite of a ghost to a linked room", () => {
	/** Has the ghost of Romeo invited; `beyond` is what core answers. Resolves with the reason of the ghost's leave. */
	async function invitesRomeo(beyond: () => Promise<string | undefined>) {
		const asked: unknown[] = [];
		const reasons: (string | undefined)[] = [];
		const forgotten: string[] = [];
		const romeo = { network: "xmpp", id: "romeo@x.test", address: ["romeo@x.test"] };
		const ghost = "@_xmpp_romeo:hs.test";
		const invited = createInvites({
			client: {
				leave: async (_room: string, _as: string, reason: string) => void reasons.push(reason),
			},
			members: {
				person: (id: string, name?: string) => ({ id, name, domain: "hs.test", local: true }),
				of: () => new Map([["@juliet:hs.test", "Juliet"]]),
				forget: (room: string) => void forgotten.push(room),
			},
			rooms: { withBot: new Set(["!1"]) },
			ghosts: { person: async () => romeo, ensure: async () => ghost },
			otherBridges: { isGhost: () => false },
			bridge: {
				allows: () => true,
				portal: async () => ({ links: [{ role: "joined" }, { role: "joined" }] }),
				async passOn(of: string, room: string, what: object) {
					asked.push([of, room, what]);
					return beyond();
				},
			},
			domain: "hs.test",
			bot,
			log: quiet,
		} as unknown as Parameters<typeof createInvites>[0]);
		await invited({ ...invite("@juliet:hs.test", 1, { reason: "come" }), state_key: ghost });
		return { asked, reasons, romeo, forgotten };
	}

	test("invites the person to the linked room, which the ghost says as it declines", async () => {
		const { asked, reasons, romeo, forgotten } = await invitesRomeo(async () => "verona@muc.test");
		expect(asked).toMatchObject([
			["matrix", "!1", { person: romeo, by: { id: "@juliet:hs.test", name: "Juliet" }, reason: "come" }],
		]);
		expect(reasons).toEqual([expect.stringContaining("invited to verona@muc.test")]);
		expect(forgotten, "the members of the room, which the bridge goes on to serve").toEqual([]);
	});

	test("is declined with the reason where no linked room takes the invitation", async () => {
		const { reasons } = await invitesRomeo(async () => {
			throw new PermanentError("forbidden", "the room does not let you invite people.");
		});
		expect(reasons).toEqual(["the room does not let you invite people."]);
		expect((await invitesRomeo(async () => undefined)).reasons).toEqual([
			expect.stringContaining("chat of two only"),
		]);
	});
});
