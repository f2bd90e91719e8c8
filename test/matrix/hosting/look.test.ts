import { beforeEach, describe, expect, test } from "vitest";
import type { RoomId } from "../../../src/core/ids.ts";
import type { Person } from "../../../src/core/person.ts";
import { MatrixError } from "../../../src/matrix/client.ts";
import { createLook, type LookLimits } from "../../../src/matrix/hosting/look.ts";
import { fakeNetwork } from "../../fakes.ts";

type Rooms = Parameters<typeof createLook>[0]["client"];
const no = (status: number, errcode: string) => Promise.reject(new MatrixError(status, errcode, errcode));

let asked: string[];
let time: number;
let client: Rooms;
let served: Set<string>;
const xmpp = fakeNetwork("xmpp");
const romeo = xmpp.person("romeo");
const lobby = { kind: "alias", parts: ["lobby"] } as const;
const byId = { kind: "id", id: "abc:far.test" } as const;

beforeEach(() => {
	[asked, time, served] = [[], 1_000_000, new Set()];
	client = {
		alias: async (alias) => {
			asked.push(`alias ${alias}`);
			return alias === "#lobby:hs.test"
				? { room_id: "!abc", servers: ["hs.test", "far.test"] }
				: no(404, "M_NOT_FOUND");
		},
		summary: async (room, path, { as, via }) => {
			asked.push(
				`summary ${room} ${as ?? "bot"} ${via.join()}${path.includes("unstable") ? " unstable" : ""}`,
			);
			return { room_id: room, name: "Lobby", join_rule: "public", num_joined_members: 2 };
		},
		visibility: async () => ({ visibility: "private" }),
		state: (async () => ({ replacement_room: "!next" })) as Rooms["state"],
	};
});
const look = (limits: Partial<LookLimits> = {}) =>
	createLook({
		limits,
		client,
		ghosts: { known: async ({ name }: Person) => (name === "romeo" ? "@_xmpp_romeo:hs.test" : undefined) },
		domain: "hs.test",
		isServed: async (room: RoomId) => served.has(room),
		now: () => time,
	});

