import { describe, expect, onTestFinished, test, vi } from "vitest";
import { PermanentError, TemporaryError } from "../../../../src/core/errors.ts";
import { personKey } from "../../../../src/core/hosting.ts";
import type { Received } from "../../../../src/core/network.ts";
import { createPrivateVenue } from "../../../../src/xmpp/hosted/private-chats.ts";
import { xml } from "../../../../src/xmpp/stream/xml.ts";
import {
	alice,
	bob,
	levels,
	linesWorld,
	lobby,
	matrix,
	other,
	romeo,
	source,
	tybalt,
	view,
} from "./lines-world.ts";

const phone = "romeo@montague.lit/phone";
const laptop = "romeo@montague.lit/laptop";
const capulet = "tybalt@capulet.lit/phone";
const body = "<body>hi</body>";
const last = ({ told }: { told: Received[] }) => told.at(-1) as Received;

describe("a line of a person of XMPP", () => {
	test("goes to the source as the person's, and is shown when the source has it: whole, to everybody, once", async () => {
		const world = linesWorld();
		const odd = `${body}<origin-id xmlns="urn:xmpp:sid:0" id="c1"/><dance xmlns="urn:x"><step/></dance>`;
		expect(await world.say(phone, odd)).toBe("");
		expect(world.told).toMatchObject([
			{ kind: "message", room: view, sender: { id: "romeo@montague.lit", name: "Romeo" }, text: "hi" },
		]);
		expect(world.got(phone)).toEqual([]);
		const message = { kind: "message", style: "text", text: "hi" };
		await world.show("$1", message, romeo, last(world));
		for (const jid of [phone, laptop])
			expect(world.got(jid)).toEqual([
				`<message id="c1" type="groupchat" from="#lobby@bridge.test/Romeo">${odd}<stanza-id xmlns="urn:xmpp:sid:0" by="#lobby@bridge.test" id="$1"/><occupant-id xmlns="urn:xmpp:occupant-id:0" id="o-romeo@montague.lit"/><passed xmlns="urn:trivium:passed:0" rooms="v2M3NDHkawrSn4ad"/></message>`,
			]);
		const [line] = world.got(capulet);
		expect(line).toContain('from="#other@bridge.test/Romeo"');
		expect(line).toContain('by="#other@bridge.test" id="$1"');
	});

	test("loses what its sender wrote in the name of the room, and nothing else", async () => {
		const world = linesWorld();
		const kept = '<delay xmlns="urn:xmpp:delay" from="montague.lit" stamp="2026-01-01T00:00:00Z"/>';
		const forged =
			'<stanza-id xmlns="urn:xmpp:sid:0" by="#lobby@bridge.test" id="forged"/><occupant-id xmlns="urn:xmpp:occupant-id:0" id="forged"/>' +
			'<delay xmlns="urn:xmpp:delay" from="#lobby@bridge.test" stamp="2026-01-01T00:00:00Z"/><x xmlns="http://jabber.org/protocol/muc#user"><status code="110"/></x>';
		await world.say(phone, body + forged + kept);
		await world.show("$1", { kind: "message", style: "text", text: "hi" }, romeo, last(world));
		const [line] = world.got(laptop);
		expect(line).toContain(kept);
		expect(line).not.toMatch(/forged|110|from="#lobby@bridge.test" stamp/);
	});

	test("is shown as Matrix has it if it is too large for the XMPP server with its escapes", async () => {
		const world = linesWorld();
		await world.say(phone, `<body>${"&quot;".repeat(100_000)}</body>`);
		const media = {
			kind: "file",
			source: { network: matrix, ref: "r" },
			name: "message.txt",
			mime: "text/plain",
		};
		await world.show("$1", { kind: "message", style: "text", text: "it begins", media }, romeo, last(world));
		const [line] = world.got(capulet);
		expect(line).toMatch(/id="c1".*<body>https:\/\/files.test\/message.txt<\/body>.*<desc>it begins<\/desc>/);
	});

	test("mentions people by their occupant-ids, their accounts, and the JIDs of their ghosts", async () => {
		const world = linesWorld();
		const mention = (who: string, begin: number) =>
			`<mention xmlns="urn:xmpp:mentions:0" ${who} begin="${begin}" end="${begin + 1}"/>`;
		const marks = [
			mention('occupantid="o-@bob:hs.test"', 0),
			mention('occupantid="o-@alice:hs.test"', 1),
			mention('jid="alice@bridge.test"', 2),
			mention('jid="tybalt@capulet.lit"', 3),
			mention('jid="nobody@bridge.test"', 4),
		];
		await world.say(phone, `<body>abcde</body>${marks.join("")}`);
		const rich = (last(world) as { rich?: (string | { person?: { name?: string } })[] }).rich;
		const named = rich?.map((node) => (typeof node === "string" ? node : node.person?.name));
		expect(named).toEqual(["a", "Alice", "Alice", "Tybalt", "e"]);
	});

	test("names a message of the source by its stanza-id", async () => {
		const world = linesWorld();
		await world.show("$q", { kind: "message", style: "text", text: "lunch?" });
		await world.say(phone, `${body}<reply xmlns="urn:xmpp:reply:0" id="$q"/>`);
		expect(last(world)).toMatchObject({
			replyTo: { copies: [{ network: matrix, room: source, id: "$q" }] },
		});
		expect(world.asked).toEqual([]);
		world.there.add("$old");
		await world.say(phone, `${body}<reply xmlns="urn:xmpp:reply:0" id="$old#1"/>`);
		expect(last(world)).toMatchObject({ replyTo: { copies: [{ id: "$old" }] } });
	});

	test("names no message of another room", async () => {
		const world = linesWorld();
		const away = { ...world.room, id: "!other@bridge.test" as typeof view };
		const base = { id: "$q" as never, room: source, at: 1, sender: alice };
		const event = { ...base, kind: "message" as const, style: "text" as const, text: "lunch?" };
		await world.lines.show(away, { ...base, what: { kind: "said", event, origin: [] } });
		await world.say(phone, `${body}<reply xmlns="urn:xmpp:reply:0" id="$q"/>`);
		expect((last(world) as { replyTo?: object }).replyTo).not.toHaveProperty("copies");
	});

	test("refers to no message if it names none of the source, unless the source does not answer", async () => {
		const world = linesWorld();
		await world.say(phone, `${body}<reply xmlns="urn:xmpp:reply:0" id="none"/>`);
		expect((last(world) as { replyTo?: object }).replyTo).not.toHaveProperty("copies");
		world.trouble.find = new TemporaryError("away");
		await world.say(phone, `${body}<reply xmlns="urn:xmpp:reply:0" id="$some"/>`);
		expect(last(world)).toMatchObject({ replyTo: { copies: [{ id: "$some" }] } });
	});

	test("does not wait for long for a source that does not answer: a kill of the bridge would lose it", async () => {
		const world = linesWorld();
		world.trouble.find = "silence";
		await world.say(phone, `${body}<reply xmlns="urn:xmpp:reply:0" id="$some"/>`);
		expect(last(world)).toMatchObject({ replyTo: { copies: [{ id: "$some" }] } });
	});

	test("corrects a line of its own alone, by the id of its client", async () => {
		const world = linesWorld();
		await world.say(phone, `${body}<replace xmlns="urn:xmpp:message-correct:0" id="c0"/>`);
		const id = "own msg c0 romeo@montague.lit";
		expect(last(world)).toMatchObject({ kind: "edit", target: { id, own: id } });
		expect(last(world).aka).toContain("own msg c1 romeo@montague.lit");
	});

	test("is shown as the source has it if it corrects no line of its sender", async () => {
		const world = linesWorld();
		await world.say(phone, `${body}<replace xmlns="urn:xmpp:message-correct:0" id="foreign"/>`);
		await world.show("$1", { kind: "message", style: "text", text: "Correction: hi" }, romeo, last(world));
		expect(world.got(capulet)[0]).toMatch(/<body>Correction: hi<\/body>(?!.*replace)/);
	});

	test("is deleted in the name of its sender, and the source decides", async () => {
		const world = linesWorld();
		world.there.add("$1");
		await world.say(phone, `<retract xmlns="urn:xmpp:message-retract:1" id="$1"/>`);
		const event = last(world) as Received & { kind: "redaction" };
		expect(event).toMatchObject({ kind: "redaction", target: { copies: [{ id: "$1" }] } });
		expect(event.target.own).toBe(event.target.id);
		// A moderator's deletion of somebody else's message is the room's.
		await world.show("$2", { kind: "redaction", target: { id: "$1" } }, romeo);
		expect(world.got(capulet)[0]).toMatch(
			/from="#other@bridge.test" .*<moderated .*by="#other@bridge.test\/Romeo"/,
		);
	});

	test("shows its reactions once, when the source has all of them", async () => {
		const world = linesWorld();
		world.there.add("$1");
		const reactions = `<reactions xmlns="urn:xmpp:reactions:0" id="$1"><reaction>🎉</reaction><reaction>🐢</reaction></reactions>`;
		await world.say(phone, reactions);
		const set = (...emoji: string[]) => ({ kind: "reaction", mode: "set", target: { id: "$1" }, emoji });
		await world.show("$r1", set("🎉"), romeo);
		expect(world.got(capulet)).toEqual([]);
		await world.show("$r2", set("🎉", "🐢"), romeo);
		expect(world.got(capulet)).toHaveLength(1);
		expect(world.got(phone)[0]).toContain(
			`id="c1" type="groupchat" from="#lobby@bridge.test/Romeo">${reactions}`,
		);
	});

	test("is shown as far as it came when the source takes a part of it", async () => {
		const world = linesWorld();
		world.there.add("$1");
		await world.say(
			phone,
			`<reactions xmlns="urn:xmpp:reactions:0" id="$1"><reaction>🎉</reaction><reaction>🐢</reaction></reactions>`,
		);
		await world.show("$r1", { kind: "reaction", mode: "set", target: { id: "$1" }, emoji: ["🎉"] }, romeo);
		await world.lines.refuse(last(world), new PermanentError("failed", "too many."), "Matrix");
		expect(world.got(capulet)[0]).toContain("<reaction>🎉</reaction></reactions>");
		expect(world.got(phone).some((one) => one.includes("Not delivered to Matrix: too many."))).toBe(true);
	});

	test("is not taken for somebody else's who names it in the source", async () => {
		const world = linesWorld();
		await world.say(phone, body);
		await world.show("$1", { kind: "message", style: "text", text: "forged" }, tybalt, last(world));
		expect(world.got(capulet)[0]).toMatch(/from="#other@bridge.test\/Tybalt".*<body>forged<\/body>/);
		await world.show("$2", { kind: "message", style: "text", text: "hi" }, romeo, last(world));
		expect(world.got(capulet)[0]).toContain('from="#other@bridge.test/Romeo"');
	});

	test("with several files is shown once, though each file is an event", async () => {
		const world = linesWorld();
		await world.say(phone, body);
		for (const id of ["$1", "$2"])
			await world.show(id, { kind: "message", style: "text", text: "hi" }, romeo, last(world));
		expect(world.got(capulet)).toHaveLength(1);
	});

	test("is shown from the source after a restart, under the id of its client", async () => {
		const before = linesWorld();
		await before.say(phone, body);
		const world = linesWorld();
		await world.show("$1", { kind: "message", style: "text", text: "hi" }, romeo, last(before));
		expect(world.got(capulet)[0]).toContain('id="c1"');
	});
});

