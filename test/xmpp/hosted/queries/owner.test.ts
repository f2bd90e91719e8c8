import { describe, expect, test } from "vitest";
import { personKey, type RoomFacts, type RoomSettings } from "../../../../src/core/hosting.ts";
import type { RoomId } from "../../../../src/core/ids.ts";
import { account } from "../../../../src/xmpp/from-xmpp.ts";
import { mucOwner } from "../../../../src/xmpp/hosted/owner/form.ts";
import { type Element, xml } from "../../../../src/xmpp/stream/xml.ts";
import { createWorld, facts, levels, lobby, mercutio, outcome, png, romeo } from "./world.ts";

const field = (name: string) => `muc#roomconfig_${name}`;
const [owner, other] = [account(mercutio), account(romeo)];

/** A room whose owner is Mercutio. `changed`: the settings that the source was asked for. */
function owned(more: Partial<RoomFacts> = { made: true }, people = [owner], requests = 1_000) {
	const changed: RoomSettings[] = [];
	const ended: (string | undefined)[] = [];
	const pictures: (string | undefined)[] = [];
	const of = levels(Object.fromEntries(people.map((one) => [personKey(one), 100])));
	const inside = facts({ levels: { ...of, people }, ...more });
	const world = createWorld({
		facts: inside,
		requests,
		known: { lobby: { kind: "room", facts: facts() } },
		hosting: {
			async configure(_room: RoomId, _by, settings: RoomSettings) {
				changed.push(settings);
				world.room.facts = {
					...world.room.facts,
					...(settings.name !== undefined && { name: settings.name }),
					...(settings.entry && { entry: settings.entry }),
					...(settings.needed && {
						levels: { ...of, people, needed: { ...of.needed, ...settings.needed } },
					}),
				};
			},
			async setPicture(_room, _by, picture) {
				pictures.push(picture?.type);
				const { picture: _, ...rest } = world.room.facts;
				world.room.facts = { ...rest, ...(picture && { picture: "new" }) };
			},
			moderate: async () => undefined,
			destroy: async (_room, _by, reason) => void ended.push(reason),
			view: async () => ({ facts: inside, members: [] }),
		},
	});
	const query = (...children: Element[]) => xml("query", { xmlns: mucOwner }, ...children);
	const form = (values: Readonly<Record<string, readonly string[]>>, type = "submit") =>
		xml(
			"x",
			{ xmlns: "jabber:x:data", type },
			...Object.entries(values).map(([name, all]) =>
				xml("field", { var: name }, ...all.map((value) => xml("value", {}, value))),
			),
		);
	const ask = (child?: Element, by = mercutio) =>
		world.ask(lobby, query(...(child ? [child] : [])), by, child ? "set" : "get");
	return {
		...{ ...world, changed, ended, pictures, form, ask },
		publish: async (card: Element, by = mercutio) => outcome(await world.ask(lobby, card, by, "set")),
		/** Submits a form with these fields; resolves with the outcome. */
		submit: async (values: Readonly<Record<string, readonly string[]>>, by = mercutio) =>
			outcome(await ask(form(values), by)),
		async values(): Promise<Record<string, readonly string[]>> {
			const x = (await ask())?.getChild("query", mucOwner)?.getChild("x", "jabber:x:data");
			return Object.fromEntries(
				(x?.getChildren("field") ?? []).map((one) => [
					one.attrs.var ?? "",
					one.getChildren("value").map((value) => value.getText()),
				]),
			);
		},
	};
}