describe("a look at a room", () => {
	test("asks as the person's ghost, or as the bot for somebody without one, and says that our server is in it", async () => {
		const { look: see } = look();
		expect(await see(lobby, romeo)).toMatchObject({ room: "!abc", name: "Lobby", local: true, count: 2 });
		await see(lobby, xmpp.person("juliet"));
		expect(asked).toEqual([
			...["alias #lobby:hs.test", "summary !abc @_xmpp_romeo:hs.test "],
			...["alias #lobby:hs.test", "summary !abc bot "],
		]);
	});

	test("asks the servers that know a room of another homeserver, and remembers them for the join", async () => {
		client = { ...client, alias: async () => ({ room_id: "!abc", servers: ["far.test", 7, "near.test"] }) };
		const { look: see, via } = look();
		expect(await see(lobby, romeo)).toMatchObject({ local: false });
		expect(asked).toEqual(["summary !abc @_xmpp_romeo:hs.test far.test,near.test"]);
		expect(via("!abc")).toEqual(["far.test", "near.test"]);
	});

	test("asks by an id our own homeserver first, then the server that the id names", async () => {
		const { summary } = client;
		client = {
			...client,
			summary: async (room, path, how) => {
				const found = await summary(room, path, how);
				return how.via.length > 0 ? found : no(400, "M_UNKNOWN");
			},
		};
		expect(await look().look(byId, romeo)).toMatchObject({ room: "!abc:far.test", local: false });
		expect(asked.map((one) => one.split(" ").at(-1))).toEqual(["", "far.test"]);
	});

	test("of a room that shows nothing to the person tells only that it is there, if they know its alias", async () => {
		client = { ...client, summary: () => no(404, "M_NOT_FOUND") };
		const hidden = { room: "!abc", id: "abc", entry: "invited", count: 0, listed: false, local: true };
		expect(await look().look(lobby, romeo)).toEqual(hidden);
		expect(await look().look({ kind: "id", id: "abc" }, romeo)).toBeUndefined();
		served.add("!abc");
		expect(await look().look({ kind: "id", id: "abc" }, romeo)).toEqual(hidden);
		expect(await look().look({ kind: "alias", parts: ["nowhere"] }, romeo)).toBeUndefined();
	});

	test("asks older homeservers by the unstable path, and takes a room for open where there is none", async () => {
		const { summary } = client;
		client = {
			...client,
			summary: async (room, path, how) => {
				const found = await summary(room, path, how);
				return path.includes("unstable") ? found : no(404, "M_UNRECOGNIZED");
			},
		};
		expect(await look().look(lobby, romeo)).toMatchObject({ name: "Lobby" });
		expect(asked.at(-1)).toMatch(/ unstable$/);
		client = { ...client, summary: () => no(404, "M_UNRECOGNIZED") };
		expect(await look().look(lobby, romeo)).toMatchObject({ room: "!abc", entry: "everybody", count: 0 });
	});

	test("finds the successor of a room that everybody may read", async () => {
		expect(await look().look(lobby, romeo)).not.toHaveProperty("successor");
		const { summary } = client;
		client = {
			...client,
			summary: async (...all) => ({ ...(await summary(...all)), world_readable: true }),
		};
		expect(await look().look(lobby, romeo)).toMatchObject({ successor: { kind: "id", id: "next" } });
	});

	test("is answered from memory for ten seconds, until an invitation shows more", async () => {
		const { look: see, invited } = look();
		for (let n = 0; n < 5; n++) await see(lobby, romeo);
		expect(asked).toHaveLength(2);
		time += 11_000;
		await see(lobby, romeo);
		expect(asked).toHaveLength(4);
		invited("!abc", "far.test");
		await see(lobby, romeo);
		expect(asked).toHaveLength(6);
	});

	test("is repeated two seconds after it refused a person, when the room may be there or our server in it", async () => {
		const { alias } = client;
		const { look: see } = look();
		client.alias = () => no(404, "M_NOT_FOUND");
		expect(await see(lobby, romeo)).toBeUndefined();
		client.alias = async () => ({ room_id: "!abc", servers: ["far.test"] });
		expect(await see(lobby, romeo)).toBeUndefined();
		time += 2_000;
		expect(await see(lobby, romeo)).toMatchObject({ local: false });
		client.alias = alias;
		expect(await see(lobby, romeo)).toMatchObject({ local: false });
		time += 2_000;
		for (let n = 0; n < 5; n++) expect(await see(lobby, romeo)).toMatchObject({ local: true });
		expect(asked).toHaveLength(3);
	});

	test("waits when one person looks at many rooms, while others go on", async () => {
		const { look: see } = look({ requests: { perMinute: 60, burst: 60 } });
		const rooms = (count: number, by: Person) =>
			Promise.allSettled(
				Array.from({ length: count }, (_, n) => see({ kind: "id", id: `${by.name}${n}` }, by)),
			);
		const refused = (await rooms(100, romeo)).filter(({ status }) => status === "rejected");
		expect(refused).toHaveLength(40);
		expect((refused[0] as PromiseRejectedResult).reason).toMatchObject({
			name: "TemporaryError",
			retryAfter: 1_000,
		});
		expect(await see(lobby, xmpp.person("juliet"))).toBeDefined();
	});

	test("waits as often as the configured limits want", async () => {
		const rate = { perMinute: 60, burst: 2 };
		const { look: see } = look({ requests: rate });
		const rooms = [1, 2, 3].map((n) => see({ kind: "id", id: `room${n}` }, romeo));
		expect((await Promise.allSettled(rooms)).map(({ status }) => status)).toEqual([
			...["fulfilled", "fulfilled", "rejected"],
		]);
		const { look: ofAll } = look({ requestsOfDomain: rate });
		const people = ["romeo", "juliet", "nurse"].map((name) =>
			ofAll({ kind: "id", id: `room${name}` }, { ...xmpp.person(name), domain: "montague.test" }),
		);
		expect((await Promise.allSettled(people)).map(({ status }) => status)).toEqual([
			...["fulfilled", "fulfilled", "rejected"],
		]);
	});

	test("waits while ten looks at other homeservers are not answered, but not at a room of our own", async () => {
		client = {
			...client,
			alias: async (alias) => {
				if (alias.endsWith(":hs.test")) return { room_id: "!abc", servers: ["hs.test"] };
				asked.push(alias);
				return new Promise<never>(() => undefined);
			},
		};
		const { look: see } = look();
		for (let n = 0; n < 12; n++)
			void see({ kind: "alias", parts: [`r${n}`, "dead.test"] }, xmpp.person(`p${n}`));
		await new Promise((resolve) => setImmediate(resolve));
		expect(asked).toHaveLength(10);
		expect(await see(lobby, romeo)).toBeDefined();
	});

	test("asks nothing about what can be no room", async () => {
		expect(await look().look({ kind: "alias", parts: ["a b"] }, romeo)).toBeUndefined();
		expect(asked).toEqual([]);
	});
});