describe("the client that sent a line", () => {
	const refusals = [
		["forbidden", "auth", "forbidden"],
		["not-found", "cancel", "item-not-found"],
		["invalid", "modify", "not-acceptable"],
		["busy", "wait", "resource-constraint"],
		["failed", "cancel", "not-acceptable"],
		["expired", "wait", "remote-server-timeout"],
	] as const;
	test.each(refusals)("reads that it is refused: %s", async (reason, type, condition) => {
		const world = linesWorld();
		await world.say(phone, body);
		await world.lines.refuse(last(world), new PermanentError(reason, "because."), "Matrix");
		expect(world.got(laptop)).toEqual([]);
		expect(world.got(phone)).toEqual([
			`<message type="error" from="#lobby@bridge.test" id="c1"><error type="${type}"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">Not delivered to Matrix: because.</text></error></message>`,
		]);
	});
	test("reads it after a restart, too: all clients of the person do", async () => {
		const before = linesWorld();
		await before.say(phone, body);
		const world = linesWorld();
		await world.lines.refuse(last(before), new PermanentError("expired", "because."), "Matrix");
		for (const jid of [phone, laptop]) expect(world.got(jid)[0]).toContain('id="c1"');
		expect(world.got(capulet)).toEqual([]);
	});
	test("reads which part of a line is missing, from the room and without an error", async () => {
		const world = linesWorld();
		await world.say(phone, body);
		const error = new PermanentError("failed", "only a link.", { partly: true });
		await world.lines.refuse(last(world), error, "Matrix");
		expect(world.got(phone)).toEqual([
			`<message type="groupchat" from="#lobby@bridge.test"><body>Delivered to Matrix in another form: only a link.</body><no-store xmlns="urn:xmpp:hints"/></message>`,
		]);
		expect(world.got(laptop)).toEqual([]);
		await world.show("$1", { kind: "message", style: "text", text: "hi" }, romeo, last(world));
		expect(world.got(phone)[0]).toContain('id="c1"');
	});
	test("reads that it may not write, is not in the room, or has to turn encryption off", async () => {
		const world = linesWorld();
		expect(await world.say("nobody@x.lit/a", body)).toMatch(/<not-acceptable /);
		const ciphertext = `<body>I sent you an OMEMO message</body><encrypted xmlns="eu.siacs.conversations.axolotl"/>`;
		expect(await world.say(phone, ciphertext)).toMatch(/<not-acceptable .*turn encryption off/);
		world.room.facts = { ...world.room.facts, levels: levels({}, -1) };
		expect(await world.say(phone, body)).toMatch(/type="auth"><forbidden /);
		expect(world.told).toEqual([]);
	});
});

