import { describe, expect, test } from "vitest";
import { TemporaryError } from "../../../../src/core/errors.ts";
import { verification } from "../../../../src/xmpp/iq/capabilities-hash.ts";
import { capabilities } from "../../../../src/xmpp/iq/index.ts";
import { StanzaError } from "../../../../src/xmpp/stanza-error.ts";
import { type Element, text, xml } from "../../../../src/xmpp/stream/xml.ts";
import { cellar, createWorld, facts, lobby, mercutio, outcome } from "./world.ts";

const INFO = "http://jabber.org/protocol/disco#info";
const stranger = "paris@verona.test/court";
const ping = () => xml("ping", { xmlns: "urn:xmpp:ping" });
const query = (xmlns: string, node?: string) => xml("query", { xmlns, node });
const known = { lobby: { kind: "room", facts: facts() } } as const;

describe("a self-ping (XEP-0410)", () => {
	test("gets a result for each client that has joined, and none is asked for it", async () => {
		const { ask, join, asked, looks } = createWorld({ known });
		join("romeo@montague.test/phone", "Romeo", cellar);
		expect(outcome(await ask(`${lobby}/Romeo`, ping()))).toBe("result");
		expect(outcome(await ask(`${cellar}/Romeo`, ping(), "romeo@montague.test/phone"))).toBe("result");
		expect([asked, looks]).toEqual([[], []]);
	});

	test("tells a client that has not joined so, also where another client of the person has", async () => {
		const { ask } = createWorld({ known });
		for (const from of [stranger, "romeo@montague.test/phone"])
			for (const nick of ["Romeo", "Paris"])
				expect(outcome(await ask(`${lobby}/${nick}`, ping(), from))).toBe("cancel not-acceptable");
		// A client that joined by another address of the room has not joined at this one.
		expect(outcome(await ask(`${cellar}/Romeo`, ping()))).toBe("cancel not-acceptable");
		expect(outcome(await ask(`#nowhere@bridge.test/Romeo`, ping()))).toBe("cancel not-acceptable");
	});

	test("to a nick that nobody has tells a client that it is in", async () => {
		const { ask } = createWorld();
		expect(outcome(await ask(`${lobby}/Paris`, ping()))).toBe("cancel item-not-found");
	});
});

describe("a query to a nick that nobody has", () => {
	test("is refused with the reason", async () => {
		const { ask } = createWorld();
		for (const payload of [ping(), query("jabber:iq:version"), query(INFO)]) {
			const answer = await ask(`${lobby}/Paris`, payload);
			expect(outcome(answer)).toBe("cancel item-not-found");
			expect(text(answer.getChild("error")!, "text")).toBe("Nobody in this room has this nick.");
		}
	});
});

describe("a Matrix person in a room", () => {
	const alice = `${lobby}/Alice`;

	test("answers a ping, and tells software and the bridge's time", async () => {
		const { ask, asked } = createWorld();
		expect(outcome(await ask(alice, ping()))).toBe("result");
		const version = (await ask(alice, query("jabber:iq:version"))).getChild("query")!;
		expect(text(version, "name")).toBe("Trivium");
		const time = (await ask(alice, xml("time", { xmlns: "urn:xmpp:time" }))).getChild("time")!;
		expect(text(time, "tzo")).toBe("+00:00");
		expect(outcome(await ask(alice, query("jabber:iq:last")))).toBe("cancel service-unavailable");
		expect(asked).toEqual([]);
	});

	test("has a vCard with name, address and profile", async () => {
		const { ask } = createWorld();
		const card = (await ask(alice, xml("vCard", { xmlns: "vcard-temp" }))).getChild("vCard")!;
		expect([text(card, "FN"), text(card, "JABBERID"), text(card, "URL")]).toEqual([
			"Alice 🎉",
			"alice@bridge.test",
			"https://people.test/@alice:hs.test",
		]);
	});

	test("answers disco with what the capabilities in the presences announce", async () => {
		const { ask, context } = createWorld();
		const { node, ver } = capabilities(context.software).attrs;
		const info = (await ask(alice, query(INFO, `${node}#${ver}`))).getChild("query")!;
		expect(verification(info)).toBe(ver);
	});

	test.each([
		"eu.siacs.conversations.axolotl.devicelist",
		"urn:xmpp:omemo:2:devices",
		"urn:xmpp:avatar:metadata",
	])("has no node %s", async (node) => {
		const { ask } = createWorld();
		const payload = xml("pubsub", { xmlns: "http://jabber.org/protocol/pubsub" }, xml("items", { node }));
		expect(outcome(await ask(alice, payload))).toBe("cancel item-not-found");
	});

	test("is not told to one who has not joined", async () => {
		const { ask } = createWorld({ known });
		expect(outcome(await ask(alice, query(INFO), stranger))).toBe("modify bad-request");
		expect(outcome(await ask(alice, xml("vCard", { xmlns: "vcard-temp" }), stranger))).toBe(
			"cancel not-acceptable",
		);
	});
});