describe("the form of the owners of a room", () => {
	test("has the settings of now, and nothing that a room of others cannot have", async () => {
		const made = await owned().values();
		expect(made).toMatchObject({
			FORM_TYPE: ["http://jabber.org/protocol/muc#roomconfig"],
			[field("roomname")]: ["The Lobby"],
			[field("membersonly")]: ["0"],
			[field("persistentroom")]: ["1"],
			[field("maxusers")]: ["none"],
			[field("roomowners")]: ["mercutio@montague.test"],
			[field("roomadmins")]: [],
		});
		const others = Object.keys(await owned({}).values());
		expect(Object.keys(made).filter((one) => !others.includes(one))).toEqual([
			field("persistentroom"),
			field("passwordprotectedroom"),
			field("roomsecret"),
			field("allowpm"),
			field("maxusers"),
		]);
	});

	test("is for owners alone, and these need not be in the room", async () => {
		const { ask } = owned();
		expect(outcome(await ask(undefined, romeo))).toBe("auth forbidden");
		expect(outcome(await ask(undefined, "mercutio@montague.test/home"))).toBe("result");
	});

	test("changes what differs and leaves the rest", async () => {
		const { submit, changed } = owned();
		expect(await submit({ [field("roomname")]: ["The Lobby"], [field("membersonly")]: ["0"] })).toBe(
			"result",
		);
		expect(changed).toEqual([]);
		expect(await submit({ [field("roomname")]: ["The Hall"], [field("moderatedroom")]: ["1"] })).toBe(
			"result",
		);
		expect(changed).toEqual([{ name: "The Hall", needed: { speak: 10 } }]);
	});

	test("keeps what the source cannot hold", async () => {
		const { submit, values, changed } = owned();
		expect(await submit({ [field("maxusers")]: ["7"], [field("persistentroom")]: ["0"] })).toBe("result");
		expect(changed).toEqual([]);
		expect(await values()).toMatchObject({ [field("maxusers")]: ["7"], [field("persistentroom")]: ["0"] });
	});

	test("makes owners and admins, and leaves no room without an owner", async () => {
		const { submit, changed } = owned({ made: true }, [owner, other]);
		const owners = field("roomowners");
		expect(await submit({ [owners]: [] })).toBe("cancel conflict");
		expect(await submit({ [owners]: ["paris"] })).toBe("modify jid-malformed");
		expect(changed).toEqual([]);
		const wanted = { [owners]: [owner.id], [field("roomadmins")]: ["paris@verona.test", other.id] };
		void submit(wanted);
		await new Promise((resolve) => setTimeout(resolve));
		expect(changed[0]?.levels).toEqual([
			{ whom: other, level: 50 },
			{ whom: account("paris@verona.test"), level: 50 },
		]);
	});

	test.each<[string, readonly string[], string]>([
		["membersonly", ["perhaps"], "modify bad-request"],
		["membersonly", ["1", "0"], "modify bad-request"],
		["maxusers", ["-1"], "modify bad-request"],
		["allowpm", ["some"], "modify bad-request"],
	])("refuses %s = %s, and all else beside it", async (name, value, expected) => {
		const { submit, changed } = owned();
		expect(await submit({ [field("roomname")]: ["New"], [field(name)]: value })).toBe(expected);
		expect(changed).toEqual([]);
	});

	test("tells an owner that addresses cannot be hidden, and does all else", async () => {
		const { submit, changed, shown } = owned();
		expect(await submit({ [field("roomname")]: ["New"], [field("whois")]: ["moderators"] })).toBe("result");
		expect(changed).toEqual([{ name: "New" }]);
		const notes = shown.filter((one) => one.getChild("body")?.getText().startsWith("Addresses cannot"));
		expect(notes.map(({ attrs }) => attrs.to)).toEqual([mercutio]);
	});

	test("lets nobody but its members read a room that not everybody may join", async () => {
		const [closed, log] = [field("membersonly"), field("enablelogging")];
		const { submit, changed } = owned();
		expect(await submit({ [log]: ["1"], [closed]: ["1"] })).toBe("result");
		expect(changed).toEqual([{ entry: "invited" }]);
		const open = owned({ made: true, pastPublic: true });
		void open.submit({ [closed]: ["1"], [log]: ["1"] });
		await new Promise((resolve) => setTimeout(resolve));
		expect(open.changed).toEqual([{ entry: "invited", pastPublic: false }]);
	});

	test("lets people of XMPP in by a password, and those of the source by invitation", async () => {
		const { submit, values, changed } = owned();
		const [on, secret] = [field("passwordprotectedroom"), field("roomsecret")];
		expect(await submit({ [on]: ["1"], [secret]: [""] })).toBe("modify not-acceptable");
		expect(await submit({ [on]: ["1"], [secret]: ["balcony"] })).toBe("result");
		expect(changed).toEqual([{ entry: "invited" }]);
		expect(await values()).toMatchObject({
			...{ [on]: ["1"], [secret]: ["balcony"], [field("membersonly")]: ["0"] },
		});
		expect(await submit({ [on]: ["0"], [secret]: ["balcony"] })).toBe("result");
		expect(changed.at(-1)).toEqual({ entry: "everybody" });
	});

	test("may be cancelled or empty, and then changes nothing", async () => {
		const { ask, form, changed } = owned();
		expect(outcome(await ask(form({ [field("roomname")]: ["New"] }, "cancel")))).toBe("result");
		expect(outcome(await ask(form({})))).toBe("result");
		expect(outcome(await ask(form({}, "result")))).toBe("modify bad-request");
		expect(changed).toEqual([]);
	});
});

