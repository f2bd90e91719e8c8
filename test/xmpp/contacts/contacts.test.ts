import { describe, expect, test, vi } from "vitest";
import type { RoomId } from "../../../src/core/ids.ts";
import { type Element, xml } from "../../../src/xmpp/stream/xml.ts";
import { eventually } from "../../eventually.ts";
import { alice, person } from "../joined/muc-world.ts";
import { component, contactsOf, hashOf } from "./world.ts";

const romeo = "romeo@x.test";
const ghost = `alice@${component}`;
const pair = `${romeo} ${ghost}` as RoomId;
const presence = (type: string | undefined, from = romeo, inside: readonly Element[] = []) =>
	xml("presence", { type, from, to: ghost }, ...inside);
const says = ({ attrs: { type = "available", to } }: Element) => `${type} to ${to}`;
const words = (all: readonly Element[]) => all.map(says);
const grant = (type: string, from = "x.test") =>
	xml(
		"message",
		{ from, to: component },
		xml("privilege", { xmlns: "urn:xmpp:privilege:2" }, xml("perm", { access: "roster", type })),
	);

/** Resolves when the contacts have been looked after. */
const settled = async () => {
	for (let n = 0; n < 20; n++) await new Promise((resolve) => setTimeout(resolve, 0));
};

describe("a subscription", () => {
	test("is granted, and the ghost asks for one in return", async () => {
		const { contacts } = contactsOf();
		expect(words(await contacts.presence(presence("subscribe")))).toEqual([
			`subscribed to ${romeo}`,
			`subscribe to ${romeo}`,
		]);
	});

	test("of an account that was made anew finds the ghost asking again, and a loop of two bridges an end", async () => {
		const { contacts } = contactsOf();
		const answers: string[] = [];
		for (let n = 0; n < 10; n++) {
			answers.push(...words(await contacts.presence(presence("subscribe"))));
			await contacts.presence(presence("subscribed"));
		}
		expect(answers.filter((one) => one.startsWith("subscribe "))).toHaveLength(2);
		expect(answers.filter((one) => one.startsWith("subscribed "))).toHaveLength(10);
	});

	test("of somebody who may not write to the person is refused and not remembered", async () => {
		const { contacts, cursors } = contactsOf({ mayReach: async () => false });
		expect(words(await contacts.presence(presence("subscribe")))).toEqual([`unsubscribed to ${romeo}`]);
		expect(words(await contacts.presence(presence("probe")))).toEqual([`unsubscribed to ${romeo}`]);
		expect([...cursors]).toEqual([]);
	});

	test("is not asked for again when the account refuses it, not after a restart either", async () => {
		const first = contactsOf();
		first.contacts.online();
		first.chat(romeo, alice, true);
		await eventually(() => expect(words(first.wire)).toEqual([`subscribe to ${romeo}`]));
		await first.contacts.presence(presence("unsubscribed"));
		expect(first.told.map((one) => one.kind === "message" && one.text)).toEqual([
			"This person does not let you see whether they are online. You can write to each other all the same.",
		]);
		const next = contactsOf({ cursors: first.cursors });
		await next.contacts.load();
		next.contacts.online();
		next.chat(romeo, alice, true);
		next.chat("mercutio@x.test", alice, true);
		await eventually(() => expect(words(next.wire)).toEqual(["subscribe to mercutio@x.test"]));
		// An account that adds the contact anew wants it after all.
		expect(words(await next.contacts.presence(presence("subscribe")))).toContain(`subscribe to ${romeo}`);
	});

	test("is asked for only where the person of the ghost has opened the chat", async () => {
		const { contacts, chat, wire } = contactsOf();
		contacts.online();
		chat(romeo, alice);
		chat("mercutio@x.test", alice, true);
		await eventually(() => expect(words(wire)).toEqual(["subscribe to mercutio@x.test"]));
	});

	test("is asked for when the link is up, if the chat was opened without one", async () => {
		const { contacts, chat, wire } = contactsOf();
		chat(romeo, alice, true);
		expect(wire).toEqual([]);
		contacts.online();
		await eventually(() => expect(words(wire)).toEqual([`subscribe to ${romeo}`]));
	});

	test("ends with the chat, on both sides", async () => {
		const { contacts, chat, wire } = contactsOf();
		contacts.online();
		chat(romeo, alice, true);
		await eventually(() => expect(wire).toHaveLength(1));
		await contacts.presence(presence("subscribe"));
		await contacts.presence(presence("subscribed"));
		wire.length = 0;
		await contacts.detach(pair);
		expect(words(wire)).toEqual(
			expect.arrayContaining([`unsubscribe to ${romeo}`, `unsubscribed to ${romeo}`]),
		);
	});
});

