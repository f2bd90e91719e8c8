import { describe, expect, test } from "vitest";
import { PermanentError } from "../../../src/core/errors.ts";
import { type Hosting, personKey } from "../../../src/core/hosting.ts";
import type { NetworkName } from "../../../src/core/ids.ts";
import type { Person } from "../../../src/core/person.ts";
import { account } from "../../../src/xmpp/from-xmpp.ts";
import { createInvites } from "../../../src/xmpp/hosted/invites.ts";
import { isInvite } from "../../../src/xmpp/muc/invite-stanzas.ts";
import { errorReply, StanzaError } from "../../../src/xmpp/stanza-error.ts";
import { type Element, text, xml } from "../../../src/xmpp/stream/xml.ts";
import { alice, createWorld, facts, levels, lobby, mercutio, outcome, romeo } from "./queries/world.ts";

const user = "http://jabber.org/protocol/muc#user";
const stranger = "paris@verona.test/court";
const bob: Person = { ...alice, id: "@bob:hs.test" as Person["id"], address: ["bob"], name: "Bob" };

function world(options: Parameters<typeof createWorld>[0] = {}) {
	const invited: unknown[] = [];
	const left: unknown[] = [];
	const hosting: Partial<Hosting> = {
		invite: async (room, by, whom, reason) =>
			void invited.push([room, by.id, "id" in whom ? whom.id : whom, ...(reason ? [reason] : [])]),
		leave: async (room, { id }, reason) => void left.push([room, id, reason]),
		...options.hosting,
	};
	const one = createWorld({ known: { lobby: { kind: "room", facts: facts() } }, ...options, hosting });
	const bridge = one.context.bridge();
	const findPerson = async (_of: NetworkName, [who]: readonly string[]) => (who === "bob" ? bob : undefined);
	const invites = createInvites({ ...one.context, bridge: () => ({ ...bridge, findPerson }) });
	const message = (from: string, to: string, inside: Element) =>
		xml("message", { from, to, id: "m" }, inside);
	const take = async (stanza: Element) => {
		const answer = await invites.take(stanza);
		return answer && outcome(answer);
	};
	const through = (to: string | undefined, from = romeo, room = lobby) =>
		take(message(from, room, xml("x", { xmlns: user }, xml("invite", { to }, xml("reason", {}, "Come!")))));
	const declines = (to: string, from: string) =>
		take(
			message(from, lobby, xml("x", { xmlns: user }, xml("decline", { to }, xml("reason", {}, "No time")))),
		);
	const directly = (from: string, jid: string) =>
		take(message(from, "bob@bridge.test", xml("x", { xmlns: "jabber:x:conference", jid })));
	return { ...one, invites, invited, left, through, declines, directly };
}

describe("somebody in a room invites", () => {
	test("a Matrix person, who gets the invitation of their ghost", async () => {
		const { through, invited, sent } = world();
		expect(await through("bob@bridge.test")).toBeUndefined();
		expect(invited).toEqual([["!lobby:hs.test", "romeo@montague.test", ["bob"], "Come!"]]);
		expect(sent).toEqual([]);
	});

	test("a Matrix person by a direct invitation", async () => {
		const { directly, invited } = world();
		expect(await directly(romeo, lobby)).toBeUndefined();
		expect(invited).toEqual([["!lobby:hs.test", "romeo@montague.test", ["bob"]]]);
		expect(await directly(stranger, lobby)).toBe("cancel not-acceptable");
	});

	test("somebody on XMPP, who gets the invitation from the room", async () => {
		const { through, invited, sent } = world();
		expect(await through("paris@verona.test")).toBeUndefined();
		expect(invited).toEqual([]);
		const [message] = sent;
		expect(message!.attrs).toMatchObject({ from: lobby, to: "paris@verona.test" });
		const invite = message!.getChild("x", user)!.getChild("invite")!;
		expect(invite.attrs).toEqual({ from: "romeo@montague.test" });
		expect(text(invite, "reason")).toBe("Come!");
		expect(message!.getChild("x", "jabber:x:conference")!.attrs).toMatchObject({
			jid: lobby,
			reason: "Come!",
		});
	});

	/** A room by invitation, in which Romeo may invite. `client`: the answer to the question whether the account can be. */
	const byInvitation = (client: () => Promise<Element>) =>
		world({
			facts: facts({ entry: "invited", levels: levels({ [personKey(account(romeo))]: 50 }) }),
			client,
		});

	test("somebody on XMPP to a room by invitation: Matrix lets them in before they are asked", async () => {
		const { through, invited, sent } = byInvitation(async () => xml("iq", { type: "result" }));
		expect(await through("Paris@verona.test")).toBeUndefined();
		expect(invited).toEqual([["!lobby:hs.test", "romeo@montague.test", "paris@verona.test", "Come!"]]);
		expect(sent.map(({ attrs }) => attrs.to)).toEqual(["paris@verona.test"]);
	});

	test("nobody of a server that is not there, so that no ghost is made for them", async () => {
		const { through, invited, sent } = byInvitation(() =>
			Promise.reject(new StanzaError("remote-server-not-found", "cancel")),
		);
		expect(await through("paris@nowhere.test")).toBe("cancel item-not-found");
		expect([invited, sent]).toEqual([[], []]);
	});

	test("nobody who is not there, and nobody without an address", async () => {
		const { through, invited } = world();
		expect(await through("nobody@bridge.test")).toBe("cancel item-not-found");
		expect(await through("_mqtt_lamp@bridge.test")).toBe("cancel item-not-found");
		for (const to of [undefined, "verona.test", "par is@verona.test", "@verona.test"])
			expect(await through(to)).toBe("modify jid-malformed");
		expect(await through(mercutio)).toBe("cancel conflict");
		expect(invited).toEqual([]);
	});

	test("and is refused without the power, or by Matrix, or in a flood", async () => {
		const powerless = world({ facts: facts({ levels: levels({}, 0, 50) }) });
		expect(await powerless.through("bob@bridge.test")).toBe("auth forbidden");
		const refused = world({
			hosting: { invite: () => Promise.reject(new PermanentError("forbidden", "banned")) },
		});
		expect(await refused.through("bob@bridge.test")).toBe("cancel not-allowed");
		const { through, sent } = world();
		const outcomes = [];
		for (let n = 0; n < 30; n++) outcomes.push(await through(`paris${n}@verona.test`));
		expect(outcomes.filter((one) => one === "wait policy-violation")).toHaveLength(10);
		expect(sent).toHaveLength(20);
	});

	test("but nobody invites who is not in the room", async () => {
		const { through } = world();
		expect(await through("bob@bridge.test", stranger)).toBe("cancel not-acceptable");
		expect(await through("bob@bridge.test", "romeo@montague.test/phone")).toBe("cancel not-acceptable");
	});
});

