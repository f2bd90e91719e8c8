import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PermanentError } from "../../src/core/errors.ts";
import type { Moderation } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Person } from "../../src/core/person.ts";
import type { Content } from "../../src/matrix/event.ts";
import { until } from "../fakes.ts";
import { type MatrixWorld, matrixWorld } from "./world.ts";

const bot = "@trivium:hs.test";
const romeo = "@_xmpp_romeo:hs.test";

let world: MatrixWorld;
let room: NonNullable<ReturnType<MatrixWorld["hs"]["find"]>>;
beforeEach(async () => {
	world = await matrixWorld();
	const { hs, xmpp, alice } = world;
	await hs.ask("GET", `/_matrix/app/v1/rooms/${encodeURIComponent("#_xmpp_verona:hs.test")}`);
	room = hs.find("#_xmpp_verona:hs.test") as typeof room;
	await hs.push([hs.member(room, alice, "join")]);
	await xmpp.say("verona", "romeo", "hi");
	await until(
		() => room.members.get(romeo) === "join" && xmpp.attached.has("verona"),
		() => "romeo is not there",
	);
	// The homeserver hands over what the ghost did.
	await hs.push(room.timeline.slice(-2));
});
afterEach(() => world.stop());

const aliceOnMatrix = (): Person => ({ ...world.xmpp.sent.map(({ event }) => event.sender)[0] }) as Person;
let count = 0;
/** Has the MUC's moderator "prince" act upon a person. */
const acts = (act: Moderation["act"], whom: Person, reason?: string) =>
	world.xmpp.bridge.receive([
		{
			...{ kind: "moderation", act, whom, at: Date.now(), sender: world.xmpp.person("prince") },
			...{ id: `act ${++count}` as MessageId, room: "verona" as RoomId },
			...(reason !== undefined && { reason }),
		},
	]);
const memberOf = (mxid: string) => room.state.get(`m.room.member ${mxid}`);
const becomes = (mxid: string, membership: string) =>
	until(
		() => room.members.get(mxid) === membership,
		() => `${mxid} is ${room.members.get(mxid)}`,
	);
const moderations = () =>
	world.xmpp.sent.flatMap(({ event }) =>
		event.kind === "moderation"
			? [[event.act, event.whom.name, event.sender.name, event.reason].filter(Boolean).join(" ")]
			: [],
	);
const acted = (...expected: string[]) =>
	until(
		() => moderations().length >= expected.length,
		() => JSON.stringify(moderations()),
	).then(() => expect(moderations()).toEqual(expected));

describe("a removal or ban by a moderator of the other network", () => {
	test("is done here by the bot, with the reason and the moderator's name, and lifted again", async () => {
		const { hs, alice } = world;
		await acts("kick", aliceOnMatrix(), "calm down");
		await becomes(alice, "leave");
		expect(memberOf(alice)).toMatchObject({
			sender: bot,
			content: { reason: "removed by prince: calm down" },
		});
		await hs.push(room.timeline.slice(-1));
		await until(
			() => world.xmpp.sent.some(({ event }) => event.kind === "membership" && event.change === "leave"),
			() => "the other network was not told that alice left",
		);
		await hs.push([hs.member(room, alice, "join")]);
		await acts("ban", aliceOnMatrix());
		await becomes(alice, "ban");
		expect(memberOf(alice)).toMatchObject({ sender: bot, content: { reason: "banned by prince" } });
		await acts("unban", aliceOnMatrix());
		await becomes(alice, "leave");
		expect(world.xmpp.refused).toEqual([]);
	});

	test("leaves, when it is lifted there, a ban by people of the Matrix room in force", async () => {
		const { hs, alice } = world;
		const mod = hs.person("mod", "Mod");
		await hs.push([hs.member(room, mod, "join"), hs.member(room, alice, "ban", mod)]);
		await acts("unban", aliceOnMatrix());
		await world.xmpp.say("verona", "romeo", "later");
		await until(
			() => room.timeline.some(({ content }) => content.body === "later"),
			() => "not sent",
		);
		expect(room.members.get(alice)).toBe("ban");
	});

	test("is refused where the bot lacks the power, and the room reads so once", async () => {
		const { hs, alice, xmpp } = world;
		hs.fail(({ path }) =>
			/\/(kick|ban)$/.test(path)
				? { status: 403, body: '{"errcode":"M_FORBIDDEN","error":"no"}' }
				: undefined,
		);
		await acts("ban", aliceOnMatrix(), "spam");
		await until(
			() => xmpp.refused.length === 1,
			() => "prince was not told",
		);
		expect(xmpp.refused[0]).toMatchObject({
			sentence: expect.stringContaining("power level"),
			event: { sender: { name: "prince" } },
		});
		const told = room.timeline.filter(({ content }) => /was banned by prince: spam/.test(`${content.body}`));
		expect(told).toMatchObject([{ sender: bot, content: { msgtype: "m.notice" } }]);
		expect(room.members.get(alice)).toBe("join");
	});

	test("of a person there is one of their ghost here", async () => {
		await acts("ban", world.xmpp.person("romeo"), "bites thumbs");
		await becomes(romeo, "ban");
		expect(memberOf(romeo)).toMatchObject({
			sender: bot,
			content: { reason: "banned by prince: bites thumbs" },
		});
	});
});

