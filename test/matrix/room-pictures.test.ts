import { beforeEach, expect, test } from "vitest";
import { createGuard } from "../../src/core/guard.ts";
import type { LinkId, NetworkName, RoomId } from "../../src/core/ids.ts";
import type { Link } from "../../src/core/mapping.ts";
import type { Avatar } from "../../src/core/person.ts";
import { MatrixError } from "../../src/matrix/client.ts";
import { createRoomPictures } from "../../src/matrix/room-pictures.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { quiet } from "../fakes.ts";

const picture = (hash: string): Avatar => ({ network: "xmpp" as NetworkName, ref: `face ${hash}`, hash });
const link = (more: Partial<Link> = {}): Link => ({
	...{ id: "l" as LinkId, network: "matrix" as NetworkName, room: "!r" as RoomId, role: "joined" },
	...{ in: true, out: true },
	...more,
});

let mapping: ReturnType<typeof createMemoryMapping>;
let shown: string | undefined;
let set: (string | undefined)[];
let brought: number;
let refuses: boolean;
beforeEach(() => {
	mapping = createMemoryMapping();
	[shown, set, brought, refuses] = [undefined, [], 0, false];
});
const pictures = () =>
	createRoomPictures({
		client: {
			async state() {
				if (shown === undefined) throw new MatrixError(404, "M_NOT_FOUND", "none");
				return { url: shown } as never;
			},
			async setState(_room, _type, _key, content) {
				if (refuses) throw new MatrixError(403, "M_FORBIDDEN", "no");
				shown = (content as { url?: string }).url;
				set.push(shown);
				return { event_id: "$set" };
			},
		},
		mapping,
		faces: {
			bring(_key, { hash }, _ghost, use) {
				brought++;
				void use(`mxc://hs.test/${hash}`);
			},
		},
		bot: "@bot:hs.test",
		guard: createGuard(quiet),
		log: quiet,
	});
const settled = async () => {
	for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
};
/** Shows one picture after the other, and lets people set one of their own between them. */
async function shows(to: Link, ...all: readonly (Avatar | null | string)[]): Promise<void> {
	const show = pictures();
	for (const one of all) {
		if (typeof one === "string") shown = one;
		else show(to, one);
		await settled();
	}
}

test("a room that the bridge made has the picture of the MUC, each new one, and none when that has none", async () => {
	await shows(
		link({ ours: true }),
		null,
		picture("a"),
		picture("a"),
		"mxc://hs.test/people",
		picture("b"),
		null,
	);
	expect(set).toEqual(["mxc://hs.test/a", "mxc://hs.test/b", undefined]);
});

test("a linked room gets it if it has none, and keeps the picture that its people have chosen", async () => {
	await shows(link(), picture("a"), picture("b"));
	expect(set).toEqual(["mxc://hs.test/a", "mxc://hs.test/b"]);
	await shows(link(), "mxc://hs.test/people", picture("c"), null);
	expect(shown).toBe("mxc://hs.test/people");
	await shows(link({ room: "!other" as RoomId }), picture("a"));
	expect(set).toHaveLength(2);
});

test("a picture is not uploaded again after a restart", async () => {
	await shows(link({ ours: true }), picture("a"));
	await shows(link({ ours: true }), picture("a"));
	expect([brought, set.length]).toEqual([1, 1]);
});

test("a hosted room, a chat and a room without the right keep what they have", async () => {
	await shows(link({ role: "hosted" }), picture("a"));
	await shows(link({ role: "direct" }), picture("a"));
	refuses = true;
	await shows(link(), picture("a"));
	expect(set).toEqual([]);
});