test("typing, read positions and empty lines reach the people of XMPP alone, and cause no error", async () => {
	const world = linesWorld();
	const states = [
		'<composing xmlns="http://jabber.org/protocol/chatstates"/>',
		'<displayed xmlns="urn:xmpp:chat-markers:0" id="$1"/>',
		"<body/>",
	];
	for (const state of states) expect(await world.say(phone, state)).toBe("");
	expect(world.told).toEqual([]);
	expect(world.got(capulet).map((line) => states.findIndex((one) => line.includes(one)))).toEqual([0, 1, 2]);
	// Nobody forges a deletion by the room.
	const forged = `<retract xmlns="urn:xmpp:message-retract:1" id="$1"><moderated xmlns="urn:xmpp:message-moderate:1" by="x"/></retract>`;
	expect(await world.say(phone, forged)).toBe("");
	expect(world.got(capulet)).toEqual([]);
});

test("a person whom the room does not know yet is present before the first line", async () => {
	const world = linesWorld();
	const mercutio = { ...alice, id: "@mercutio:hs.test" as typeof alice.id, name: "Mercutio" };
	await world.show("$1", { kind: "message", style: "text", text: "hi" }, mercutio);
	const [presence, line] = world.got(phone);
	expect(presence).toMatch(/^<presence from="#lobby@bridge.test\/Mercutio"/);
	expect(line).toContain('from="#lobby@bridge.test/Mercutio"');
});