test("the oldest contacts are forgotten past the bound, on disk, too, and a probe brings one back", async () => {
	const { contacts, cursors } = contactsOf({ bound: { most: 3, bytes: 1_000_000 } });
	const accounts = ["a", "b", "c", "d"].map((name) => `${name}@x.test`);
	for (const one of accounts) await contacts.presence(presence("subscribe", one));
	const kept = () => [...cursors.keys()].map((key) => key.split(" ")[2]);
	expect(kept()).toEqual(accounts.slice(1));
	await contacts.presence(presence("probe", accounts[0]));
	expect(kept()).toEqual([...accounts.slice(2), accounts[0]]);
});

test("a flood of subscriptions from one domain is answered, and noted up to a bound", async () => {
	const { contacts, cursors } = contactsOf();
	const answers: Element[] = [];
	for (let n = 0; n < 1_100; n++)
		answers.push(...(await contacts.presence(presence("subscribe", `troll${n}@x.test`))));
	expect(answers.filter(({ attrs }) => attrs.type === "subscribed")).toHaveLength(1_100);
	expect(cursors.size).toBeLessThan(1_010);
	await contacts.presence(presence("subscribe", "romeo@y.test"));
	expect([...cursors.keys()].at(-1)).toContain("romeo@y.test");
});

describe("the presence of a person", () => {
	async function subscribed() {
		const world = contactsOf();
		world.there.set("alice", { show: "away", status: "at lunch" });
		world.contacts.online();
		world.chat(romeo, alice);
		await world.contacts.presence(presence("subscribe"));
		return world;
	}
	const shown = (stanza: Element | undefined) => [
		stanza?.attrs.type ?? stanza?.getChild("show")?.getText() ?? "available",
		stanza?.getChild("status")?.getText(),
	];

	test("answers the probe of a partner, with the features of the ghost", async () => {
		const { contacts } = await subscribed();
		const [answer] = await contacts.presence(presence("probe", `${romeo}/phone`));
		expect(answer?.attrs).toMatchObject({ from: `${ghost}/trivium`, to: `${romeo}/phone` });
		expect(shown(answer)).toEqual(["away", "at lunch"]);
		expect(answer?.getChild("c", "http://jabber.org/protocol/caps")).toBeDefined();
	});

	test("follows its changes, each of which is sent once", async () => {
		const { contacts, wire } = await subscribed();
		await settled();
		wire.length = 0;
		await contacts.signal(pair, { show: "busy" });
		await contacts.signal(pair, { show: "busy" });
		await contacts.signal(pair, { show: "offline" });
		expect(wire.map((one) => shown(one)[0])).toEqual(["dnd", "unavailable"]);
	});

	test("names the picture of the person once it was read, and a new one when it changes", async () => {
		const { contacts, wire } = await subscribed();
		const photos = () =>
			wire.flatMap((one) => one.getChild("x", "vcard-temp:x:update")?.getChild("photo")?.getText() ?? []);
		for (const ref of ["mxc://hs/one", "mxc://hs/two"]) {
			contacts.met(pair, { ...alice, avatar: { network: alice.network, ref } });
			await eventually(() => expect(photos().at(-1)).toBe(hashOf(ref)));
		}
		contacts.met(pair, { ...alice, avatar: null });
		await eventually(() => expect(photos().at(-1)).toBe(""));
	});

	test("is shown to no account without a subscription, and to none that has ended it", async () => {
		const { contacts, chat, wire } = contactsOf();
		contacts.online();
		chat(romeo, alice);
		await contacts.signal(pair, { show: "online" });
		expect(wire).toEqual([]);
		await contacts.presence(presence("subscribe"));
		await contacts.presence(presence("unsubscribe"));
		await contacts.signal(pair, { show: "away" });
		expect(wire.filter(({ attrs }) => attrs.type === undefined)).toEqual([]);
	});

	test("is not shown to a stranger whom the person has no chat with", async () => {
		const { contacts, there } = contactsOf();
		there.set("alice", { show: "online" });
		const answers = [
			...(await contacts.presence(presence("subscribe"))),
			...(await contacts.presence(presence("probe"))),
		];
		expect(answers.filter(({ attrs }) => attrs.type === undefined)).toEqual([]);
	});

	test("is not shown to an account that was blocked since", async () => {
		let blocked = false;
		const { contacts, chat, wire } = contactsOf({ mayReach: async () => !blocked });
		contacts.online();
		chat(romeo, alice);
		await contacts.presence(presence("subscribe"));
		blocked = true;
		await contacts.signal(pair, { show: "online" });
		expect(wire.filter(({ attrs }) => attrs.type === undefined)).toEqual([]);
	});

	test("is taken back when the bridge stops", async () => {
		const { contacts, wire } = await subscribed();
		await settled();
		wire.length = 0;
		await contacts.stop();
		expect(words(wire)).toEqual([`unavailable to ${romeo}`]);
	});
});