describe("the picture of a room", () => {
	const card = (...children: Element[]) => xml("vCard", { xmlns: "vcard-temp" }, ...children);
	const photo = (bytes: Buffer) =>
		xml("PHOTO", {}, xml("TYPE", {}, "image/gif"), xml("BINVAL", {}, bytes.toString("base64")));

	test("is what an owner publishes, by its bytes, and an empty card takes it away", async () => {
		const { publish, pictures } = owned();
		expect(await publish(card(photo(png)))).toBe("result");
		expect(await publish(card())).toBe("result");
		expect(pictures).toEqual(["image/png", undefined]);
	});

	test("is refused if it is none, and to people who do not own the room", async () => {
		const { publish, pictures } = owned();
		expect(await publish(card(photo(Buffer.from("words"))))).toBe("modify not-acceptable");
		expect(await publish(card(photo(png)), romeo)).toBe("auth forbidden");
		expect(pictures).toEqual([]);
	});

	test("counts as a request of its owner, of which the limits allow so many", async () => {
		const { publish, pictures } = owned({ made: true }, [owner], 2);
		expect(await publish(card(photo(png)))).toBe("result");
		expect(await publish(card())).toBe("result");
		expect(await publish(card(photo(png)))).toBe("wait resource-constraint");
		expect(pictures).toHaveLength(2);
	});
});

test("an owner makes as many requests as the limits allow, whichever client they come from", async () => {
	const { ask } = owned({ made: true }, [owner], 2);
	expect(outcome(await ask())).toBe("result");
	expect(outcome(await ask())).toBe("result");
	expect(outcome(await ask(undefined, mercutio.replace("street", "tomb")))).toBe("wait resource-constraint");
	expect(outcome(await ask(undefined, romeo))).toBe("auth forbidden");
});

describe("the end of a room by its owner", () => {
	const destroy = () => xml("destroy", {}, xml("reason", {}, "Good night"));

	test("is shown to its people, and frees its address", async () => {
		const { ask, ended, shown, context } = owned();
		await context.aliases.note(lobby, "lobby");
		expect(outcome(await ask(destroy(), romeo))).toBe("auth forbidden");
		expect(outcome(await ask(destroy()))).toBe("result");
		expect(ended).toEqual(["Good night"]);
		expect(
			shown.filter((one) => one.toString().includes("<destroy>")).map(({ attrs }) => attrs.type),
		).toEqual(["unavailable", "unavailable"]);
		expect(await context.aliases.roomOf(lobby)).toBeUndefined();
	});

	test("tells its people the other room that its owner names, and the password of that", async () => {
		const { ask, shown } = owned();
		const other = xml("destroy", { jid: "hall@muc.test" }, xml("password", {}, "cauldron"));
		expect(outcome(await ask(other))).toBe("result");
		for (const stanza of shown.filter((one) => one.attrs.type === "unavailable"))
			expect(stanza.toString()).toContain(
				'<destroy jid="hall@muc.test"><password>cauldron</password></destroy>',
			);
		expect(shown).not.toEqual([]);
	});

	test("is refused in a room of others", async () => {
		const { ask, ended } = owned({});
		expect(outcome(await ask(destroy()))).toBe("cancel not-allowed");
		expect(ended).toEqual([]);
	});
});