test("files are looked at while earlier lines of the room still wait for theirs", async () => {
	const world = linesWorld();
	const slow = Promise.withResolvers<undefined>();
	const looked: string[] = [];
	world.files.type = async ({ name }) => {
		looked.push(name);
		return name === "slow" ? slow.promise : undefined;
	};
	const seen = (id: string) => {
		const base = { id: `$${id}` as never, room: source, at: 1, sender: alice };
		const media = { kind: "file" as const, source: { network: matrix, ref: id }, name: id };
		const event = { ...base, kind: "message" as const, style: "text" as const, text: "", media };
		return { ...base, what: { kind: "said" as const, event, origin: [] } };
	};
	const both = [seen("slow"), seen("quick")];
	for (const one of both) world.lines.begin(one);
	await Promise.resolve();
	expect(looked).toEqual(["slow", "quick"]);
	slow.resolve(undefined);
	for (const one of both) await world.lines.show(world.room, one);
	expect(looked).toEqual(["slow", "quick"]);
	expect(world.got(phone)).toHaveLength(2);
});

test("a file that cannot be given out is shown by its name, and its sender reads why", async () => {
	const world = linesWorld();
	const file = (name: string, size: number) => ({
		...{ kind: "message", style: "text", text: "look" },
		media: { kind: "file", source: { network: matrix, ref: name }, name, size, mime: "a/b" },
	});
	await world.show("$1", file("small", 10));
	expect(world.got(phone)[0]).toContain("<body>https://files.test/small</body>");
	await world.show("$2", file("large", 10_000));
	expect(world.got(phone).join()).toMatch(/<body>[^<]*large[^<]*look<\/body>/);
	expect(world.notices).toEqual([expect.stringMatching(/^\$2: /)]);
});

