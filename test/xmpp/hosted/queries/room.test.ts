import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../../../src/core/errors.ts";
import { personKey, type RoomFacts } from "../../../../src/core/hosting.ts";
import type { RoomId } from "../../../../src/core/ids.ts";
import { account } from "../../../../src/xmpp/from-xmpp.ts";
import { emptyRecord } from "../../../../src/xmpp/hosted/administration/record.ts";
import { isNickTaken } from "../../../../src/xmpp/hosted/join/admission.ts";
import { roomFeatures } from "../../../../src/xmpp/muc/discovery.ts";
import { type Element, text, xml } from "../../../../src/xmpp/stream/xml.ts";
import { createWorld, facts, levels, lobby, mercutio, outcome, png, romeo } from "./world.ts";

const INFO = "http://jabber.org/protocol/disco#info";
const ITEMS = "http://jabber.org/protocol/disco#items";
const stranger = "paris@verona.test/court";
const query = (xmlns: string, node?: string) => xml("query", { xmlns, node });
const featuresOf = (answer: Element) =>
	answer
		.getChild("query", INFO)!
		.getChildren("feature")
		.map(({ attrs }) => attrs.var);
const fieldsOf = (answer: Element) =>
	Object.fromEntries(
		answer
			.getChild("query", INFO)!
			.getChild("x", "jabber:x:data")!
			.getChildren("field")
			.map((field) => [field.attrs.var, text(field, "value")]),
	);