describe("the presence of an account", () => {
	const show = (text: string, priority = "0") => [
		xml("show", {}, text),
		xml("priority", {}, priority),
		xml("status", {}, `on ${text}`),
	];

	test("is that of its client with the highest priority, and each news of it is told once", async () => {
		const { contacts, chat, signals } = contactsOf();
		chat(romeo, alice);
		await contacts.presence(presence(undefined, `${romeo}/desk`, show("dnd")));
		await contacts.presence(presence(undefined, `${romeo}/phone`, show("away", "5")));
		await contacts.presence(presence(undefined, `${romeo}/phone`, show("away", "5")));
		await contacts.presence(presence("unavailable", `${romeo}/phone`));
		await contacts.presence(presence("unavailable", `${romeo}/desk`));
		expect(signals.map((one) => one.kind === "presence" && [one.sender.id, one.show, one.status])).toEqual([
			[romeo, "busy", "on dnd"],
			[romeo, "away", "on away"],
			[romeo, "busy", "on dnd"],
			[romeo, "offline", undefined],
		]);
	});

	test("is told once, however many ghosts get it", async () => {
		const { contacts, chat, signals } = contactsOf();
		for (const who of ["alice", "bob", "carol"]) {
			chat(romeo, person(who));
			await contacts.presence(xml("presence", { from: `${romeo}/desk`, to: `${who}@${component}` }));
		}
		expect(signals).toHaveLength(1);
	});

	test("of which no chat of two knows is none of anybody's business", async () => {
		const { contacts, signals } = contactsOf();
		await contacts.presence(presence(undefined, `${romeo}/desk`));
		expect(signals).toEqual([]);
	});

	test("is asked for again after the link broke, and told as offline if no server says otherwise", async () => {
		vi.useFakeTimers();
		const { contacts, chat, signals, wire } = contactsOf();
		contacts.online();
		chat(romeo, alice, true);
		await vi.advanceTimersByTimeAsync(100);
		await contacts.presence(presence("subscribed"));
		await contacts.presence(presence(undefined, `${romeo}/desk`));
		contacts.offline();
		wire.length = 0;
		contacts.online();
		await vi.advanceTimersByTimeAsync(1_000);
		expect(words(wire)).toEqual([`probe to ${romeo}`]);
		expect(signals).toHaveLength(1);
		await vi.advanceTimersByTimeAsync(20_000);
		vi.useRealTimers();
		expect(signals.map((one) => one.kind === "presence" && one.show)).toEqual(["online", "offline"]);
	});
});