describe("a removal, ban or mute of a ghost by a moderator of the Matrix room", () => {
	test("crosses with its reason, and so does the end of a ban", async () => {
		const { hs, alice } = world;
		await hs.push([hs.member(room, romeo, "leave", alice, { reason: "rude" })]);
		await acted("kick romeo Alice rude");
		await hs.push([hs.member(room, romeo, "ban", alice)]);
		await hs.push([hs.member(room, romeo, "leave", alice)]);
		await acted("kick romeo Alice rude", "ban romeo Alice", "unban romeo Alice");
	});

	test("crosses where its power level takes the right to write or gives it back, and not where that of all people changes", async () => {
		const { hs, alice } = world;
		let before: Content = { users: { [alice]: 100 } };
		const become = (levels: Content) => {
			const unsigned = { prev_content: before };
			before = levels;
			return hs.push([hs.emit(room, alice, "m.room.power_levels", levels, { state_key: "", unsigned })]);
		};
		await become({ users: { [alice]: 100, [romeo]: -1 } });
		await acted("mute romeo Alice");
		await become({ users: { [alice]: 100, [romeo]: -1, [bot]: -1, "@bob:hs.test": -1 } });
		await become({ users: { [alice]: 100, [romeo]: -1 }, events_default: -1 });
		await become({ users: { [alice]: 100, [romeo]: -1 } });
		await become({ users: { [alice]: 100, [romeo]: 50 } });
		await acted("mute romeo Alice", "unmute romeo Alice");
	});

	test("crosses for all people whom one change of the power levels mutes", async () => {
		const { hs, alice, xmpp } = world;
		await xmpp.say("verona", "paris", "hi");
		const paris = "@_xmpp_paris:hs.test";
		await until(
			() => room.members.get(paris) === "join",
			() => "paris is not there",
		);
		const unsigned = { prev_content: { users: { [alice]: 100, [paris]: -1 } } };
		const now = { users: { [alice]: 100, [romeo]: -1, "@bob:hs.test": -1 } };
		await hs.push([hs.emit(room, alice, "m.room.power_levels", now, { state_key: "", unsigned })]);
		await acted("unmute paris Alice");
		expect(xmpp.sent.map(({ event }) => event).find(({ kind }) => kind === "moderation")).toMatchObject({
			also: [{ act: "mute", whom: { name: "romeo" } }],
		});
	});

	test("brings the ghost back where the other network refuses it, and the moderator reads why", async () => {
		const { hs, alice, xmpp } = world;
		xmpp.trouble = async ({ event }) => {
			if (event.kind === "moderation") throw new PermanentError("forbidden", "only moderators can.");
		};
		const kick = hs.member(room, romeo, "leave", alice);
		await hs.push([kick]);
		await becomes(romeo, "join");
		const told = room.timeline.filter(({ content }) => /only moderators can/.test(JSON.stringify(content)));
		expect(told.map(({ type, sender }) => `${type} ${sender}`)).toEqual([
			`com.beeper.message_send_status ${bot}`,
			`m.room.message ${bot}`,
		]);
		expect(told[1]?.content["m.relates_to"]).toEqual({ "m.in_reply_to": { event_id: kick.event_id } });
	});

	test("keeps the ghost out although the other network refuses it, if it is a ban", async () => {
		const { hs, alice, xmpp } = world;
		xmpp.trouble = async ({ event }) => {
			if (event.kind === "moderation") throw new PermanentError("forbidden", "only moderators can.");
		};
		await hs.push([hs.member(room, romeo, "ban", alice)]);
		await until(
			() => room.timeline.some(({ content }) => /only moderators can/.test(`${content.body}`)),
			() => "alice was not told",
		);
		await xmpp.say("verona", "romeo", "still here");
		await until(
			() => xmpp.refused.length === 1,
			() => "romeo was not told",
		);
		expect(room.members.get(romeo)).toBe("ban");
	});
});
