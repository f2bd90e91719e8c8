import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Rank } from "../../src/core/person.ts";
import { labelled, looksLabelled, unlabelled } from "../../src/matrix/rank-labels.ts";
import { until } from "../fakes.ts";
import { type MatrixWorld, matrixWorld } from "./world.ts";

const bot = "@trivium:hs.test";
const romeo = "@_xmpp_romeo:hs.test";

let world: MatrixWorld;
let room: NonNullable<ReturnType<MatrixWorld["hs"]["find"]>>;
let count = 0;
const ranked = (rank?: Rank, name = "romeo") => ({ ...world.xmpp.person(name), ...(rank && { rank }) });
/** Has the MUC tell that somebody has this rank from now on. */
const becomes = (rank?: Rank, name = "romeo") =>
	world.xmpp.bridge.receive([
		{
			...{ kind: "profile", sender: ranked(rank, name), at: Date.now() },
			...{ id: `rank ${++count}` as MessageId, room: "verona" as RoomId },
		},
	]);
const nameHere = (mxid = romeo) => room.state.get(`m.room.member ${mxid}`)?.content.displayname;
const level = () =>
	(room.state.get("m.room.power_levels ")?.content.users as Record<string, number> | undefined)?.[romeo];
let handedOver = 0;
/** Has the homeserver hand over all that happened in the room. */
const handOver = () =>
	world.hs.push(room.timeline.slice(handedOver)).then(() => (handedOver = room.timeline.length));
async function isCalled(name: string, mxid = romeo): Promise<void> {
	await until(
		() => nameHere(mxid) === name,
		() => `${mxid} is called ${nameHere(mxid)}`,
	);
	await handOver();
}
const has = (power: number | undefined) =>
	until(
		() => level() === power,
		() => `level ${level()}`,
	);
/** Chooses a setting as the owner of a room may. */
async function choose(roles: string, answer = `roles: ${roles}`): Promise<void> {
	const { hs, alice } = world;
	room.state.set("m.room.power_levels ", {
		...{ type: "m.room.power_levels", key: "", sender: alice },
		content: {
			...(room.state.get("m.room.power_levels ")?.content ?? {}),
			users: { [bot]: 100, ...(room.state.get("m.room.power_levels ")?.content.users ?? {}), [alice]: 100 },
		},
	});
	await hs.push([
		hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: `!bridge settings roles ${roles}` }),
	]);
	await reads(answer);
}
/** Resolves when somebody has said so in the room. */
const reads = (words: string) =>
	until(
		() => room.timeline.some(({ content }) => String(content.body).includes(words)),
		() => JSON.stringify(room.timeline.slice(-3)),
	);

beforeEach(async () => {
	world = await matrixWorld({ permissions: { "*": "link" } });
	handedOver = 0;
	const { hs, xmpp, alice } = world;
	await hs.ask("GET", `/_matrix/app/v1/rooms/${encodeURIComponent("#_xmpp_verona:hs.test")}`);
	room = hs.find("#_xmpp_verona:hs.test") as typeof room;
	await hs.push([hs.member(room, alice, "join")]);
	await xmpp.say("verona", "romeo", "hi", { sender: ranked("owner") });
	await isCalled("romeo (owner)");
	await becomes("owner");
});
afterEach(() => world.stop());

