import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { avatarData, avatarMetadata, photoIn } from "../../src/xmpp/photo.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import type { XmppAccount } from "../testbed/index.ts";
import { componentSecret, domains } from "../testbed/layout.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { type FaultyProxy, startProxy } from "../testbed/proxy.ts";
import { startWire, type Wire } from "../testbed/wire.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";
import { line } from "../xmpp/hosted/lines/line.ts";
import { png } from "./png.ts";

const muc = "http://jabber.org/protocol/muc";

describe.each(["prosody", "ejabberd"] as const)("a Matrix room as a MUC on %s", (server) => {
	let bridged: Bridged;
	let alice: MatrixClient;
	/** Between the bridge and the XMPP server. */
	let link: Wire;
	/** Between the bridge and the homeserver. */
	let homeserver: FaultyProxy;
	const accounts = new Map<string, Promise<XmppAccount>>();
	const open: (XmppClient | MatrixClient)[] = [];

	beforeAll(async () => {
		homeserver = await startProxy();
		link = await startWire();
		bridged = await startBridged({
			...{ servers: ["synapse", server], xmpp: server, homeserver: homeserver.url },
			config: ({ ports }) => {
				homeserver.leadsTo(`http://127.0.0.1:${ports.synapse}`);
				link.leadsTo(ports[`${server}Component`]);
				return {
					gateway: { create: ["maker@*"] },
					xmpp: {
						component: `bridge.${domains[server]}`,
						service: `xmpp://127.0.0.1:${link.port}`,
						secret: componentSecret,
					},
				};
			},
		});
		alice = await matrixClient("alice");
		await alice.displayName("Alice");
	});
	afterEach(async () => {
		for (const one of open.splice(0)) await one.close();
	});
	afterAll(async () => {
		await alice?.close();
		await bridged?.down();
		homeserver?.close();
		link?.close();
	});

	let people = 0;
	const matrixClient = async (name: string) =>
		MatrixClient.connect(bridged.bed.matrix.url, await bridged.bed.matrixUser(name));
	/** Connects a new person on Matrix. */
	async function person(name: string): Promise<MatrixClient> {
		const one = await matrixClient(`${name.toLowerCase()}${++people}`);
		await one.displayName(name);
		open.push(one);
		return one;
	}
	/** Connects a client of an account on the XMPP server. */
	async function client(name: string, resource = "phone"): Promise<XmppClient> {
		const account = accounts.get(name) ?? bridged.bed.xmppUser(server, name);
		accounts.set(name, account);
		const one = await XmppClient.connect(await account, { resource });
		open.push(one);
		return one;
	}
	const component = () => bridged.xmpp.component;
	const ghost = (name: string) => `@_xmpp_${name}=40${bridged.xmpp.domain}:hs.test`;
	const sha1 = (bytes: Buffer) => createHash("sha1").update(bytes).digest("hex");
	/** The places of pictures that were seen. */
	const seen = new Set<string>();
	let rooms = 0;
	/** Makes a room that everybody may join. Returns its id and its address on XMPP. */
	async function room(more: Record<string, unknown> = {}) {
		const alias = `room${++rooms}`;
		const options = { preset: "public_chat", room_alias_name: alias, name: `Room ${rooms}`, ...more };
		return { id: await alice.createRoom(options), address: `#${alias}@${component()}` };
	}
	const joining = (address: string, nick: string) =>
		xml("presence", { to: `${address}/${nick}`, id: "join" }, xml("x", { xmlns: muc }));
	/** How much of each inbox was read. */
	const read = new WeakMap<XmppClient, number>();
	/** Resolves with what a client got from a room since the last call, in lines, once one of them is `last`. */
	async function heard(one: XmppClient, address: string, last: string, ms = 30_000): Promise<string[]> {
		const from = read.get(one) ?? 0;
		const { items } = one.inbox;
		const isOf = (stanza: Element) => (stanza.attrs.from ?? "").split("/")[0] === address;
		const fits = (stanza: Element) => isOf(stanza) && line(stanza) === last && items.indexOf(stanza) >= from;
		const end = items.indexOf(await one.waitFor(`“${last}” from ${address}`, fits, ms)) + 1;
		read.set(one, end);
		return items.slice(from, end).filter(isOf).map(line);
	}
	const enter = async (one: XmppClient, address: string, nick: string) => {
		await one.send(joining(address, nick));
		return heard(one, address, "message subject ");
	};
	/** Resolves when a member of a Matrix room has this membership. */
	const membership = (room: string, user: string, now: string) =>
		alice.waitFor(
			`${now} of ${user}`,
			({ room_id, type, state_key, content }) =>
				room_id === room && type === "m.room.member" && state_key === user && content.membership === now,
			30_000,
		);
	const sendState = (room: string, type: string, content: object, key = "") =>
		alice.request(
			"PUT",
			`v3/rooms/${encodeURIComponent(room)}/state/${type}/${encodeURIComponent(key)}`,
			content,
		);
	const act = (room: string, what: "kick" | "ban", user_id: string, reason: string) =>
		alice.request("POST", `v3/rooms/${encodeURIComponent(room)}/${what}`, { user_id, reason });

	test("is joined by its alias: the others come first, then the own presence, then the subject", async () => {
		const { id, address } = await room({ topic: "Stars" });
		const romeo = await client("romeo");
		await romeo.send(joining(address, "Romeo"));
		expect(await heard(romeo, address, "message Alice subject Stars")).toEqual([
			"presence Alice owner/moderator",
			"presence Romeo none/participant 100 110 170",
			"message Alice subject Stars",
		]);
		// The homeserver knows the sender of the topic, although nobody of ours was there.
		const subject = romeo.inbox.items.findLast((stanza) => stanza.getChild("subject"));
		expect(subject?.attrs.from).toBe(`${address}/Alice`);
		expect(subject?.getChild("delay")?.attrs.from).toBe(address);
		await membership(id, ghost("romeo"), "join");
		expect((await alice.members(id)).get(ghost("romeo"))).toBe("Romeo");
		// Prosody lets the bridge give the person a bookmark of the room, for all clients.
		if (server === "prosody")
			await vi.waitFor(async () => {
				const node = xml("items", { node: "urn:xmpp:bookmarks:1" });
				const query = xml("pubsub", { xmlns: "http://jabber.org/protocol/pubsub" }, node);
				// An account without bookmarks has no such node.
				const answer = await romeo.iq(romeo.jid.split("/")[0] as string, "get", query).catch(() => undefined);
				const [item] = answer?.getChild("pubsub")?.getChild("items")?.getChildren("item") ?? [];
				expect([item?.attrs.id, item?.getChild("conference")?.attrs.autojoin]).toEqual([address, "true"]);
			}, 10_000);
	});

	if (server === "prosody")
		test("a room with more people than a client is shown brings each other member before they speak or are asked for", async () => {
			const { id, address } = await room();
			const base = bridged.bed.matrix.url;
			const crowd = Array.from({ length: 205 }, (_, n) => `crowd${rooms}-${n + 100}`);
			const enters = async (name: string) => {
				const one = new MatrixClient(base, await bridged.bed.matrixUser(name));
				await one.join(id);
				return [name, one] as const;
			};
			const here = new Map<string, MatrixClient>();
			while (here.size < crowd.length)
				for (const [name, one] of await Promise.all(crowd.slice(here.size, here.size + 12).map(enters)))
					here.set(name, one);
			// The room shows Alice and the first 199 of these.
			const [earlier = "", gone = "", asked = "", newcomer = "", speaker = "", typist = ""] = crowd.slice(-6);
			await here.get(earlier)?.send(id, "before");
			// A person may open 20 rooms at once, and the other tests need those of Romeo.
			const benvolio = await client("benvolio");
			const shown = await enter(benvolio, address, "Benvolio");
			expect(shown.filter((one) => one.startsWith("presence"))).toHaveLength(202);
			expect(shown[0]).toBe("presence Alice owner/moderator");
			expect(shown).toContain(`presence ${earlier} none/participant`);
			await here.get(gone)?.leave(id);
			await here.get(speaker)?.send(id, "hello");
			expect(await heard(benvolio, address, `message ${speaker} hello`)).toEqual([
				`presence ${speaker} none/participant`,
				`message ${speaker} hello`,
			]);
			await benvolio.send(
				xml("iq", { type: "get", to: `${address}/${asked}`, id: "v" }, xml("vCard", { xmlns: "vcard-temp" })),
			);
			await benvolio.waitFor("the vCard", ({ attrs }) => attrs.id === "v" && attrs.type === "result");
			await here.get(typist)?.request("PUT", `v3/rooms/${encodeURIComponent(id)}/typing/@${typist}:hs.test`, {
				typing: true,
				timeout: 20_000,
			});
			await benvolio.waitFor("the typing", (one) => one.getChild("composing") !== undefined);
			await here.get(newcomer)?.send(id, "last");
			expect(await heard(benvolio, address, `message ${newcomer} last`)).toEqual([
				`presence ${asked} none/participant`,
				`iq result ${asked}`,
				`presence ${typist} none/participant`,
				`message ${typist}`,
				`presence ${newcomer} none/participant`,
				`message ${newcomer} last`,
			]);
		});

	test("shows the picture that an account keeps in its node, where its client names none", async () => {
		const { id, address } = await room();
		const paris = await client("paris");
		const picture = png(32, Array(32).fill([90, 0, 90]).flat());
		const hash = sha1(picture);
		const open = xml(
			"publish-options",
			{},
			xml(
				"x",
				{ xmlns: "jabber:x:data", type: "submit" },
				xml(
					"field",
					{ var: "FORM_TYPE" },
					xml("value", {}, "http://jabber.org/protocol/pubsub#publish-options"),
				),
				xml("field", { var: "pubsub#access_model" }, xml("value", {}, "open")),
			),
		);
		const info = xml("info", { id: hash, type: "image/png", bytes: `${picture.length}` });
		for (const [node, item] of [
			[avatarData, xml("data", { xmlns: avatarData }, picture.toString("base64"))],
			[avatarMetadata, xml("metadata", { xmlns: avatarMetadata }, info)],
		] as const)
			await paris.iq(
				paris.jid.split("/")[0] ?? "",
				"set",
				xml(
					"pubsub",
					{ xmlns: "http://jabber.org/protocol/pubsub" },
					xml("publish", { node }, xml("item", { id: hash }, item)),
					open,
				),
			);
		await enter(paris, address, "Paris");
		const dressed = await alice.waitFor(
			"a picture of Paris",
			({ room_id, type, content }) =>
				room_id === id && type === "m.room.member" && content.displayname === "Paris" && !!content.avatar_url,
			30_000,
		);
		expect(sha1(await alice.download(dressed.content.avatar_url as string))).toBe(hash);
	});

	test("shows the pictures of both sides, and new ones", async () => {
		const { id, address } = await room();
		await alice.picture(png(96, Array(96).fill([200, 0, 0]).flat()));
		const romeo = await client("romeo");
		const theirs = png(32, Array(32).fill([0, 0, 200]).flat());
		await romeo.picture(theirs, "Romeo Montague");
		await enter(romeo, address, "Romeo");
		const pictureOf = async (nick: string, but?: string) => {
			const named = await romeo.waitFor(
				`a picture of ${nick}`,
				(one) =>
					one.is("presence") &&
					one.attrs.from === `${address}/${nick}` &&
					![undefined, "", but].includes(photoIn(one)),
				30_000,
			);
			expect(sha1(await romeo.pictureOf(`${address}/${nick}`))).toBe(photoIn(named));
			return photoIn(named);
		};
		const first = await pictureOf("Alice");
		await alice.picture(png(96, Array(96).fill([0, 200, 0]).flat()));
		await pictureOf("Alice", first);
		for (const bytes of [theirs, png(32, Array(32).fill([0, 200, 200]).flat())]) {
			await romeo.picture(bytes, "Romeo Montague", `${address}/Romeo`);
			const member = await alice.waitFor(
				"a picture of Romeo",
				({ room_id, state_key, content }) =>
					room_id === id &&
					state_key === ghost("romeo") &&
					typeof content.avatar_url === "string" &&
					!seen.has(content.avatar_url),
				30_000,
			);
			const { avatar_url, displayname } = member.content as { avatar_url: string; displayname: string };
			seen.add(avatar_url);
			expect([sha1(await alice.download(avatar_url)), displayname]).toEqual([sha1(bytes), "Romeo"]);
		}
	});

	test("is joined by its address in capitals, which servers take for the same", async () => {
		const { address } = await room();
		const romeo = await client("romeo");
		await romeo.send(joining(address.toUpperCase(), "Romeo"));
		expect(await heard(romeo, address, "message subject ")).toContain(
			"presence Romeo none/participant 100 110 170",
		);
		await romeo.send(joining(address.replace("room", "NoSuchRoom"), "Romeo"));
		await heard(romeo, address.replace("room", "nosuchroom"), "presence error Romeo cancel/not-allowed");
	});

	test("has one nick for all clients of a person, who leaves with the last of them", async () => {
		const { id, address } = await room();
		const [phone, laptop] = [await client("romeo"), await client("romeo", "laptop")];
		const juliet = await client("juliet");
		await enter(juliet, address, "Juliet");
		await enter(phone, address, "Romeo");
		await heard(juliet, address, "presence Romeo none/participant");
		expect(await enter(laptop, address, "Romeo")).toEqual([
			"presence Alice owner/moderator",
			"presence Juliet none/participant",
			"presence Romeo none/participant 100 110 170",
			"message subject ",
		]);
		await phone.leaveRoom(address, "Romeo");
		expect(await heard(phone, address, "presence unavailable Romeo none/none 110")).toHaveLength(1);
		// The laptop stands for Romeo now.
		expect(await heard(juliet, address, "presence Romeo none/participant")).toHaveLength(1);
		await laptop.leaveRoom(address, "Romeo");
		expect(await heard(juliet, address, "presence unavailable Romeo none/none")).toHaveLength(1);
		await membership(id, ghost("romeo"), "leave");
	});

	test("is refused with the cause that clients know", async () => {
		const { id, address } = await room();
		const hidden = await room({ preset: "private_chat" });
		const encrypted = await room({
			initial_state: [
				{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
			],
		});
		const [romeo, juliet] = [await client("romeo"), await client("juliet")];
		await enter(juliet, address, "Juliet");
		const refused = async (to: string, nick: string, how: string) => {
			await romeo.send(nick === "" ? xml("presence", { to }, xml("x", { xmlns: muc })) : joining(to, nick));
			await heard(romeo, to, ["presence error", nick, how].filter(Boolean).join(" "));
		};
		await refused(`#nowhere%hs.test@${component()}`, "Romeo", "cancel/item-not-found");
		await refused(address, "", "modify/jid-malformed");
		await refused(address, "Juliet", "cancel/conflict");
		await refused(hidden.address, "Romeo", "auth/registration-required");
		await refused(encrypted.address, "Romeo", "cancel/not-allowed");
		await act(id, "ban", ghost("romeo"), "spam");
		await refused(address, "Romeo", "auth/forbidden");
	});

	test("lets in those who are invited, if it is private", async () => {
		const hidden = await room({ preset: "private_chat" });
		const romeo = await client("romeo");
		await alice.invite(hidden.id, ghost("romeo"));
		const at = (stanza: Element) => stanza.getChild("x", `${muc}#user`)?.getChild("invite")?.attrs.from;
		const invitation = await romeo.waitFor("the invitation", (stanza) => at(stanza) !== undefined, 30_000);
		const address = invitation.attrs.from ?? "";
		expect(await enter(romeo, address, "Romeo")).toEqual([
			line(invitation),
			"presence Alice owner/moderator",
			"presence Romeo member/participant 100 110 170",
			"message subject ",
		]);
		await romeo.leaveRoom(address, "Romeo");
		await heard(romeo, address, "presence unavailable Romeo member/none 110");
		// The invitation is used up, and the person is still a member.
		expect(await enter(romeo, address, "Romeo")).toContain("presence Romeo member/participant 100 110 170");
	});

	test("leads to the XMPP room that it is linked to", async () => {
		const { id, address } = await room();
		const bot = "@trivium:hs.test";
		const muc2 = `linked${rooms}@${bridged.xmpp.muc}`;
		const romeo = await client("romeo");
		await romeo.joinRoom(muc2, "Romeo");
		await romeo.configureRoom(muc2);
		await alice.invite(id, bot);
		await membership(id, bot, "join");
		await alice.send(id, `!bridge link xmpp ${muc2}`);
		await alice.waitFor(
			"the answer to link",
			({ room_id, sender, content }) =>
				room_id === id && sender === bot && /^Linked/.test(String(content.body)),
			30_000,
		);
		await romeo.send(joining(address, "Romeo"));
		await heard(romeo, address, "presence error Romeo cancel/gone");
		const gone = romeo.inbox.items.find((one) => one.attrs.from === `${address}/Romeo`)?.getChild("error");
		expect(gone?.getChild("gone")?.getText()).toBe(`xmpp:${muc2}?join`);
	});

	// A wait for our own time limit, which is the same on every XMPP server.
	if (server === "prosody")
		test("answers in time while the homeserver is slow, and lets the client in at once when it tries again", async () => {
			const { id, address } = await room();
			const romeo = await client("romeo");
			const isJoin = (path: string, method: string) => method === "POST" && /\/join(?:\/|\?|$)/.test(path);
			homeserver.fail((path, method) => (isJoin(path, method) ? { delay: 27_000 } : undefined));
			await romeo.send(joining(address, "Romeo"));
			await heard(romeo, address, "presence error Romeo wait/remote-server-timeout", 40_000);
			await membership(id, ghost("romeo"), "join");
			homeserver.fail((path, method) => (isJoin(path, method) ? { delay: 60_000 } : undefined));
			await enter(romeo, address, "Romeo");
			homeserver.fail();
		});

	test("shows that a client is gone whose connection ends", async () => {
		const { id, address } = await room();
		const [romeo, juliet] = [await client("romeo"), await client("juliet")];
		await enter(juliet, address, "Juliet");
		await enter(romeo, address, "Romeo");
		await romeo.close();
		await heard(juliet, address, "presence unavailable Romeo none/none");
		await membership(id, ghost("romeo"), "leave");
	});

	test("gives another nick to a person whose nick a Matrix member has", async () => {
		const { id, address } = await room();
		const romeo = await client("romeo");
		const nick = `Alice (romeo@${bridged.xmpp.domain})`;
		expect(await enter(romeo, address, "Alice")).toContain(
			`presence ${nick} none/participant 100 110 170 210`,
		);
		await alice.waitFor(
			"the name of the ghost",
			({ room_id, state_key, content }) =>
				room_id === id && state_key === ghost("romeo") && content.displayname === nick,
			30_000,
		);
	});

	test("follows new nicks and names on both sides", async () => {
		const { id, address } = await room();
		const bob = await person("Bob");
		await bob.join(id);
		const [romeo, juliet] = [await client("romeo"), await client("juliet")];
		await enter(juliet, address, "Juliet");
		await enter(romeo, address, "Romeo");
		await heard(juliet, address, "presence Romeo none/participant");
		await romeo.send(xml("presence", { to: `${address}/Montague` }));
		expect(await heard(romeo, address, "presence Montague none/participant 110")).toEqual([
			"presence unavailable Romeo none/participant →Montague 110 303",
			"presence Montague none/participant 110",
		]);
		expect(await heard(juliet, address, "presence Montague none/participant")).toEqual([
			"presence unavailable Romeo none/participant →Montague 303",
			"presence Montague none/participant",
		]);
		await alice.waitFor(
			"the new name of the ghost",
			({ room_id, state_key, content }) =>
				room_id === id && state_key === ghost("romeo") && content.displayname === "Montague",
			30_000,
		);
		await romeo.send(xml("presence", { to: `${address}/Juliet` }));
		await heard(romeo, address, "presence error Juliet cancel/conflict");
		await bob.displayName("Robert");
		expect(await heard(juliet, address, "presence Robert none/participant")).toEqual([
			"presence unavailable Bob none/participant →Robert 303",
			"presence Robert none/participant",
		]);
	});

	test("has its address also if the bridge was killed while it made the room for somebody", async () => {
		const address = `workshop@${component()}`;
		const maker = await client("maker");
		await maker.joinRoom(address, "Maker");
		// The homeserver has the room and its alias by then, and the bridge does not know that.
		homeserver.fail((path) => (path.includes("m.room.canonical_alias") ? "silence" : undefined));
		maker.configureRoom(address).catch(() => undefined);
		const alias = encodeURIComponent("#workshop:hs.test");
		const find = () => alice.request<{ room_id: string }>("GET", `v3/directory/room/${alias}`);
		await expect.poll(() => find().then(() => "there", String), { timeout: 20_000 }).toBe("there");
		await bridged.kill();
		homeserver.fail();
		await bridged.start();
		await expect
			.poll(() => maker.joinRoom(address, "Maker").then(line, String), { timeout: 30_000 })
			.toContain("Maker owner/moderator");
		const { room_id: room } = await find();
		await alice.join(room);
		await maker.sendMessage(address, "ready", "groupchat");
		await alice.waitForMessage("ready", room, 20_000);
	});

	test("shows joins, leaves, kicks and bans on Matrix, with their reasons", async () => {
		const { id, address } = await room();
		const [romeo, juliet] = [await client("romeo"), await client("juliet")];
		await enter(juliet, address, "Juliet");
		await enter(romeo, address, "Romeo");
		const bob = await person("Bob");
		await bob.join(id);
		await heard(juliet, address, "presence Bob none/participant");
		await sendState(id, "m.room.power_levels", { users: { [alice.userId]: 100, [bob.userId]: 50 } });
		await heard(juliet, address, "presence Bob admin/moderator");
		await bob.leave(id);
		await heard(juliet, address, "presence unavailable Bob admin/none");
		await act(id, "kick", ghost("romeo"), "calm down");
		await heard(romeo, address, "presence unavailable Romeo none/none by Alice (calm down) 110 307");
		await heard(juliet, address, "presence unavailable Romeo none/none by Alice (calm down) 307");
		await enter(romeo, address, "Romeo");
		await act(id, "ban", ghost("romeo"), "for good");
		await heard(romeo, address, "presence unavailable Romeo outcast/none by Alice (for good) 110 301");
		await heard(juliet, address, "presence unavailable Romeo outcast/none by Alice (for good) 301");
	});

	test("tells of new settings, and of the room that takes its place", async () => {
		const { id, address } = await room();
		const romeo = await client("romeo");
		await enter(romeo, address, "Romeo");
		await sendState(id, "m.room.name", { name: "Another name" });
		await heard(romeo, address, "message 104");
		const next = await room();
		await sendState(id, "m.room.tombstone", { body: "moved", replacement_room: next.id });
		const [last = ""] = (
			await heard(
				romeo,
				address,
				line(await romeo.waitFor("the end", (one) => line(one).includes("destroyed"), 30_000)),
			)
		).slice(-1);
		const [, alternate = ""] = /destroyed (\S+)/.exec(last) ?? [];
		expect(await enter(romeo, alternate, "Romeo")).toContain("presence Romeo none/participant 100 110 170");
	});

	test("tells all clients of a stop, and of a kill once the bridge is back; both join again", async () => {
		const { id, address } = await room();
		const [romeo, juliet] = [await client("romeo"), await client("juliet")];
		for (const [one, nick] of [
			[romeo, "Romeo"],
			[juliet, "Juliet"],
		] as const)
			await enter(one, address, nick);
		await bridged.stop();
		await heard(
			romeo,
			address,
			"presence unavailable Romeo none/none (The bridge is just restarting. Your client joins again by itself.) 110 332",
		);
		await bridged.start();
		await enter(romeo, address, "Romeo");
		await bridged.kill();
		await bridged.start();
		// A client that does not know yet takes itself for an occupant.
		await juliet.sendMessage(address, "anybody here?", "groupchat");
		await heard(juliet, address, "message error modify/not-acceptable");
		await heard(
			romeo,
			address,
			"presence unavailable Romeo none/none (The bridge lost the link to your client. Join again.) 110 333",
			10_000,
		);
		expect(await enter(romeo, address, "Romeo")).toContain("presence Romeo none/participant 100 110 170");
		// Juliet heard of the stop and did not join again: the kill is no news for her.
		await enter(juliet, address, "Juliet");
		expect(juliet.inbox.items.filter((one) => line(one).endsWith("333"))).toEqual([]);
		expect([...(await alice.members(id)).keys()]).toEqual(
			expect.arrayContaining([ghost("romeo"), ghost("juliet")]),
		);
	});

	test("tells all clients of a break between the bridge and the XMPP server, and goes on with those who return", async () => {
		const { address } = await room();
		const [romeo, juliet] = [await client("romeo"), await client("juliet")];
		await enter(romeo, address, "Romeo");
		await enter(juliet, address, "Juliet");
		link.reset();
		for (const [one, nick] of [
			[romeo, "Romeo"],
			[juliet, "Juliet"],
		] as const)
			await heard(
				one,
				address,
				`presence unavailable ${nick} none/none (The bridge lost the link to your client. Join again.) 110 333`,
			);
		expect(await enter(romeo, address, "Romeo")).toEqual([
			"presence Alice owner/moderator",
			"presence Juliet none/participant away",
			"presence Romeo none/participant 100 110 170",
			"message subject ",
		]);
		await enter(juliet, address, "Juliet");
		await heard(romeo, address, "presence Juliet none/participant");
	});

	test("is joined again after a restart of the XMPP server", async () => {
		const { address } = await room();
		await enter(await client("romeo"), address, "Romeo");
		await bridged.bed.stop(server);
		await bridged.bed.start(server);
		const romeo = await client("romeo", "again");
		for (let last = ""; last !== "message subject "; ) {
			await romeo.send(joining(address, "Romeo"));
			const answer = await romeo.waitFor(
				"an answer",
				(one) => one.attrs.from?.startsWith(address) === true,
				30_000,
			);
			last = line(answer).startsWith("presence error") ? "" : "message subject ";
			if (last === "") romeo.inbox.items.length = 0;
		}
		await heard(romeo, address, "message subject ");
	});
});
