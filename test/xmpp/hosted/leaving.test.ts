import { describe, expect, test } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import type { Person } from "../../../src/core/person.ts";
import {
	alice,
	facts,
	type HostedWorld,
	hostedWorld,
	inside,
	juliet,
	lobby,
	matrix,
	romeo,
	view,
	xmppPerson,
} from "./world.ts";

const laptop = "romeo@montague.test/laptop";
const leave = (jid: string, nick: string, status = "") =>
	`<presence from='${jid}' to='${lobby}/${nick}' type='unavailable' id='bye'>${status && `<status>${status}</status>`}</presence>`;

describe("the leave of a client", () => {
	test("is told to all, and takes the person out of a room that is open to everybody", async () => {
		const world = await inside();
		world.take(leave(romeo, "Romeo", "see you"));
		await world.settle();
		expect(world.got(romeo)).toEqual(["presence unavailable Romeo none/none (see you) 110"]);
		expect(world.got(juliet)).toEqual(["presence unavailable Romeo none/none (see you)"]);
		expect(world.calls.at(-1)).toBe("leave romeo@montague.test");
		expect(world.stored()).toEqual([`xmpp session ${lobby} ${juliet}`]);
		// The echo of the leave is no news.
		const person = xmppPerson(romeo, "Romeo");
		world.happens(person, { kind: "member", person, now: "out" });
		expect(world.got(juliet)).toEqual([]);
	});

	test("from one of several clients keeps the person in, and shows another client", async () => {
		const world = await inside();
		await world.join(laptop, "Romeo");
		world.got(laptop);
		world.take(leave(romeo, "Romeo"));
		expect(world.got(romeo)).toEqual(["presence unavailable Romeo none/none 110"]);
		expect(world.got(laptop)).toEqual(["presence Romeo none/participant 110"]);
		expect(world.got(juliet)).toEqual(["presence Romeo none/participant"]);
		expect(world.calls.some((call) => call.startsWith("leave"))).toBe(false);
	});

	test("means nothing before the client has joined", async () => {
		const world = await inside();
		world.take(leave(laptop, "Romeo"));
		expect([...world.got(laptop), ...world.got(juliet)]).toEqual([]);
	});

	test("is not overtaken by a join behind it, nor ended by the echo of it", async () => {
		const world = await inside();
		const slow = Promise.withResolvers<undefined>();
		world.source.leave = () => slow.promise;
		world.take(leave(romeo, "Romeo"));
		await world.join(romeo, "Romeo");
		expect(world.calls.slice(-1)).toEqual(["leave romeo@montague.test"]);
		slow.resolve(undefined);
		await world.settle();
		expect(world.calls.slice(-2)).toEqual(["leave romeo@montague.test", "enter romeo@montague.test Romeo"]);
		const person = xmppPerson(romeo, "Romeo");
		world.happens(person, { kind: "member", person, now: "out" });
		world.happens(person, { kind: "member", person, now: "in" });
		expect(world.got(romeo).at(-1)).toBe("message subject Welcome");
		expect(world.got(juliet)).toEqual([
			"presence unavailable Romeo none/none",
			"presence Romeo none/participant",
		]);
	});

	test("is tried again while the homeserver is away", async () => {
		const world = await inside();
		world.source.leave = () => Promise.reject(new TemporaryError("away"));
		world.take(leave(romeo, "Romeo"));
		await world.settle();
		world.source.leave = async () => undefined;
		world.clock.at += 31_000;
		world.sweep();
		await world.settle();
		expect(world.calls.filter((call) => call === "leave romeo@montague.test")).toHaveLength(2);
		world.clock.at += 31_000;
		world.sweep();
		await world.settle();
		expect(world.calls.filter((call) => call === "leave romeo@montague.test")).toHaveLength(2);
	});

	test("ends what is known of a room with nobody of ours in it, since its source tells us no more", async () => {
		const world = await inside();
		for (const [jid, nick] of [
			[romeo, "Romeo"],
			[juliet, "Juliet"],
		] as const)
			world.take(leave(jid, nick));
		await world.settle();
		world.source.members = [];
		await world.join(romeo, "Romeo");
		expect(world.got(romeo).slice(1)).toEqual([
			"presence Romeo none/participant 100 110 170",
			"message subject Welcome",
		]);
	});

	test("is carried out by the next run of the bridge if this one is killed before", async () => {
		const world = await inside();
		world.source.leave = () => new Promise(() => undefined);
		world.take(leave(romeo, "Romeo"));
		await world.settle();
		const next = hostedWorld(world.source.members);
		for (const [key, value] of world.cursors) next.cursors.set(key, value);
		await next.start();
		next.clock.at += 11 * 60_000;
		next.sweep();
		await next.settle();
		expect(next.calls).toContain("leave romeo@montague.test");
	});
});