describe("the rank of a person of the other network", () => {
	test("stands behind the name, and changes and ends with the rank", async () => {
		await becomes("moderator");
		await isCalled("romeo (moderator)");
		await becomes();
		await isCalled("romeo");
		await becomes("admin");
		await isCalled("romeo (admin)");
		// A line from an archive knows of no rank.
		await world.xmpp.say("verona", "romeo", "later");
		await until(
			() => room.timeline.some(({ content }) => content.body === "later"),
			() => "not said",
		);
		expect(nameHere()).toBe("romeo (admin)");
	});

	test("stands before the hats, which are shown without a rank as well, and go with the setting", async () => {
		const wears = (rank: Rank | undefined, ...hats: string[]) =>
			world.xmpp.bridge.receive([
				{
					...{ kind: "profile", sender: { ...ranked(rank), ...(hats.length > 0 && { hats }) } },
					...{ id: `hat ${++count}` as MessageId, room: "verona" as RoomId, at: Date.now() },
				},
			]);
		await wears("owner", "Host", "Speaker");
		await isCalled("romeo (owner) [Host, Speaker]");
		await wears(undefined, "Host");
		await isCalled("romeo [Host]");
		await choose("off");
		await isCalled("romeo");
		await choose("show");
		await isCalled("romeo [Host]");
		await wears(undefined);
		await isCalled("romeo");
	});

	test("stands there again after the homeserver has set the name of the account in each room", async () => {
		world.hs.member(room, romeo, "join", romeo, { displayname: "Montague" });
		await handOver();
		await isCalled("Montague (owner)");
	});

	test("ends also where the homeserver hands the change over before it answers the next request", async () => {
		const { hs, xmpp } = world;
		await choose("both");
		await has(50);
		hs.fail(({ method, path }) => {
			if (method !== "PUT" || !path.includes("m.room.power_levels")) return undefined;
			void handOver();
			return { status: 403, body: JSON.stringify({ errcode: "M_FORBIDDEN" }), after: 200 };
		});
		await becomes();
		await xmpp.say("verona", "romeo", "no more");
		await until(
			() => room.timeline.some(({ content }) => content.body === "no more"),
			() => "not said",
		);
		await handOver();
		expect(nameHere()).toBe("romeo");
	});

	test("is no part of the name that the other network gets with an answer", async () => {
		const { hs, xmpp, alice } = world;
		const html = `<a href="https://matrix.to/#/${romeo}">romeo (owner)</a>: ay`;
		await hs.push([
			hs.emit(room, alice, "m.room.message", {
				...{ msgtype: "m.text", body: "romeo (owner): ay", format: "org.matrix.custom.html" },
				formatted_body: html,
			}),
		]);
		const said = () => xmpp.sent.map(({ event }) => event).find(({ kind }) => kind === "message");
		await until(
			() => said() !== undefined,
			() => "nothing said",
		);
		expect(JSON.stringify(said())).toContain('"name":"romeo"');
		expect(said()).toMatchObject({ text: "romeo: ay" });
	});

	test("is no name that a member called like it could be taken for", async () => {
		const { hs, alice, xmpp } = world;
		await hs.push([hs.member(room, hs.person("owner", "Owner"), "join")]);
		await hs.push([hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: "ay" })]);
		await until(
			() => xmpp.sent.some(({ event }) => event.kind === "message"),
			() => "not said",
		);
		expect(nameHere()).toBe("romeo (owner)");
	});

	test("is no claim of a nick that ends in the same words", async () => {
		const { xmpp } = world;
		await xmpp.say("verona", "Paris (Owner)", "hear me");
		await until(
			() => room.timeline.some(({ content }) => content.body === "hear me"),
			() => "not said",
		);
		const sender = room.timeline.find(({ content }) => content.body === "hear me")?.sender ?? "";
		expect(nameHere(sender)).toBe("Paris (Owner) (Paris (Owner))");
	});
});