describe("a private message", () => {
	const chat = 'id="p1" type="chat"';
	test("reaches all clients of an occupant of XMPP, and nobody else", async () => {
		const world = linesWorld();
		expect(await world.say(capulet, body, chat, "#other@bridge.test/Romeo")).toBe("");
		for (const jid of [phone, laptop])
			expect(world.got(jid)).toEqual([
				`<message type="chat" id="p1" from="#lobby@bridge.test/Tybalt">${body}<x xmlns="http://jabber.org/protocol/muc#user"/><occupant-id xmlns="urn:xmpp:occupant-id:0" id="o-tybalt@capulet.lit"/></message>`,
			]);
		expect(world.told).toEqual([]);
	});
	test("to a person of the source goes to a chat of the two, in which the sender has the ghost of the room", async () => {
		const world = linesWorld();
		expect(await world.say(capulet, body, chat, `${other}/Alice`)).toBe("");
		expect(world.whispers).toEqual([
			expect.objectContaining({
				muc: view,
				to: alice,
				sender: expect.objectContaining({ name: "Tybalt", ghostOf: tybalt, address: [view, "Tybalt"] }),
			}),
		]);
		expect(world.told).toEqual([]);
	});
	test("of a person of the source reaches each client of its person, by the address that it joined by", async () => {
		const world = linesWorld();
		await world.say(capulet, body, chat, `${other}/Alice`);
		const venue = createPrivateVenue(world.context);
		const place = (id = "") => ({ muc: view, person: id, ghost: "alice@bridge.test", within: "Hall" });
		const make = (from: string, to: string | undefined) => xml("message", { from, to, type: "chat" });
		await venue.write(place(world.whispers[0]?.sender.id), alice, make);
		expect(world.got(capulet)).toEqual([`<message from="${other}/Alice" type="chat"/>`]);
		const absent = venue.write(place(`${view} benvolio@x.lit`), alice, make);
		await expect(absent).rejects.toMatchObject({
			reason: "not-found",
			message: expect.stringContaining("the room Hall "),
		});
		const stranger = { ...bob, id: "@stranger:hs.test" as never };
		const outside = venue.write(place(world.whispers[0]?.sender.id), stranger, make);
		await expect(outside).rejects.toMatchObject({
			reason: "forbidden",
			message: expect.stringContaining("the room Hall "),
		});
	});
	test.each([
		["moderators", /type="auth"><forbidden /],
		["none", /type="auth"><forbidden /],
		["participants", /^$/],
	] as const)("is answered as the owners want it: %s", async (privately, answer) => {
		const world = linesWorld();
		world.room.own = { privately };
		expect(await world.say(phone, body, chat, `${lobby}/Tybalt`)).toMatch(answer);
	});
	test("of a flood is refused past the limit", async () => {
		// The limit grants more while a busy machine stands still.
		vi.useFakeTimers({ toFake: ["Date"] });
		onTestFinished(() => void vi.useRealTimers());
		const world = linesWorld();
		let answer = "";
		for (let n = 0; n < 61; n++) answer = await world.say(phone, body, chat, `${lobby}/Tybalt`);
		expect(answer).toMatch(/type="wait"><policy-violation /);
	});
	test.each([
		["to nobody", phone, chat, `${lobby}/Nobody`, /<item-not-found .*>Nobody in this room has this nick\.</],
		["from outside", "nobody@x.lit/a", chat, `${lobby}/Romeo`, /<not-acceptable /],
		["of the type groupchat", phone, 'type="groupchat"', `${lobby}/Tybalt`, /type="modify"><bad-request /],
	])("%s is answered with the reason", async (_what, from, attrs, to, answer) => {
		expect(await linesWorld().say(from, body, attrs, to)).toMatch(answer);
	});
});