describe("the description of a room", () => {
	test("names the room, its topic and the number of its people before the join", async () => {
		const { ask, looks } = createWorld({ known: { lobby: { kind: "room", facts: facts() } } });
		const answer = await ask(lobby, query(INFO), stranger);
		expect(answer.getChild("query")!.getChild("identity")!.attrs).toEqual({
			category: "conference",
			type: "text",
			name: "The Lobby",
		});
		expect(fieldsOf(answer)).toEqual({
			FORM_TYPE: "http://jabber.org/protocol/muc#roominfo",
			"muc#roomconfig_roomname": "The Lobby",
			"muc#roominfo_description": "Welcome <all>",
			"muc#roominfo_subject": "Welcome <all>",
			"muc#roominfo_occupants": "7",
			"muc#maxhistoryfetch": "100",
			"{urn:trivium:passed:0}room": expect.stringMatching(/^[\w-]{16}$/),
		});
		expect(looks).toEqual([[{ kind: "alias", parts: ["lobby"] }, "paris@verona.test"]]);
	});

	test("is read by our own discovery as that of a MUC with all that we use", async () => {
		const { ask } = createWorld();
		const answer = await ask(lobby, query(INFO));
		expect(roomFeatures(answer.getChild("query")!)).toEqual({
			muc: true,
			name: "The Lobby",
			topic: "Welcome <all>",
			membersOnly: false,
			password: false,
			listed: true,
			stanzaIds: true,
			occupantIds: true,
			hats: true,
			moderated: false,
			archive: true,
			moderation: true,
			shows: expect.stringMatching(/^[\w-]{16}$/),
		});
	});

	test.each([
		[{ levels: levels() }, ["muc_open", "muc_public", "muc_unmoderated"]],
		[{ entry: "invited", listed: false }, ["muc_membersonly", "muc_hidden"]],
		[{ levels: levels({}, 50) }, ["muc_open", "muc_public", "muc_moderated"]],
	] satisfies [Partial<RoomFacts>, string[]][])("of %o has the features %o", async (more, kind) => {
		const { ask } = createWorld({ facts: facts(more) });
		const features = featuresOf(await ask(lobby, query(INFO)));
		expect(features.filter((one) => /^muc_(open|mem|pub|hid|mod|unm)/.test(one!)).sort()).toEqual(
			kind.sort(),
		);
		expect(features).toEqual([...features].sort());
		expect(new Set(features).size).toBe(features.length);
	});

	test("lists the features that clients look for, and each query among them is answered", async () => {
		const { ask } = createWorld();
		const features = featuresOf(await ask(lobby, query(INFO)));
		expect(features).toEqual(
			expect.arrayContaining([
				"http://jabber.org/protocol/muc",
				"http://jabber.org/protocol/muc#stable_id",
				"http://jabber.org/protocol/muc#self-ping-optimization",
				"muc_nonanonymous",
				"muc_persistent",
				"muc_unsecured",
				"urn:xmpp:mam:2",
				"urn:xmpp:mam:2#extended",
				"urn:xmpp:sid:0",
				"urn:xmpp:occupant-id:0",
				"urn:xmpp:message-moderate:1",
				"urn:xmpp:message-retract:1",
				"urn:xmpp:reactions:0",
				"urn:xmpp:reply:0",
				"urn:xmpp:message-correct:0",
			]),
		);
		const payloads = { "urn:xmpp:ping": "ping", "vcard-temp": "vCard" } as Record<string, string>;
		for (const xmlns of ["urn:xmpp:ping", "vcard-temp", "jabber:iq:register", INFO, ITEMS]) {
			expect(features).toContain(xmlns);
			expect(outcome(await ask(lobby, xml(payloads[xmlns] ?? "query", { xmlns }))), xmlns).toBe("result");
		}
	});

	test("counts the occupants for one who has joined, and says whether they may change the topic", async () => {
		const open = { ...levels(), needed: { ...levels().needed, topic: 0 } };
		const { ask } = createWorld({ facts: facts({ levels: open }) });
		expect(fieldsOf(await ask(lobby, query(INFO)))).toMatchObject({
			"muc#roominfo_occupants": "3",
			"muc#roominfo_changesubject": "1",
		});
	});

	test("names a room without a name by the others in it, for those who are in", async () => {
		const { name: _, alias: _alias, ...nameless } = facts({ levels: levels() });
		const { ask, join } = createWorld({
			facts: nameless,
			known: { lobby: { kind: "room", facts: nameless } },
		});
		const nameFor = async (from: string) =>
			(await ask(lobby, query(INFO), from)).getChild("query")!.getChild("identity")!.attrs.name;
		expect(await nameFor(romeo)).toBe("Alice, Mercutio");
		for (const name of ["Paris", "Tybalt"]) join(`${name.toLowerCase()}@verona.test/x`, name);
		expect(await nameFor(romeo)).toBe("Alice, Mercutio, Paris and 1 more");
		expect(await nameFor(stranger)).toBeUndefined();
	});

	test("of a room that the asker may not know is the same as that of a room that does not exist", async () => {
		const { ask } = createWorld();
		for (const room of ["#secret@bridge.test", "#nowhere@bridge.test", "!x@bridge.test", "#UP@bridge.test"])
			for (const payload of [query(INFO), query(ITEMS), xml("vCard", { xmlns: "vcard-temp" })])
				expect(outcome(await ask(room, payload, stranger))).toBe("cancel item-not-found");
	});

	test("of a room that is linked to a MUC is the address of that MUC", async () => {
		const linked = { kind: "linked", to: "verona@muc.test" as RoomId } as const;
		const { ask } = createWorld({ known: { lobby: linked } });
		const answer = await ask(lobby, query(INFO), stranger);
		expect(outcome(answer)).toBe("cancel gone");
		expect(answer.getChild("error")!.getChild("gone")!.getText()).toBe("xmpp:verona@muc.test?join");
	});

	test("of a room that has moved is the address of the new one", async () => {
		const successor = { kind: "alias", parts: ["lobby2"] } as const;
		const { ask } = createWorld({ known: { lobby: { kind: "room", facts: facts({ successor }) } } });
		const answer = await ask(lobby, query(INFO), stranger);
		expect(outcome(answer)).toBe("cancel gone");
		expect(answer.getChild("error")!.getChild("gone")!.getText()).toBe("xmpp:%23lobby2@bridge.test?join");
	});

	test("has to wait while the homeserver does not answer", async () => {
		const world = createWorld();
		world.context.bridge().views.look = async () => {
			throw new TemporaryError("homeserver away");
		};
		expect(outcome(await world.ask(lobby, query(INFO), stranger))).toBe("wait remote-server-timeout");
	});
});

