import { describe, expect, test } from "vitest";
import { inside, juliet, lobby, romeo } from "./world.ts";

const laptop = "romeo@montague.test/laptop";
const update = (jid: string, payloads: string, nick = "Romeo") =>
	`<presence from='${jid}' to='${lobby}/${nick}' id='p'>${payloads}</presence>`;

describe("a new status of a client", () => {
	test("is shown to all, with the payloads that it may have", async () => {
		const world = await inside();
		const forged = [
			"<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner' role='moderator'/><status code='110'/></x>",
			"<occupant-id xmlns='urn:xmpp:occupant-id:0' id='alice'/>",
			`<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='${lobby}'/>`,
			`<delay xmlns='urn:xmpp:delay' from='${lobby}' stamp='2020-01-01T00:00:00Z'/>`,
			"<hats xmlns='urn:xmpp:hats:0'><hat title='Owner'/></hats>",
			"<nick xmlns='http://jabber.org/protocol/nick'>Alice</nick>",
		].join("");
		const caps = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://x.test' ver='v'/>";
		world.take(update(romeo, `<show>dnd</show><status>busy</status>${caps}${forged}`));
		const [shown] = world.sent.filter(({ attrs }) => attrs.to === juliet);
		expect(shown?.getChildElements().map(({ name }) => name)).toEqual([
			"show",
			"status",
			"c",
			"x",
			"occupant-id",
		]);
		expect(shown?.getChild("occupant-id")?.attrs.id).not.toBe("alice");
		expect(world.got(juliet)).toEqual(["presence Romeo none/participant dnd"]);
		expect(world.got(romeo)).toEqual(["presence Romeo none/participant dnd 110"]);
	});

	test("is shown if the client is the most available one of its person, in a stable choice", async () => {
		const world = await inside();
		await world.join(laptop, "Romeo");
		world.take(update(romeo, "<show>away</show>"));
		// The laptop is available, so it stands for Romeo from now on.
		expect(world.got(juliet)).toEqual(["presence Romeo none/participant"]);
		world.take(update(romeo, "<show>xa</show>"));
		expect(world.got(juliet)).toEqual([]);
		world.take(update(laptop, "<priority>5</priority>"));
		world.take(update(romeo, ""));
		expect(world.got(juliet)).toEqual(["presence Romeo none/participant"]);
		world.take(update(laptop, "<show>xa</show>"));
		expect(world.got(juliet)).toEqual(["presence Romeo none/participant"]);
	});

	test("is shown at the end of a flood, and not in the middle of it", async () => {
		const world = await inside();
		for (let n = 0; n < 100; n++) world.take(update(romeo, `<status>${n}</status>`));
		world.take(update(romeo, "<show>away</show>"));
		expect(world.got(juliet)).toHaveLength(30);
		world.sweep();
		expect(world.got(juliet)).toEqual(["presence Romeo none/participant away"]);
		world.sweep();
		expect(world.got(juliet)).toEqual([]);
	});

	test("shows nothing of itself when it is too large", async () => {
		const world = await inside();
		world.take(update(romeo, `<status>${"x".repeat(20_000)}</status>`));
		expect(world.sent.every((one) => one.toString().length < 2_000)).toBe(true);
		expect(world.got(juliet)).toEqual(["presence Romeo none/participant"]);
	});

	test("from a client that has not joined is refused, so that it joins again", async () => {
		const world = await inside();
		world.take(update(laptop, "<show>away</show>"));
		expect(world.got(laptop)).toEqual(["presence error Romeo cancel/item-not-found"]);
		expect(world.got(juliet)).toEqual([]);
	});
});

describe("a probe", () => {
	const probe = (jid: string, nick: string) => `<presence from='${jid}' to='${lobby}/${nick}' type='probe'/>`;

	test("of an occupant is answered with the presence of the one that it asks for", async () => {
		const world = await inside();
		world.take(update(romeo, "<show>away</show>"));
		world.got(juliet);
		world.take(probe(juliet, "Romeo"));
		world.take(probe(juliet, "Alice"));
		expect(world.got(juliet)).toEqual([
			"presence Romeo none/participant away",
			"presence Alice none/participant",
		]);
	});

	test("of somebody who is not there, or by somebody who is not in, is refused", async () => {
		const world = await inside();
		world.take(probe(juliet, "Mercutio"));
		world.take(probe(laptop, "Romeo"));
		expect([...world.got(juliet), ...world.got(laptop)]).toEqual([
			"presence error Mercutio cancel/item-not-found",
			"presence error Romeo cancel/item-not-found",
		]);
	});
});

describe("a new nick of a client", () => {
	test("is shown to all as a change, and becomes the name of the ghost", async () => {
		const world = await inside();
		world.take(update(romeo, "<show>away</show>", "Montague"));
		await world.settle();
		expect(world.got(romeo)).toEqual([
			"presence unavailable Romeo none/participant →Montague 110 303",
			"presence Montague none/participant away 110",
		]);
		expect(world.got(juliet)).toEqual([
			"presence unavailable Romeo none/participant →Montague 303",
			"presence Montague none/participant away",
		]);
		expect(world.calls.at(-1)).toBe("rename romeo@montague.test Montague");
		expect(world.cursors.get(`xmpp session ${lobby} ${romeo}`)).toContain('"nick":"Montague"');
	});

	test("is refused for a while after many of them", async () => {
		const world = await inside();
		for (let n = 0; n < 16; n++) world.take(update(romeo, "", `Romeo the ${n}`));
		expect(world.got(romeo).at(-1)).toBe("presence error Romeo the 15 wait/resource-constraint");
		world.clock.at += 61_000;
		world.take(update(romeo, "", "Romeo the last"));
		expect(world.got(romeo).at(-1)).toBe("presence Romeo the last none/participant 110");
	});

	test.each([
		["Juliet", "cancel/conflict"],
		["jυliet", "cancel/conflict"],
		["Alice", "cancel/conflict"],
		[" ", "modify/jid-malformed"],
		["x".repeat(65), "modify/jid-malformed"],
	])("“%s” is refused with %s, and the old nick stays", async (nick, condition) => {
		const world = await inside();
		world.take(update(romeo, "", nick));
		expect(world.got(romeo)).toEqual([`presence error ${nick} ${condition}`]);
		world.take(update(romeo, "<show>away</show>"));
		expect(world.got(juliet)).toEqual(["presence Romeo none/participant away"]);
	});
});
