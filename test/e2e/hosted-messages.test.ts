import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { throughOne } from "../soak.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient, type SeenEvent } from "../testbed/matrix-client.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";
import { expectSignals } from "./signals-in-private.ts";

/** Tests what is said in a Matrix room that people of XMPP join as a MUC of the bridge. */

const ns = {
	sid: "urn:xmpp:sid:0",
	correct: "urn:xmpp:message-correct:0",
	reactions: "urn:xmpp:reactions:0",
	reply: "urn:xmpp:reply:0",
	moderate: "urn:xmpp:message-moderate:1",
	retract: "urn:xmpp:message-retract:1",
	muc: "http://jabber.org/protocol/muc#user",
};
const body = (stanza: Element) => stanza.getChild("body")?.getText();
const stanzaId = (stanza: Element) => stanza.getChild("stanza-id", ns.sid)?.attrs.id;
const emojiIn = (stanza: Element) =>
	stanza
		.getChild("reactions", ns.reactions)
		?.getChildren("reaction")
		.map((one) => one.getText());
const relation = ({ content }: SeenEvent) => (content["m.relates_to"] ?? {}) as Record<string, unknown>;
let count = 0;
const unique = (text: string) => `${text} ${++count}`;

describe.each(throughOne("ejabberd"))("a hosted room on %s", (server) => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	/** Two clients of Romeo, and one of Benvolio, who knows the room by another address. */
	let phone: XmppClient;
	let laptop: XmppClient;
	let benvolio: XmppClient;
	let room: string;
	let hall: string;
	let other: string;

	const all = () => [phone, laptop, benvolio];
	const addressOf = (client: XmppClient) => (client === benvolio ? other : hall);

	async function join(client: XmppClient, nick: string): Promise<void> {
		const before = client.inbox.items.length;
		const address = addressOf(client);
		await client.joinRoom(address, nick);
		await client.waitFor(
			"the subject",
			(one) =>
				client.inbox.items.indexOf(one) >= before &&
				one.is("message") &&
				one.getChild("subject") !== undefined,
		);
	}
	async function joinAll(): Promise<void> {
		for (const client of all()) await join(client, client === benvolio ? "Benvolio" : "Romeo");
	}
	/** Kills the bridge and starts it again. Clients come back into the room by themselves; these do. */
	async function restart(): Promise<void> {
		const before = new Map(all().map((client) => [client, client.inbox.items.length]));
		await bridged.kill();
		await bridged.start();
		for (const [client, at] of before)
			await client.waitFor(
				"the end of the session",
				(one) =>
					client.inbox.items.indexOf(one) >= at &&
					one.is("presence") &&
					one.attrs.type === "unavailable" &&
					one.attrs.from?.startsWith(`${addressOf(client)}/`) === true,
				20_000,
			);
		await joinAll();
	}
	const power = (content: Record<string, unknown>) =>
		juliet.request("PUT", `v3/rooms/${encodeURIComponent(room)}/state/m.room.power_levels/`, {
			users: { [juliet.userId]: 100 },
			...content,
		});
	const ghostOf = (client: XmppClient) =>
		`@_xmpp_${client.jid.split("/")[0]?.replace("@", "=40")}:${juliet.userId.split(":")[1]}`;

	/** Sends a groupchat message. Resolves with its id. */
	async function sends(client: XmppClient, words: string | undefined, ...parts: Element[]): Promise<string> {
		const id = `h${++count}`;
		const line = words === undefined ? [] : [xml("body", {}, words)];
		await client.send(xml("message", { to: addressOf(client), type: "groupchat", id }, ...line, ...parts));
		return id;
	}
	/** Sends a message and waits for it. Resolves with its own id and its stanza-id. */
	async function says(client: XmppClient, words: string, ...parts: Element[]) {
		const id = await sends(client, words, ...parts);
		const back = await reflected(client, id);
		return { id, named: stanzaId(back) ?? "" };
	}
	const reflected = (client: XmppClient, id: string) =>
		client.waitFor(
			"the reflection",
			(one) => one.is("message") && one.attrs.id === id && one.attrs.type === "groupchat",
		);
	const refused = (client: XmppClient, id: string, ms?: number) =>
		client.waitFor("the refusal", (one) => one.attrs.type === "error" && one.attrs.id === id, ms);
	const there = (client: XmppClient, what: string, fits: (one: Element) => boolean) =>
		client.waitFor(what, (one) => one.is("message") && one.attrs.type !== "error" && fits(one));
	const here = (what: string, fits: (event: SeenEvent) => boolean) =>
		juliet.waitFor(
			what,
			(event) => event.room_id === room && event.from === "timeline" && fits(event),
			15_000,
		);
	const heard = (words: string) => here(words, ({ content }) => content.body === words);
	const react = (event: string, key: string) =>
		juliet.send(room, { "m.relates_to": { rel_type: "m.annotation", event_id: event, key } }, "m.reaction");
	const redact = (event: string) =>
		juliet.request(
			"PUT",
			`v3/rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(event)}/h${++count}`,
			{},
		);
	/** Resolves with the last lines of the archive, as the room's people got them live. */
	async function archiveOf(client: XmppClient): Promise<readonly Element[]> {
		const queryid = `q${++count}`;
		const last = xml("set", { xmlns: "http://jabber.org/protocol/rsm" }, xml("max", {}, "10"), xml("before"));
		await client.iq(addressOf(client), "set", xml("query", { xmlns: "urn:xmpp:mam:2", queryid }, last));
		return client.inbox.items.flatMap((one) => {
			const result = one.getChild("result", "urn:xmpp:mam:2");
			const line = result?.getChild("forwarded")?.getChild("message");
			return result?.attrs.queryid === queryid && line ? [line] : [];
		});
	}
	/** Resolves when a client has a role in the room (XEP-0045 §5.1). */
	const hasRole = (client: XmppClient, nick: string, role: string) =>
		client.waitFor(`the role ${role}`, () => {
			const own = client.inbox.items.findLast(
				(one) => one.is("presence") && one.attrs.from === `${addressOf(client)}/${nick}`,
			);
			return own?.getChild("x", ns.muc)?.getChild("item")?.attrs.role === role;
		});
	const condition = (error: Element) =>
		error.getChild("error")?.children.map((one) => (typeof one === "string" ? "" : one.name))[0];

	beforeAll(async () => {
		bridged = await startBridged({
			xmpp: server,
			config: ({ ports }) => ({
				public: { listen: `127.0.0.1:${ports.public}`, url: `http://127.0.0.1:${ports.public}` },
				media: { largest: 1 },
				limits: { sender: { per_minute: 6000, burst: 1000 } },
			}),
		});
		const { bed, xmpp } = bridged;
		juliet = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("juliet"));
		await juliet.displayName("Juliet");
		const romeo = await bed.xmppUser(server, "romeo");
		phone = await XmppClient.connect(romeo, { resource: "phone" });
		laptop = await XmppClient.connect(romeo, { resource: "laptop" });
		benvolio = await XmppClient.connect(await bed.xmppUser(server, "benvolio"));
		room = await juliet.createRoom({ preset: "public_chat", room_alias_name: "hall" });
		const second = "#ballroom:hs.test";
		await juliet.request("PUT", `v3/directory/room/${encodeURIComponent(second)}`, { room_id: room });
		hall = `#hall@${xmpp.component}`;
		other = `#ballroom@${xmpp.component}`;
		await joinAll();
	});
	afterAll(async () => {
		await Promise.all([juliet, ...all()].map((client) => client?.close()));
		await bridged?.down();
	});

	test("each line is shown once to each client, in the order of Matrix, under the id of its sender", async () => {
		const word = unique("crowd");
		const sent: string[] = [];
		await Promise.all([
			...[phone, laptop, benvolio].map(async (client, of) => {
				for (let n = 0; n < 15; n++) sent.push(await sends(client, `${word} ${of} ${n}`));
			}),
			(async () => {
				for (let n = 0; n < 15; n++) sent.push(await juliet.send(room, `${word} Juliet ${n}`));
			})(),
		]);
		const isOurs = (one: Element) => one.is("message") && body(one)?.startsWith(`${word} `) === true;
		const order = async (client: XmppClient) => {
			await client.waitFor(
				"all lines",
				() => client.inbox.items.filter(isOurs).length >= sent.length,
				30_000,
			);
			return (await client.inbox.settled(isOurs, 500)).map((one) => `${stanzaId(one)} ${body(one)}`);
		};
		const seen = await Promise.all(all().map(order));
		const timeline = (
			await juliet.inbox.settled(
				(event) => event.room_id === room && String(event.content.body).startsWith(`${word} `),
				500,
			)
		).map(({ event_id, content }) => `${event_id} ${content.body}`);
		expect(timeline).toHaveLength(sent.length);
		for (const lines of seen) expect(lines).toEqual(timeline);
		const ids = benvolio.inbox.items.filter(isOurs).map((one) => one.attrs.id);
		expect(ids?.toSorted()).toEqual(sent.toSorted());
		const by = benvolio.inbox.items.filter(isOurs).map((one) => one.getChild("stanza-id", ns.sid)?.attrs.by);
		expect(new Set(by)).toEqual(new Set([other]));
	});

	test("a line keeps what the bridge does not know, and loses what is written in the name of the room", async () => {
		const words = unique("odd");
		const id = await sends(
			phone,
			words,
			xml("dance", { xmlns: "https://example.org/dance" }, xml("step")),
			xml("stanza-id", { xmlns: ns.sid, by: hall, id: "forged" }),
			xml("occupant-id", { xmlns: "urn:xmpp:occupant-id:0", id: "forged" }),
			xml("x", { xmlns: ns.muc }, xml("status", { code: "110" })),
		);
		const line = await there(benvolio, words, (one) => body(one) === words);
		expect(line.attrs.id).toBe(id);
		expect(line.getChild("dance")?.getChild("step")).toBeDefined();
		expect(line.toString()).not.toMatch(/forged|110/);
	});

	test("typing reaches the people of XMPP, and no line of it anybody", async () => {
		await sends(phone, undefined, xml("composing", { xmlns: "http://jabber.org/protocol/chatstates" }));
		await there(benvolio, "typing", (one) => one.getChild("composing") !== undefined);
	});

	test("a person corrects and deletes lines of their own after a restart of the bridge, too", async () => {
		const [words, better] = [unique("wrods"), unique("words")];
		const { id, named } = await says(phone, words);
		const { event_id } = await heard(words);
		expect(named).toBe(event_id);
		await restart();
		await sends(laptop, better, xml("replace", { xmlns: ns.correct, id }));
		const edit = await here(better, ({ content }) => content.body === `* ${better}`);
		expect(relation(edit)).toEqual({ rel_type: "m.replace", event_id });
		const line = await there(benvolio, better, (one) => body(one) === better);
		expect(line.getChild("replace", ns.correct)?.attrs.id).toBe(id);
		// The archive has it from Matrix, where the id of the client stands in the mark of the event.
		const archived = (await archiveOf(benvolio)).find((one) => body(one) === better);
		expect(archived?.attrs.id).toBe(line.attrs.id);
		expect(archived?.getChild("replace", ns.correct)?.attrs.id).toBe(id);
		await sends(laptop, undefined, xml("retract", { xmlns: ns.retract, id: named }));
		const gone = await here("the redaction", ({ type }) => type === "m.room.redaction");
		expect(JSON.stringify(gone)).toContain(event_id);
		await there(benvolio, "the retraction", (one) => one.getChild("retract")?.attrs.id === named);
	});

	test("reactions stay whole sets over a restart of the bridge", async () => {
		const { named } = await says(phone, unique("cake"));
		const shows = (...emoji: string[]) =>
			there(
				benvolio,
				emoji.join(),
				(one) =>
					one.getChild("reactions", ns.reactions)?.attrs.id === named &&
					one.attrs.from === `${other}/Juliet` &&
					emojiIn(one)?.join() === emoji.join(),
			);
		const first = await react(named, "🎂");
		await shows("🎂");
		await restart();
		await react(named, "🎉");
		await shows("🎂", "🎉");
		await redact(first);
		await shows("🎉");
	});

	test("several files of one message are one line on XMPP, and a file each on Matrix", async () => {
		const names = [unique("one"), unique("two")].map(
			(name) => `https://example.org/${encodeURIComponent(name)}.png`,
		);
		const files = names.map((target) =>
			xml(
				"file-sharing",
				{ xmlns: "urn:xmpp:sfs:0", disposition: "inline" },
				xml("file", { xmlns: "urn:xmpp:file:metadata:0" }, xml("media-type", {}, "image/png")),
				xml("sources", {}, xml("url-data", { xmlns: "http://jabber.org/protocol/url-data", target })),
			),
		);
		const id = await sends(phone, names.join("\n"), ...files);
		const isIt = (one: Element) => one.is("message") && one.attrs.id === id;
		await reflected(phone, id);
		// Nobody can fetch these files, which their sender reads from the room.
		await there(phone, "a notice", (one) => one.attrs.from === hall && /only a link/.test(body(one) ?? ""));
		await says(phone, unique("behind it"));
		for (const client of [laptop, benvolio]) expect(await client.inbox.settled(isIt, 500)).toHaveLength(1);
	});

	test("a file above media.largest is shown by its name, and leaves its words intact", async () => {
		const info = { mimetype: "image/png", size: 1_100_000 };
		const huge = {
			msgtype: "m.image",
			body: "my huge cat",
			filename: "huge.png",
			url: "mxc://hs.test/huge",
			info,
		};
		await juliet.send(room, huge);
		const words = "sent an image: huge.png\nmy huge cat";
		await there(benvolio, "the name", (one) => body(one) === words);
	});

	test("a text that is too long for a Matrix event is shown whole on XMPP, and is a file on Matrix", async () => {
		const words = `${unique("long")} ${"wherefore art thou ".repeat(4_000)}`.trim();
		const id = await sends(phone, words);
		expect(body(await reflected(laptop, id))).toBe(words);
		const file = await here("the file", ({ content }) => content.filename === "message.txt");
		expect(String(file.content.body)).toContain(words.slice(0, 100));
	});

	test("a call that a person of XMPP offers is told in words", async () => {
		const description = xml("description", { xmlns: "urn:xmpp:jingle:apps:rtp:1", media: "video" });
		await sends(
			phone,
			undefined,
			xml("propose", { xmlns: "urn:xmpp:jingle-message:0", id: "c" }, description),
		);
		await heard("is calling by video, but calls do not cross the bridge");
	});

	test("the topic is the subject, and changes both ways by power level", async () => {
		const [one, two] = [unique("The balcony"), unique("The tomb")];
		await juliet.request("PUT", `v3/rooms/${encodeURIComponent(room)}/state/m.room.topic/`, { topic: one });
		const told = await there(benvolio, one, (stanza) => stanza.getChild("subject")?.getText() === one);
		expect(told.attrs.from).toBe(`${other}/Juliet`);
		const subject = xml("subject", {}, two);
		const error = await refused(phone, await sends(phone, undefined, subject));
		expect(condition(error)).toBe("forbidden");
		await power({ users: { [juliet.userId]: 100, [ghostOf(phone)]: 50 } });
		await hasRole(phone, "Romeo", "moderator");
		const id = await sends(phone, undefined, xml("subject", {}, two));
		await here(two, ({ content }) => content.topic === two);
		expect((await reflected(laptop, id)).getChild("subject")?.getText()).toBe(two);
		await power({});
	});

	test("a line that the room does not take comes back to the client that sent it, with the reason", async () => {
		const words = unique("tree");
		const { named } = await says(phone, words);
		await power({ events: { "m.reaction": 100 } });
		const reaction = xml("reactions", { xmlns: ns.reactions, id: named }, xml("reaction", {}, "🌳"));
		const error = await refused(phone, await sends(phone, undefined, reaction));
		expect(condition(error)).toBe("forbidden");
		await power({ events_default: 50 });
		await hasRole(phone, "Romeo", "visitor");
		const silent = await refused(phone, await sends(phone, unique("may I?")));
		expect(condition(silent)).toBe("forbidden");
		await power({});
		await hasRole(phone, "Romeo", "participant");
		await says(phone, unique("I may"));
	});

	test("a reference to no message of the room is told to its sender", async () => {
		const retract = xml("retract", { xmlns: ns.retract, id: "no such id" });
		const error = await refused(phone, await sends(phone, undefined, retract));
		expect(condition(error)).toBe("item-not-found");
	});

	test("a private message reaches all clients of its person, and nobody else", async () => {
		const words = unique("psst");
		await benvolio.sendMessage(`${other}/Romeo`, words);
		for (const client of [phone, laptop]) {
			const line = await there(client, words, (one) => body(one) === words);
			expect(line.attrs).toMatchObject({ type: "chat", from: `${hall}/Benvolio` });
			expect(line.getChild("x", ns.muc)).toBeDefined();
		}
	});

	test("a private message to a Matrix person opens a chat that names the room, and the answer comes from their nick", async () => {
		const words = unique("psst");
		const whispered = await benvolio.sendMessage(`${other}/Juliet`, words);
		const invite = await juliet.waitFor(
			"the invitation",
			({ type, sender, state_key: guest, content }) =>
				type === "m.room.member" &&
				guest === juliet.userId &&
				sender === ghostOf(benvolio) &&
				content.membership === "invite",
		);
		const chat = invite.room_id as string;
		await juliet.join(chat);
		const message = await juliet.waitFor(
			"the message",
			(one) => one.room_id === chat && one.content.body === words,
		);
		const name = await juliet.request("GET", `v3/rooms/${encodeURIComponent(chat)}/state/m.room.name/`);
		expect(name).toMatchObject({ name: expect.stringMatching(/^Benvolio \(.+\)$/) });
		const answer = unique("hush");
		const event = await juliet.send(chat, answer);
		const line = await there(benvolio, answer, (one) => body(one) === answer);
		expect(line.attrs).toMatchObject({ type: "chat", from: `${other}/Juliet` });
		expect(phone.inbox.items.some((one) => body(one) === answer)).toBe(false);
		expect(juliet.inbox.items.some((one) => one.room_id === room && one.content.body === words)).toBe(false);
		await expectSignals(juliet, chat, benvolio, `${other}/Juliet`, {
			mine: { event, id: line.attrs.id ?? "" },
			theirs: { event: message.event_id ?? "", id: whispered },
		});
	});

	test("the last words of a person who leaves at once arrive, and the person has left", async () => {
		const words = unique("adieu");
		await sends(benvolio, words);
		await benvolio.leaveRoom(other, "Benvolio");
		const line = await heard(words);
		const left = await here(
			"the leave",
			(one) => one.state_key === ghostOf(benvolio) && one.content.membership === "leave",
		);
		expect(juliet.inbox.items.indexOf(left)).toBeGreaterThan(juliet.inbox.items.indexOf(line));
		const isBack = (one: SeenEvent) =>
			one.state_key === ghostOf(benvolio) &&
			one.content.membership === "join" &&
			juliet.inbox.items.indexOf(one) > juliet.inbox.items.indexOf(line);
		expect(await juliet.inbox.settled(isBack, 500)).toEqual([]);
		await join(benvolio, "Benvolio");
	});

	test("a moderator of XMPP deletes what others wrote, and nobody else does", async () => {
		const words = unique("brawl");
		const event = await juliet.send(room, words);
		await there(phone, words, (one) => body(one) === words);
		const moderate = () =>
			phone.iq(
				hall,
				"set",
				xml("moderate", { xmlns: ns.moderate, id: event }, xml("retract", { xmlns: ns.retract })),
			);
		await expect(moderate()).rejects.toThrow(/forbidden/);
		await power({ users: { [juliet.userId]: 100, [ghostOf(phone)]: 50 } });
		await hasRole(phone, "Romeo", "moderator");
		await moderate();
		const gone = await here(
			"the redaction",
			(one) => JSON.stringify(one).includes(event) && one.type === "m.room.redaction",
		);
		expect(gone.sender).toBe(ghostOf(phone));
		const told = await there(benvolio, "the deletion", (one) => one.getChild("retract")?.attrs.id === event);
		expect(told.attrs.from).toBe(other);
		expect(told.getChild("retract")?.getChild("moderated")?.attrs.by).toBe(`${other}/Romeo`);
		await power({});
	});
});
