import { beforeEach, describe, expect, test } from "vitest";
import { createLookAlikes } from "../../../src/core/confusable.ts";
import type { RoomId } from "../../../src/core/ids.ts";
import type { Avatar, Person } from "../../../src/core/person.ts";
import { type Client, type Looks, MatrixError } from "../../../src/matrix/client.ts";
import { NoGhost } from "../../../src/matrix/ghosts.ts";
import { createMembership } from "../../../src/matrix/hosting/membership.ts";
import { fakeNetwork } from "../../fakes.ts";
import { sampleEvent } from "../samples.ts";

const room = "!r" as RoomId;
const ghost = "@_xmpp_romeo:hs.test";
const romeo = { ...fakeNetwork("xmpp").person("romeo"), name: "Romeo" };

let joins: PromiseWithResolvers<{ room_id: string }>[];
let names: Map<string, string | undefined>;
let pictures: Map<string, string | undefined>;
/** The uploads that are still to come. */
let bring: (() => Promise<void>)[];
let set: string[];
let came: string[];
let time: number;
let full: boolean;
/** The members of the room by name, ghosts included; empty before the room was read. */
let there: Map<string, string>;
/** The members that a reading of the room finds. */
let readable: Map<string, string>;
let joinedAs: string[];
let membership: ReturnType<typeof createMembership>;