describe("the nodes of a room", () => {
	test("tell the nick of a member, and none to others", async () => {
		const { ask } = createWorld({ known: { lobby: { kind: "room", facts: facts() } } });
		const nickOf = async (from: string) => {
			const answer = (await ask(lobby, query(INFO, "x-roomuser-item"), from)).getChild("query")!;
			expect(answer.attrs.node).toBe("x-roomuser-item");
			return answer.getChild("identity")?.attrs;
		};
		expect(await nickOf(romeo)).toEqual({ category: "conference", type: "text", name: "Romeo" });
		// Another client of Romeo, which has not joined.
		expect(await nickOf("romeo@montague.test/phone")).toMatchObject({ name: "Romeo" });
		expect(await nickOf(stranger)).toBeUndefined();
	});

	test("have nothing to say of the traffic, and no other node exists", async () => {
		const { ask } = createWorld();
		const traffic = query(INFO, "http://jabber.org/protocol/muc#traffic");
		expect(outcome(await ask(lobby, traffic))).toBe("cancel service-unavailable");
		expect(outcome(await ask(lobby, query(INFO, "x")))).toBe("cancel item-not-found");
		expect(outcome(await ask(lobby, query(ITEMS, "x")))).toBe("cancel item-not-found");
	});
});

test("the people of a room are listed for those who have joined alone", async () => {
	const { ask } = createWorld({ known: { lobby: { kind: "room", facts: facts() } } });
	const list = async (from: string) =>
		(await ask(lobby, query(ITEMS), from))
			.getChild("query")!
			.getChildren("item")
			.map(({ attrs }) => attrs.jid);
	expect((await list(romeo)).sort()).toEqual([`${lobby}/Alice`, `${lobby}/Mercutio`, `${lobby}/Romeo`]);
	expect(await list(stranger)).toEqual([]);
});

describe("the picture of a room", () => {
	const card = (answer: Element) => answer.getChild("vCard")!.getChild("PHOTO");
	const withPicture = facts({ picture: "mxc://hs.test/p", levels: levels() });

	test("is in the vCard, and its hash in the description", async () => {
		const { ask, opened } = createWorld({ facts: withPicture, files: { "mxc://hs.test/p": png } });
		const photo = card(await ask(lobby, xml("vCard", { xmlns: "vcard-temp" })))!;
		expect(text(photo, "TYPE")).toBe("image/png");
		expect(Buffer.from(text(photo, "BINVAL")!, "base64")).toEqual(png);
		const sha1 = createHash("sha1").update(png).digest("hex");
		const fields = fieldsOf(await ask(lobby, query(INFO)));
		expect(fields["muc#roominfo_avatarhash"]).toBe(sha1);
		expect(fields["{http://modules.prosody.im/mod_vcard_muc}avatar#sha1"]).toBe(sha1);
		expect(opened).toEqual(["mxc://hs.test/p"]);
	});

	test.each([
		["is too large", Buffer.concat([png, Buffer.alloc(300_000)])],
		["is no picture", Buffer.from("text")],
		["cannot be read", undefined],
	])("that %s is left out", async (_, file) => {
		const files = file ? { "mxc://hs.test/p": file } : {};
		const { ask, opened } = createWorld({ facts: withPicture, files });
		const answer = await ask(lobby, xml("vCard", { xmlns: "vcard-temp" }));
		expect(card(answer)).toBeUndefined();
		expect(text(answer.getChild("vCard")!, "FN")).toBe("The Lobby");
		expect(fieldsOf(await ask(lobby, query(INFO)))).not.toHaveProperty("muc#roominfo_avatarhash");
		expect(opened).toHaveLength(1);
	});
});

