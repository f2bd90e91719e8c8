import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { photoIn } from "../../src/xmpp/photo.ts";
import { soak } from "../soak.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { MqttClient } from "../testbed/mqtt-client.ts";
import { type Element, isMessage, XmppClient, xml } from "../testbed/xmpp-client.ts";
import { link, linkedRoom } from "./meeting.ts";
import { png } from "./png.ts";
import { expectSignals } from "./signals-in-private.ts";

const discoItems = "http://jabber.org/protocol/disco#items";

/** The number of Matrix people in one MUC; Juliet is one of them. */
const crowd = soak ? 20 : 8;

/** Matches an address, to find one that is shown in place of a name. */
const raw = /=40|=3a|%hs\.test|@[a-z_]+[^ ]*:hs\.test/;

describe.each(["prosody", "ejabberd"] as const)("the whole bridge on Synapse and %s", (server) => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	let romeo: XmppClient;
	let muc: string;
	let climate: string;
	const matrix = async (name: string, display?: string) => {
		const client = await MatrixClient.connect(bridged.bed.matrix.url, await bridged.bed.matrixUser(name));
		if (display) await client.displayName(display);
		return client;
	};
	const joined = (room: string, name: string) =>
		juliet.waitFor(
			`${name} in the room`,
			(event) =>
				event.room_id === room &&
				event.type === "m.room.member" &&
				event.content.displayname === name &&
				event.content.membership === "join",
			20_000,
		);
	const occupant = (nick: string, type?: string) =>
		romeo.waitFor(
			`${nick} ${type ?? "in"} the MUC`,
			(stanza) =>
				stanza.is("presence") && stanza.attrs.from === `${muc}/${nick}` && stanza.attrs.type === type,
			20_000,
		);
	/** Returns how often Juliet has received each of these bodies in the room. */
	const onMatrix = (room: string, bodies: readonly string[]) =>
		bodies.map(
			(body) =>
				juliet.inbox.items.filter(
					(e) => e.room_id === room && e.content.body === body && e.from === "timeline",
				).length,
		);

	/** Resolves when a question to a server is answered with true. */
	const eventually = (what: string, asked: () => Promise<boolean>) =>
		vi.waitFor(async () => expect(await asked(), what).toBe(true), { timeout: 20_000, interval: 200 });

	beforeAll(async () => {
		bridged = await startBridged({
			xmpp: server,
			secretsKey: true,
			mirrors: [
				{ topic: "home/+/temperature", room: "#climate:hs.test" },
				{
					...{ topic: "home/door", room: "#climate:hs.test", value: "/state", show: "state" },
					availability: "home/door/here",
					publish: { allow: [], topics: ["home/lamp"] },
				},
				{
					...{ topic: "home/oven", room: "#climate:hs.test", show: "state", interval: 3 },
					publish: { allow: ["romeo@*"], topics: ["home/+/set"], command: "home/{{topic.2}}/set" },
				},
				{
					...{ topic: "house/#", room: "#_mqtt_{{topic.2}}:hs.test", rooms: 1, device: "{{topic.2}}" },
					invite: ["@juliet:hs.test"],
				},
			],
			config: () => ({
				permissions: { "*": "use", "@*:hs.test": "link", "@juliet:hs.test": "admin", "nurse@*": "admin" },
				// Juliet opens more rooms in these minutes than a person does in hours.
				limits: { new_chats: { per_minute: 60, burst: 100 } },
			}),
		});
		juliet = await matrix("juliet", "Juliet Capulet 🌹");
		// The bridge found no room under this alias at first and tries again after a few seconds. It joins by itself: Synapse
		// refuses the whole room if the bot joins between the alias and an invite.
		climate = await juliet.createRoom({
			preset: "public_chat",
			room_alias_name: "climate",
		});
		romeo = await XmppClient.connect(await bridged.bed.xmppUser(server, "romeo"));
		muc = `verona@${bridged.xmpp.muc}`;
		await romeo.joinRoom(muc, "Romeo Montague");
	});
	afterAll(async () => {
		await Promise.all([juliet?.close(), romeo?.close()]);
		await bridged?.down();
	});

	let portal: string;
	const urls = new Set<string>();
	test("joining a MUC's alias makes a portal with the MUC's name and occupants", async () => {
		portal = await juliet.join(`#_xmpp_verona=40${bridged.xmpp.muc}:hs.test`);
		await joined(portal, "Romeo Montague");
		await occupant("Juliet Capulet");
		await romeo.sendMessage(muc, "But soft", "groupchat");
		await juliet.waitForMessage("But soft", portal);
		await juliet.send(portal, "O Romeo");
		await romeo.waitForMessage("O Romeo", `${muc}/Juliet Capulet`);
	});

	test.each([
		["emoji and other planes", "🎉👩‍🚀 𝔘𝔫𝔦 日本語"],
		["markup", `<b>&amp;</b> "quotes" 'and' ]]>`],
		["right to left", "שלום עולם ‏abc"],
		["an emote", "/me waves"],
		["lines and tabs", "one\ntwo\n\n\tthree"],
		["56 kB of quotes as they are on the wire", '"'.repeat(28_000)],
	])("%s cross both ways", async (_what, text) => {
		await romeo.sendMessage(muc, text, "groupchat");
		const seen = text.startsWith("/me ") ? text.slice(4) : text;
		const event = await juliet.waitForMessage(seen, portal);
		expect(event.content.msgtype).toBe(text.startsWith("/me ") ? "m.emote" : "m.text");
		const content = { msgtype: text.startsWith("/me ") ? "m.emote" : "m.text", body: seen };
		await juliet.send(portal, content);
		await romeo.waitForMessage(text, `${muc}/Juliet Capulet`, 20_000);
	});

	test("a Matrix member whom the MUC kicks or bans is out of the Matrix room until the MUC lets them in", async () => {
		const paris = await matrix("paris", "Paris");
		await paris.join(portal);
		await occupant("Paris");
		const administer = (attrs: Record<string, string>, why: string) => {
			const item = xml("item", attrs, xml("reason", {}, why));
			return romeo.iq(muc, "set", xml("query", { xmlns: "http://jabber.org/protocol/muc#admin" }, item));
		};
		const his = async (membership: string) => {
			const { sender, content } = await juliet.waitFor(
				`Paris: ${membership}`,
				(event) =>
					event.room_id === portal &&
					event.state_key === paris.userId &&
					event.content.membership === membership &&
					event.sender !== paris.userId,
				20_000,
			);
			return [sender, content.reason];
		};
		await administer({ nick: "Paris", role: "none" }, "calm down");
		expect(await his("leave")).toEqual(["@trivium:hs.test", "removed by Romeo Montague: calm down"]);
		// A person who was kicked may come again, on both sides.
		romeo.inbox.items.splice(0);
		await paris.join(portal);
		const there = await occupant("Paris");
		const jid = there.getChild("x")?.getChild("item")?.attrs.jid?.split("/")[0] ?? "";
		await administer({ jid, affiliation: "outcast" }, "spam");
		expect(await his("ban")).toEqual(["@trivium:hs.test", "banned by Romeo Montague: spam"]);
		await expect(paris.join(portal)).rejects.toThrow();
		// The MUC hides JIDs, so nobody tells the bridge that the ban is lifted: the member asks the bot.
		const bot = await paris.createRoom({ is_direct: true, invite: ["@trivium:hs.test"] });
		const says = (words: string) =>
			paris.waitFor(words, (e) => e.room_id === bot && String(e.content.body).includes(words), 30_000);
		await says("Hello");
		await bridged.stop();
		await bridged.start();
		await paris.send(bot, `join ${muc}`);
		await says("has banned this name");
		// With the affiliation none, ejabberd takes voice from those whom it banned.
		await administer({ jid, affiliation: "member" }, "sorry");
		await paris.send(bot, `join ${muc}`);
		await says("You are invited to");
		romeo.inbox.items.splice(0);
		await paris.join(portal);
		await occupant("Paris");
		await paris.send(portal, "back again");
		await romeo.waitForMessage("back again", `${muc}/Paris`, 20_000);
		await paris.close();
	});

	test("an XMPP person whom the MUC bans is banned on Matrix, and comes in again when the MUC lifts that after a kill of the bridge", async () => {
		const own = `forgiving@${bridged.xmpp.muc}`;
		await romeo.joinRoom(own, "Romeo");
		await romeo.configureRoom(own);
		const room = await juliet.createRoom({
			...{ preset: "public_chat" },
			power_level_content_override: { users: { [juliet.userId]: 100, "@trivium:hs.test": 50 } },
		});
		await link(juliet, room, own);
		const administer = (attrs: Record<string, string>) =>
			romeo.iq(
				own,
				"set",
				xml("query", { xmlns: "http://jabber.org/protocol/muc#admin" }, xml("item", attrs)),
			);
		const shown = async (nick: string) => {
			const jidIn = (one: Element) =>
				one.getChild("x", "http://jabber.org/protocol/muc#user")?.getChild("item")?.attrs.jid;
			const fits = (one: Element) => one.attrs.from === `${own}/${nick}` && jidIn(one) !== undefined;
			return jidIn(await romeo.waitFor(nick, fits, 20_000))?.split("/")[0] ?? "";
		};
		// Moderators see JIDs, and hear that a ban is lifted.
		await administer({ jid: await shown("Trivium"), affiliation: "admin" });
		const account = await bridged.bed.xmppUser(server, "forgiven");
		const tybalt = await XmppClient.connect(account);
		const his = (membership: string, after = 0) =>
			juliet.waitFor(
				`Tybalt: ${membership}`,
				(e) =>
					juliet.inbox.items.indexOf(e) >= after &&
					e.room_id === room &&
					/ybalt/.test(String(e.state_key)) &&
					e.content.membership === membership,
				20_000,
			);
		await tybalt.joinRoom(own, "Tybalt");
		await his("join");
		const jid = await shown("Tybalt");
		await administer({ jid, affiliation: "outcast" });
		await his("ban");
		await bridged.kill();
		await bridged.start();
		await romeo.sendMessage(own, "he may come", "groupchat");
		await juliet.waitForMessage("he may come", room, 20_000);
		const heard = juliet.inbox.items.length;
		// With the affiliation none, ejabberd takes voice from those whom it banned.
		await administer({ jid, affiliation: "member" });
		await his("leave", heard);
		await tybalt.joinRoom(own, "Tybalt");
		await tybalt.sendMessage(own, "peace", "groupchat");
		await juliet.waitForMessage("peace", room, 20_000);
		await tybalt.close();
	});

	test("a policy list that the room follows keeps an XMPP person out, and lets them in when it ends", async () => {
		const own = `policed@${bridged.xmpp.muc}`;
		await romeo.joinRoom(own, "Romeo");
		await romeo.configureRoom(own);
		const alias = `bans-${server}`;
		const list = await juliet.createRoom({ preset: "public_chat", room_alias_name: alias });
		const room = await juliet.createRoom({ preset: "public_chat", invite: ["@trivium:hs.test"] });
		const says = (words: string) =>
			juliet.waitFor(words, (e) => e.room_id === room && String(e.content.body).includes(words), 20_000);
		await says("Hello");
		await juliet.send(room, `!bridge link xmpp ${own}`);
		await says("Linked to");
		await juliet.send(room, `!bridge settings policy #${alias}:hs.test`);
		await says(`policy: #${alias}`);
		const mercutio = await XmppClient.connect(await bridged.bed.xmppUser(server, "policed"));
		await mercutio.joinRoom(own, "Mercutio");
		const his = (membership: string) =>
			juliet.waitFor(
				`Mercutio: ${membership}`,
				(e) =>
					e.room_id === room && /ercutio/.test(String(e.state_key)) && e.content.membership === membership,
				20_000,
			);
		await his("join");
		const rule = (content: object) =>
			juliet.request("PUT", `v3/rooms/${list}/state/m.policy.rule.user/r1`, content);
		await rule({ entity: "@_xmpp_*ercutio:hs.test", recommendation: "m.ban", reason: "spam" });
		await his("leave");
		await mercutio.sendMessage(own, "am I heard?", "groupchat");
		await mercutio.waitFor("the reason", (one) => /names you/.test(String(one)), 20_000);
		const id = await mercutio.sendMessage(`${own}/Juliet Capulet`, "and here?");
		await mercutio.waitFor(
			"the reason there",
			(one) => one.attrs.id === id && /names you/.test(String(one)),
			20_000,
		);
		await rule({});
		// The homeserver hands the change over before this line, whose way back proves that the bridge has it.
		await juliet.send(room, "let him speak");
		await mercutio.waitForMessage("let him speak", own, 20_000);
		await mercutio.sendMessage(own, "and now?", "groupchat");
		await juliet.waitForMessage("and now?", room, 20_000);
		expect(onMatrix(room, ["am I heard?"])).toEqual([0]);
		await mercutio.close();
		// ejabberd alone of these servers keeps a picture of a MUC (XEP-0486), of its owners.
		if (server !== "ejabberd") return;
		const owner = xml("item", { affiliation: "owner", jid: `juliet@${bridged.xmpp.component}` });
		await romeo.iq(own, "set", xml("query", { xmlns: "http://jabber.org/protocol/muc#admin" }, owner));
		const url = await juliet.picture(png(96, Array(96).fill([0, 0, 200]).flat()));
		await juliet.request("PUT", `v3/rooms/${room}/state/m.room.avatar/`, { url });
		await expect
			.poll(async () => (await romeo.pictureOf(own)).length, { timeout: 20_000 })
			.toBeGreaterThan(0);
		const shown = await juliet.request<{ url: string }>("GET", `v3/rooms/${room}/state/m.room.avatar/`);
		expect(shown.url).toBe(url);
	});

	test("a room that is made for a MUC begins with its last fifty lines, in order", async () => {
		const own = `annals@${bridged.xmpp.muc}`;
		await romeo.joinRoom(own, "Romeo");
		await romeo.configureRoom(own);
		for (let n = 1; n <= 55; n++) await romeo.sendMessage(own, `line ${n}`, "groupchat");
		await romeo.waitForMessage("line 55", `${own}/Romeo`);
		const room = await juliet.join(`#_xmpp_annals=40${bridged.xmpp.muc}:hs.test`);
		await juliet.waitForMessage("line 55", room, 20_000);
		await romeo.sendMessage(own, "line 56", "groupchat");
		await juliet.waitForMessage("line 56", room, 20_000);
		const shown = juliet.inbox.items.filter(
			(e) => e.room_id === room && /^line/.test(String(e.content.body)),
		);
		// Prosody keeps the change of the settings among its lines.
		expect(shown.length).toBeGreaterThan(48);
		const last = Array.from({ length: 51 }, (_, n) => `line ${n + 6}`);
		expect(shown.map(({ content }) => content.body)).toEqual(last.slice(-shown.length));
	});

	test("the subject of a MUC is the topic from the start, and a new one on either side is that of the other", async () => {
		const own = `topical@${bridged.xmpp.muc}`;
		await romeo.joinRoom(own, "Romeo");
		await romeo.configureRoom(own, { "muc#roomconfig_changesubject": "1" });
		const subject = (words: string) =>
			romeo.send(xml("message", { to: own, type: "groupchat" }, xml("subject", {}, words)));
		await subject("from the start");
		await romeo.waitFor("the subject", (one) => one.getChild("subject")?.getText() === "from the start");
		const room = await juliet.createRoom({
			...{ preset: "public_chat", invite: ["@trivium:hs.test"] },
			power_level_content_override: { users: { [juliet.userId]: 100, "@trivium:hs.test": 50 } },
		});
		const says = (words: string) =>
			juliet.waitFor(words, (e) => e.room_id === room && String(e.content.body).includes(words), 20_000);
		const path = `v3/rooms/${room}/state/m.room.topic/`;
		const topic = (words: string) =>
			vi.waitFor(async () => expect(await juliet.request("GET", path)).toMatchObject({ topic: words }), {
				...{ timeout: 20_000, interval: 200 },
			});
		await says("Hello");
		await juliet.send(room, `!bridge link xmpp ${own}`);
		await says("Linked to");
		await topic("from the start");
		await juliet.request("PUT", path, { topic: "from Matrix" });
		const set = await romeo.waitFor(
			"the topic of Matrix",
			(one) => one.getChild("subject")?.getText() === "from Matrix",
			20_000,
		);
		expect(set.attrs.from).toBe(`${own}/Juliet Capulet`);
		await subject("from XMPP");
		await topic("from XMPP");
		await says("changed the topic to: from XMPP");
		// Nothing came back, and nobody read words for a subject that clients show.
		await juliet.send(room, "marker");
		await romeo.waitForMessage("marker", `${own}/Juliet Capulet`, 20_000);
		const here = romeo.inbox.items.filter((one) => one.attrs.from?.startsWith(`${own}/`));
		expect(here.filter((one) => one.getChild("body")?.getText().includes("topic"))).toEqual([]);
		expect(here.filter((one) => one.getChild("subject")?.getText() === "from XMPP")).toHaveLength(1);
		// Rooms of ejabberd are moderated from the start.
		const moderated = server === "prosody";
		await romeo.configureRoom(own, { "muc#roomconfig_moderatedroom": moderated ? "1" : "0" });
		await says(
			`have changed: ${moderated ? "people need voice to write there" : "everybody there may write"}.`,
		);
	});

	test("a Matrix room that is replaced takes its link along, to a room that everybody may join and to one by invitation", async () => {
		const own = `moving@${bridged.xmpp.muc}`;
		await romeo.joinRoom(own, "Romeo");
		await romeo.configureRoom(own);
		const room = await juliet.createRoom({
			...{ preset: "public_chat", invite: ["@trivium:hs.test"] },
			power_level_content_override: { users: { [juliet.userId]: 100, "@trivium:hs.test": 50 } },
		});
		const says = (words: string, where: string) =>
			juliet.waitFor(words, (e) => e.room_id === where && String(e.content.body).includes(words), 20_000);
		await says("Hello", room);
		await juliet.send(room, `!bridge link xmpp ${own}`);
		await says("Linked to", room);
		await juliet.send(room, "in the old room");
		await romeo.waitForMessage("in the old room", `${own}/Juliet Capulet`, 20_000);
		const upgrade = async (from: string) => {
			const path = `v3/rooms/${encodeURIComponent(from)}/upgrade`;
			return (await juliet.request<{ replacement_room: string }>("POST", path, { new_version: "11" }))
				.replacement_room;
		};
		const goesOn = async (next: string, words: string) => {
			await joined(next, "Romeo (owner)");
			await juliet.send(next, words);
			await romeo.waitForMessage(words, `${own}/Juliet Capulet`, 20_000);
			await romeo.sendMessage(own, `${words}!`, "groupchat");
			await juliet.waitForMessage(`${words}!`, next);
		};
		const next = await upgrade(room);
		await goesOn(next, "in the new room");
		const path = `v3/rooms/${encodeURIComponent(next)}/state/m.room.join_rules/`;
		await juliet.request("PUT", path, { join_rule: "invite" });
		const last = await upgrade(next);
		await says("Invite @trivium:hs.test there", next);
		await juliet.request("POST", `v3/rooms/${encodeURIComponent(last)}/invite`, {
			user_id: "@trivium:hs.test",
		});
		await goesOn(last, "behind a door");
		const members = [...(await juliet.members(room)).values()];
		expect(members.filter((name) => name?.startsWith("Romeo"))).toEqual([]);
	});

	test("a MUC that is destroyed says so once, and its room goes on with the MUC in its place when somebody confirms", async () => {
		const [old, next] = [`globe@${bridged.xmpp.muc}`, `rose@${bridged.xmpp.muc}`];
		for (const one of [old, next]) {
			await romeo.joinRoom(one, "Romeo");
			await romeo.configureRoom(one);
		}
		const room = await juliet.createRoom({
			...{ preset: "public_chat", invite: ["@trivium:hs.test"] },
			power_level_content_override: { users: { [juliet.userId]: 100, "@trivium:hs.test": 50 } },
		});
		const says = (words: string) =>
			juliet.waitFor(words, (e) => e.room_id === room && String(e.content.body).includes(words), 20_000);
		await says("Hello");
		await juliet.send(room, `!bridge link xmpp ${old}`);
		await says("Linked to");
		await juliet.send(room, "in the globe");
		await romeo.waitForMessage("in the globe", `${old}/Juliet Capulet`, 20_000);
		await juliet.send(room, "!bridge follow");
		await says("no room that is linked here was closed");
		const destroy = xml("destroy", { jid: next }, xml("reason", {}, "burnt down"));
		await romeo.iq(old, "set", xml("query", { xmlns: "http://jabber.org/protocol/muc#owner" }, destroy));
		await says(`the XMPP room ${old} was closed. It moved to ${next}.`);
		await juliet.send(room, "!bridge follow");
		await says("Linked to rose");
		await juliet.send(room, "in the rose");
		await romeo.waitForMessage("in the rose", `${next}/Juliet Capulet`, 20_000);
		await romeo.sendMessage(next, "welcome to the rose", "groupchat");
		await juliet.waitForMessage("welcome to the rose", room);
		const told = juliet.inbox.items.filter(
			(e) => e.room_id === room && String(e.content.body).includes("was closed. It moved"),
		);
		expect(told).toHaveLength(1);
		const seen = juliet.inbox.items.length;
		await juliet.send(room, `!bridge join ${old}`);
		// ejabberd keeps no memory of a destroyed room.
		const why = server === "prosody" ? "was closed. It moved to rose@" : "there is no XMPP room globe@";
		await juliet.waitFor(
			why,
			(e) => juliet.inbox.items.indexOf(e) >= seen && String(e.content.body).includes(why),
		);
	});

	test("a MUC with a password opens to the person who tells it to the bot, and to nobody else", async () => {
		const own = `vault@${bridged.xmpp.muc}`;
		await romeo.joinRoom(own, "Romeo");
		await romeo.configureRoom(own, {
			"muc#roomconfig_passwordprotectedroom": "1",
			"muc#roomconfig_roomsecret": "open sesame",
		});
		const nerissa = await matrix("nerissa", "Nerissa");
		const bot = await nerissa.createRoom({ is_direct: true, invite: ["@trivium:hs.test"] });
		const says = (words: string, room = bot) =>
			nerissa.waitFor(words, (e) => e.room_id === room && String(e.content.body).includes(words), 30_000);
		await says("Hello");
		await nerissa.send(bot, `join ${own}`);
		await says(
			`asks for a password. If you know it, say in a chat of two with the bot: join ${own} PASSWORD`,
		);
		await nerissa.send(bot, `join ${own} mellon`);
		await says("does not take this password");
		await nerissa.send(bot, `join ${own} open sesame`);
		await says("You are invited to");
		const invite = await nerissa.waitFor(
			"the invite to the vault",
			(e) => e.from === "invite" && e.content.membership === "invite" && e.sender === "@trivium:hs.test",
		);
		const vault = await nerissa.join(invite.room_id);
		await nerissa.waitFor(
			"Romeo in the vault",
			(e) => e.room_id === vault && e.content.displayname === "Romeo (owner)",
			20_000,
		);
		await nerissa.send(vault, "behind closed doors");
		await romeo.waitForMessage("behind closed doors", `${own}/Nerissa`, 20_000);
		const eve = await matrix("eve", "Eve");
		await expect(eve.join(`#_xmpp_vault=40${bridged.xmpp.muc}:hs.test`)).rejects.toThrow();
		await eve.close();
		expect(await bridged.stop()).toBe(0);
		await bridged.start();
		await nerissa.send(vault, "and again");
		await romeo.waitForMessage("and again", `${own}/Nerissa`, 30_000);
		await nerissa.close();
	});

	if (server === "ejabberd")
		test("the hats of a MUC stand behind the names of its people", async () => {
			const own = `hats@${bridged.xmpp.muc}`;
			await romeo.joinRoom(own, "Romeo");
			await romeo.configureRoom(own, { enable_hats: "1" });
			const commands = "http://jabber.org/protocol/commands";
			/** Carries out a command of the MUC (XEP-0317 §5): asks for its form, and submits these fields. */
			const does = async (node: string, fields: Readonly<Record<string, string>>) => {
				const attrs = { xmlns: commands, node: `urn:xmpp:hats:commands:${node}` };
				const form = await romeo.iq(own, "set", xml("command", { ...attrs, action: "execute" }));
				const { sessionid = "" } = form.getChild("command", commands)?.attrs ?? {};
				const filled = Object.entries({ FORM_TYPE: "urn:xmpp:hats:commands", ...fields }).map(
					([name, value]) => xml("field", { var: name }, xml("value", {}, value)),
				);
				const x = xml("x", { xmlns: "jabber:x:data", type: "submit" }, ...filled);
				await romeo.iq(own, "set", xml("command", { ...attrs, sessionid, action: "complete" }, x));
			};
			const room = await juliet.join(`#_xmpp_hats=40${bridged.xmpp.muc}:hs.test`);
			await joined(room, "Romeo (owner)");
			await does("create", { "hats#title": "Host", "hats#uri": "urn:host", "hats#hue": "120" });
			const jid = `romeo@${bridged.xmpp.domain}`;
			await does("assign", { "hats#jid": jid, hat: "urn:host" });
			await joined(room, "Romeo (owner) [Host]");
		});

	test("one change of the power levels mutes several people of a MUC, and gives them voice again", async () => {
		const own = `quiet@${bridged.xmpp.muc}`;
		await romeo.joinRoom(own, "Romeo");
		await romeo.configureRoom(own);
		const two = await Promise.all(
			["sampson", "gregory"].map(async (name) => {
				const client = await XmppClient.connect(await bridged.bed.xmppUser(server, name));
				await client.joinRoom(own, name);
				return client;
			}),
		);
		const jid = `juliet@${bridged.xmpp.component}`;
		const item = xml("item", { affiliation: "admin", jid });
		await romeo.iq(own, "set", xml("query", { xmlns: "http://jabber.org/protocol/muc#admin" }, item));
		const users = { [juliet.userId]: 100, "@trivium:hs.test": 50 };
		const room = await juliet.createRoom({
			...{ preset: "public_chat", invite: ["@trivium:hs.test"], power_level_content_override: { users } },
		});
		await juliet.waitFor(
			"Hello",
			(e) => e.room_id === room && String(e.content.body).includes("Hello"),
			20_000,
		);
		await juliet.send(room, `!bridge link xmpp ${own}`);
		await joined(room, "sampson");
		await joined(room, "gregory");
		const ghosts = [...(await juliet.members(room))].flatMap(([mxid, name]) =>
			name === "sampson" || name === "gregory" ? [mxid] : [],
		);
		const path = `v3/rooms/${room}/state/m.room.power_levels/`;
		const become = async (levels: Readonly<Record<string, number>>, role: string) => {
			romeo.inbox.items.splice(0);
			const now = await juliet.request<object>("GET", path);
			await juliet.request("PUT", path, { ...now, users: { ...users, ...levels } });
			for (const nick of ["sampson", "gregory"])
				await romeo.waitFor(
					`${nick} as ${role}`,
					(one) =>
						one.attrs.from === `${own}/${nick}` &&
						one.getChild("x", "http://jabber.org/protocol/muc#user")?.getChild("item")?.attrs.role === role,
					20_000,
				);
		};
		await become(Object.fromEntries(ghosts.map((mxid) => [mxid, -1])), "visitor");
		await become({}, "participant");
		await Promise.all(two.map((one) => one.close()));
	});

	test("owners and admins of a MUC have a label on Matrix, and by the setting the power of moderators", async () => {
		const own = `ranks@${bridged.xmpp.muc}`;
		await romeo.joinRoom(own, "Romeo");
		await romeo.configureRoom(own);
		const user = await bridged.bed.xmppUser(server, "ranked");
		const mercutio = await XmppClient.connect(user);
		await mercutio.joinRoom(own, "Mercutio");
		const users = { [juliet.userId]: 100, "@trivium:hs.test": 50 };
		const room = await juliet.createRoom({
			...{ preset: "public_chat", invite: ["@trivium:hs.test"], power_level_content_override: { users } },
		});
		const says = (words: string) =>
			juliet.waitFor(words, (e) => e.room_id === room && String(e.content.body).includes(words), 20_000);
		const names = (...expected: string[]) =>
			vi.waitFor(
				async () => {
					const here = [...(await juliet.members(room)).values()];
					expect(here.filter((name) => /^[RM]/.test(name ?? "")).sort()).toEqual(expected);
				},
				{ timeout: 20_000, interval: 200 },
			);
		const levels = async () => {
			const path = `v3/rooms/${room}/state/m.room.power_levels`;
			const now = await juliet.request<{ users: Record<string, number> }>("GET", path);
			return Object.entries(now.users).flatMap(([mxid, level]) => (mxid in users ? [] : [level]));
		};
		const has = (...expected: number[]) =>
			vi.waitFor(async () => expect(await levels()).toEqual(expected), { timeout: 20_000, interval: 200 });
		const becomes = (affiliation: string) => {
			const item = xml("item", { affiliation, jid: user.jid });
			return romeo.iq(own, "set", xml("query", { xmlns: "http://jabber.org/protocol/muc#admin" }, item));
		};
		await says("Hello");
		await juliet.send(room, `!bridge link xmpp ${own}`);
		await says("Linked to");
		await names("Mercutio", "Romeo (owner)");
		await becomes("admin");
		await names("Mercutio (admin)", "Romeo (owner)");
		await has();
		await juliet.send(room, "!bridge settings roles both");
		await says("@trivium:hs.test has the power level 50 here and needs 100");
		const path = `v3/rooms/${room}/state/m.room.power_levels/`;
		const now = await juliet.request<object>("GET", path);
		await juliet.request("PUT", path, { ...now, users: { ...users, "@trivium:hs.test": 100 } });
		await juliet.send(room, "!bridge settings roles both");
		await has(50, 50);
		await becomes("member");
		await names("Mercutio", "Romeo (owner)");
		await has(50);
		await juliet.send(room, "!bridge settings roles off");
		await names("Mercutio", "Romeo");
		await has();
		await juliet.send(room, "!bridge settings roles both");
		await has(50);
		await juliet.send(room, "!bridge unlink xmpp");
		await names();
		await has();
		await mercutio.close();
	});

	test("a text with characters that XML forbids loses only these, and the link stays up", async () => {
		await juliet.send(portal, "a\u0001b\u0000c\uFFFEd");
		await romeo.waitForMessage("abcd", muc);
	});

	test(`each of ${crowd} Matrix people in one MUC sees each XMPP message once, in order, and is in it no longer than in the Matrix room`, async () => {
		const room = await juliet.createRoom({
			preset: "public_chat",
			name: "Ball",
		});
		const guests = await Promise.all(
			Array.from({ length: crowd - 1 }, (_, i) => matrix(`guest${i}`, `Guest ${i}`)),
		);
		for (const guest of guests) await guest.join(room);
		muc = `ball@${bridged.xmpp.muc}`;
		await romeo.joinRoom(muc, "Romeo Montague");
		await link(juliet, room, muc);
		for (const i of guests.keys()) await occupant(`Guest ${i}`);
		await joined(room, "Romeo Montague");
		const lines = Array.from({ length: 25 }, (_, i) => `line ${i}`);
		for (const line of lines) await romeo.sendMessage(muc, line, "groupchat");
		await juliet.waitForMessage("line 24", room, 20_000);
		await Promise.all(guests.map((guest, i) => guest.send(room, `from guest ${i}`)));
		for (const i of guests.keys()) await romeo.waitForMessage(`from guest ${i}`, `${muc}/Guest ${i}`, 20_000);
		await new Promise((resolve) => setTimeout(resolve, 500));
		expect(onMatrix(room, lines)).toEqual(lines.map(() => 1));
		const order = juliet.inbox.items
			.filter((e) => e.room_id === room && e.from === "timeline")
			.map((e) => e.content.body);
		expect(order.filter((body) => lines.includes(String(body)))).toEqual(lines);
		for (const i of guests.keys())
			expect(romeo.inbox.items.filter((stanza) => isMessage(stanza, `from guest ${i}`))).toHaveLength(1);

		const fickle = guests.filter((_, i) => i !== 5);
		await Promise.all(
			fickle.map(async (guest) => {
				await guest.leave(room);
				await guest.join(room);
				await guest.leave(room);
			}),
		);
		await eventually("nobody is left behind", async () => {
			const there = new Set<string>();
			for (const { name, attrs } of romeo.inbox.items)
				if (name === "presence" && attrs.from?.startsWith(`${muc}/Guest`)) {
					if (attrs.type === undefined) there.add(attrs.from);
					else there.delete(attrs.from);
				}
			return [...there].join() === `${muc}/Guest 5`;
		});

		await juliet.send(room, "!bridge unlink xmpp");
		await juliet.waitFor(
			"the answer to unlink",
			(e) => e.room_id === room && /^Unlinked/.test(String(e.content.body)),
			20_000,
		);
		await occupant("Guest 5", "unavailable");
		await juliet.waitFor(
			"Romeo's leave",
			(e) =>
				e.room_id === room &&
				e.type === "m.room.member" &&
				e.content.membership === "leave" &&
				/xmpp/.test(String(e.state_key)),
		);
		await Promise.all(guests.map((guest) => guest.close()));
	});

	test.each([
		["a MUC", {}, {}],
		[
			"a MUC with a password",
			{ "muc#roomconfig_passwordprotectedroom": "1", "muc#roomconfig_roomsecret": "sesame" },
			{ password: "sesame" },
		],
		["a MUC for members", { "muc#roomconfig_membersonly": "1" }, undefined],
	])("an invitation from XMPP into %s brings a Matrix person there", async (what, settings, direct) => {
		const room = `${what.replaceAll(" ", "-").toLowerCase()}@${bridged.xmpp.muc}`;
		await romeo.joinRoom(room, "Romeo Montague");
		await romeo.configureRoom(room, settings);
		const her = `juliet@${bridged.xmpp.component}`;
		const words = "come and see";
		const invite = xml("invite", { to: her }, xml("reason", {}, words));
		await romeo.send(
			direct
				? xml(
						"message",
						{ to: her },
						xml("x", { xmlns: "jabber:x:conference", jid: room, reason: words, ...direct }),
					)
				: xml("message", { to: room }, xml("x", { xmlns: "http://jabber.org/protocol/muc#user" }, invite)),
		);
		const { room_id: there } = await juliet.waitFor(
			"the invitation",
			({ from, state_key, content }) =>
				from === "invite" &&
				state_key === juliet.userId &&
				String(content.reason).includes(`${room}: ${words}`),
			20_000,
		);
		await juliet.join(there);
		await juliet.send(there, `Hello, ${what}`);
		await romeo.waitForMessage(`Hello, ${what}`, `${room}/Juliet Capulet`, 20_000);
		await romeo.sendMessage(room, `Welcome to ${what}`, "groupchat");
		await juliet.waitForMessage(`Welcome to ${what}`, there, 20_000);
	});

	test("an invitation from XMPP into a MUC that does not exist is answered with the reason", async () => {
		const [her, id] = [`juliet@${bridged.xmpp.component}`, "nowhere"];
		const jid = `nowhere@${bridged.xmpp.muc}`;
		await romeo.send(xml("message", { to: her, id }, xml("x", { xmlns: "jabber:x:conference", jid })));
		const answer = await romeo.waitFor("the reason", (one) => one.is("message") && one.attrs.id === id);
		expect(answer.attrs.type).toBe("error");
		expect(String(answer)).toContain(`there is no XMPP room ${jid}`);
	});

	test("an invitation from Matrix into a room with a MUC goes on to the MUC, and the room reads who declines it", async () => {
		const benvolio = await XmppClient.connect(await bridged.bed.xmppUser(server, "benvolio"));
		const orchard = `orchard@${bridged.xmpp.muc}`;
		await romeo.joinRoom(orchard, "Romeo Montague");
		await romeo.configureRoom(orchard);
		const room = await linkedRoom(juliet, orchard);
		const ghost = `@_xmpp_benvolio=40${bridged.xmpp.domain}:hs.test`;
		const ns = "http://jabber.org/protocol/muc#user";
		await juliet.invite(room, ghost);
		const withinMuc = (one: Element) =>
			one.getChild("x", ns)?.getChild("invite") !== undefined && one.attrs.from === orchard;
		const directly = (one: Element) => one.getChild("x", "jabber:x:conference")?.attrs.jid === orchard;
		const invitation = await benvolio.waitFor(
			"an invitation",
			(one) => withinMuc(one) || directly(one),
			20_000,
		);
		expect(String(invitation)).toContain("uliet");
		await juliet.waitFor(
			"the words of the ghost",
			({ state_key, content }) =>
				state_key === ghost && String(content.reason).includes(`invited to ${orchard}`),
			20_000,
		);
		if (withinMuc(invitation)) {
			const to = invitation.getChild("x", ns)?.getChild("invite")?.attrs.from;
			const decline = xml("decline", { to }, xml("reason", {}, "no time"));
			await benvolio.send(xml("message", { to: orchard }, xml("x", { xmlns: ns }, decline)));
			await juliet.waitForMessage("benvolio has declined the invitation: no time", room, 20_000);
		}
		await benvolio.joinRoom(orchard, "Benvolio");
		await benvolio.sendMessage(orchard, "here I am", "groupchat");
		await juliet.waitForMessage("here I am", room, 20_000);
		await benvolio.close();
	});

	test("a chat begins with a message from XMPP, and the answer shows a display name", async () => {
		await romeo.sendMessage(`juliet@${bridged.xmpp.component}`, "psst");
		const invite = await juliet.waitFor(
			"an invitation",
			(e) =>
				e.from === "invite" && e.state_key === juliet.userId && /^@_xmpp_romeo=40/.test(String(e.sender)),
		);
		await juliet.join(invite.room_id);
		await juliet.waitForMessage("psst", invite.room_id);
		expect(await juliet.invitesTo(invite.room_id)).toMatchObject([{ is_direct: true }]);
		await juliet.send(invite.room_id, "who's there?");
		const answer = await romeo.waitForMessage("who's there?", `juliet@${bridged.xmpp.component}`);
		expect(answer.getChild("nick", "http://jabber.org/protocol/nick")?.getText() ?? "Juliet Capulet 🌹").toBe(
			"Juliet Capulet 🌹",
		);
		expect([...(await juliet.members(invite.room_id)).values()].sort()).toEqual([
			"Juliet Capulet 🌹",
			"romeo",
		]);
	});

	test("a chat begins from Matrix with an address given to the bot", async () => {
		const mercutio = await XmppClient.connect(await bridged.bed.xmppUser(server, "mercutio"));
		const bot = await juliet.createRoom({
			is_direct: true,
			preset: "trusted_private_chat",
			invite: ["@trivium:hs.test"],
		});
		await juliet.waitFor(
			"the bot",
			(e) => e.room_id === bot && e.state_key === "@trivium:hs.test" && e.content.membership === "join",
		);
		const ready = () =>
			juliet.inbox.items.filter(
				(e) => e.room_id === bot && /your chat with mercutio/.test(String(e.content.body)),
			).length;
		for (const times of [1, 2]) {
			await juliet.send(bot, `chat ${mercutio.jid.split("/")[0]}`);
			await juliet.waitFor("the answer", () => ready() === times);
		}
		const invite = await juliet.waitFor(
			"an invitation",
			(e) => e.from === "invite" && e.state_key === juliet.userId && /mercutio/.test(String(e.sender)),
		);
		await juliet.join(invite.room_id);
		expect(await juliet.invitesTo(invite.room_id)).toMatchObject([{ is_direct: true }]);
		await juliet.send(invite.room_id, "a plague on both your houses");
		const ghost = `juliet@${bridged.xmpp.component}`;
		await mercutio.waitForMessage("a plague on both your houses", ghost);
		// The ghost has asked for a subscription. From then on each sees whether the other is there.
		const presence = (what: string, fits: (stanza: Element) => boolean) =>
			mercutio.waitFor(
				what,
				(one) => one.is("presence") && one.attrs.from?.split("/")[0] === ghost && fits(one),
				20_000,
			);
		await presence("the request", ({ attrs }) => attrs.type === "subscribe");
		await mercutio.send(xml("presence", { to: ghost, type: "subscribed" }));
		await mercutio.send(xml("presence", { to: ghost, type: "subscribe" }));
		await mercutio.send(xml("presence", {}, xml("show", {}, "away"), xml("status", {}, "in Verona")));
		const status = (mxid: string) => `v3/presence/${encodeURIComponent(mxid)}/status`;
		await eventually("the presence on Matrix", async () => {
			const seen = await juliet.request("GET", status(String(invite.sender)));
			return seen.presence === "unavailable" && seen.status_msg === "in Verona";
		});
		const words = { presence: "online", status_msg: "at the balcony" };
		await juliet.request("PUT", status(juliet.userId), words);
		await presence(
			"the presence on XMPP",
			(one) => one.attrs.type === undefined && one.getChild("status")?.getText() === "at the balcony",
		);
		await mercutio.close();
		await eventually("the end of the presence on Matrix", async () => {
			const seen = await juliet.request("GET", status(String(invite.sender)));
			return seen.presence === "offline";
		});
	});

	test("a message to an address without an account gets exactly one answer", async () => {
		const id = await romeo.sendMessage(`nobody@${bridged.xmpp.component}`, "hello?");
		const error = await romeo.waitFor(
			"an error",
			(stanza) => stanza.attrs.id === id && stanza.attrs.type === "error",
		);
		expect(error.getChild("error")?.getChild("item-not-found")).toBeTruthy();
	});

	test("people see each other's pictures in a MUC and a chat, and a new one", async () => {
		const sha1 = (bytes: Buffer) => createHash("sha1").update(bytes).digest("hex");
		const verona = `verona@${bridged.xmpp.muc}`;
		for (const [colour, fullName, name] of [
			[[200, 0, 0], "Romeo Montague", "Romeo Montague"],
			// The name in the vCard stands behind the nick.
			[[0, 200, 0], "Son of Montague", "Romeo Montague (Son of Montague)"],
		] as const) {
			const mine = png(96, Array(96).fill(colour).flat());
			const seen = new Set(romeo.inbox.items);
			await juliet.picture(mine);
			const nick = `${verona}/Juliet Capulet`;
			const presence = await romeo.waitFor(
				"a picture of Juliet",
				(one) =>
					!seen.has(one) && one.is("presence") && one.attrs.from === nick && (photoIn(one) ?? "") !== "",
				30_000,
			);
			for (const jid of [nick, `juliet@${bridged.xmpp.component}`])
				expect(sha1(await romeo.pictureOf(jid))).toBe(photoIn(presence));
			const theirs = png(32, Array(32).fill(colour).flat());
			await romeo.picture(theirs, fullName, `${verona}/Romeo Montague`);
			const dressed = (room: string) =>
				juliet.waitFor(
					"a picture of Romeo",
					({ room_id, type, content: { displayname, avatar_url } }) =>
						room_id === room &&
						type === "m.room.member" &&
						String(displayname).startsWith("Romeo Montague") &&
						typeof avatar_url === "string" &&
						!urls.has(avatar_url),
					30_000,
				);
			const url = (await dressed(portal)).content.avatar_url as string;
			urls.add(url);
			expect(sha1(await juliet.download(url))).toBe(sha1(theirs));
			await joined(portal, name);
		}
	});

	test("a sensor's value reaches both sides, and the sensor receives a command", async () => {
		const sensor = await MqttClient.connect({
			...bridged.bed.mqtt,
			username: "bridge",
			password: "pw-bridge",
		});
		const room = climate;
		await bridged.log.waitFor("the mirror", (line) => line.msg === "all mirrors are up", 40_000);
		await sensor.publish("home/balcony/temperature", "12.5");
		await juliet.waitFor("12.5", (e) => e.room_id === room && /12\.5/.test(String(e.content.body)));
		await sensor.subscribe("home/lamp");
		await juliet.send(room, "!bridge pub home/lamp on");
		await sensor.waitForMessage("home/lamp", "on");
		const answered = (words: string) =>
			juliet.waitFor(words, (e) => e.room_id === room && String(e.content.body).includes(words), 20_000);
		await juliet.send(room, "!bridge pub home/heating on");
		await answered("this room may not publish to home/heating, but to: home/lamp, home/+/set.");
		await juliet.send(room, "!bridge get home/balcony/temperature");
		await answered("home/balcony/temperature: 12.5 (");
		await sensor.close();
	});

	// The messages of a sensor on Matrix do not depend on the XMPP server, so `script/test` reads them with one.
	if (soak || server === "prosody")
		test("a sensor's state is one message that shows its latest value, also after a restart", async () => {
			const sensor = await MqttClient.connect({
				...bridged.bed.mqtt,
				username: "bridge",
				password: "pw-bridge",
			});
			const shows = (state: string) =>
				juliet.waitFor(
					`the door is ${state}`,
					(e) => e.room_id === climate && String(e.content.body).includes(`door: ${state}`),
					20_000,
				);
			const door = async (state: string) => {
				await sensor.publish("home/door", JSON.stringify({ state, battery: 90 }));
				return shows(state);
			};
			const first = await door("open");
			const edited = (event: Awaited<ReturnType<typeof door>>) =>
				(event.content["m.relates_to"] as { event_id?: string } | undefined)?.event_id;
			expect(edited(first)).toBeUndefined();
			expect(edited(await door("closed"))).toBe(first.event_id);
			await bridged.stop();
			await bridged.start();
			expect(edited(await door("ajar"))).toBe(first.event_id);
			await sensor.close();
		});

	// The presence of a thing and the answers of the bot are the same on every server, so `script/test` asks on one.
	if (soak || server === "prosody")
		test("a thing that goes away is away for people of both sides, who ask the bot for its value where they are members", async () => {
			const { bed, xmpp } = bridged;
			const thing = await MqttClient.connect({ ...bed.mqtt, username: "bridge", password: "pw-bridge" });
			const bot = `trivium@${xmpp.component}`;
			const verona = `verona@${xmpp.muc}`;
			const asks = async (text: string, answer: string) => {
				await romeo.sendMessage(bot, text);
				await romeo.waitFor(
					answer,
					(one) =>
						one.attrs.from?.startsWith(bot) === true && !!one.getChild("body")?.getText().includes(answer),
					20_000,
				);
			};
			let seen = 0;
			/** Resolves when Romeo sees this presence, behind those that he was waiting for before. */
			const shows = async (at: string, show: string | undefined) => {
				const { items } = romeo.inbox;
				const fits = (one: Element) =>
					one.is("presence") && one.attrs.from === at && one.getChild("show")?.getText() === show;
				const found = await romeo.waitFor(
					`${at}: ${show}`,
					(one) => fits(one) && items.indexOf(one) >= seen,
					20_000,
				);
				seen = items.indexOf(found) + 1;
			};
			/** Resolves when the ghost with this name has this presence on Matrix. */
			const onMatrixIs = (room: string, name: string, presence: string) =>
				vi.waitFor(
					async () => {
						const members = await juliet.members(room);
						const [ghost = ""] = [...members].find(([, called]) => called === name) ?? [];
						expect(ghost, [...members.values()].join()).not.toBe("");
						const path = `v3/presence/${encodeURIComponent(ghost)}/status`;
						expect(await juliet.request("GET", path)).toMatchObject({ presence });
					},
					{ timeout: 20_000, interval: 200 },
				);

			await asks(
				"get home/balcony/temperature",
				"none of the rooms that you are in shows anything from MQTT",
			);
			const view = `#climate@${xmpp.component}`;
			await romeo.joinRoom(view, "Romeo");
			await asks("get home/balcony/temperature", "home/balcony/temperature: 12.5");
			await asks("chart home/balcony/temperature 1h", "the last 1h: 1 value.");
			await thing.publish("home/door/here", "offline");
			await shows(`${view}/home door`, "xa");
			await thing.publish("home/door/here", "online");
			await shows(`${view}/home door`, undefined);

			await juliet.send(portal, "!bridge link mqtt zigbee2mqtt/fan value /state");
			await juliet.waitForMessage(
				"This room shows what comes from zigbee2mqtt/fan from now on. Nothing that is said here goes there.",
				portal,
				20_000,
			);
			await thing.publish("zigbee2mqtt/fan/availability", "online", { retain: true });
			await thing.publish("zigbee2mqtt/fan", '{"state":"ON"}');
			await shows(`${verona}/fan`, undefined);
			await onMatrixIs(portal, "fan", "online");
			await thing.publish("zigbee2mqtt/fan/availability", "offline", { retain: true });
			await shows(`${verona}/fan`, "xa");
			await onMatrixIs(portal, "fan", "offline");
			await juliet.send(portal, "!bridge unlink mqtt zigbee2mqtt/fan");
			await juliet.waitFor(
				"the end of the link",
				(e) => e.room_id === portal && String(e.content.body).includes("no longer shows what comes from"),
				20_000,
			);
			await thing.close();
		});

	if (server === "prosody")
		test("the state of a thing is corrected on XMPP as rarely as its interval says, and a reply from there is published or refused", async () => {
			const { bed, xmpp } = bridged;
			const thing = await MqttClient.connect({ ...bed.mqtt, username: "bridge", password: "pw-bridge" });
			const view = `#climate@${xmpp.component}`;
			const oven = `${view}/home oven`;
			await bridged.log.waitFor("the mirror", (line) => line.msg === "all mirrors are up", 40_000);
			await romeo.joinRoom(view, "Romeo");
			// It is retained, since the subscription may come after it.
			await thing.publish("home/oven", "100", { retain: true });
			const first = await romeo.waitForMessage("home oven: 100", oven, 20_000);
			const began = Date.now();
			for (let degrees = 110; degrees <= 200; degrees += 10) {
				await thing.publish("home/oven", String(degrees));
				await sleep(400);
			}
			await romeo.waitForMessage("home oven: 200", oven, 20_000);
			const corrected = romeo.inbox.items.flatMap((one) =>
				one.attrs.from === oven
					? (one.getChild("replace", "urn:xmpp:message-correct:0")?.attrs.id ?? [])
					: [],
			);
			expect(new Set(corrected)).toEqual(new Set([first.attrs.id]));
			expect(corrected.length).toBeLessThanOrEqual(1 + (Date.now() - began) / 3_000);

			await thing.subscribe("home/oven/set");
			const id = first.getChild("stanza-id", "urn:xmpp:sid:0")?.attrs.id;
			const reply = xml("reply", { xmlns: "urn:xmpp:reply:0", to: oven, id });
			await romeo.send(xml("message", { to: view, type: "groupchat" }, xml("body", {}, "150"), reply));
			await thing.waitForMessage("home/oven/set", "150");
			const answers = (one: Element) =>
				one.attrs.from === oven &&
				one.getChild("body")?.getText().endsWith("Published to home/oven/set.") === true;
			const answer = await romeo.waitFor("the oven's answer", answers, 20_000);
			expect(answer.getChild("reply", "urn:xmpp:reply:0")?.attrs.to).toBe(`${view}/Romeo`);

			const mercutio = await XmppClient.connect(await bed.xmppUser(server, "mercutio"));
			await mercutio.joinRoom(view, "Mercutio");
			await mercutio.send(xml("message", { to: view, type: "groupchat" }, xml("body", {}, "250"), reply));
			const refused = await mercutio.waitFor("the refusal", (one) => one.attrs.type === "error", 20_000);
			expect(refused.toString()).toContain("Not delivered to MQTT: you may not publish from this room.");
			expect(thing.inbox.items.map(({ payload }) => String(payload))).toEqual(["150"]);
			await mercutio.close();
			await thing.close();
		});

	if (server === "prosody")
		test("a device gets a closed room, in which invited people see its values and pictures, and admins everywhere get a chart", async () => {
			const { bed, xmpp } = bridged;
			const thing = await MqttClient.connect({ ...bed.mqtt, username: "bridge", password: "pw-bridge" });
			const enters = async (alias: string) => {
				await eventually(`Juliet may enter ${alias}`, () =>
					juliet.join(alias).then(
						() => true,
						() => false,
					),
				);
				return juliet.join(alias);
			};
			for (const value of ["20.5 °C", "21 °C"]) await thing.publish("house/cellar/temperature", value);
			const room = await enters("#_mqtt_cellar:hs.test");
			const state = (type: string) => juliet.request("GET", `v3/rooms/${room}/state/${type}/`);
			expect(await state("m.room.name")).toEqual({ name: "cellar" });
			expect(await state("m.room.join_rules")).toEqual({ join_rule: "invite" });
			await thing.publish("house/cellar/temperature", "22 °C");
			const said = await juliet.waitForMessage("cellar temperature: 22 °C", room, 20_000);
			expect((await juliet.members(room)).get(said.sender ?? "")).toBe("cellar");

			const picture = Buffer.from(
				"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
				"base64",
			);
			await thing.publish("house/cellar/camera", picture);
			const pictures = ({ room_id, content }: { room_id: string; content: Record<string, unknown> }) =>
				room_id === room && content.msgtype === "m.image";
			const shown = await juliet.waitFor("the picture", pictures, 20_000);
			expect(shown).toMatchObject({
				sender: said.sender,
				content: { info: { w: 1, h: 1, size: picture.length } },
			});

			const chart = "chart house/cellar/temperature 1h";
			await juliet.send(room, `!bridge ${chart}`);
			const drawn = await juliet.waitFor("the chart", (e) => pictures(e) && e.sender !== said.sender, 20_000);
			expect(drawn.content).toMatchObject({
				body: "cellar temperature, the last 1h: 3 values.",
				info: { mimetype: "image/png", w: 800, h: 400 },
			});
			const nurse = await XmppClient.connect(await bed.xmppUser(server, "nurse"));
			await nurse.sendMessage(`trivium@${xmpp.component}`, chart);
			const isFile = (stanza: Element) => stanza.getChild("x", "jabber:x:oob") !== undefined;
			const file = await nurse.waitFor("the URL of the chart", isFile, 20_000);
			expect((await fetch(file.getChild("body")?.getText() ?? "")).status).toBe(200);

			await thing.publish("house/attic/temperature", "30 °C");
			expect(await enters("#_mqtt_=2b:hs.test")).not.toBe(room);
			await Promise.all([nurse.close(), thing.close()]);
		});

	test("a clean restart neither loses nor repeats a message", async () => {
		muc = `verona@${bridged.xmpp.muc}`;
		expect(await bridged.stop()).toBe(0);
		const lines = ["while you were out 1", "while you were out 2", "while you were out 3"];
		for (const line of lines) await juliet.send(portal, line);
		await bridged.start();
		for (const line of lines) await romeo.waitForMessage(line, muc, 30_000);
		await romeo.sendMessage(muc, "welcome back", "groupchat");
		await juliet.waitForMessage("welcome back", portal, 20_000);
		for (const line of lines)
			expect(romeo.inbox.items.filter((stanza) => isMessage(stanza, line, muc))).toHaveLength(1);
		expect(onMatrix(portal, ["But soft", "O Romeo"])).toEqual([1, 1]);
	});

	test("no message shows an address in place of a name", () => {
		const shown = juliet.inbox.items.flatMap(({ type, content }) =>
			type === "m.room.message"
				? [content.body]
				: type === "m.room.member" || type === "m.room.name"
					? [content.displayname ?? content.name]
					: [],
		);
		// A link has to have the address, and people who are to invite the bot need its address.
		const links = /https:\/\/matrix\.to\/\S+|@trivium:hs\.test/g;
		for (const text of shown)
			if (!String(text).startsWith("!bridge")) expect(String(text).replace(links, "")).not.toMatch(raw);
		for (const stanza of romeo.inbox.items) {
			expect(stanza.getChild("body")?.getText() ?? "").not.toMatch(raw);
			if (stanza.is("presence")) expect(stanza.attrs.from?.split("/")[1] ?? "").not.toMatch(raw);
		}
	});

	test("the bot takes commands on XMPP, as messages and as ad-hoc commands", async () => {
		const { component } = bridged.xmpp;
		const bot = `trivium@${component}`;
		const says = (words: RegExp, from: string) =>
			romeo.waitFor(
				`${words} from ${from}`,
				(one) =>
					one.is("message") &&
					one.attrs.from?.split("/")[0] === from &&
					words.test(one.getChild("body")?.getText() ?? ""),
			);
		await romeo.sendMessage(component, "help");
		await says(/^I can do this here:\n.*\nchat ADDRESS – /s, component);
		await romeo.sendMessage(bot, "status");
		await says(/^Matrix: connected\.\nXMPP: connected\.\nMQTT: connected\.$/, bot);
		await romeo.sendMessage(bot, "rooms");
		await says(/you may not use “rooms”/, bot);
		await romeo.sendMessage(bot, "chat <@juliet:hs.test>");
		await says(new RegExp(`your chat with Juliet Capulet 🌹 already: xmpp:juliet@${component}`), bot);
		const commands = "http://jabber.org/protocol/commands";
		const items = await romeo.iq(bot, "get", xml("query", { xmlns: discoItems, node: commands }));
		const listed = items
			.getChild("query")
			?.getChildren("item")
			.map(({ attrs }) => attrs.node);
		expect(listed).toEqual(["help", "version", "chat", "status", "pub", "list", "get", "chart"]);
		const done = await romeo.iq(bot, "set", xml("command", { xmlns: commands, node: "version" }));
		expect(done.getChild("command")?.getChild("note")?.getText()).toMatch(
			/^Trivium \d+\.\d+\.\d+, running for /,
		);
		const asked = await romeo.iq(component, "set", xml("command", { xmlns: commands, node: "chat" }));
		expect(asked.getChild("command")?.getChild("x")?.getChild("field")?.attrs.var).toBe("address");
	});

	test("an admin lists the portals, blocks a person at once and lets them in again", async () => {
		const bot = await juliet.createRoom({ is_direct: true, invite: ["@trivium:hs.test"] });
		const says = (words: RegExp) =>
			juliet.waitFor(`${words}`, (e) => e.room_id === bot && words.test(String(e.content.body)), 20_000);
		await says(/^Hello Juliet/);
		// The ghost of an occupant of a MUC takes an invitation: the chat is a private one of that MUC.
		const ghost =
			[...(await juliet.members(portal))].find(([, name]) => name?.startsWith("Romeo Montague"))?.[0] ?? "";
		const aside = await juliet.createRoom({ is_direct: true, invite: [ghost] });
		await juliet.waitFor(
			"the ghost in the chat",
			(e) => e.room_id === aside && e.state_key === ghost && e.content.membership === "join",
			20_000,
		);
		const asked = await juliet.send(aside, "What man art thou?");
		const her = `${muc}/Juliet Capulet`;
		const whisper = await romeo.waitForMessage("What man art thou?", her, 20_000);
		expect(whisper.attrs.type).toBe("chat");
		const id = await romeo.sendMessage(her, "By a name I know not how to tell thee");
		const answer = await juliet.waitFor(
			"his answer",
			(e) => e.room_id === aside && e.content.body === "By a name I know not how to tell thee",
			20_000,
		);
		await expectSignals(juliet, aside, romeo, her, {
			mine: { event: asked, id: whisper.attrs.id ?? "" },
			theirs: { event: answer.event_id ?? "", id },
		});
		const verona = `verona@${bridged.xmpp.muc}`;
		await juliet.send(bot, `join <xmpp:${verona}?join>`);
		await says(
			new RegExp(
				`^You are in verona already: https://matrix\\.to/#/%23_xmpp_verona=40${bridged.xmpp.muc}:hs\\.test$`,
			),
		);
		await juliet.send(bot, "rooms");
		const first = await says(/^Bridged rooms and chats: \d+\..*“rooms 2”/s);
		await juliet.send(bot, "rooms 2");
		const second = await says(/Page 2 of/);
		const list = `${first.content.body}\n${second.content.body}\n`;
		expect(list).toMatch(
			/• Matrix #climate:hs\.test ← MQTT home\/\+\/temperature ← MQTT home\/door ← MQTT home\/oven( ← XMPP \S+)?\n/,
		);
		expect(list).toMatch(new RegExp(`• Matrix \\S+ ↔ XMPP ${verona}\n`));
		expect(list).toMatch(/• chat: Matrix Juliet Capulet 🌹 \(@juliet:hs\.test\) ↔ XMPP mercutio \(mercutio@/);
		expect(list).toMatch(
			new RegExp(
				`• chat: Matrix Juliet Capulet 🌹 \\(@juliet:hs\\.test\\) ↔ XMPP Romeo Montague \\(${verona}/`,
			),
		);
		expect(list).not.toMatch(/=40|![A-Za-z0-9]{10}/);

		const tybalt = await matrix("tybalt", "Tybalt");
		await tybalt.join(portal);
		await tybalt.send(portal, "What, drawn?");
		await romeo.waitForMessage("What, drawn?", `${muc}/Tybalt`, 20_000);
		await juliet.send(bot, "block https://matrix.to/#/@tybalt:hs.test");
		await says(/^Blocked: @tybalt:hs\.test\. 1 person is no longer shown/);
		await occupant("Tybalt", "unavailable");
		await tybalt.send(portal, "Peace? I hate the word");
		await juliet.send(portal, "gentle");
		await romeo.waitForMessage("gentle", `${muc}/Juliet Capulet`, 20_000);
		await juliet.send(bot, "unblock @tybalt:hs.test");
		await says(/^No longer blocked: @tybalt:hs\.test/);
		await tybalt.send(portal, "Turn thee");
		await romeo.waitForMessage("Turn thee", `${muc}/Tybalt`, 20_000);
		expect(romeo.inbox.items.filter((stanza) => isMessage(stanza, "Peace? I hate the word"))).toEqual([]);
		await tybalt.close();
	});
});