describe("the setting of roles", () => {
	test("off ends all labels, and show begins them", async () => {
		await choose("off");
		await isCalled("romeo");
		await choose("show");
		await isCalled("romeo (owner)");
		expect(level()).toBeUndefined();
	});

	test("both gives the power level of a moderator for as long as the rank lasts, and show takes it", async () => {
		await choose("both");
		await has(50);
		await becomes();
		await has(undefined);
		await isCalled("romeo");
		await becomes("moderator");
		await has(50);
		await choose("show");
		await has(undefined);
		await isCalled("romeo (moderator)");
	});

	test("both leaves a level that people of the room gave", async () => {
		const { alice } = world;
		const levels = { type: "m.room.power_levels", key: "", sender: alice };
		room.state.set("m.room.power_levels ", { ...levels, content: { users: { [romeo]: 50 } } });
		await choose("both");
		await becomes("admin");
		await isCalled("romeo (admin)");
		await choose("show");
		await becomes();
		await isCalled("romeo");
		expect(level()).toBe(50);
	});

	test("both is refused with the level that the bot needs, while the bot has a lower one", async () => {
		const { alice } = world;
		const levels = { type: "m.room.power_levels", key: "", sender: alice };
		const events = { "m.room.power_levels": 100 };
		room.state.set("m.room.power_levels ", { ...levels, content: { users: { [bot]: 99 }, events } });
		await choose("both", `${bot} has the power level 99 here and needs 100`);
		room.state.set("m.room.power_levels ", { ...levels, content: { users: { [bot]: 50 } } });
		await choose("both", `${bot} has the power level 50 here and needs 51`);
		room.state.set("m.room.power_levels ", { ...levels, content: { users: { [bot]: 51 } } });
		await choose("both");
		await has(50);
	});

	test("both tells the room once that the bot may not change levels any more", async () => {
		const { hs, xmpp } = world;
		await choose("both");
		await has(50);
		await becomes();
		await has(undefined);
		const refused = ({ method, path }: { method: string; path: string }) =>
			method === "PUT" && path.includes("m.room.power_levels")
				? { status: 403, body: JSON.stringify({ errcode: "M_FORBIDDEN" }) }
				: undefined;
		for (const rank of ["admin", "owner"] as const) {
			hs.fail(refused);
			await becomes(rank);
			await isCalled(`romeo (${rank})`);
			await becomes();
			await isCalled("romeo");
		}
		await xmpp.say("verona", "romeo", "no power");
		await reads("no power");
		const told = room.timeline.filter(({ content }) =>
			String(content.body).includes("may not change power levels any more"),
		);
		expect(told).toHaveLength(1);
		hs.fail(() => undefined);
		await becomes("admin");
		await has(50);
	});

	test("both takes the power levels of all when the rooms are unlinked", async () => {
		const { hs, alice } = world;
		await choose("both");
		await has(50);
		await world.xmpp.say("verona", "tybalt", "hi", { sender: ranked("admin", "tybalt") });
		await isCalled("tybalt (admin)", "@_xmpp_tybalt:hs.test");
		await hs.push([
			hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: "!bridge unlink xmpp" }),
		]);
		await until(
			() => room.members.get(romeo) === "leave" && room.members.get("@_xmpp_tybalt:hs.test") === "leave",
			() => "still there",
		);
		const { users } = room.state.get("m.room.power_levels ")?.content ?? {};
		expect(users).toEqual({ [bot]: 100, [alice]: 100 });
	});

	test("both takes the power level of a ghost that people of the room remove", async () => {
		const { hs, alice } = world;
		await choose("both");
		await has(50);
		await hs.push([hs.member(room, romeo, "leave", alice)]);
		await has(undefined);
	});

	test("both takes the power level of a person who leaves", async () => {
		await choose("both");
		await has(50);
		await world.xmpp.bridge.receive([
			{
				...{ kind: "membership", change: "leave", sender: ranked("owner"), at: Date.now() },
				...{ id: "leave" as MessageId, room: "verona" as RoomId },
			},
		]);
		await until(
			() => room.members.get(romeo) === "leave",
			() => "still there",
		);
		expect(level()).toBeUndefined();
	});
});

test.each(["owner", "admin", "moderator"] as const)("a label is taken off as it was put on (%s)", (rank) => {
	for (const name of ["Romeo", "rm42 (Romeo Montague)", "Alice (alice@example.org)", "(a)", ")"]) {
		expect(unlabelled(labelled(name, rank))).toBe(name);
		expect(looksLabelled(labelled(name, rank).toUpperCase())).toBe(true);
	}
	expect(labelled("rm42 (Romeo Montague)", rank)).toBe(`rm42 (Romeo Montague, ${rank})`);
	expect([unlabelled("Romeo"), looksLabelled("the owner")]).toEqual(["Romeo", false]);
});

test("hats are taken off as they were put on, with a rank and without one", () => {
	expect(labelled("Romeo (R. M.)", "owner", ["Host", "Speaker"])).toBe(
		"Romeo (R. M., owner) [Host, Speaker]",
	);
	for (const rank of ["owner", undefined] as const)
		for (const name of ["Romeo", "Romeo (R. M.)"])
			expect(unlabelled(labelled(name, rank, ["Host"]))).toBe(name);
	expect(looksLabelled("Romeo [host]")).toBe(true);
});