describe("registration in a room", () => {
	const ns = "jabber:iq:register";
	const nick = (value: string) =>
		xml(
			"query",
			{ xmlns: ns },
			xml(
				"x",
				{ xmlns: "jabber:x:data", type: "submit" },
				xml("field", { var: "muc#register_roomnick" }, xml("value", {}, value)),
			),
		);

	const client = { jid: "x@y.test/z", address: lobby };
	const invited = { known: { lobby: { kind: "room" as const, facts: facts() } } };
	const remove = () => xml("query", { xmlns: ns }, xml("remove"));

	test("gives the form to people without a nick of their own, and in a room by invitation tells members theirs", async () => {
		const open = createWorld();
		const [empty] = (await open.ask(lobby, query(ns))).getChild("query")!.getChildren("x");
		const fields = empty!.getChildren("field").map(({ attrs }) => attrs.var);
		expect(fields).toEqual(["FORM_TYPE", "muc#register_roomnick"]);
		const { ask } = createWorld({ ...invited, facts: facts({ entry: "invited", levels: levels() }) });
		const form = (await ask(lobby, query(ns))).getChild("query")!;
		expect(form.getChild("registered")).toBeDefined();
		expect(text(form, "username")).toBe("Romeo");
		expect(outcome(await ask(lobby, query(ns), stranger))).toBe("cancel not-allowed");
	});

	test("reserves a nick and makes a member, until the person gives it up", async () => {
		const { ask, room, shown, join, context } = createWorld({
			...invited,
			hosting: { absent: async () => [], rename: async () => undefined },
		});
		expect(outcome(await ask(lobby, nick("County"), stranger, "set"))).toBe("result");
		expect(String(shown.at(-1))).toContain('affiliation="member" role="none" jid="paris@verona.test"');
		const form = (await ask(lobby, query(ns), stranger)).getChild("query")!;
		expect([form.getChild("registered") !== undefined, text(form, "username")]).toEqual([true, "County"]);
		const item = (await ask(lobby, query(INFO, "x-roomuser-item"), stranger)).getChild("query")!;
		expect(item.getChild("identity")?.attrs.name).toBe("County");
		// The nick belongs to nobody else, in whichever letters.
		for (const taken of ["County", "Соuntу"])
			expect(outcome(await ask(lobby, nick(taken), romeo, "set")), taken).toBe("cancel conflict");
		expect(isNickTaken(room, { ...account("tybalt@capulet.test"), name: "County" }, client)).toBe(true);
		expect(isNickTaken(room, { ...account(stranger), name: "County" }, client)).toBe(false);
		join(stranger, "County");
		expect(outcome(await ask(lobby, remove(), stranger, "set"))).toBe("result");
		expect(room.occupants.has("County")).toBe(true);
		expect(String(shown.at(-1))).toContain(
			'affiliation="none" role="participant" jid="paris@verona.test/court"',
		);
		expect(context.records.of(room.id)).toEqual(emptyRecord);
	});

	test("makes no member of a moderated room, whose members may write, and none of the banned", async () => {
		const banned = [{ network: account(stranger).network, address: ["paris@verona.test"] }];
		const world = createWorld({
			...invited,
			facts: facts({ levels: levels({}, 10) }),
			hosting: { absent: async () => banned, rename: async () => undefined },
		});
		expect(outcome(await world.ask(lobby, nick("Roméo"), romeo, "set"))).toBe("result");
		expect([...world.room.record.nicks.values()].map((one) => one.nick)).toEqual(["Roméo"]);
		expect(world.room.record.members.size).toBe(0);
		expect(outcome(await world.ask(lobby, nick("County"), stranger, "set"))).toBe("auth forbidden");
		world.context.records.change(world.room.id, [{ list: "domains", key: "verona.test", value: "" }]);
		expect(outcome(await world.ask(lobby, nick("County"), stranger, "set"))).toBe("auth forbidden");
	});

	test("ends the membership of a room by invitation where a person removes it, also after the last session", async () => {
		const left: unknown[] = [];
		const { ask, room, shown } = createWorld({
			...invited,
			facts: facts({ entry: "invited", levels: levels() }),
			hosting: { leave: async (room, { id }) => void left.push([room, id]) },
		});
		expect(outcome(await ask(lobby, remove(), romeo, "set"))).toBe("result");
		expect(outcome(await ask(lobby, remove(), "romeo@montague.test/phone", "set"))).toBe(
			"cancel not-allowed",
		);
		expect(room.occupants.has("Romeo")).toBe(false);
		expect(shown.map(({ attrs: { to, type, from } }) => [to, type, from])).toEqual([
			[mercutio, "unavailable", `${lobby}/Romeo`],
			[romeo, "unavailable", `${lobby}/Romeo`],
		]);
		expect(left).toEqual([["!lobby:hs.test", "romeo@montague.test"]]);
	});

	test("gives a member another nick, unless somebody has it", async () => {
		const renamed: unknown[] = [];
		const { ask, room } = createWorld({
			...invited,
			hosting: { rename: async (room, { id, name }) => void renamed.push([room, id, name]) },
		});
		expect(outcome(await ask(lobby, nick("Roméo"), romeo, "set"))).toBe("result");
		expect(outcome(await ask(lobby, nick("Roméo"), romeo, "set"))).toBe("result");
		expect(renamed).toEqual([["!lobby:hs.test", "romeo@montague.test", "Roméo"]]);
		expect(room.occupants.get("Roméo")?.person.id).toBe("romeo@montague.test");
		expect(outcome(await ask(lobby, nick("Mercutio"), romeo, "set"))).toBe("cancel conflict");
		expect(outcome(await ask(lobby, nick("x".repeat(99)), romeo, "set"))).toBe("modify jid-malformed");
		expect(outcome(await ask(lobby, nick(""), romeo, "set"))).toBe("modify bad-request");
		expect(outcome(await ask(lobby, query(ns), romeo, "set"))).toBe("modify bad-request");
	});
});