describe("the roster of an account whose server lets the bridge write it", () => {
	/** Returns contacts whose server keeps this roster. */
	function granted(cursors = new Map<string, string>()) {
		const roster = new Map<string, Element>();
		let writes = 0;
		const world = contactsOf({
			cursors,
			iq: async (request) => {
				const item = request.getChild("query")?.getChild("item");
				if (request.attrs.type === "set" && item) {
					writes++;
					if (item.attrs.subscription === "remove") roster.delete(item.attrs.jid ?? "");
					else roster.set(item.attrs.jid ?? "", item);
				}
				return xml(
					"iq",
					{ type: "result" },
					xml("query", { xmlns: "jabber:iq:roster" }, [...roster.values()]),
				);
			},
		});
		world.contacts.online();
		world.contacts.granted(grant("both"));
		const look = () => {
			const item = roster.get(ghost);
			return item && [item.attrs.name, item.attrs.subscription, item.getChild("group")?.getText()];
		};
		return { ...world, roster, look, writes: () => writes };
	}
	test("gets an item for the partner of a chat, which follows the name and goes with the chat", async () => {
		const { contacts, chat, look, wire } = granted();
		chat(romeo, alice);
		await eventually(() => expect(look()).toEqual(["Alice", "both", "Matrix"]));
		// No request of the ghost is left for the person to answer.
		expect(words(wire)).not.toContain(`subscribe to ${romeo}`);
		contacts.met(pair, { ...alice, name: "Alice of Verona" });
		await eventually(() => expect(look()).toEqual(["Alice of Verona", "both", "Matrix"]));
		await contacts.detach(pair);
		expect(look()).toBeUndefined();
	});

	test("keeps the name and the groups that the person chose", async () => {
		const { contacts, chat, look, roster } = granted();
		roster.set(
			ghost,
			xml("item", { jid: ghost, name: "my love", subscription: "none" }, xml("group", {}, "Verona")),
		);
		chat(romeo, alice);
		await eventually(() => expect(look()).toEqual(["my love", "both", "Verona"]));
		contacts.met(pair, { ...alice, name: "Another" });
		await settled();
		expect(look()).toEqual(["my love", "both", "Verona"]);
	});

	test("gets no item by the act of a stranger, before the account has taken part", async () => {
		const { contacts, chat, look, wire } = granted();
		chat(romeo, alice, true);
		await eventually(() => expect(words(wire)).toEqual([`subscribe to ${romeo}`]));
		expect(look()).toBeUndefined();
		contacts.wrote(pair);
		await eventually(() => expect(look()).toEqual(["Alice", "both", "Matrix"]));
	});

	test("gets an item back never that the person has removed", async () => {
		const { contacts, chat, look, roster, cursors } = granted();
		chat(romeo, alice);
		await eventually(() => expect(look()).toBeDefined());
		roster.delete(ghost);
		await contacts.presence(presence("unsubscribe"));
		await contacts.presence(presence("unsubscribed"));
		contacts.met(pair, { ...alice, name: "Another" });
		const next = granted(cursors);
		await next.contacts.load();
		next.chat(romeo, alice);
		next.contacts.wrote(pair);
		await settled();
		expect([look(), next.look()]).toEqual([undefined, undefined]);
	});

	test("is not written again at each start", async () => {
		const { chat, look, cursors } = granted();
		chat(romeo, alice);
		await eventually(() => expect(look()).toBeDefined());
		const next = granted(cursors);
		await next.contacts.load();
		next.chat(romeo, alice);
		await settled();
		expect(next.writes()).toBe(0);
	});

	test.each([
		["of another server", grant("both", "y.test")],
		["of an account instead of its server", grant("both", romeo)],
		["to read alone", grant("get")],
	])("is left alone after a grant %s", async (_, stanza) => {
		const asked: Element[] = [];
		const { contacts, chat } = contactsOf({
			iq: async (request) => {
				asked.push(request);
				return request;
			},
		});
		contacts.online();
		contacts.granted(stanza);
		chat(romeo, alice);
		await settled();
		expect(asked).toEqual([]);
	});
});

