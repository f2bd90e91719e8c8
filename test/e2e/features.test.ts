import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient, type SeenEvent } from "../testbed/matrix-client.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";
import { chat, noArchive } from "./meeting.ts";

/**
 * Tests each row of docs/support.md about messages on the whole bridge, between a Matrix client and an XMPP client.
 */

const ns = {
	correct: "urn:xmpp:message-correct:0",
	retract: "urn:xmpp:message-retract:1",
	reactions: "urn:xmpp:reactions:0",
	reply: "urn:xmpp:reply:0",
	fallback: "urn:xmpp:fallback:0",
	mentions: "urn:xmpp:mentions:0",
	reference: "urn:xmpp:reference:0",
	states: "http://jabber.org/protocol/chatstates",
	markers: "urn:xmpp:chat-markers:0",
	receipts: "urn:xmpp:receipts",
};
/** Matches texts that no person may read. */
const raw = /=40|=3a|@_xmpp_|@juliet:hs\.test|%hs\.test/;
const body = (stanza: Element) => stanza.getChild("body")?.getText();
type Content = Record<string, unknown>;
const content = (event: SeenEvent) =>
	event.content as Record<"msgtype" | "formatted_body" | "geo_uri", string | undefined> & Content;
const relation = (event: SeenEvent) =>
	(event.content["m.relates_to"] ?? {}) as Record<"rel_type" | "event_id" | "key", string | undefined> &
		Content;
const changed = (event: SeenEvent) => ((event.content["m.new_content"] ?? {}) as Content).body;

type Kind = "chat" | "MUC" | "MUC without an archive" | "hosted room";
let count = 0;
const unique = (text: string) => `${text} ${++count}`;