beforeEach(() => {
	[joins, names, set, came, time, full] = [[], new Map(), [], [], 0, false];
	[pictures, bring] = [new Map(), []];
	[there, readable, joinedAs] = [new Map(), new Map([["@alice:hs.test", "Alice"]]), []];
	const client = {
		joinAs: (_room: string, { displayname, avatar_url }: Looks) => {
			const join = Promise.withResolvers<{ room_id: string }>();
			joins.push(join);
			joinedAs.push(displayname);
			return join.promise.then((answer) => {
				if (!names.has(ghost)) names.set(ghost, displayname);
				if (avatar_url !== undefined) pictures.set(ghost, avatar_url);
				return answer;
			});
		},
		state: async () => ({
			membership: "join",
			displayname: names.get(ghost),
			avatar_url: pictures.get(ghost),
		}),
		setState: async (_room: string, _type: string, key: string, { displayname, avatar_url }: Looks) => {
			set.push(`${key} is ${displayname}`);
			names.set(key, displayname);
			// Synapse writes the picture of the account where an event names none.
			pictures.set(key, avatar_url ?? "mxc://hs.test/account");
		},
	} as unknown as Client;
	membership = createMembership({
		client,
		ghosts: {
			account: async () => {
				if (full) throw new NoGhost();
				return ghost;
			},
			known: async () => ghost,
			person: async () => romeo,
		},
		faces: {
			uploaded: async ({ ref }: Avatar) => (ref === "known" ? "mxc://hs.test/known" : undefined),
			bring: (_key: string, { ref }: Avatar, _ghost: string, use: (url: string) => Promise<void>) =>
				void bring.push(() => use(`mxc://hs.test/${ref}`)),
		},
		members: {
			of: () => there,
			went: () => undefined,
			named: (_room: string, which: (mxid: string) => boolean) =>
				[...there].flatMap(([mxid, name]) => (which(mxid) ? [name] : [])),
		},
		rooms: { membershipOf: async () => "ban", leave: async () => undefined },
		via: () => ["far.test"],
		isOutside: (one: string) => one !== room,
		speaker: async () => undefined,
		coming: (_room: RoomId, _ghost: string, first: boolean) => came.push(first ? "first" : "another"),
		async came() {
			there = new Map([...readable, [ghost, names.get(ghost) ?? ""]]);
			came.push("in");
		},
		isLike: createLookAlikes(),
		isOurs: (mxid: string) => mxid.startsWith("@_"),
		domain: "hs.test",
		now: () => time,
	} as unknown as Parameters<typeof createMembership>[0]);
});
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("a person who comes in", () => {
	test("waits for the join that is under way, however often they try", async () => {
		const tries = [membership.enter(room, romeo), membership.enter(room, romeo)];
		await settled();
		expect(joins).toHaveLength(1);
		joins[0]?.resolve({ room_id: room });
		expect(await Promise.all(tries)).toEqual([{ kind: "in" }, { kind: "in" }]);
		expect(came).toEqual(["first", "in"]);
	});

	describe("under a name", () => {
		const enters = async (name: string, knows?: { nameIsFree: boolean }) => {
			const entering = membership.enter(room, { ...romeo, name }, knows);
			await settled();
			joins.at(-1)?.resolve({ room_id: room });
			return [await entering, ...joinedAs, ...set];
		};
		const marked = "Аlice (romeo)";

		test("a name that looks like a member's is never seen without the address of its ghost", async () => {
			there = new Map([...readable, ["@_xmpp_juliet:hs.test", "Juliet"]]);
			expect(await enters("Аlice")).toEqual([{ kind: "in", name: marked }, marked]);
		});

		test("a new name is that of its ghost at once, in a room with people of ours", async () => {
			there = new Map([...readable, ["@_xmpp_juliet:hs.test", "Juliet"]]);
			expect(await enters("Romeo")).toEqual([{ kind: "in" }, "Romeo"]);
		});

		test("bears it once the members can be read, as the first of ours", async () => {
			expect(await enters("Romeo")).toEqual([{ kind: "in" }, "Romeo (romeo)", `${ghost} is Romeo`]);
		});

		test("a name that looks like a member's keeps the address of its ghost, as the first of ours", async () => {
			expect(await enters("Аlice")).toEqual([{ kind: "in", name: marked }, marked]);
		});

		test.each(["Alice (alice@x.test)", "Romeo (owner)"])(
			"the name %s, which claims what its bearer is not, has the address of its ghost, whatever was compared",
			async (name) => {
				there = new Map([...readable, ["@_xmpp_juliet:hs.test", "Juliet"]]);
				const shown = `${name} (romeo)`;
				expect(await enters(name, { nameIsFree: true })).toEqual([{ kind: "in", name: shown }, shown]);
			},
		);

		test("a name that another network has compared is that of its ghost", async () => {
			expect(await enters("Romeo", { nameIsFree: true })).toEqual([{ kind: "in" }, "Romeo"]);
		});

		test("a name that another network has compared, though not with the names of the members, has the address of its ghost", async () => {
			there = new Map([...readable, ["@_xmpp_juliet:hs.test", "Juliet"]]);
			expect(await enters("Аlice", { nameIsFree: true })).toEqual([{ kind: "in", name: marked }, marked]);
		});

		test("a name that looks like a later member's gets the address of its ghost, and keeps it at each change", async () => {
			there = new Map([...readable, [ghost, "Romeo"]]);
			names.set(ghost, "Romeo");
			await membership.mark(room, ghost);
			expect(set.splice(0)).toEqual([`${ghost} is Romeo (romeo)`]);
			there.set("@newcomer:hs.test", "rоmeo");
			await membership.rename(room, romeo);
			expect([names.get(ghost), set]).toEqual(["Romeo (romeo)", []]);
			await membership.rename(room, { ...romeo, name: "Montague" });
			expect(set).toEqual([`${ghost} is Montague`]);
		});

		test("keeps the name that the ghost has there already, until somebody compares it", async () => {
			there = new Map([
				["@alice:hs.test", "Alice"],
				[ghost, "Montague"],
			]);
			readable = there;
			names.set(ghost, "Montague");
			expect(await enters("Alice")).toEqual([{ kind: "in", name: "Montague" }, "Montague"]);
		});

		test("a name in a room of thousands is not compared", async () => {
			there = new Map(Array.from({ length: 2_001 }, (_, n) => [`@_xmpp_${n}:hs.test`, `${n}`]));
			expect(await enters("Romeo")).toEqual([{ kind: "in", name: "Romeo (romeo)" }, "Romeo (romeo)"]);
		});
	});

	test("gets the refusal of a slow join at the next try, without another one", async () => {
		const first = membership.enter(room, romeo);
		await settled();
		time = 30_000;
		joins[0]?.reject(new MatrixError(404, "M_UNKNOWN", "No known servers"));
		expect(await first).toMatchObject({ kind: "refused", why: "unknown" });
		expect(await membership.enter(room, romeo)).toEqual(await first);
		expect(joins).toHaveLength(1);
		time += 61_000;
		void membership.enter(room, romeo);
		await settled();
		expect(joins).toHaveLength(2);
	});

	test.each([
		[403, "M_BAD_STATE", "Cannot join user who was banned", "banned"],
		[403, "M_FORBIDDEN", "You are banned from this room", "banned"],
		// The member event tells it where the error does not.
		[403, "M_FORBIDDEN", "no", "banned"],
		[404, "M_NOT_FOUND", "no", "unknown"],
		[400, "M_INCOMPATIBLE_ROOM_VERSION", "no", "unknown"],
	])("reads why: %s %s %s", async (status, code, text, why) => {
		const entering = membership.enter(room, romeo);
		await settled();
		joins[0]?.reject(new MatrixError(status, code, text));
		expect(await entering).toMatchObject({ kind: "refused", why });
		// The next try is a new one.
		void membership.enter(room, romeo);
		await settled();
		expect(joins).toHaveLength(2);
	});

	test("waits for none of the joins that other homeservers do not answer, of which five run at once", async () => {
		for (let n = 0; n < 105; n++) void membership.enter(`!far${n}` as RoomId, romeo);
		await settled();
		expect(joins).toHaveLength(5);
		await expect(membership.enter("!more" as RoomId, romeo)).rejects.toMatchObject({
			name: "TemporaryError",
		});
		const entering = membership.enter(room, romeo);
		await settled();
		joins.at(-1)?.resolve({ room_id: room });
		expect(await entering).toEqual({ kind: "in" });
		joins[0]?.resolve({ room_id: "!far0" });
		await settled();
		expect(joins).toHaveLength(7);
	});

	test("has to wait where the limit on new ghosts forbids one", async () => {
		full = true;
		await expect(membership.enter(room, romeo)).rejects.toMatchObject({ name: "TemporaryError" });
	});

	test("gets their name by another request from a homeserver that takes none in a join", async () => {
		names.set(ghost, "Global");
		const entering = membership.enter(room, romeo);
		await settled();
		joins[0]?.resolve({ room_id: room });
		await entering;
		expect(set).toEqual([`${ghost} is Romeo`]);
	});
});

