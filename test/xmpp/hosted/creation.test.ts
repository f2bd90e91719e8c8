import { beforeEach, describe, expect, test } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { text } from "../../../src/xmpp/stream/xml.ts";
import { until } from "../../fakes.ts";
import { component, facts, type HostedWorld, hostedWorld, join, juliet, matrix, romeo } from "./world.ts";

const verona = `verona@${component}`;
let world: HostedWorld;

beforeEach(async () => {
	world = hostedWorld();
	world.source.makes = true;
	world.source.look = async () => undefined;
	await world.start();
});
const owner = (child: string, from = romeo, type = "set") =>
	`<iq type='${type}' from='${from}' to='${verona}' id='o'><query xmlns='http://jabber.org/protocol/muc#owner'>${child}</query></iq>`;
const form = (type: string) => `<x xmlns='jabber:x:data' type='${type}'/>`;
async function asks(iq: string): Promise<string> {
	const answer = await world.conversation.iq(world.parsed(iq));
	return `${answer?.attrs.type} ${answer?.getChild("error")?.getChildElements()[0]?.name ?? ""}`.trim();
}

describe("a room that somebody makes by a join", () => {
	test("belongs to its maker, and nobody else finds it", async () => {
		await world.join(romeo, "Romeo", verona);
		expect(world.got(romeo)).toEqual(["presence Romeo owner/moderator 100 110 170 201", "message subject "]);
		await world.join(juliet, "Juliet", verona);
		expect(world.got(juliet)).toEqual(["presence error Juliet cancel/item-not-found"]);
		expect(await asks(owner("", juliet, "get"))).toBe("error item-not-found");
		expect(await asks(owner("", romeo, "get"))).toBe("result");
	});

	test("is told to its maker once it is on disk, so that a kill leaves nobody in a room that is gone", async () => {
		const { promise, resolve } = Promise.withResolvers<void>();
		world.disk.stalled = promise;
		await world.join(romeo, "Romeo", verona);
		expect(world.got(romeo)).toEqual([]);
		resolve();
		await world.settle();
		expect(world.got(romeo)).toContain("presence Romeo owner/moderator 100 110 170 201");
	});

	test("shows its client what it asks for, and lets it change its status", async () => {
		await world.join(romeo, "Romeo", verona);
		world.got(romeo);
		world.take(`<presence from='${romeo}' to='${verona}/Romeo'><show>away</show></presence>`);
		world.take(`<presence from='${romeo}' to='${verona}/Montague'/>`);
		await world.settle();
		expect(world.got(romeo).sort()).toEqual([
			"presence Romeo owner/moderator away 110",
			"presence error Montague cancel/not-acceptable",
		]);
		const ping = (to: string) =>
			`<iq type='get' from='${romeo}' to='${to}' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`;
		expect(await asks(ping(`${verona}/Romeo`))).toBe("result");
		expect(await asks(ping(`${verona}/Juliet`))).toBe("error item-not-found");
		const about = `<iq type='get' from='${romeo}' to='${verona}' id='i'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`;
		expect(await asks(about)).toBe("result");
	});

	test("is no more after a cancelled form, a leave, or ten minutes", async () => {
		await world.join(romeo, "Romeo", verona);
		expect(await asks(owner(form("cancel")))).toBe("result");
		await world.join(romeo, "Romeo", verona);
		world.take(`<presence type='unavailable' from='${romeo}' to='${verona}/Romeo'/>`);
		await world.join(romeo, "Romeo", verona);
		world.clock.at += 11 * 60_000;
		world.sweep();
		await world.settle();
		const ends = world.got(romeo).filter((one) => one.startsWith("presence unavailable"));
		expect(ends).toEqual([
			"presence unavailable Romeo none/none destroyed 110",
			"presence unavailable Romeo owner/none 110",
			"presence unavailable Romeo none/none destroyed 110",
		]);
		await world.join(juliet, "Juliet", verona);
		expect(world.got(juliet)[0]).toContain("201");
	});

	test("stays locked if the source does not make it", async () => {
		await world.join(romeo, "Romeo", verona);
		expect(await asks(owner(form("submit")))).toBe("error remote-server-timeout");
		expect(await asks(owner("", romeo, "get"))).toBe("result");
	});

	test("has its client in, if that left and came back while the room was being made", async () => {
		await world.join(romeo, "Romeo", verona);
		const made = Promise.withResolvers<typeof facts>();
		Object.assign(world.bridge.views.source(matrix), { create: () => made.promise });
		const answer = asks(owner(form("submit")));
		await world.settle();
		world.take(`<presence type='unavailable' from='${romeo}' to='${verona}/Romeo'/>`);
		await world.join(romeo, "Romeo", verona);
		made.resolve({ ...facts, made: true });
		expect(await answer).toBe("result");
		await world.settle();
		expect(world.calls).not.toContain("leave romeo@montague.test");
		expect(world.stored()).toHaveLength(1);
	});

	test("takes no message before it is made, and says so", async () => {
		await world.join(romeo, "Romeo", verona);
		world.sent.length = 0;
		world.take(`<message type='groupchat' from='${romeo}' to='${verona}' id='m'><body>hi</body></message>`);
		await world.settle();
		const [answer] = world.sent;
		expect([answer?.attrs.id, answer?.attrs.type, world.told]).toEqual(["m", "error", []]);
		expect(text(answer!.getChild("error")!, "text")).toMatch(/^This room is being made/);
	});

	const interrupted =
		"presence unavailable Romeo none/none (The bridge lost the link to your client. Join again.) 110 333";

	test("is no more after a kill of the bridge, and its client makes it anew", async () => {
		await world.join(romeo, "Romeo", verona);
		const next = hostedWorld();
		Object.assign(next.source, { makes: true, look: world.source.look });
		for (const [key, value] of world.cursors) next.cursors.set(key, value);
		await next.start();
		next.conversation.online();
		await next.settle();
		expect(next.got(romeo)).toEqual([interrupted]);
		expect(next.stored()).toEqual([]);
		await next.join(romeo, "Romeo", verona);
		expect(next.got(romeo)[0]).toContain("201");
		await next.conversation.stop();
		expect(next.stored()).toEqual([]);
	});

	test("is made to its end at its address by the next run, if the bridge was killed while it was being made", async () => {
		await world.join(romeo, "Romeo", verona);
		const begun: unknown[] = [];
		Object.assign(world.bridge.views.source(matrix), {
			create: (...how: unknown[]) => {
				begun.push(how);
				return new Promise(() => undefined);
			},
		});
		void asks(owner(form("submit")));
		await world.settle();
		const next = hostedWorld();
		Object.assign(next.source, { makes: true });
		for (const [key, value] of world.cursors) next.cursors.set(key, value);
		const again: unknown[] = [];
		const made = Promise.withResolvers<typeof facts>();
		Object.assign(next.bridge.views.source(matrix), {
			create: (...how: unknown[]) => {
				again.push(how);
				return again.length === 1 ? Promise.reject(new TemporaryError("away")) : made.promise;
			},
		});
		await next.start();
		next.conversation.online();
		await next.join(romeo, "Romeo", verona);
		expect(next.got(romeo).at(-1)).toBe("presence error Romeo wait/remote-server-timeout");
		made.resolve({ ...facts, made: true });
		await until(
			() => ![...next.cursors.keys()].some((key) => key.startsWith("xmpp making")),
			() => [...next.cursors.keys()].join(),
		);
		expect(again).toEqual([begun[0], begun[0]]);
		next.got(romeo);
		await next.join(romeo, "Romeo", verona);
		expect(next.got(romeo).at(-1)).toBe("message subject Welcome");
		expect(next.cursors.get(`xmpp alias ${verona}`)).toBe(facts.id);
	});

	test("is no more after a break of the link to the XMPP server", async () => {
		await world.join(romeo, "Romeo", verona);
		world.got(romeo);
		world.conversation.offline();
		await world.join(juliet, "Juliet", verona);
		expect(world.got(juliet)[0]).toContain("201");
		world.conversation.online();
		await world.settle();
		expect(world.got(romeo)).toEqual([interrupted]);
	});

	test("is refused where the policy makes none, and beyond ten at once", async () => {
		for (let n = 0; n < 10; n++) await world.join(romeo, "Romeo", `verona${n}@${component}`);
		world.got(romeo);
		await world.join(romeo, "Romeo", verona);
		expect(world.got(romeo)).toEqual(["presence error Romeo wait/resource-constraint"]);
		world.source.makes = false;
		expect(world.conversation.claims(world.parsed(join(juliet, "Juliet", verona)))).toBe(false);
		await world.join(juliet, "Juliet", `#verona@${component}`);
		expect(world.got(juliet)).toEqual(["presence error Juliet cancel/item-not-found"]);
	});
});
