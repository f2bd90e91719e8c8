import { beforeEach, describe, expect, test } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { MatrixError } from "../../../src/matrix/client.ts";
import { createNewRooms } from "../../../src/matrix/hosting/new-room.ts";
import { newRoomAlias } from "../../../src/matrix/mxid.ts";

const first = newRoomAlias("xmpp", "lobby", "hs.test");
const own = "#lobby:hs.test";
const owner = { network: "xmpp", mxid: "@_xmpp_romeo:hs.test" };

let aliases: Map<string, string>;
let seeds: Map<string, string>;
let done: string[];
let bodies: Record<string, unknown>[];
let version: string;
/** The homeserver refuses the alias of its own. */
let refuses: boolean;
/** The homeserver goes away when the room has its own alias. */
let breaks: boolean;

beforeEach(() => {
	[aliases, seeds, done, bodies, version] = [new Map(), new Map(), [], [], "12"];
	[refuses, breaks] = [false, false];
});
function make(seed = "seed") {
	const client = {
		async call(_method: string, path: string) {
			if (path.endsWith("/capabilities"))
				return { capabilities: { "m.room_versions": { default: version } } };
			const room = decodeURIComponent(path.split("/").at(-2) ?? "");
			return { aliases: [...aliases].flatMap(([alias, to]) => (to === room ? [alias] : [])) };
		},
		async alias(alias: string) {
			const room = aliases.get(alias);
			if (room === undefined) throw new MatrixError(404, "M_NOT_FOUND", "no such alias");
			return { room_id: room };
		},
		async createRoom(body: Record<string, unknown>) {
			const alias = `#${body.room_alias_name}:hs.test`;
			if (aliases.has(alias)) throw new MatrixError(400, "M_ROOM_IN_USE", "taken");
			const room = `!${bodies.push(body)}`;
			aliases.set(alias, room);
			seeds.set(room, seed);
			return { room_id: room };
		},
		async setState(room: string, type: string) {
			if (breaks) throw new TemporaryError("the homeserver is away");
			done.push(`${room} ${type}`);
		},
		removeAlias: async (alias: string) => void aliases.delete(alias),
		leave: async (room: string) => void done.push(`leaves ${room}`),
	};
	return createNewRooms({
		...{ client, bot: "@bot:hs.test", domain: "hs.test" },
		seedOf: async (room: string) => seeds.get(room),
		aliases: {
			async set(alias: string, room: string) {
				if (refuses || aliases.has(alias)) throw new MatrixError(409, "M_UNKNOWN", "no");
				aliases.set(alias, room);
			},
		},
	} as unknown as Parameters<typeof createNewRooms>[0])("lobby", owner, {}, seed, () => "");
}

describe("a new room", () => {
	test("is made under a first alias, and then has its own one alone", async () => {
		expect(await make()).toBe("!1");
		expect([...aliases]).toEqual([[own, "!1"]]);
		expect(done).toEqual(["!1 m.room.canonical_alias"]);
		expect(bodies[0]).toMatchObject({
			...{ room_version: "12", preset: "public_chat", visibility: "private" },
			power_level_content_override: { users: { [owner.mxid]: 100 } },
		});
	});

	test("has the bot above its owner where room versions give creators no power of their own", async () => {
		version = "11";
		await make();
		expect(bodies[0]).toMatchObject({
			power_level_content_override: { users: { [owner.mxid]: 100, "@bot:hs.test": 150 } },
		});
	});

	test("is found by a second try, whatever the first one came to", async () => {
		await make();
		expect(await make()).toBe("!1");
		aliases.clear();
		aliases.set(first, "!1");
		expect(await make()).toBe("!1");
		expect([...aliases]).toEqual([[own, "!1"]]);
	});

	test("gets its main alias from a second try, if the first one failed before that", async () => {
		breaks = true;
		await expect(make()).rejects.toThrow("away");
		expect([...aliases.keys()]).toEqual([first, own]);
		breaks = false;
		expect(await make()).toBe("!1");
		expect(done).toEqual(["!1 m.room.canonical_alias"]);
		expect([...aliases]).toEqual([[own, "!1"]]);
	});

	test("takes the place of one that a kill of the bridge has left without an address", async () => {
		await make("of an earlier run");
		aliases.clear();
		aliases.set(first, "!1");
		expect(await make()).toBe("!2");
		expect(done).toContain("leaves !1");
		expect([...aliases]).toEqual([[own, "!2"]]);
	});

	test("leaves a room alone that has its address, and is refused there", async () => {
		await make("of somebody else");
		aliases.set(first, "!1");
		await expect(make()).rejects.toMatchObject({ reason: "failed", message: expect.stringContaining(own) });
		expect(done).not.toContain("leaves !1");
	});

	test("is given up where the homeserver refuses its address", async () => {
		refuses = true;
		await expect(make()).rejects.toMatchObject({ reason: "failed" });
		expect(done).toEqual(["leaves !1"]);
		expect([...aliases]).toEqual([]);
	});
});
