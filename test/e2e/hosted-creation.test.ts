import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { throughOne } from "../soak.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import type { XmppAccount } from "../testbed/index.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";
import { line } from "../xmpp/hosted/lines/line.ts";
import { png } from "./png.ts";

const user = "http://jabber.org/protocol/muc#user";
const mucOwner = "http://jabber.org/protocol/muc#owner";
const field = (name: string) => `muc#roomconfig_${name}`;

describe.each(throughOne("prosody"))("rooms that people of XMPP make, through %s", (server) => {
	let bridged: Bridged;
	let component: string;
	let alice: MatrixClient;
	const clients: XmppClient[] = [];
	/** A server registers each name once. */
	const accounts = new Map<string, Promise<XmppAccount>>();
	let count = 0;

	beforeAll(async () => {
		bridged = await startBridged({
			xmpp: server,
			config: () => ({
				gateway: { create: ["romeo@*", "juliet@*"] },
				limits: { created_rooms: { per_minute: 100, burst: 100 } },
			}),
		});
		component = bridged.xmpp.component;
		alice = await MatrixClient.connect(bridged.bed.matrix.url, await bridged.bed.matrixUser("alice"));
	});
	afterEach(async () => {
		await Promise.all(clients.splice(0).map((one) => one.close()));
	});
	afterAll(async () => {
		await alice?.close();
		await bridged?.down();
	});

	async function xmpp(name: string): Promise<XmppClient> {
		const account = accounts.get(name) ?? bridged.bed.xmppUser(server, name);
		accounts.set(name, account);
		const one = await XmppClient.connect(await account);
		clients.push(one);
		return one;
	}
	const newAddress = () => `verona${++count}@${component}`;
	const ghost = (name: string) => `@_xmpp_${name}=40${bridged.xmpp.domain}:hs.test`;
	const alias = (address: string) => `#${address.split("@")[0]?.replace("#", "")}:hs.test`;
	const find = (address: string): Promise<string> =>
		alice.request<{ room_id: string }>("GET", `v3/directory/room/${encodeURIComponent(alias(address))}`).then(
			({ room_id }) => room_id,
			() => "none",
		);
	const state = (room: string, type: string, key = "") =>
		alice.request("GET", `v3/rooms/${encodeURIComponent(room)}/state/${type}/${encodeURIComponent(key)}`);
	/** Resolves with the condition of the error that answers, or "result". */
	const outcome = (answer: Promise<unknown>) =>
		answer.then(
			() => "result",
			(error: { condition?: string }) =>
				error.condition ?? /<([a-z-]+) xmlns="urn:ietf/.exec(String(error))?.[1],
		);
	const query = (...children: Element[]) => xml("query", { xmlns: mucOwner }, ...children);
	async function formOf(client: XmppClient, address: string): Promise<Record<string, string[]>> {
		const answer = await client.iq(address, "get", query());
		const form = answer.getChild("query", mucOwner)?.getChild("x", "jabber:x:data");
		return Object.fromEntries(
			(form?.getChildren("field") ?? []).map((one) => [
				one.attrs.var ?? "",
				one.getChildren("value").map((value) => value.getText()),
			]),
		);
	}
	const ended = (client: XmppClient, address: string) =>
		client.waitFor(
			`the end of ${address}`,
			(one) =>
				one.is("presence") &&
				one.attrs.type === "unavailable" &&
				one.attrs.from?.startsWith(`${address}/`) === true &&
				one.getChild("x", user)?.getChild("destroy") !== undefined,
		);

	/** Makes a room of Romeo's, which Alice and Juliet join. */
	async function inRomeosRoom() {
		const [address, romeo, juliet] = [newAddress(), await xmpp("romeo"), await xmpp("juliet")];
		await romeo.joinRoom(address, "Romeo");
		await romeo.configureRoom(address);
		const room = await find(address);
		await alice.join(room);
		await juliet.joinRoom(address, "Juliet");
		return { address, room, romeo, juliet };
	}

	test("is locked until the form is submitted, and no Matrix room exists before", async () => {
		const [address, romeo, juliet] = [newAddress(), await xmpp("romeo"), await xmpp("juliet")];
		const made = await romeo.joinRoom(address, "Romeo");
		expect(line(made)).toBe("presence Romeo owner/moderator 100 110 170 201");
		expect(await outcome(juliet.joinRoom(address, "Juliet"))).toBe("item-not-found");
		expect(await find(address)).toBe("none");
		const early = await romeo.sendMessage(address, "Is anybody here?", "groupchat");
		const answer = await romeo.waitFor("the answer", ({ attrs }) => attrs.id === early);
		expect(answer.getChild("error")?.getChild("text")?.getText()).toMatch(/^This room is being made/);
		await romeo.configureRoom(address);
		const room = await find(address);
		await alice.join(room);
		expect([...(await alice.members(room)).values()]).toContain("Romeo");
		expect((await state(room, "m.room.power_levels")).users).toMatchObject({ [ghost("romeo")]: 100 });
		expect(line(await juliet.joinRoom(address, "Juliet"))).toBe(
			"presence Juliet none/participant 100 110 170",
		);
		await alice.send(room, "Good evening");
		await romeo.waitForMessage("Good evening", address);
		await romeo.sendMessage(address, "Good evening, all", "groupchat");
		const heard = await juliet.waitForMessage("Good evening, all", address);
		expect(heard.attrs.from).toBe(`${address}/Romeo`);
		const occupantId = (one: Element) => one.getChild("occupant-id", "urn:xmpp:occupant-id:0")?.attrs.id;
		expect(occupantId(heard)).toBe(occupantId(made));
		await alice.waitForMessage("Good evening, all", room);
	});

	test("is given up when the form is cancelled, or its maker leaves", async () => {
		const [address, romeo, juliet] = [newAddress(), await xmpp("romeo"), await xmpp("juliet")];
		await romeo.joinRoom(address, "Romeo");
		await romeo.iq(address, "set", query(xml("x", { xmlns: "jabber:x:data", type: "cancel" })));
		await ended(romeo, address);
		await juliet.joinRoom(address, "Juliet");
		await juliet.leaveRoom(address, "Juliet");
		await juliet.waitFor(
			"the end of the own presence",
			(one) => one.attrs.from === `${address}/Juliet` && one.attrs.type === "unavailable",
		);
		expect(line(await romeo.joinRoom(address, "Romeo"))).toContain("201");
		expect(await find(address)).toBe("none");
	});

	test("takes its settings from the form of its owner, which shows them again", async () => {
		const [address, romeo, juliet] = [newAddress(), await xmpp("romeo"), await xmpp("juliet")];
		await romeo.joinRoom(address, "Romeo");
		const before = await formOf(romeo, address);
		expect(before[field("roomowners")]).toEqual([romeo.jid.split("/")[0]]);
		await romeo.configureRoom(address, {
			[field("roomname")]: "Verona",
			[field("roomdesc")]: "Two households",
			[field("membersonly")]: "1",
			[field("moderatedroom")]: "1",
			[field("publicroom")]: "0",
			[field("roomadmins")]: juliet.jid.split("/")[0] ?? "",
		});
		const room = await find(address);
		expect(await outcome(alice.join(room))).not.toBe("result");
		const after = await formOf(romeo, address);
		expect(after).toEqual({
			...before,
			[field("roomname")]: ["Verona"],
			[field("roomdesc")]: ["Two households"],
			[field("membersonly")]: ["1"],
			[field("moderatedroom")]: ["1"],
			[field("publicroom")]: ["0"],
			[field("roomadmins")]: [juliet.jid.split("/")[0]],
		});
		await romeo.configureRoom(address, { [field("membersonly")]: "0", [field("enablelogging")]: "1" });
		await alice.join(room);
		expect((await state(room, "m.room.name")).name).toBe("Verona");
		expect((await state(room, "m.room.topic")).topic).toBe("Two households");
		expect((await state(room, "m.room.history_visibility")).history_visibility).toBe("world_readable");
		expect(await state(room, "m.room.power_levels")).toMatchObject({
			events_default: 10,
			users: { [ghost("romeo")]: 100, [ghost("juliet")]: 50 },
		});
		await romeo.waitFor(
			"the notice that everybody may read",
			(one) => one.attrs.from === address && line(one).endsWith(" 170"),
		);
		await romeo.configureRoom(address, { [field("whois")]: "moderators" });
		await romeo.waitFor(
			"the notice that addresses cannot be hidden",
			(one) => one.attrs.from === address && line(one).includes("Addresses cannot be hidden"),
		);
		const nobody = { [field("roomowners")]: "" };
		expect(await outcome(romeo.configureRoom(address, nobody))).toBe("conflict");
		expect(await outcome(juliet.iq(address, "get", query()))).toBe("forbidden");
	});

	test("ends at the request of its owner, with its address free at once", async () => {
		const { address, room, romeo, juliet } = await inRomeosRoom();
		const destroy = () => xml("destroy", { jid: `mantua@${component}` }, xml("reason", {}, "Moved"));
		expect(await outcome(juliet.iq(address, "set", query(destroy())))).toBe("forbidden");
		await romeo.iq(address, "set", query(destroy()));
		for (const client of [romeo, juliet])
			expect((await ended(client, address)).getChild("x", user)?.getChild("destroy")?.toString()).toContain(
				"Moved",
			);
		expect(line(await juliet.joinRoom(address, "Juliet"))).toContain("201");
		await juliet.configureRoom(address);
		expect(await find(address)).not.toBe(room);
		await alice.waitFor(
			"the end of the room on Matrix",
			(one) => one.room_id === room && one.state_key === alice.userId && one.content.membership === "leave",
		);
	});

	test("is refused to people who may make none, at the addresses of persons, and of Matrix rooms to end", async () => {
		const [mercutio, romeo] = [await xmpp("mercutio"), await xmpp("romeo")];
		expect(await outcome(mercutio.joinRoom(`#${newAddress()}`, "Mercutio"))).toBe("not-allowed");
		expect(await outcome(romeo.joinRoom(`alice@${component}`, "Romeo"))).toBe("service-unavailable");
		const room = await alice.createRoom({ preset: "public_chat", room_alias_name: `hers-${server}` });
		const address = `#hers-${server}@${component}`;
		await romeo.joinRoom(address, "Romeo");
		const users = { [alice.userId]: 100, [ghost("romeo")]: 100 };
		const levels = await state(room, "m.room.power_levels");
		await alice.request("PUT", `v3/rooms/${encodeURIComponent(room)}/state/m.room.power_levels/`, {
			...levels,
			users,
		});
		await romeo.waitFor("ownership", (one) => line(one).startsWith("presence Romeo owner/"));
		expect(await outcome(romeo.iq(address, "set", query(xml("destroy"))))).toBe("not-allowed");
		await romeo.configureRoom(address, { [field("roomname")]: "Ours" });
		expect((await state(room, "m.room.name")).name).toBe("Ours");
	});

	test("has a picture and a password for people of XMPP, who are no more than it takes", async () => {
		const [address, romeo, juliet] = [newAddress(), await xmpp("romeo"), await xmpp("juliet")];
		const mercutio = await xmpp("mercutio");
		const picture = png(8, [120, 30, 200]);
		await romeo.joinRoom(address, "Romeo");
		await romeo.configureRoom(address, {
			[field("passwordprotectedroom")]: "1",
			[field("roomsecret")]: "balcony",
			[field("maxusers")]: "2",
		});
		const room = await find(address);
		expect(await outcome(alice.join(room))).not.toBe("result");
		const card = (...children: Element[]) => xml("vCard", { xmlns: "vcard-temp" }, ...children);
		const photo = xml(
			"PHOTO",
			{},
			xml("TYPE", {}, "image/png"),
			xml("BINVAL", {}, picture.toString("base64")),
		);
		await romeo.iq(address, "set", card(photo));
		const shown = await romeo.iq(address, "get", card());
		expect(shown.toString()).toContain(picture.toString("base64"));
		expect(await outcome(juliet.joinRoom(address, "Juliet"))).toBe("not-authorized");
		expect(await outcome(juliet.joinRoom(address, "Juliet", { password: "orchard" }))).toBe("not-authorized");
		await juliet.joinRoom(address, "Juliet", { password: "balcony" });
		expect(await outcome(mercutio.joinRoom(address, "Mercutio", { password: "balcony" }))).toBe(
			"service-unavailable",
		);
		await romeo.configureRoom(address, { [field("passwordprotectedroom")]: "0" });
		await alice.join(room);
		const { url } = (await state(room, "m.room.avatar")) as { url: string };
		expect(await alice.download(url)).toEqual(picture);
	});

	test("puts out people who are no members when it becomes a room for members", async () => {
		const { address, room, romeo, juliet } = await inRomeosRoom();
		await romeo.configureRoom(address, { [field("membersonly")]: "1" });
		for (const client of [romeo, juliet])
			await client.waitFor(
				"the removal of Juliet",
				(one) => one.attrs.from === `${address}/Juliet` && line(one).includes("322"),
			);
		expect((await state(room, "m.room.member", ghost("juliet"))).membership).toBe("leave");
		expect((await state(room, "m.room.member", alice.userId)).membership).toBe("join");
	});

	test("ends when the last person of XMPP leaves, if its owner wants that", async () => {
		const [address, romeo] = [newAddress(), await xmpp("romeo")];
		await romeo.joinRoom(address, "Romeo");
		await romeo.configureRoom(address, { [field("persistentroom")]: "0" });
		const room = await find(address);
		await alice.join(room);
		await romeo.leaveRoom(address, "Romeo");
		await alice.waitFor(
			"the end of the room on Matrix",
			(one) => one.room_id === room && one.state_key === alice.userId && one.content.membership === "leave",
		);
		expect(await find(address)).toBe("none");
	});

	test("stays with its owner at its address over a kill of the bridge, and so does its end", async () => {
		const [address, romeo] = [newAddress(), await xmpp("romeo")];
		await romeo.joinRoom(address, "Romeo");
		await romeo.configureRoom(address, { [field("roomname")]: "Verona" });
		const room = await find(address);
		const unfinished = newAddress();
		await romeo.joinRoom(unfinished, "Romeo");
		await bridged.kill();
		await bridged.start();
		for (const one of [address, unfinished])
			await romeo.waitFor(
				"the notice that the bridge was away",
				(told) => told.attrs.from === `${one}/Romeo` && line(told).includes("333"),
				30_000,
			);
		expect(line(await romeo.joinRoom(unfinished, "Romeo"))).toContain("201");
		expect(line(await romeo.joinRoom(address, "Romeo"))).toContain("Romeo owner/moderator");
		expect(await find(address)).toBe(room);
		await alice.join(room);
		await romeo.iq(address, "set", query(xml("destroy")));
		await bridged.kill();
		await bridged.start();
		await alice.waitFor(
			"the end of the room on Matrix",
			(one) => one.room_id === room && one.state_key === alice.userId && one.content.membership === "leave",
			30_000,
		);
		expect(line(await romeo.joinRoom(address, "Romeo"))).toContain("201");
	});
});