describe("the subject", () => {
	const subject = "<subject>News</subject>";
	test("of a person with the power is shown when the source has it, under the id of the client", async () => {
		const world = linesWorld();
		world.room.facts = { ...world.room.facts, levels: levels({ [`${romeo.network} ${romeo.id}`]: 50 }) };
		expect(await world.say(phone, subject)).toBe("");
		expect(world.topics).toEqual(["Romeo: News"]);
		expect(world.got(phone)).toEqual([]);
		const seen = { id: "$t" as never, room: source, at: 5, sender: romeo };
		await world.lines.show(world.room, { ...seen, what: { kind: "topic", topic: "News" } });
		expect(world.got(capulet)).toEqual([
			expect.stringMatching(
				/^<message type="groupchat" from="#other@bridge.test\/Romeo" id="c1"><subject>News<\/subject><occupant-id [^>]+>/,
			),
		]);
		expect(world.room).toMatchObject({
			facts: { topic: "News", topicSet: { by: { name: "Romeo" }, at: 5 } },
		});
	});
	test("of anybody else is refused", async () => {
		const world = linesWorld();
		expect(await world.say(capulet, subject, 'type="groupchat"', "#other@bridge.test")).toMatch(
			/<forbidden /,
		);
		expect(world.topics).toEqual([]);
	});
	test("is answered when the source refuses it, or is slow to take it", async () => {
		const world = linesWorld();
		world.room.facts = { ...world.room.facts, levels: levels({}, 50) };
		world.trouble.topic = new PermanentError("forbidden", "no.");
		await world.say(phone, subject);
		expect(world.got(phone)[0]).toMatch(/type="auth"><forbidden /);
		world.trouble.topic = new TemporaryError("away");
		await world.say(phone, subject);
		expect(world.got(phone)[0]).toMatch(/<remote-server-timeout /);
	});
	test("beside a body, or in a thread, is no change of it", async () => {
		const world = linesWorld();
		await world.say(phone, `${subject}${body}`);
		expect(world.topics).toEqual([]);
		expect(last(world)).toMatchObject({ kind: "message" });
	});
	test.each([
		["in a thread", "<thread>t1</thread>"],
		["beside an empty body", "<body/>"],
	])("%s, and without words, is refused with the reason", async (_how, beside) => {
		const world = linesWorld();
		expect(await world.say(phone, `${subject}${beside}`)).toMatch(
			/type="modify"><bad-request .*neither a text nor a thread/,
		);
		expect([world.topics, world.told, world.got(capulet)]).toEqual([[], [], []]);
	});
});

describe("a moderator's request to delete a message", () => {
	const ask = (world: ReturnType<typeof linesWorld>, id: string) => {
		const iq = `<iq type="set" id="m1" from="${phone}" to="${lobby}"><moderate xmlns="urn:xmpp:message-moderate:1" id="${id}"><retract xmlns="urn:xmpp:message-retract:1"/><reason>brawl</reason></moderate></iq>`;
		return world.ask(iq);
	};
	const mighty = () => {
		const world = linesWorld();
		world.room.facts = { ...world.room.facts, levels: levels({ [`${romeo.network} ${romeo.id}`]: 50 }) };
		world.there.add("$1");
		return world;
	};
	test("is answered when the source has deleted it", async () => {
		const world = mighty();
		const answer = ask(world, "$1");
		await new Promise((resolve) => setTimeout(resolve, 0));
		expect(last(world)).toMatchObject({ kind: "redaction", reason: "brawl", sender: { name: "Romeo" } });
		await world.show("$2", { kind: "redaction", target: { id: "$1" }, reason: "brawl" }, romeo);
		expect(await answer).toMatch(/type="result"/);
		expect(world.got(capulet)[0]).toContain("<reason>brawl</reason>");
	});
	test("is refused without the power, without the message, and by the source", async () => {
		expect(await ask(linesWorld(), "$1")).toMatch(/type="auth"><forbidden /);
		expect(await ask(mighty(), "$none")).toMatch(/<item-not-found /);
		const world = mighty();
		const answer = ask(world, "$1");
		await new Promise((resolve) => setTimeout(resolve, 0));
		await world.lines.refuse(last(world), new PermanentError("forbidden", "no."), "Matrix");
		expect(await answer).toMatch(/type="auth"><forbidden /);
	});
});

test("a message for the room that is none for all is answered with the reason", async () => {
	expect(await linesWorld().say(phone, body, 'type="chat"')).toMatch(/type="modify"><bad-request /);
	expect(await linesWorld().say(phone, "", 'type="chat"')).toBe("");
});

test("nobody's line waits any more once the source has it, or refuses it", async () => {
	const world = linesWorld();
	await world.say(phone, body);
	let idle = false;
	const { pending } = world.context;
	const wait = pending.idle(view, personKey(romeo), 60_000).then(() => {
		idle = true;
	});
	await pending.idle(view, personKey(tybalt), 60_000);
	expect(idle).toBe(false);
	await world.show("$1", { kind: "message", style: "text", text: "hi" }, romeo, last(world));
	await wait;
	expect(idle).toBe(true);
});