describe("the name of a ghost in a room", () => {
	const renamed = (displayname: string, sender = ghost, membership = "join") =>
		sampleEvent({
			...{ type: "m.room.member", room_id: room, sender, state_key: ghost },
			content: { membership: "join", displayname },
			unsigned: { prev_content: { membership } },
		});

	test("is given back when a new name of the account takes it", async () => {
		await membership.rename(room, romeo);
		set.length = 0;
		names.set(ghost, "Global");
		expect(await membership.keepLooks(renamed("Global"))).toBe(true);
		expect(set).toEqual([`${ghost} is Romeo`]);
		expect(await membership.keepLooks(renamed("Romeo"))).toBe(false);
		expect(await membership.keepLooks(renamed("Someone", "@mod:hs.test"))).toBe(false);
		expect(await membership.keepLooks(renamed("Before", ghost, "leave"))).toBe(false);
	});

	test("is forgotten when the person leaves", async () => {
		await membership.rename(room, romeo);
		await membership.leave(room, romeo);
		expect(await membership.keepLooks(renamed("Global"))).toBe(false);
	});
});

describe("the picture of a person in a hosted room", () => {
	const withPicture = (ref: string) => ({ ...romeo, avatar: { network: romeo.network, ref } });
	const entered = async (person: Person) => {
		const done = membership.enter(room, person);
		await settled();
		joins[0]?.resolve({ room_id: room });
		await done;
		set.length = 0;
	};

	test("comes with the join if it is on the homeserver, else behind it", async () => {
		await entered(withPicture("known"));
		expect([pictures.get(ghost), set, bring]).toEqual(["mxc://hs.test/known", [], []]);
		await membership.rename(room, { ...withPicture("new"), name: "Romeo" });
		expect(pictures.get(ghost)).toBe("mxc://hs.test/known");
		await bring[0]?.();
		expect([pictures.get(ghost), names.get(ghost)]).toEqual(["mxc://hs.test/new", "Romeo"]);
	});

	test("keeps the name that its person got meanwhile", async () => {
		await entered(withPicture("new"));
		await membership.rename(room, { ...romeo, name: "Montague" });
		await bring[0]?.();
		expect([pictures.get(ghost), names.get(ghost)]).toEqual(["mxc://hs.test/new", "Montague"]);
	});

	test("goes when its person has none, and comes back when the homeserver takes it", async () => {
		await entered(withPicture("known"));
		const other = { membership: "join", displayname: "Romeo", avatar_url: "mxc://hs.test/other" };
		const event = {
			...{ type: "m.room.member", room_id: room, state_key: ghost, sender: ghost },
			...{ content: other, unsigned: { prev_content: { membership: "join" } } },
		};
		pictures.set(ghost, "mxc://hs.test/other");
		expect(await membership.keepLooks(sampleEvent(event))).toBe(true);
		expect(pictures.get(ghost)).toBe("mxc://hs.test/known");
		await membership.rename(room, { ...romeo, avatar: null });
		expect(pictures.get(ghost)).toBe("");
	});
});
