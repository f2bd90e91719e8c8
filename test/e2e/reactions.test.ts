import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { soak } from "../soak.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient, type SeenEvent } from "../testbed/matrix-client.ts";
import { Slixmpp } from "../testbed/slixmpp.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";
import { chat, linkedRoom } from "./meeting.ts";

/** Tests reactions through restarts, to corrected messages, and in rooms that chose another form of reactions. */

const ns = { reactions: "urn:xmpp:reactions:0", sid: "urn:xmpp:sid:0", hints: "urn:xmpp:hints" };
const body = (stanza: Element) => stanza.getChild("body")?.getText();
const relation = ({ content }: SeenEvent) => (content["m.relates_to"] ?? {}) as Record<string, unknown>;
const emojiIn = (stanza: Element) =>
	stanza
		.getChild("reactions", ns.reactions)
		?.getChildren("reaction")
		.map((one) => one.getText());
let count = 0;

describe.each(["prosody", "ejabberd"] as const)("reactions with Synapse and %s", (server) => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	let romeo: XmppClient;
	const rooms = new Map<string, { to: string; room: string }>();

	beforeAll(async () => {
		bridged = await startBridged({ xmpp: server });
		const { bed, xmpp } = bridged;
		juliet = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("juliet"));
		await juliet.displayName("Juliet");
		romeo = await XmppClient.connect(await bed.xmppUser(server, "romeo"));
		const muc = `verona@${xmpp.muc}`;
		await romeo.joinRoom(muc, "Romeo");
		await romeo.configureRoom(muc);
		const room = await linkedRoom(juliet, muc);
		await present();
		rooms.set("MUC", { to: muc, room });
		const to = `juliet@${xmpp.component}`;
		rooms.set("chat", { to, room: await chat(to, romeo, juliet) });
	});
	afterAll(async () => {
		await Promise.all([juliet?.close(), romeo?.close()]);
		await bridged?.down();
	});
	const present = (after = 0) =>
		romeo.waitFor(
			"Juliet",
			(one) =>
				romeo.inbox.items.indexOf(one) >= after &&
				one.is("presence") &&
				one.attrs.from?.endsWith("/Juliet") === true &&
				!one.attrs.type,
			30_000,
		);
	/**
	 * The state that outlives the bridge does not depend on the XMPP server, so script/test restarts it with one
	 * server.
	 */
	async function restart(): Promise<void> {
		if (!soak && server !== "prosody") return;
		await bridged.kill();
		const before = romeo.inbox.items.length;
		await bridged.start();
		await present(before);
	}

	describe.each(["chat", "MUC"])("in a %s", (kind) => {
		const inMuc = kind === "MUC";
		const place = () => rooms.get(kind) as { to: string; room: string };
		const sends = async (words: string | undefined, ...parts: Element[]) => {
			const id = `r${++count}`;
			const line = words === undefined ? [] : [xml("body", {}, words)];
			const type = inMuc ? "groupchat" : "chat";
			await romeo.send(xml("message", { to: place().to, type, id }, ...line, ...parts));
			if (!inMuc) return id;
			const back = await romeo.waitFor("the reflection", (one) => one.attrs.id === id && one.is("message"));
			return back.getChild("stanza-id", ns.sid)?.attrs.id ?? "";
		};
		const shows = (id: string, ...emoji: string[]) =>
			sends(
				undefined,
				xml("reactions", { xmlns: ns.reactions, id }, ...emoji.map((one) => xml("reaction", {}, one))),
				xml("store", { xmlns: ns.hints }),
			);
		const here = (what: string, fits: (event: SeenEvent) => boolean) =>
			juliet.waitFor(
				what,
				(event) =>
					event.room_id === place().room &&
					event.from === "timeline" &&
					event.sender !== juliet.userId &&
					fits(event),
				15_000,
			);
		const there = (what: string, fits: (stanza: Element) => boolean, after = 0) =>
			romeo.waitFor(
				what,
				(one) =>
					romeo.inbox.items.indexOf(one) >= after &&
					one.is("message") &&
					one.attrs.from?.split("/")[0] === place().to &&
					!one.attrs.from?.endsWith("/Romeo") &&
					fits(one),
				15_000,
			);
		const nameOf = (line: Element) =>
			inMuc ? (line.getChild("stanza-id", ns.sid)?.attrs.id ?? "") : (line.attrs.id ?? "");
		const reacted = (event: string, key: string) =>
			here(key, (one) => relation(one).event_id === event && relation(one).key === key);
		const takenBack = (event: SeenEvent) =>
			here(
				"the removal of the reaction",
				(one) => one.type === "m.room.redaction" && JSON.stringify(one).includes(`${event.event_id}`),
			);
		const react = (event: string, key: string, more: object = {}) =>
			juliet.send(
				place().room,
				{ "m.relates_to": { rel_type: "m.annotation", event_id: event, key }, ...more },
				"m.reaction",
			);
		const redact = (event: string) =>
			juliet.request(
				"PUT",
				`v3/rooms/${encodeURIComponent(place().room)}/redact/${encodeURIComponent(event)}/t${++count}`,
				{},
			);

		test("a set from XMPP continues after a restart, and repeats no unchanged reaction", async () => {
			const cake = `cake ${++count}`;
			const mine = await juliet.send(place().room, cake);
			const line = await there(cake, (one) => body(one) === cake);
			await shows(nameOf(line), "👍️", "❤");
			const thumb = await reacted(mine, "👍️");
			const heart = await reacted(mine, "❤️");
			await restart();
			await shows(nameOf(line), "❤️", "🎉");
			await takenBack(thumb);
			await reacted(mine, "🎉");
			await restart();
			await shows(nameOf(line));
			await takenBack(heart);
			const hearts = juliet.inbox.items.filter(
				(one) => relation(one).event_id === mine && relation(one).key === "❤️",
			);
			expect(hearts).toHaveLength(1);
		});

		test("a set from Matrix continues after a restart, complete", async () => {
			const tea = `tea ${++count}`;
			const named = await sends(tea);
			const { event_id = "" } = await here(tea, ({ content }) => content.body === tea);
			const shown = (...emoji: string[]) => {
				return there(emoji.join(), (one) => {
					const id = one.getChild("reactions", ns.reactions)?.attrs.id;
					return id === named && emojiIn(one)?.join() === emoji.join();
				});
			};
			const thumb = await react(event_id, "👍️");
			await shown("👍️");
			await restart();
			await react(event_id, "mxc://hs.test/party", { shortcode: ":party:" });
			await shown("👍️", ":party:");
			await restart();
			await redact(thumb);
			expect(body(await shown(":party:"))).toBeUndefined();
		});

		test("reactions to a corrected message are one set under its first and its corrected id", async () => {
			const [one, two] = [`one ${++count}`, `two ${++count}`];
			const mine = await juliet.send(place().room, one);
			const first = await there(one, (seen) => body(seen) === one);
			await juliet.send(place().room, {
				...{ msgtype: "m.text", body: `* ${two}`, "m.new_content": { msgtype: "m.text", body: two } },
				"m.relates_to": { rel_type: "m.replace", event_id: mine },
			});
			const correction = await there(two, (seen) => body(seen) === two);
			await shows(nameOf(correction), "👍️");
			const thumb = await reacted(mine, "👍️");
			await restart();
			await shows(nameOf(first), "🎉");
			await takenBack(thumb);
			await reacted(mine, "🎉");
		});

		test("reactions are text in a room that chose text, and by default a reaction with text for old clients", async () => {
			// The bot answers commands only in a room that it is a member of.
			if (!inMuc) return;
			const { room } = place();
			const asked = await juliet.send(room, "!bridge settings reactions text");
			await here("the answer", (one) => JSON.stringify(relation(one)).includes(asked));
			const pie = `pie ${++count}`;
			const mine = await juliet.send(room, pie);
			const line = await there(pie, (one) => body(one) === pie);
			const before = juliet.inbox.items.length;
			for (const set of [["👍️"], ["👍️", "🎉"], ["🎉"], [], ["🚀"]]) await shows(nameOf(line), ...set);
			await here("the last", ({ content }) => content.body === "reacted with 🚀");
			const shown = juliet.inbox.items
				.slice(before)
				.filter((one) => one.room_id === room && one.sender !== juliet.userId && one.from === "timeline");
			expect(shown.map(({ content }) => content.body)).toEqual(
				["👍️", "🎉", "🚀"].map((one) => `reacted with ${one}`),
			);
			expect(shown.some((one) => relation(one).event_id === mine)).toBe(false);

			const again = await juliet.send(room, "!bridge settings reactions default");
			await here("the answer", (one) => JSON.stringify(relation(one)).includes(again));
			const jam = `jam ${++count}`;
			const named = await sends(jam);
			const { event_id = "" } = await here(jam, ({ content }) => content.body === jam);
			await react(event_id, "👍️");
			const both = await there(
				"the reaction with its text",
				(one) => emojiIn(one)?.join() === "👍️" && body(one)?.includes(jam) === true,
			);
			expect(both.getChild("reactions", ns.reactions)?.attrs.id).toBe(named);
			expect(both.getChild("fallback", "urn:xmpp:fallback:0")?.attrs.for).toBe(ns.reactions);
		});
	});

	test("reactions in a chat are also text while one of the recipient's clients does not support them", async () => {
		const { to, room } = rooms.get("chat") as { to: string; room: string };
		const account = await bridged.bed.xmppUser(server, "mercutio");
		const able = await Slixmpp.connect(account);
		await able.does({ do: "say", to, body: "from the able" }, "said");
		const invite = await juliet.waitFor(
			"an invitation",
			(event) =>
				event.room_id !== room &&
				event.state_key === juliet.userId &&
				event.content.membership === "invite" &&
				event.sender?.includes("mercutio") === true,
			20_000,
		);
		await juliet.join(invite.room_id);
		const message = await juliet.waitForMessage("from the able", invite.room_id, 20_000);
		const react = (key: string) =>
			juliet.send(
				invite.room_id,
				{ "m.relates_to": { rel_type: "m.annotation", event_id: message.event_id, key } },
				"m.reaction",
			);
		await react("👍️");
		const alone = await able.hears("👍️", ({ emoji }) => emoji?.join() === "👍️");
		expect(alone.body).toBe("");
		const unable = await XmppClient.connect(account, { resource: "old" });
		await unable.sendMessage(to, "from the unable");
		await juliet.waitForMessage("from the unable", invite.room_id, 20_000);
		await react("🎉");
		const both = await unable.waitFor(
			"the reaction as text",
			(one) => body(one)?.includes("reacted with 🎉") === true,
		);
		expect(both.getChild("fallback", "urn:xmpp:fallback:0")?.attrs.for).toBe(ns.reactions);
		expect(emojiIn(both)).toEqual(["👍️", "🎉"]);
		able.close();
		await unable.close();
	});

	// The rate limit holds before any XMPP server is asked, so `script/test` exceeds it with one.
	if (soak || server === "prosody")
		test("reactions above the rate limit come later, the last one too, and none is refused", async () => {
			const { to, room } = rooms.get("MUC") as { to: string; room: string };
			const day = `what a day ${++count}`;
			const target = await juliet.send(room, day);
			const shown = await romeo.waitFor("the message", (one) => body(one) === day, 20_000);
			const emoji = (n: number) => String.fromCodePoint(0x1f600 + n);
			const react = (n: number) => {
				const content = { "m.relates_to": { rel_type: "m.annotation", event_id: target, key: emoji(n) } };
				return juliet.send(room, content, "m.reaction");
			};
			// The limit is sixty at once and two more each second, so some of these wait.
			for (let n = 0; n < 69; n++) await react(n);
			await react(69);
			const id = shown.getChild("stanza-id", ns.sid)?.attrs.id;
			await romeo.waitFor(
				"the last reaction",
				(one) =>
					one.attrs.from?.startsWith(to) === true &&
					one.getChild("reactions", ns.reactions)?.attrs.id === id &&
					emojiIn(one)?.at(-1) === emoji(69),
				45_000,
			);
			const isRefusal = (event: SeenEvent) => /^Not delivered/.test(String(event.content.body));
			expect(juliet.inbox.items.filter((event) => event.room_id === room && isRefusal(event))).toEqual([]);
		});
});