describe("a person without clients", () => {
	test("is followed by the room for ten minutes, which is read again after that", async () => {
		const world = hostedWorld();
		world.source.facts = { ...facts, entry: "invited" };
		await world.start();
		await world.join(romeo, "Romeo");
		world.take(leave(romeo, "Romeo"));
		await world.settle();
		world.happens(alice, { kind: "member", person: alice, now: "out" });
		await world.join(romeo, "Romeo");
		expect(world.calls.filter((call) => call === "view")).toHaveLength(1);
		expect(world.got(romeo).slice(4)).toEqual([
			"presence Romeo member/participant 100 110 170",
			"message subject Welcome",
		]);
		world.take(leave(romeo, "Romeo"));
		world.clock.at += 11 * 60_000;
		world.sweep();
		await world.settle();
		await world.join(romeo, "Romeo");
		expect(world.calls.filter((call) => call === "view")).toHaveLength(2);
	});

	test("stays in a room for the invited, and is shown as away", async () => {
		const world = hostedWorld();
		world.source.facts = { ...facts, entry: "invited" };
		await world.start();
		await world.join(romeo, "Romeo");
		await world.join(juliet, "Juliet");
		world.got(juliet);
		world.take(leave(romeo, "Romeo"));
		await world.settle();
		expect(world.got(juliet)).toEqual(["presence Romeo member/participant away"]);
		expect(world.calls.some((call) => call.startsWith("leave"))).toBe(false);
	});
});

/** Returns a world with a temporary room, and the rooms that have ended. */
function withTemporaryRoom() {
	const world = hostedWorld();
	const ended: string[] = [];
	Object.assign(world.bridge.views, { close: async () => undefined });
	Object.assign(world.bridge.views.source(matrix), {
		destroy: async (room: string) => void ended.push(room),
	});
	world.source.facts = { ...facts, made: true };
	world.cursors.set(`xmpp settings ${view}`, JSON.stringify({ temporary: true }));
	return { world, ended };
}

test.each(["leaves", "is removed"])("a temporary room ends when the last client %s", async (how) => {
	const { world, ended } = withTemporaryRoom();
	await world.start();
	await world.join(romeo, "Romeo");
	await world.join(juliet, "Juliet");
	const remove = (person: Person) => world.happens(alice, { kind: "member", person, now: "out", by: alice });
	remove(xmppPerson(juliet, "Juliet"));
	await world.settle();
	expect(ended).toEqual([]);
	if (how === "leaves") world.take(leave(romeo, "Romeo"));
	else remove(xmppPerson(romeo, "Romeo"));
	await world.settle();
	expect(ended).toEqual([facts.room]);
});

/** Lets so many minutes go by. */
async function minutes(world: HostedWorld, n: number): Promise<void> {
	world.clock.at += n * 60_000;
	world.sweep();
	await world.settle();
}

test("the ten minutes in which people may come back do not begin before the link is up again", async () => {
	const { world, ended } = withTemporaryRoom();
	await world.start();
	await world.join(romeo, "Romeo");
	world.conversation.offline();
	await minutes(world, 30);
	world.conversation.online();
	await minutes(world, 9);
	expect(ended).toEqual([]);
	await minutes(world, 2);
	expect(ended).toEqual([facts.room]);
	await world.conversation.stop();
});

test("a temporary room ends ten minutes after a break of the link, when nobody can come back any more", async () => {
	const { world, ended } = withTemporaryRoom();
	const breaks = async () => {
		world.conversation.offline();
		world.conversation.online();
		await world.settle();
	};
	await world.start();
	await world.join(romeo, "Romeo");
	await world.join(juliet, "Juliet");
	await breaks();
	await world.join(juliet, "Juliet");
	await minutes(world, 6);
	await breaks();
	await minutes(world, 5);
	expect(world.calls.filter((call) => call.startsWith("leave"))).toEqual(["leave romeo@montague.test"]);
	expect(ended).toEqual([]);
	await minutes(world, 6);
	expect(ended).toEqual([facts.room]);
	await world.conversation.stop();
});