const [ADMIN, _OWNER] = ["http://jabber.org/protocol/muc#admin", "http://jabber.org/protocol/muc#owner"];
/** A room whose owner is Mercutio. */
const owned = (more: Partial<RoomFacts> = {}) => {
	const of = levels({ [personKey(account(mercutio))]: 100 });
	return createWorld({
		facts: facts({ levels: of, ...more }),
		hosting: { absent: async () => [] },
		known: { lobby: { kind: "room", facts: facts() } },
	});
};

describe("the lists of people that clients ask for at a join", () => {
	const list = (attrs: Record<string, string>) => xml("query", { xmlns: ADMIN }, xml("item", attrs));
	const itemsOf = (answer: Element) =>
		answer
			.getChild("query")!
			.getChildren("item")
			.map(({ attrs }) => attrs);

	test("name the owners to an owner, each by address and nick", async () => {
		const { ask } = owned();
		expect(itemsOf(await ask(lobby, list({ affiliation: "owner" }), mercutio))).toEqual([
			{ affiliation: "owner", jid: "mercutio@montague.test", nick: "Mercutio" },
		]);
		expect(itemsOf(await ask(lobby, list({ affiliation: "admin" }), mercutio))).toEqual([]);
		expect(itemsOf(await ask(lobby, list({ role: "participant" }), mercutio))).toEqual([
			{ affiliation: "none", role: "participant", jid: "alice@bridge.test", nick: "Alice" },
			{ affiliation: "none", role: "participant", jid: "romeo@montague.test", nick: "Romeo" },
		]);
	});

	test("are for the members of a room by invitation, and but for the powerful for the admins alone of an open one", async () => {
		const { ask } = owned();
		for (const affiliation of ["owner", "admin", "member", "outcast"]) {
			const open = affiliation === "owner" || affiliation === "admin";
			expect(outcome(await ask(lobby, list({ affiliation })))).toBe(open ? "result" : "auth forbidden");
			expect(outcome(await ask(lobby, list({ affiliation }), stranger))).toBe("auth forbidden");
		}
		const invited = owned({ entry: "invited" });
		const members = itemsOf(await invited.ask(lobby, list({ affiliation: "member" })));
		expect(members.map(({ nick }) => nick)).toEqual(["Alice", "Romeo"]);
		expect(outcome(await invited.ask(lobby, list({ affiliation: "outcast" })))).toBe("auth forbidden");
		expect(outcome(await invited.ask(lobby, list({ role: "moderator" })))).toBe("auth forbidden");
	});

	test("are refused for rooms that the bridge does not know, or that there are not", async () => {
		const { ask } = owned();
		const outcomeOf = async (attrs: Record<string, string>) =>
			outcome(await ask(lobby, list(attrs), mercutio));
		expect(await outcomeOf({ affiliation: "king" })).toBe("modify bad-request");
		expect(await outcomeOf({})).toBe("modify bad-request");
	});
});

test("an unknown or malformed query about a room gets the error that the protocol names", async () => {
	const { ask, answer } = createWorld();
	expect(outcome(await ask(lobby, query("jabber:iq:roster")))).toBe("cancel service-unavailable");
	expect(outcome(await ask(lobby, query(INFO), romeo, "set"))).toBe("cancel service-unavailable");
	const two = xml("iq", { type: "get", from: romeo, to: lobby, id: "q" }, query(INFO), query(ITEMS));
	expect(outcome((await answer(two))!)).toBe("modify bad-request");
});

test("a fault of the other network gets its reason, and one of ours is logged", async () => {
	const broken = (error: Error) =>
		createWorld({
			facts: facts({ entry: "invited", levels: levels() }),
			hosting: { leave: () => Promise.reject(error) },
		}).ask(lobby, xml("query", { xmlns: "jabber:iq:register" }, xml("remove")), romeo, "set");
	expect(outcome(await broken(new PermanentError("forbidden", "no")))).toBe("cancel not-allowed");
	expect(outcome(await broken(new TypeError("oops")))).toBe("wait internal-server-error");
});