describe.each(["prosody", "ejabberd"] as const)("messages between Synapse and %s", (server) => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	let romeo: XmppClient;
	const rooms = new Map<Kind, { to: string; room: string }>();

	beforeAll(async () => {
		bridged = await startBridged({ xmpp: server });
		const { bed, xmpp } = bridged;
		juliet = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("juliet"));
		await juliet.displayName("Juliet");
		romeo = await XmppClient.connect(await bed.xmppUser(server, "romeo"));

		for (const [kind, name] of [
			["MUC", "verona"],
			["MUC without an archive", "mantua"],
		] as const) {
			const to = `${name}@${xmpp.muc}`;
			await romeo.joinRoom(to, "Romeo");
			await romeo.configureRoom(to, kind === "MUC" ? {} : noArchive[server]);
			const room = await juliet.join(`#_xmpp_${name}=40${xmpp.muc}:hs.test`);
			await romeo.waitFor(
				"Juliet",
				(one) => one.is("presence") && one.attrs.from === `${to}/Juliet` && !one.attrs.type,
				20_000,
			);
			rooms.set(kind, { to, room });
		}
		const hosted = `#hall@${xmpp.component}`;
		const hall = await juliet.createRoom({ preset: "public_chat", room_alias_name: "hall" });
		await romeo.joinRoom(hosted, "Romeo");
		rooms.set("hosted room", { to: hosted, room: hall });
		const to = `juliet@${xmpp.component}`;
		rooms.set("chat", { to, room: await chat(to, romeo, juliet) });
	});
	afterAll(async () => {
		const others = juliet?.inbox.items.filter(({ sender }) => sender !== juliet.userId);
		expect(others?.map(({ content }) => String(content.body ?? "")).join("\n")).not.toMatch(raw);
		const shown = romeo?.inbox.items.map((one) => body(one) ?? "").join("\n");
		expect(shown).not.toMatch(raw);
		await Promise.all([juliet?.close(), romeo?.close()]);
		await bridged?.down();
	});

	describe.each<Kind>(["chat", "MUC", "MUC without an archive", "hosted room"])("in a %s", (kind) => {
		const inMuc = kind !== "chat";
		const hosted = kind === "hosted room";
		const ids = kind !== "MUC without an archive";
		let to: string;
		let room: string;
		let seenHere: number;
		let seenThere: number;
		beforeEach(() => {
			({ to, room } = rooms.get(kind) ?? { to: "", room: "" });
			seenHere = juliet.inbox.items.length;
			seenThere = romeo.inbox.items.length;
		});

		/** Sends a stanza as Romeo. Resolves with its id and the id by which others refer to it. */
		async function sends(words: string | undefined, ...parts: Element[]) {
			const id = `r${++count}`;
			const line = words === undefined ? [] : [xml("body", {}, words)];
			await romeo.send(xml("message", { to, type: inMuc ? "groupchat" : "chat", id }, ...line, ...parts));
			if (!inMuc) return { id, named: id };
			const back = await romeo.waitFor("the reflection", (one) => one.attrs.id === id && one.is("message"));
			return { id, named: back.getChild("stanza-id", "urn:xmpp:sid:0")?.attrs.id ?? id };
		}
		/** Resolves with the first fitting event that Juliet received from romeo since the test began. */
		const here = (what: string, fits: (event: SeenEvent) => boolean) =>
			juliet.waitFor(
				what,
				(event) =>
					juliet.inbox.items.indexOf(event) >= seenHere &&
					event.room_id === room &&
					event.from === "timeline" &&
					event.sender !== juliet.userId &&
					fits(event),
				15_000,
			);
		const heard = (words: string) => here(words, (event) => event.content.body === words);
		/** Resolves with the first fitting stanza that romeo received from Juliet since the test began. */
		const there = (what: string, fits: (stanza: Element) => boolean) =>
			romeo.waitFor(
				what,
				(one) =>
					romeo.inbox.items.indexOf(one) >= seenThere &&
					one.is("message") &&
					one.attrs.type !== "error" &&
					one.attrs.from?.split("/")[0] === to &&
					!one.attrs.from?.endsWith("/Romeo") &&
					fits(one),
				15_000,
			);
		const read = (words: string) => there(words, (one) => body(one) === words);
		const nameOf = (line: Element) =>
			inMuc && ids ? (line.getChild("stanza-id", "urn:xmpp:sid:0")?.attrs.id ?? "") : (line.attrs.id ?? "");
		const redact = (event: string, reason?: string, as = juliet) =>
			as.request(
				"PUT",
				`v3/rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(event)}/t${++count}`,
				reason ? { reason } : {},
			);
		const react = (event: string, key: string) =>
			juliet.send(room, { "m.relates_to": { rel_type: "m.annotation", event_id: event, key } }, "m.reaction");
		const reply = (id: string) => xml("reply", { xmlns: ns.reply, id });
		const reactions = (id: string, ...emoji: string[]) =>
			xml("reactions", { xmlns: ns.reactions, id }, ...emoji.map((one) => xml("reaction", {}, one)));
		const store = () => xml("store", { xmlns: "urn:xmpp:hints" });
		/** Resolves with the number of fitting events that Juliet has received, after 500 ms for duplicates. */
		const times = async (fits: (event: SeenEvent) => boolean) =>
			(
				await juliet.inbox.settled(
					(event) => event.room_id === room && event.from === "timeline" && fits(event),
					500,
				)
			).length;

		test("formatting crosses as formatting", async () => {
			const words = unique("bold");
			await sends(`*${words}* and \`code\``);
			const event = await heard(`${words} and code`);
			expect(content(event).formatted_body).toBe(`<strong>${words}</strong> and <code>code</code>`);
			await sends("```ts\nlet a = 1;\n```");
			const code = await here("code", (one) => /<pre>/.test(content(one).formatted_body ?? ""));
			expect(content(code).formatted_body).toContain('<pre><code class="language-ts">let a = 1;');
			await juliet.send(room, {
				msgtype: "m.text",
				body: `**${words}** x`,
				format: "org.matrix.custom.html",
				formatted_body: `<strong>${words}</strong> <span data-mx-spoiler>x</span><script>y</script>`,
			});
			await read(`*${words}* ||x||`);
			await juliet.send(room, `*${words}*`);
			const literal = await there("the text without styling", (one) => body(one) === `*${words}*`);
			expect(literal.getChild("unstyled", "urn:xmpp:styling:0")).toBeTruthy();
		});

		test("a correction, and a correction of a correction, changes the first message", async () => {
			const [one, two, three] = [unique("one"), unique("two"), unique("three")];
			const { id } = await sends(one);
			const first = await heard(one);
			for (const words of [two, three]) {
				await sends(words, xml("replace", { xmlns: ns.correct, id }));
				const edit = await here(words, (event) => changed(event) === words);
				expect(relation(edit)).toEqual({ rel_type: "m.replace", event_id: first.event_id });
			}
			const mine = await juliet.send(room, one);
			const line = await read(one);
			for (const words of [two, three]) {
				await juliet.send(room, {
					msgtype: "m.text",
					body: `* ${words}`,
					"m.new_content": { msgtype: "m.text", body: words },
					"m.relates_to": { rel_type: "m.replace", event_id: mine },
				});
				const correction = await read(words);
				expect(correction.getChild("replace", ns.correct)?.attrs.id).toBe(line.attrs.id);
			}
			expect(await times((event) => event.content.body === two && !relation(event).rel_type)).toBe(0);
			expect(romeo.inbox.items.some((stanza) => body(stanza)?.startsWith("* "))).toBe(false);
		});

		// A MUC without an archive differs in the ids alone.
		if (ids)
			test("typing and read positions cross both ways, private ones stay, and a chat has receipts", async () => {
				const passes = (...inside: Element[]) =>
					romeo.send(xml("message", { to, type: inMuc ? "groupchat" : "chat" }, ...inside));
				const path = `v3/rooms/${encodeURIComponent(room)}`;
				const reads = (kind: string, event: SeenEvent) =>
					juliet.request("POST", `${path}/receipt/${kind}/${encodeURIComponent(event.event_id ?? "")}`, {});
				const types = (typing: boolean) =>
					juliet.request("PUT", `${path}/typing/${encodeURIComponent(juliet.userId)}`, {
						typing,
						...(typing && { timeout: 30_000 }),
					});
				/** Resolves when /sync has brought Juliet this of the room, beside its events. */
				const passed = (what: string, fits: (event: SeenEvent) => boolean) =>
					juliet.waitFor(
						what,
						(event) =>
							juliet.inbox.items.indexOf(event) >= seenHere &&
							event.room_id === room &&
							event.from === "ephemeral" &&
							fits(event),
						15_000,
					);

				await types(true);
				await there("typing", (one) => one.getChild("composing", ns.states) !== undefined);
				await types(false);
				await there(
					"the end of typing",
					(one) => one.getChild("active", ns.states) !== undefined && !body(one),
				);
				const [first, second] = [unique("one"), unique("two")];
				const { id } = await sends(first, xml("request", { xmlns: ns.receipts }));
				const unread = await heard(first);
				const ghost = unread.sender ?? "";
				await passes(xml("composing", { xmlns: ns.states }));
				const whoTypes = ({ type, content }: SeenEvent) =>
					type === "m.typing" ? (content.user_ids as string[]) : undefined;
				const isTyping = (event: SeenEvent) => whoTypes(event)?.includes(ghost) === true;
				const typed = await passed("typing", isTyping);
				await reads("m.read.private", unread);
				const sent = await sends(second);
				await reads("m.read", await heard(second));
				const isMarker = (one: Element) => one.getChild("displayed", ns.markers) !== undefined;
				const marker = await there("a marker", isMarker);
				expect(marker.getChild("displayed", ns.markers)?.attrs.id).toBe(sent.named);
				await passed(
					"the end of typing",
					(event) =>
						juliet.inbox.items.indexOf(event) > juliet.inbox.items.indexOf(typed) &&
						whoTypes(event)?.includes(ghost) === false,
				);

				const mine = await juliet.send(room, unique("three"));
				const line = await read(`three ${count}`);
				expect(line.getChild("markable", ns.markers)).toBeDefined();
				await passes(xml("displayed", { xmlns: ns.markers, id: nameOf(line) }));
				await passed("a receipt", ({ type, content }) => {
					const receipts = content[mine] as { "m.read"?: object } | undefined;
					return type === "m.receipt" && ghost in (receipts?.["m.read"] ?? {});
				});
				const receipt = (one: Element) => one.getChild("received", ns.receipts)?.attrs.id;
				if (inMuc) return expect(romeo.inbox.items.some((one) => inMuc && receipt(one) === id)).toBe(false);
				await there("a receipt", (one) => receipt(one) === id);
				expect(line.getChild("request", ns.receipts)).toBeDefined();
				await passes(xml("received", { xmlns: ns.receipts, id: line.attrs.id ?? "" }));
				const status = await here("a status", ({ type }) => type === "com.beeper.message_send_status");
				expect(status.content).toMatchObject({ status: "SUCCESS", delivered_to_users: [ghost] });
				expect(relation(status).event_id).toBe(mine);
			});

		test("a deletion deletes the message on the other side", async () => {
			const words = unique("oops");
			const { named } = await sends(words);
			const event = await heard(words);
			if (ids) {
				await sends(
					"/me retracted a message",
					xml("retract", { xmlns: ns.retract, id: named }),
					xml("fallback", { xmlns: ns.fallback, for: ns.retract }),
					store(),
				);
				const gone = await here("the redaction", (one) => one.type === "m.room.redaction");
				expect(gone.sender).toBe(event.sender);
				expect(JSON.stringify(gone)).toContain(event.event_id ?? "?");
				expect(await times((one) => String(one.content.body).includes("retracted"))).toBe(0);
			}
			const mine = await juliet.send(room, words);
			const line = await read(words);
			await redact(mine);
			const retraction = await there(
				"the retraction",
				(one) => !!one.getChild("retract", ns.retract) || body(one) === "(deleted)",
			);
			const target = retraction.getChild(ids ? "retract" : "replace")?.attrs.id;
			expect(target).toBe(ids ? nameOf(line) : line.attrs.id);
		});

		test("an id that its sender chose names a message of theirs, or the only one, and what finds none is told", async () => {
			// A hosted room answers its people by errors, see hosted-messages.test.ts.
			if (!inMuc || hosted) return;
			const retracts = (id: string) =>
				sends(
					"/me retracted a message",
					xml("retract", { xmlns: ns.retract, id }),
					xml("fallback", { xmlns: ns.fallback, for: ns.retract }),
					store(),
				);
			const mercutio = await XmppClient.connect(await bridged.bed.xmppUser(server, `mercutio${++count}`));
			await mercutio.joinRoom(to, "Mercutio");
			const [id, mine, theirs] = [unique("same"), unique("mine"), unique("theirs")];
			await romeo.send(xml("message", { to, type: "groupchat", id }, xml("body", {}, mine)));
			const first = await heard(mine);
			await mercutio.send(xml("message", { to, type: "groupchat", id }, xml("body", {}, theirs)));
			const second = await heard(theirs);
			await sends(undefined, reactions(id, "🎺"), store());
			await heard("reacted with 🎺");
			await retracts(id);
			const gone = await here("the redaction", (one) => one.type === "m.room.redaction");
			expect(gone.sender).toBe(first.sender);
			expect(JSON.stringify(gone)).toContain(first.event_id ?? "?");

			const only = unique("only");
			const sent = await sends(only);
			const { event_id } = await heard(only);
			await sends(undefined, reactions(sent.id, "🥁"), store());
			const drum = await here("🥁", (one) => relation(one).key === "🥁");
			expect(relation(drum).event_id).toBe(event_id);
			const yes = unique("yes");
			await sends(yes, reply(sent.id));
			expect(JSON.stringify(relation(await heard(yes)))).toContain(event_id ?? "?");

			const notice = (what: RegExp) =>
				romeo.waitFor(
					`a notice like ${what}`,
					(one) =>
						one.attrs.type === "chat" &&
						one.attrs.from?.startsWith(to) === true &&
						what.test(body(one) ?? ""),
				);
			await notice(/shown in words/);
			await retracts("no such id");
			await notice(/nothing was deleted/);
			const redactions = (event: SeenEvent) =>
				event.type === "m.room.redaction" && event.sender !== juliet.userId;
			expect(
				await times((one) => redactions(one) && JSON.stringify(one).includes(second.event_id ?? "?")),
			).toBe(0);
			await mercutio.close();
		});

		test("a reply refers to its message, and shows no additional quote", async () => {
			const question = unique("🎉 lunch?");
			const { named } = await sends(question);
			const event = await heard(question);
			const yes = unique("yes");
			const mine = await juliet.send(room, {
				msgtype: "m.text",
				body: yes,
				"m.relates_to": { "m.in_reply_to": { event_id: event.event_id } },
			});
			const answer = await there("the answer", (one) => body(one)?.endsWith(yes) === true);
			expect(body(answer)).toMatch(new RegExp(`^> [Rr]omeo: ${question.replace("?", "\\?")}\\n${yes}$`));
			if (!ids) return;
			expect(answer.getChild("reply", ns.reply)?.attrs.id).toBe(named);
			const quote = `> Juliet: ${yes}\n`;
			const end = String(Array.from(quote).length);
			const noon = unique("at 🕛");
			await sends(
				quote + noon,
				reply(nameOf(answer)),
				xml("fallback", { xmlns: ns.fallback, for: ns.reply }, xml("body", { start: "0", end })),
			);
			expect(relation(await heard(noon))).toEqual({ "m.in_reply_to": { event_id: mine } });
		});

		test("a corrected reply stays a reply, and shows no additional quote", async () => {
			const question = unique("🎉 supper?");
			const { named } = await sends(question);
			const event = await heard(question);
			const [yes, no] = [unique("yes"), unique("no")];
			const mine = await juliet.send(room, {
				...{ msgtype: "m.text", body: yes },
				"m.relates_to": { "m.in_reply_to": { event_id: event.event_id } },
			});
			const answer = await there("the answer", (one) => body(one)?.endsWith(yes) === true);
			await juliet.send(room, {
				...{ msgtype: "m.text", body: `* ${no}`, "m.new_content": { msgtype: "m.text", body: no } },
				"m.relates_to": { rel_type: "m.replace", event_id: mine },
			});
			const correction = await there("the correction", (one) => body(one)?.endsWith(no) === true);
			expect(correction.getChild("replace", ns.correct)?.attrs.id).toBe(answer.attrs.id);
			expect(body(correction)).toBe(body(answer)?.replace(yes, no));
			if (!ids) return;
			expect(correction.getChild("reply", ns.reply)?.attrs.id).toBe(named);
			const quote = `> Juliet: ${no}\n`;
			const end = String(Array.from(quote).length);
			const marked = () =>
				xml("fallback", { xmlns: ns.fallback, for: ns.reply }, xml("body", { start: "0", end }));
			const [noon, one] = [unique("at 🕛"), unique("at 🕐")];
			const first = await sends(quote + noon, reply(nameOf(answer)), marked());
			const said = await heard(noon);
			const replace = xml("replace", { xmlns: ns.correct, id: first.id });
			await sends(quote + one, reply(nameOf(answer)), marked(), replace);
			const edit = await here(one, (seen) => changed(seen) === one);
			expect(relation(edit)).toEqual({ rel_type: "m.replace", event_id: said.event_id });
			expect(edit.content.body).toBe(`* ${one}`);
		});

		if (!inMuc)
			test("a delayed message shows its original time", async () => {
				const words = unique("held");
				const stamp = new Date(Date.now() - 3_600_000).toISOString();
				const from = to.replace(/^.*@bridge\./, "");
				await sends(words, xml("delay", { xmlns: "urn:xmpp:delay", from, stamp }));
				const event = await heard(words);
				expect(event.origin_server_ts).toBe(Date.parse(stamp));
			});

		test("reactions cross as sets that replace each other", async () => {
			const cake = unique("cake");
			const mine = await juliet.send(room, cake);
			const line = await read(cake);
			const { named } = await sends(unique("tea"));
			const tea = await here("tea", (event) => String(event.content.body).startsWith("tea"));
			if (!ids) {
				await react(tea.event_id ?? "", "👍️");
				await there("the reaction as text", (one) => body(one)?.startsWith("/me reacted with 👍️") === true);
				// In a MUC only the stanza-id identifies a message (XEP-0444 §4.2).
				const asked = await juliet.send(room, "!bridge settings reactions native");
				await here("the answer", (event) =>
					JSON.stringify(event.content["m.relates_to"] ?? "").includes(asked),
				);
				await react(tea.event_id ?? "", "🎉");
				const still = await there(
					"the reaction as text",
					(one) => body(one)?.startsWith("/me reacted with 🎉") === true,
				);
				expect(still.getChild("reactions", ns.reactions)).toBeUndefined();
				return;
			}
			await sends(undefined, reactions(nameOf(line), "👍️", "❤"), store());
			const thumb = await here("👍️", (event) => relation(event).key?.startsWith("👍️") === true);
			expect(relation(thumb)).toMatchObject({ rel_type: "m.annotation", event_id: mine });
			const heart = await here("❤️", (event) => relation(event).key === "❤️");
			await sends(undefined, reactions(nameOf(line), "❤️"), store());
			await here(
				"the removal of 👍️",
				(event) => event.type === "m.room.redaction" && JSON.stringify(event).includes(thumb.event_id ?? "?"),
			);
			expect(await times((event) => relation(event).key === "❤️" && relation(event).event_id === mine)).toBe(
				1,
			);
			await sends(undefined, reactions(nameOf(line)), store());
			await here(
				"the removal of ❤️",
				(event) => event.type === "m.room.redaction" && JSON.stringify(event).includes(heart.event_id ?? "?"),
			);

			const shows = (...emoji: string[]) =>
				there(emoji.join(" ") || "nothing", (one) => {
					const element = one.getChild("reactions", ns.reactions);
					const all = element?.getChildren("reaction").map((each) => each.getText());
					return element?.attrs.id === named && all?.join() === emoji.join();
				});
			const first = await react(tea.event_id ?? "", "👍️");
			await shows("👍️");
			const second = await react(tea.event_id ?? "", "🎉");
			await shows("👍️", "🎉");
			await redact(first);
			await shows("🎉");
			await redact(second);
			expect(body(await shows())).toBeUndefined();
		});

		test("a reaction to a corrected message belongs to the first message", async () => {
			if (!ids) return;
			const [one, two] = [unique("one"), unique("two")];
			const mine = await juliet.send(room, one);
			await read(one);
			await juliet.send(room, {
				msgtype: "m.text",
				body: `* ${two}`,
				"m.new_content": { msgtype: "m.text", body: two },
				"m.relates_to": { rel_type: "m.replace", event_id: mine },
			});
			const correction = await read(two);
			await sends(undefined, reactions(nameOf(correction), "🎂"), store());
			const event = await here("🎂", (seen) => relation(seen).key === "🎂");
			expect(relation(event).event_id).toBe(mine);
		});

		test("a message of a thread arrives in its thread", async () => {
			const [root, leaf, more] = [unique("root"), unique("leaf"), unique("more")];
			const first = await juliet.send(room, root);
			const line = await read(root);
			await juliet.send(room, {
				msgtype: "m.text",
				body: leaf,
				"m.relates_to": {
					rel_type: "m.thread",
					event_id: first,
					is_falling_back: true,
					"m.in_reply_to": { event_id: first },
				},
			});
			const leafLine = await there("the leaf", (one) => body(one)?.endsWith(leaf) === true);
			expect(leafLine.getChild("replace")).toBeUndefined();
			const thread = leafLine.getChild("thread")?.getText() ?? "";
			expect(thread).not.toBe("");
			await sends(more, xml("thread", {}, thread));
			const event = await heard(more);
			expect(relation(event)).toMatchObject({ rel_type: "m.thread", event_id: first, is_falling_back: true });
			expect(line.getChild("thread")).toBeUndefined();
		});

		test("a mention notifies the person it names", async () => {
			if (!inMuc) return;
			const look = unique("look");
			await sends(`Juliet: ${look}`);
			const event = await heard(`Juliet: ${look}`);
			expect(content(event)["m.mentions"]).toEqual({ user_ids: [juliet.userId] });
			expect(content(event).formatted_body).toContain("https://matrix.to/#/");
			const ghost = event.sender ?? "";
			const yes = unique("yes");
			await juliet.send(room, {
				msgtype: "m.text",
				body: `${ghost}: ${yes}`,
				format: "org.matrix.custom.html",
				// Element leaves the slash in the MXID unescaped.
				formatted_body: `<a href="https://matrix.to/#/${ghost}">${ghost}</a>: ${yes}`,
				"m.mentions": { user_ids: [ghost] },
			});
			const line = await read(`Romeo: ${yes}`);
			expect(line.getChild("reference", ns.reference)?.attrs).toMatchObject({
				type: "mention",
				// RFC 5122 §2.2: the sign would begin a fragment.
				uri: `xmpp:${to.replace("#", "%23")}/Romeo`,
				begin: "0",
				end: "5",
			});
			expect(line.getChild("mention", ns.mentions)?.attrs).toMatchObject({ begin: "0", end: "5" });
			const all = unique("@room hear");
			await juliet.send(room, { msgtype: "m.text", body: all, "m.mentions": { room: true } });
			expect((await read(all)).getChild("mention", ns.mentions)?.attrs.mentions).toBe(
				`${ns.mentions}#channel`,
			);
		});

		test("a location crosses as a location", async () => {
			const lat = (45 + ++count / 1000).toFixed(3);
			await sends(`geo:${lat},12.33`);
			const event = await here("the place", (one) => content(one).geo_uri === `geo:${lat},12.33`);
			expect(event.content.msgtype).toBe("m.location");
			const other = (46 + ++count / 1000).toFixed(3);
			await juliet.send(room, { msgtype: "m.location", body: "Rialto", geo_uri: `geo:${other},12.33` });
			const line = await read(`Rialto\ngeo:${other},12.33`);
			expect(line.getChild("geoloc", "http://jabber.org/protocol/geoloc")?.getChild("lat")?.getText()).toBe(
				other,
			);
		});

		test("a live location is told in words when it begins and ends, with its first and last place", async () => {
			const [first, later, last] = [1, 2, 3].map((n) => `geo:45.${n}${++count},12.33`);
			const me = encodeURIComponent(juliet.userId);
			const share = (content: Content) =>
				juliet.request<{ event_id: string }>(
					"PUT",
					`v3/rooms/${encodeURIComponent(room)}/state/org.matrix.msc3672.beacon_info/${me}`,
					content,
				);
			const { event_id } = await share({ live: true, timeout: 900_000, description: "by bike" });
			for (const uri of [first, later, last])
				await juliet.send(
					room,
					{
						"m.relates_to": { rel_type: "m.reference", event_id },
						"org.matrix.msc3488.location": { uri },
					},
					"org.matrix.msc3672.beacon",
				);
			await share({ live: false, timeout: 900_000 });
			await read("/me shares a live location for 15 min: by bike");
			const place = await read(first ?? "");
			expect(place.getChild("geoloc", "http://jabber.org/protocol/geoloc")).toBeDefined();
			await read(`/me stopped sharing the live location, last at ${last}`);
			const lines = romeo.inbox.items.map((one) => body(one) ?? "");
			expect(lines.filter((one) => one.includes(later ?? "") || one === last)).toEqual([]);
		});

		test("a call is told in words, and declined in a chat, whose caller reads why", async () => {
			const call = `c${++count}`;
			const offer = { type: "offer", sdp: "v=0" };
			const invite = { call_id: call, party_id: "p", version: "1", lifetime: 60_000, offer };
			// Synapse takes calls in private rooms only.
			if (!inMuc) {
				await juliet.send(room, invite, "m.call.invite");
				await read("/me is calling, but calls do not cross the bridge");
				await here("the decline", (one) => one.type === "m.call.reject" && one.content.call_id === call);
				await here("the reason", (one) => /calls do not cross/.test(String(one.content.body)));
			}
			const rtp = xml("description", { xmlns: "urn:xmpp:jingle:apps:rtp:1", media: "video" });
			const propose = { xmlns: "urn:xmpp:jingle-message:0", id: call };
			await sends(undefined, xml("propose", propose, rtp), store());
			const told = await heard("is calling by video, but calls do not cross the bridge");
			expect(told.content.msgtype).toBe("m.emote");
			if (inMuc) return;
			await there("the decline", (one) => one.getChild("reject", propose.xmlns)?.attrs.id === call);
			await there("the reason", (one) => /Calls do not cross/.test(body(one) ?? ""));
		});

		test("a new topic is told in words, and the one of a join is not", async () => {
			// A hosted room has the topic as its subject, see hosted-messages.test.ts.
			if (hosted) return;
			const topic = unique("The balcony");
			if (inMuc) {
				await romeo.send(xml("message", { to, type: "groupchat" }, xml("subject", {}, topic)));
				await heard(`changed the topic to: ${topic}`);
			} else {
				await juliet.request("PUT", `v3/rooms/${encodeURIComponent(room)}/state/m.room.topic/`, { topic });
				await read(`/me changed the topic to: ${topic}`);
			}
			const mine = (event: SeenEvent) => String(event.content.body).startsWith("changed the topic");
			expect(await times(mine)).toBe(inMuc ? 1 : 0);
		});

		test("a poll crosses as numbered text, a number as a vote, and the end shows the result", async () => {
			const question = unique("Lunch?");
			const label = (words: string) => ({ "org.matrix.msc1767.text": words });
			const poll = await juliet.send(
				room,
				{
					...label(question),
					"org.matrix.msc3381.poll.start": {
						question: label(question),
						kind: "org.matrix.msc3381.poll.disclosed",
						max_selections: 1,
						answers: [
							{ id: "a", ...label("yes") },
							{ id: "b", ...label("no") },
						],
					},
				},
				"org.matrix.msc3381.poll.start",
			);
			const line = await read(
				`/me asks: ${question}\n1. yes\n2. no\n(To vote, write the number of an answer.)`,
			);
			if (ids) await sends("2", reply(nameOf(line)));
			else await sends("2");
			const vote = await here("the vote", (event) => event.type === "org.matrix.msc3381.poll.response");
			expect(content(vote)["org.matrix.msc3381.poll.response"]).toEqual({ answers: ["b"] });
			expect(relation(vote).event_id).toBe(poll);
			await juliet.send(
				room,
				{
					...label("The poll has ended."),
					"m.relates_to": { rel_type: "m.reference", event_id: poll },
					"org.matrix.msc3381.poll.end": {},
				},
				"org.matrix.msc3381.poll.end",
			);
			const end = await there("the result", (one) => /no: 1/.test(body(one) ?? ""));
			expect(body(end)).toMatch(/yes: 0/);
		});

		test("an encrypted message is neither shown as ciphertext nor dropped in silence", async () => {
			const id = `o${++count}`;
			await romeo.send(
				xml(
					"message",
					{ to, type: inMuc ? "groupchat" : "chat", id },
					xml("body", {}, "I sent you an OMEMO encrypted message"),
					xml("encrypted", { xmlns: "eu.siacs.conversations.axolotl" }),
				),
			);
			if (inMuc && !hosted)
				await here(
					"a notice",
					(event) => event.content.msgtype === "m.notice" && /encrypted/.test(String(event.content.body)),
				);
			else await romeo.waitFor("a refusal", (one) => one.attrs.type === "error" && one.attrs.id === id);
			expect(await times((event) => String(event.content.body).includes("OMEMO"))).toBe(0);
		});
	});
});