describe("a query from one XMPP person to another", () => {
	const answering = (...children: Element[]) => {
		return async ({ attrs: { from, to, id } }: Element) =>
			xml("iq", { type: "result", from: to, to: from, id }, children);
	};

	test("comes from the asker's nick, and its answer from the nick that was asked", async () => {
		const { ask, asked } = createWorld({ client: answering(xml("query", { xmlns: INFO }, xml("identity"))) });
		const answer = await ask(`${lobby}/Mercutio`, query(INFO));
		expect(asked.map(({ attrs }) => attrs)).toEqual([{ type: "get", from: `${lobby}/Romeo`, to: mercutio }]);
		expect(answer.getChild("query", INFO)!.getChild("identity")).toBeDefined();
	});

	test("comes from the address by which the one who is asked has joined", async () => {
		const { ask, asked, join } = createWorld({ client: answering() });
		join("paris@verona.test/court", "Paris", cellar);
		await ask(`${lobby}/Paris`, ping());
		expect(asked[0]!.attrs).toMatchObject({ from: `${cellar}/Romeo`, to: "paris@verona.test/court" });
	});

	test.each([
		["vCard", "vcard-temp"],
		["pubsub", "http://jabber.org/protocol/pubsub"],
	])("for the %s goes to the server of the person", async (name, xmlns) => {
		const { ask, asked } = createWorld({ client: answering() });
		expect(outcome(await ask(`${lobby}/Mercutio`, xml(name, { xmlns })))).toBe("result");
		expect(asked[0]!.attrs.to).toBe("mercutio@montague.test");
	});

	test("gets the error of the other client, and one of its own without an answer", async () => {
		const failing = (error: Error) =>
			createWorld({ client: () => Promise.reject(error) }).ask(`${lobby}/Mercutio`, ping());
		expect(outcome(await failing(new StanzaError("feature-not-implemented", "cancel")))).toBe(
			"cancel feature-not-implemented",
		);
		expect(outcome(await failing(new TemporaryError("no answer")))).toBe("wait remote-server-timeout");
	});

	test("waits with at most 50 others of the same client", async () => {
		const client = Promise.withResolvers<Element>();
		const { ask, asked } = createWorld({ client: () => client.promise });
		const answers = Array.from({ length: 60 }, () => ask(`${lobby}/Mercutio`, ping()));
		expect(asked).toHaveLength(50);
		client.resolve(xml("iq", { type: "result" }));
		const outcomes = (await Promise.all(answers)).map(outcome);
		expect(outcomes.filter((one) => one === "result")).toHaveLength(50);
		expect(outcomes.filter((one) => one === "wait resource-constraint")).toHaveLength(10);
		expect(outcome(await ask(`${lobby}/Mercutio`, ping()))).toBe("result");
	});

	test("to somebody whose clients are all away is refused for now", async () => {
		const { ask, room } = createWorld();
		room.occupants.get("Mercutio")!.sessions.clear();
		expect(outcome(await ask(`${lobby}/Mercutio`, ping()))).toBe("wait recipient-unavailable");
	});
});