describe("the bookmark of a room that an account has entered", () => {
	const lobby = { jid: `#lobby@${component}`, name: "Lobby", nick: "Romeo" };
	const pubsub = "http://jabber.org/protocol/pubsub";
	const privilege = (type: string, from = "x.test") =>
		xml(
			"message",
			{ from, to: component },
			xml(
				"privilege",
				{ xmlns: "urn:xmpp:privilege:2" },
				xml("perm", { access: "iq" }, xml("namespace", { ns: pubsub, type })),
			),
		);

	/** A server that lets us at the nodes of its accounts, and keeps these bookmarks. */
	function granted(bookmarks = new Map<string, Element>()) {
		const requests: string[] = [];
		const world = contactsOf({
			iq: async (request) => {
				const own = request.getChild("privileged_iq", "urn:xmpp:privilege:2")?.getChild("iq");
				expect(own?.attrs).toMatchObject({ from: romeo, to: romeo, type: request.attrs.type });
				requests.push(`${request.attrs.type} ${request.attrs.to}`);
				const asked = own?.getChild("pubsub", pubsub)?.getChild("items")?.getChild("item")?.attrs.id ?? "";
				const published = own?.getChild("pubsub", pubsub)?.getChild("publish")?.getChild("item");
				if (published) bookmarks.set(published.attrs.id ?? "", published);
				const items = xml("items", { node: "urn:xmpp:bookmarks:1" }, bookmarks.get(asked));
				return xml(
					"iq",
					{ type: "result" },
					xml(
						"privilege",
						{ xmlns: "urn:xmpp:privilege:2" },
						xml(
							"forwarded",
							{ xmlns: "urn:xmpp:forward:0" },
							xml("iq", { type: "result" }, xml("pubsub", { xmlns: pubsub }, items)),
						),
					),
				);
			},
		});
		world.contacts.granted(privilege("both"));
		return { ...world, bookmarks, requests };
	}

	test("is made once, with its name and the nick, and not again when the person has removed it", async () => {
		const { contacts, bookmarks, requests } = granted();
		contacts.entered(romeo, lobby);
		await eventually(() => expect(bookmarks.size).toBe(1));
		const conference = bookmarks.get(lobby.jid)?.getChild("conference", "urn:xmpp:bookmarks:1");
		expect(conference?.attrs).toMatchObject({ name: "Lobby", autojoin: "true" });
		expect(conference?.getChild("nick")?.getText()).toBe("Romeo");
		await settled();
		bookmarks.clear();
		contacts.entered(romeo, lobby);
		await settled();
		expect(bookmarks.size).toBe(0);
		expect(requests).toEqual([`get ${romeo}`, `set ${romeo}`]);
	});

	test("stays as it is where the account has one", async () => {
		const theirs = xml("item", { id: lobby.jid }, xml("conference", { xmlns: "urn:xmpp:bookmarks:1" }));
		const { contacts, bookmarks, requests } = granted(new Map([[lobby.jid, theirs]]));
		contacts.entered(romeo, lobby);
		await settled();
		expect(bookmarks.get(lobby.jid)).toBe(theirs);
		expect(requests).toEqual([`get ${romeo}`]);
	});

	test.each([
		["another server grants it", privilege("both", "y.test")],
		["the server lets us read alone", privilege("get")],
	])("is not made where %s", async (_, stanza) => {
		const asked: Element[] = [];
		const { contacts } = contactsOf({
			iq: async (request) => {
				asked.push(request);
				return request;
			},
		});
		contacts.granted(stanza);
		contacts.entered(romeo, lobby);
		await settled();
		expect(asked).toEqual([]);
	});
});