describe("somebody on XMPP who declines", () => {
	test("gives the invitation back, and the one who invited reads the reason", async () => {
		const { declines, left, sent } = world();
		expect(await declines("romeo@montague.test", stranger)).toBeUndefined();
		expect(left).toEqual([["!lobby:hs.test", "paris@verona.test", "No time"]]);
		const [message] = sent;
		expect(message!.attrs).toMatchObject({ from: lobby, to: romeo });
		const answer = message!.getChild("x", user)!.getChild("decline")!;
		expect(answer.attrs).toEqual({ from: "paris@verona.test" });
		expect(text(answer, "reason")).toBe("No time");
	});

	test("reaches nobody who is not in the room, and does not leave a room that they are in", async () => {
		const { declines, left, sent } = world();
		expect(await declines("benvolio@montague.test", stranger)).toBeUndefined();
		expect(await declines("alice@bridge.test", stranger)).toBeUndefined();
		expect(await declines("romeo@montague.test", mercutio)).toBeUndefined();
		expect(left).toHaveLength(2);
		expect(sent).toEqual([]);
	});
});

test("an invitation that comes back as an error is told to the one who invited, and to nobody else", async () => {
	const { through, invites, sent } = world();
	await through("paris@verona.test");
	const [message] = sent.splice(0);
	const error = (from: string, id = message!.attrs.id) =>
		errorReply(xml("message", { from: lobby, to: from, id }), "cancel", "service-unavailable");
	expect(invites.takeError(error("tybalt@verona.test"))).toBe(false);
	expect(invites.takeError(error("paris@verona.test", "another"))).toBe(false);
	expect(invites.takeError(error("paris@verona.test"))).toBe(true);
	expect(invites.takeError(error("paris@verona.test"))).toBe(false);
	expect(sent.map((one) => [one.attrs.from, one.attrs.to, one.attrs.id, outcome(one)])).toEqual([
		[lobby, romeo, "m", "cancel service-unavailable"],
	]);
	expect(text(sent[0]!.getChild("error")!, "text")).toBe(
		"The invitation did not reach paris@verona.test: service-unavailable",
	);
});

test("a member whose clients are all away is reminded", async () => {
	const { through, invited, sent, room } = world({ facts: facts({ entry: "invited", levels: levels() }) });
	room.occupants.get("Mercutio")!.sessions.clear();
	expect(await through("mercutio@montague.test")).toBeUndefined();
	expect(invited).toEqual([]);
	expect(sent.map(({ attrs }) => attrs.to)).toEqual(["mercutio@montague.test"]);
});

test("the invitation of a Matrix person comes from the room, with their name", async () => {
	const { invites, sent } = world();
	await invites.bring(facts({ entry: "invited" }), account(stranger), alice, "Party");
	const [message] = sent;
	expect(message!.attrs).toMatchObject({ from: lobby, to: "paris@verona.test" });
	expect(message!.getChild("x", user)!.getChild("invite")!.attrs.from).toBe("alice@bridge.test");
	expect(text(message!, "body")).toBe("Alice 🎉 invites you to The Lobby (#lobby@bridge.test).");
	expect(message!.getChild("x", "jabber:x:conference")!.attrs).toMatchObject({ jid: lobby, reason: "Party" });
});

test("only messages with an invitation or an answer to one are taken for such", () => {
	const message = (...inside: Element[]) => xml("message", {}, inside);
	expect(isInvite(message(xml("x", { xmlns: user }, xml("invite"))))).toBe(true);
	expect(isInvite(message(xml("x", { xmlns: user }, xml("decline"))))).toBe(true);
	expect(isInvite(message(xml("x", { xmlns: user })))).toBe(false);
	expect(isInvite(message(xml("body", {}, "hi")))).toBe(false);
	const line = xml("message", { type: "groupchat" }, xml("x", { xmlns: user }, xml("invite")));
	expect(isInvite(line)).toBe(false);
});
