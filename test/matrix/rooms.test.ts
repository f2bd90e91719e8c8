import { beforeEach, describe, expect, test } from "vitest";
import type { Portal } from "../../src/core/mapping.ts";
import { createRooms } from "../../src/matrix/rooms.ts";

const [bot, romeo, juliet] = ["@trivium:hs.test", "@_xmpp_romeo:hs.test", "@_xmpp_juliet:hs.test"] as const;
const portal = { id: "p", links: [] } as unknown as Portal;
let inside: Map<string, string>;
let searched: number;
let rooms: ReturnType<typeof createRooms>;

beforeEach(() => {
	[inside, searched] = [new Map(), 0];
	rooms = createRooms({
		client: { leave: async () => undefined },
		members: {
			has: (_room: string, mxid: string) => inside.has(mxid),
			of: () => inside,
			went: (_room: string, mxid: string) => inside.delete(mxid),
		},
		ghosts: {},
		bot,
		isOurs: (mxid: string) => {
			searched++;
			return mxid.startsWith("@_") || mxid === bot;
		},
	} as unknown as Parameters<typeof createRooms>[0]);
});

describe("the account that reads a room for the bridge", () => {
	test("is the bot where it is, else a ghost that is in the room", async () => {
		inside = new Map([...["@alice:hs.test", romeo, juliet].map((mxid) => [mxid, mxid] as const)]);
		expect(await rooms.speaker("!r", portal)).toBe(romeo);
		inside.delete(romeo);
		expect(await rooms.speaker("!r", portal)).toBe(juliet);
		rooms.botCame("!r");
		expect(await rooms.speaker("!r", portal)).toBeUndefined();
	});

	test("is the ghost that is about to come, while nobody else of ours is there", async () => {
		rooms.comes("!r", romeo);
		expect(await rooms.speaker("!r", portal)).toBe(romeo);
		await rooms.leave("!r", romeo);
		expect(await rooms.speaker("!r", portal)).toBeUndefined();
	});

	test("stays the one that may see more of the past, when another comes", async () => {
		inside = new Map([[romeo, "Romeo"]]);
		expect(await rooms.speaker("!r", portal)).toBe(romeo);
		rooms.comes("!r", juliet);
		inside.set(juliet, "Juliet");
		expect(await rooms.speaker("!r", portal)).toBe(romeo);
	});

	test("is not searched for among all members of a large room at each event", async () => {
		for (let n = 0; n < 5_000; n++) inside.set(`@${n}:far.test`, "");
		inside.set(romeo, "");
		for (let n = 0; n < 10; n++) expect(await rooms.speaker("!r", portal)).toBe(romeo);
		expect(searched).toBeLessThan(6_000);
	});
});
