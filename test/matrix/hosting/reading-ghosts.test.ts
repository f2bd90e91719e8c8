import { beforeEach, expect, test } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { MatrixError } from "../../../src/matrix/client.ts";
import { createReadingGhosts } from "../../../src/matrix/hosting/reading-ghosts.ts";
import { createMemoryMapping } from "../../../src/store/memory.ts";
import { sampleEvent } from "../samples.ts";

const ghost = (n: number) => `@_xmpp_${n}:hs.test`;
let inside: Set<string>;
let asked: string[];
let down: boolean;
const mapping = createMemoryMapping();
const begin = () =>
	createReadingGhosts({
		mapping,
		members: {
			of: () => new Map([...inside].map((one) => [one, one])),
			read: async (_room, as = "") => {
				asked.push(as);
				if (down) throw new TemporaryError("away");
				if (!inside.has(as)) throw new MatrixError(403, "M_FORBIDDEN", "no");
			},
		},
		bot: "@trivium:hs.test",
		isOurs: (mxid) => mxid.startsWith("@_") || mxid === "@trivium:hs.test",
	});
const moves = (mxid: string, membership: string, room: string) =>
	begin().note(
		sampleEvent({ type: "m.room.member", room_id: room, state_key: mxid, content: { membership } }),
	);

beforeEach(() => {
	[inside, asked, down] = [new Set(), [], false];
});

test("after a restart a room is read as a ghost that is still in it", async () => {
	await moves(ghost(1), "join", "!a");
	await moves(ghost(2), "join", "!a");
	inside = new Set([ghost(2)]);
	expect(await begin().readMembers("!a")).toBe(true);
	expect(asked).toEqual([ghost(1), ghost(2)]);
	expect(await begin().readMembers("!other")).toBe(false);
});

test("a room that all ghosts have left is not read, and neither the bot nor other people read it", async () => {
	await moves(ghost(1), "join", "!b");
	await moves("@trivium:hs.test", "join", "!b");
	await moves("@ann:hs.test", "join", "!b");
	await moves(ghost(1), "leave", "!b");
	expect(await begin().readMembers("!b")).toBe(false);
	expect(asked).toEqual([]);
});

test("ten ghosts of a room are remembered, and others take the place of those that leave", async () => {
	for (let n = 0; n < 15; n++) await moves(ghost(n), "join", "!c");
	inside = new Set(Array.from({ length: 15 }, (_, n) => ghost(n)));
	for (let n = 0; n < 10; n++) {
		inside.delete(ghost(n));
		await moves(ghost(n), "ban", "!c");
	}
	expect(await begin().readMembers("!c")).toBe(true);
	expect(inside.has(asked[0] ?? "")).toBe(true);
	expect(((await mapping.setting("matrix ghosts in !c")) ?? "").length).toBeLessThan(300);
});

test("a homeserver that is away is asked again, with the same ghosts", async () => {
	await moves(ghost(1), "join", "!d");
	down = true;
	await expect(begin().readMembers("!d")).rejects.toThrow(TemporaryError);
	[down, inside] = [false, new Set([ghost(1)])];
	expect(await begin().readMembers("!d")).toBe(true);
});
