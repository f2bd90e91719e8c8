import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import type { XmppAccount } from "../testbed/index.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { Slixmpp } from "../testbed/slixmpp.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";
import { png } from "./png.ts";

const user = "http://jabber.org/protocol/muc#user";
const mucAdmin = "http://jabber.org/protocol/muc#admin";

/** Returns the hash of a picture in Base64. */
const sha1 = (base64: string) => createHash("sha1").update(Buffer.from(base64, "base64")).digest("hex");

/** The answer to a disco#info query, as the client reads it. */
type Description = {
	identities: readonly (readonly (string | null)[])[];
	features: readonly string[];
	form: Readonly<Record<string, string | null>>;
};

describe.each(["prosody", "ejabberd"] as const)(
	"the answers to clients that ask a Matrix room, through %s",
	(server) => {
		let bridged: Bridged;
		let component: string;
		let alice: MatrixClient;
		let slixmpp: Slixmpp;
		const clients: { close(): unknown }[] = [];
		/** A server registers each name once. */
		const accounts = new Map<string, Promise<XmppAccount>>();
		let count = 0;

		beforeAll(async () => {
			bridged = await startBridged({
				xmpp: server,
				config: () => ({ permissions: { "*": "link" } }),
			});
			component = bridged.xmpp.component;
			alice = await matrix("alice", "Alice 🎉");
			slixmpp = await Slixmpp.connect(await bridged.bed.xmppUser(server, "slixmpp"));
		});
		afterEach(async () => {
			await Promise.all(clients.splice(0).map((one) => one.close()));
		});
		afterAll(async () => {
			slixmpp?.close();
			await alice?.close();
			await bridged?.down();
		});

		async function matrix(name: string, called: string): Promise<MatrixClient> {
			const client = await MatrixClient.connect(bridged.bed.matrix.url, await bridged.bed.matrixUser(name));
			await client.displayName(called);
			return client;
		}
		async function xmpp(name: string): Promise<XmppClient> {
			const account = accounts.get(name) ?? bridged.bed.xmppUser(server, name);
			accounts.set(name, account);
			const one = await XmppClient.connect(await account);
			clients.push(one);
			return one;
		}
		/** Makes a Matrix room of alice's. `address`: that of its MUC. */
		async function makeRoom(options: Record<string, unknown> = {}) {
			const alias = `verona${++count}`;
			const room = await alice.createRoom({
				...{ preset: "public_chat", visibility: "public", room_alias_name: alias, name: `Verona ${count}` },
				...options,
			});
			return { room, address: `#${alias}@${component}` };
		}
		const ghost = (name: string) => `@_xmpp_${name}=40${bridged.xmpp.domain}:hs.test`;
		const member = (room: string, mxid: string, membership: string) =>
			alice.waitFor(
				`${mxid}: ${membership}`,
				(one) =>
					one.room_id === room &&
					one.type === "m.room.member" &&
					one.state_key === mxid &&
					one.content.membership === membership,
				30_000,
			);
		/** Resolves with the condition of the error that answers an IQ, or "result". */
		const outcome = (client: XmppClient, to: string, type: "get" | "set", payload: Element) =>
			client.iq(to, type, payload).then(
				() => "result",
				(error: { condition?: string }) => error.condition ?? String(error),
			);
		const invitation = (client: XmppClient, room: string) =>
			client.waitFor(
				`an invitation to ${room}`,
				(one) => one.attrs.from === room && one.getChild("x", user)?.getChild("invite") !== undefined,
				30_000,
			);
		const through = (room: string, to: string) =>
			xml(
				"message",
				{ to: room },
				xml("x", { xmlns: user }, xml("invite", { to }, xml("reason", {}, "Come!"))),
			);

		test("the component is a service with rooms, and lists the public ones and nothing else", async () => {
			const [{ address }, hidden] = [await makeRoom(), await makeRoom({ visibility: "private" })];
			await makeRoom();
			const { identities, features } = (await slixmpp.asks(component, "description")) as Description;
			expect(identities).toEqual([
				["conference", "text", "Trivium"],
				["gateway", "matrix", "Trivium"],
			]);
			expect(features).toContain("http://jabber.org/protocol/muc");
			// The client reads two items at a time.
			const items = (await slixmpp.asks(component, "items")) as [string, string][];
			expect(items).toContainEqual([address, `Verona ${count - 2}`]);
			expect(items.length).toBeGreaterThanOrEqual(2);
			expect(items.map(([jid]) => jid)).not.toContain(hidden.address);
			expect(items.filter(([jid]) => !/^[#!]/.test(jid))).toEqual([]);
		});

		test("people and rooms are found by their names, as far as the person who searches may know and reach them", async () => {
			const { address } = await makeRoom({ topic: "An apothecary" });
			const secret = await makeRoom({ preset: "private_chat", visibility: "private", topic: "apothecary" });
			const carol = await matrix(`carol${count}`, "Alice Hidden");
			clients.push(carol);
			const bot = "@trivium:hs.test";
			const withBot = await carol.createRoom({ preset: "private_chat", invite: [bot] });
			await carol.waitFor(
				"the bot",
				({ room_id, state_key, content }) =>
					room_id === withBot && state_key === bot && content.membership === "join",
				30_000,
			);
			// The homeserver takes people into its directory some time after they have entered a room, in the order of joins.
			const dora = await matrix(`dora${count}`, "Alice Dora");
			clients.push(dora);
			await dora.createRoom({ preset: "public_chat" });
			const found = async (words: string) =>
				(await slixmpp.asks(component, "people", words)) as [string, string][];
			await expect
				.poll(() => found("alice"), { timeout: 30_000, interval: 1_000 })
				.toContainEqual([`dora${count}@${component}`, "Alice Dora"]);
			const names = (await found("alice")).map(([, name]) => name);
			expect(names).toContain("Alice 🎉");
			expect(names).not.toContain("Alice Hidden");
			expect(await found("trivium")).toEqual([]);

			const romeo = await xmpp("romeo");
			const field = (name: string, value: string) => xml("field", { var: name }, xml("value", {}, value));
			const form = (fields: Readonly<Record<string, string>>) =>
				xml(
					"x",
					{ xmlns: "jabber:x:data", type: "submit" },
					...Object.entries(fields).map(([name, value]) => field(name, value)),
				);
			const rooms = async (fields: Readonly<Record<string, string>>) => {
				const ns = "urn:xmpp:channel-search:0:search";
				const answer = await romeo.iq(component, "get", xml("search", { xmlns: ns }, form(fields)));
				return answer.getChild("result", ns)!.getChildren("item");
			};
			const [room] = await rooms({ q: "apothecary Verona" });
			expect(room?.attrs.address).toBe(address);
			expect(room?.getChild("name")?.getText()).toBe(`Verona ${count - 1}`);
			expect(room?.getChild("description")?.getText()).toBe("An apothecary");
			expect(room?.getChild("nusers")?.getText()).toBe("1");
			const all = (await rooms({ all: "true" })).map(({ attrs }) => attrs.address);
			expect(all).toContain(address);
			expect(all).not.toContain(secret.address);

			const typed = async (prompt: string) => {
				const query = xml("query", { xmlns: "jabber:iq:gateway" }, xml("prompt", {}, prompt));
				const answer = await romeo.iq(component, "set", query);
				return answer.getChild("query")?.getChild("jid")?.getText();
			};
			expect(await typed(alice.userId)).toBe(`alice@${component}`);
			expect(await typed(`#${address.slice(1).split("@")[0]}:hs.test`)).toBe(address);
			await expect(typed("@nobody:hs.test")).rejects.toMatchObject({ condition: "item-not-found" });
			await expect(typed("a b")).rejects.toMatchObject({ condition: "not-acceptable" });
		});

		test("a Matrix client finds people and MUCs by their addresses there", async () => {
			const romeo = await xmpp("romeo");
			const muc = `orchard${++count}@${bridged.xmpp.muc}`;
			await romeo.joinRoom(muc, "Romeo");
			const publicly = (on: boolean) =>
				romeo.configureRoom(muc, { "muc#roomconfig_publicroom": on ? "1" : "0" });
			await publicly(true);
			type Found = { protocol: string; fields: Record<string, string>; userid?: string; alias?: string };
			const find = (path: string) => alice.request<readonly Found[]>("GET", `v3/thirdparty/${path}`);
			const of = await alice.request<
				Record<string, { location_fields: string[]; user_fields: string[]; instances: object[] }>
			>("GET", "v3/thirdparty/protocols");
			expect(of.xmpp).toMatchObject({
				user_fields: ["jid"],
				location_fields: ["room"],
				icon: expect.stringMatching(/^mxc:\/\/hs\.test\//),
				instances: [{ desc: "XMPP", network_id: "xmpp", instance_id: expect.stringContaining("xmpp") }],
			});
			const jid = `romeo@${bridged.xmpp.domain}`;
			expect(await find(`user/xmpp?jid=${jid}`)).toEqual([
				{ userid: ghost("romeo"), protocol: "xmpp", fields: { jid } },
			]);
			expect(await find("user/xmpp?jid=romeo")).toEqual([]);
			expect(await find("user/xmpp?jid=romeo@nowhere.invalid")).toEqual([]);
			const [room, ...more] = await find(`location/xmpp?room=${encodeURIComponent(muc.toUpperCase())}`);
			expect([room?.fields, more]).toEqual([{ room: muc }, []]);
			expect(await find(`location/xmpp?room=nowhere@${bridged.xmpp.muc}`)).toEqual([]);
			const portal = await alice.join(room?.alias ?? "");
			await member(portal, alice.userId, "join");
			await romeo.waitFor(
				"alice in the MUC",
				(one) => one.is("presence") && one.attrs.from === `${muc}/Alice`,
				30_000,
			);
			// A public MUC is in the part of the directory for its network, and a hidden one is not.
			const [{ instance_id }] = of.xmpp!.instances as [{ instance_id: string }];
			const listed = async () => {
				const body = { third_party_instance_id: instance_id };
				const { chunk } = await alice.request<{ chunk: { room_id: string }[] }>(
					"POST",
					"v3/publicRooms",
					body,
				);
				return chunk.map(({ room_id }) => room_id);
			};
			await expect.poll(listed, { timeout: 30_000 }).toContain(portal);
			await publicly(false);
			await expect.poll(listed, { timeout: 30_000 }).not.toContain(portal);
			await publicly(true);
			await expect.poll(listed, { timeout: 30_000 }).toContain(portal);
		});

		test("the owner of a MUC changes its settings and ends its link by the forms of ad-hoc commands", async () => {
			const [romeo, juliet] = [await xmpp("romeo"), await xmpp("juliet")];
			const muc = `garden${++count}@${bridged.xmpp.muc}`;
			await romeo.joinRoom(muc, "Romeo");
			// Otherwise the MUC shows nobody but its moderators who its owners are.
			await romeo.configureRoom(muc, { "muc#roomconfig_whois": "anyone" });
			const portal = await alice.join(`#_xmpp_${muc.replace("@", "=40")}:hs.test`);
			const here = (one: Element) => one.is("presence") && one.attrs.from === `${muc}/Alice`;
			await romeo.waitFor("alice in the MUC", here, 30_000);
			await juliet.joinRoom(muc, "Juliet");
			const ns = "http://jabber.org/protocol/commands";
			const field = (name: string, value: string) => xml("field", { var: name }, xml("value", {}, value));
			const execute = async (by: XmppClient, node: string, values: Readonly<Record<string, string>>) => {
				const fields = Object.entries(values).map(([name, value]) => field(name, value));
				const form = xml("x", { xmlns: "jabber:x:data", type: "submit" }, ...fields);
				const answer = await by.iq(component, "set", xml("command", { xmlns: ns, node }, form));
				return answer.getChild("command")?.getChild("note")?.getText();
			};
			const reactions = { "about.muc": muc, setting: "reactions", "setting-value": "text" };
			expect(await execute(juliet, "settings", reactions)).toContain("only owners and admins");
			expect(await execute(romeo, "settings", reactions)).toMatch(/reactions.*text/);
			expect(await execute(romeo, "unlink", { "about.muc": muc })).toContain("Unlinked from");
			await alice.waitFor(
				"the word about the end of the link",
				(one) => one.room_id === portal && String(one.content.body).includes("was ended there"),
			);
			await romeo.waitFor("alice's leave", (one) => here(one) && one.attrs.type === "unavailable", 30_000);
			await member(portal, `@_xmpp_${muc.replace("@", "=40")}/=52omeo:hs.test`, "leave");
		});

		test("a room describes itself before anybody has joined, and only where people may know it", async () => {
			const { address } = await makeRoom({ topic: "Two households" });
			const { address: secret } = await makeRoom({ preset: "private_chat", visibility: "private" });
			const known = (await slixmpp.asks(address, "description")) as Description;
			expect(known.identities).toEqual([["conference", "text", `Verona ${count - 1}`]]);
			expect(known.features).toEqual(
				expect.arrayContaining([
					"http://jabber.org/protocol/muc",
					"muc_open",
					"muc_public",
					"urn:xmpp:mam:2",
				]),
			);
			expect(known.form).toMatchObject({
				FORM_TYPE: "http://jabber.org/protocol/muc#roominfo",
				"muc#roominfo_subject": "Two households",
				"muc#roominfo_occupants": "1",
			});
			// Matrix tells a stranger no more of a private room than that its alias is taken.
			const hidden = (await slixmpp.asks(secret, "description")) as Description;
			expect(hidden.identities).toEqual([["conference", "text", null]]);
			expect(hidden.features).toEqual(expect.arrayContaining(["muc_membersonly", "muc_hidden"]));
			for (const told of ["roomconfig_roomname", "roominfo_subject", "roominfo_occupants"])
				expect(hidden.form).not.toHaveProperty([`muc#${told}`]);
			expect(await slixmpp.asks(`#nowhere@${component}`, "description")).toEqual({
				refused: "item-not-found",
			});
		});

		test("an owner on XMPP removes, bans, unbans and promotes people, which Matrix shows as done by them", async () => {
			const { room, address } = await makeRoom();
			const [romeo, juliet] = [await xmpp("romeo"), await xmpp("juliet")];
			await romeo.joinRoom(address, "Romeo");
			await juliet.joinRoom(address, "Juliet");
			const domain = bridged.xmpp.domain;
			const administer = (who: XmppClient, ...items: Record<string, string>[]) => {
				const told = items.map((one) => xml("item", one, xml("reason", {}, "brawl")));
				return outcome(who, address, "set", xml("query", { xmlns: mucAdmin }, ...told));
			};
			const state = <T>(type: string, key = "") =>
				alice.request<T>("GET", `v3/rooms/${room}/state/${type}/${encodeURIComponent(key)}`);
			const levels = async () =>
				(await state<{ users: Record<string, number> }>("m.room.power_levels")).users;
			const becomes = (who: XmppClient, nick: string, what: string) =>
				who.waitFor(
					`${nick} with ${what}`,
					(one) => one.attrs.from === `${address}/${nick}` && String(one).includes(what),
					30_000,
				);
			expect(await administer(juliet, { nick: "Romeo", role: "none" })).toBe("forbidden");
			const content = await state<object>("m.room.power_levels");
			const users = { ...(await levels()), [ghost("romeo")]: 100 };
			await alice.request("PUT", `v3/rooms/${room}/state/m.room.power_levels/`, { ...content, users });
			await becomes(romeo, "Romeo", 'affiliation="owner"');

			expect(await administer(romeo, { nick: "Juliet", role: "none" })).toBe("result");
			await juliet.waitFor("a kick", (one) => /307/.test(String(one)) && /brawl/.test(String(one)), 30_000);
			const kicked = await member(room, ghost("juliet"), "leave");
			expect([kicked.sender, kicked.content.reason]).toEqual([ghost("romeo"), "brawl"]);

			const jids = [`juliet@${domain}`, "tybalt@capulet.example"] as const;
			expect(await administer(romeo, ...jids.map((jid) => ({ jid, affiliation: "outcast" })))).toBe("result");
			const stranger = "@_xmpp_tybalt=40capulet.example:hs.test";
			for (const mxid of [ghost("juliet"), stranger])
				expect((await member(room, mxid, "ban")).sender).toBe(ghost("romeo"));
			const query = xml("query", { xmlns: mucAdmin }, xml("item", { affiliation: "outcast" }));
			const list = (await romeo.iq(address, "get", query)).getChild("query")?.getChildren("item") ?? [];
			expect(list.map(({ attrs }) => attrs.jid).sort()).toEqual([...jids].sort());
			expect(await administer(romeo, { jid: jids[0], affiliation: "none" })).toBe("result");
			await member(room, ghost("juliet"), "leave");
			await juliet.joinRoom(address, "Juliet");

			expect(await administer(romeo, { nick: "Juliet", affiliation: "admin" })).toBe("result");
			await becomes(juliet, "Juliet", 'affiliation="admin"');
			expect((await levels())[ghost("juliet")]).toBe(50);
			expect(await administer(juliet, { nick: "Romeo", affiliation: "none" })).toBe("forbidden");
			expect(await administer(romeo, { nick: "Juliet", affiliation: "none" })).toBe("result");
			expect(await administer(romeo, { nick: "Juliet", role: "visitor" })).toBe("result");
			await becomes(juliet, "Juliet", 'role="visitor"');
			expect((await levels())[ghost("juliet")]).toBe(-1);
		});

		test("a Matrix person answers clients in the room: who they are, and what their client understands", async () => {
			const { address } = await makeRoom();
			await slixmpp.does({ do: "join", to: address, nick: "slixmpp" }, "joined");
			const her = `${address}/Alice`;
			expect(await slixmpp.asks(her, "vcard")).toMatchObject({
				FN: "Alice 🎉",
				JABBERID: `alice@${component}`,
				URL: "https://matrix.to/#/@alice:hs.test",
			});
			expect(await slixmpp.asks(`alice@${component}`, "vcard")).toMatchObject({ FN: "Alice 🎉" });
			expect(await slixmpp.asks(her, "ping")).toBe("pong");
			expect(await slixmpp.asks(her, "software")).toBe("Trivium");
			expect(await slixmpp.asks(her, "zone")).toMatch(/^(Z|\+00:00)$/);
			const { features } = (await slixmpp.asks(her, "description")) as Description;
			// The hash in the presence is the one of this answer, or else the client keeps none.
			expect(await slixmpp.asks(her, "capabilities")).toEqual(features);
			expect(features).toContain("urn:xmpp:reactions:0");
			const romeo = await xmpp("romeo");
			await romeo.joinRoom(address, "Romeo");
			for (const to of [her, `alice@${component}`]) {
				const devices = xml(
					"pubsub",
					{ xmlns: "http://jabber.org/protocol/pubsub" },
					xml("items", { node: "eu.siacs.conversations.axolotl.devicelist" }),
				);
				expect(await outcome(romeo, to, "get", devices)).toBe("item-not-found");
			}
		});

		test("clients of XMPP people reach each other by their nicks, and their answers come from there", async () => {
			const { address } = await makeRoom();
			await slixmpp.does({ do: "join", to: address, nick: "slixmpp" }, "joined");
			const romeo = await xmpp("romeo");
			await romeo.joinRoom(address, "Romeo");
			const version = await romeo.iq(
				`${address}/slixmpp`,
				"get",
				xml("query", { xmlns: "jabber:iq:version" }),
			);
			expect(version.attrs).toMatchObject({ from: `${address}/slixmpp`, to: romeo.jid });
			expect(version.getChild("query")?.getChild("name")?.getText()).toBe("Slixmpp");
			// The server of the person answers for the vCard, and there is none yet.
			const card = await outcome(romeo, `${address}/slixmpp`, "get", xml("vCard", { xmlns: "vcard-temp" }));
			expect(["result", "item-not-found"]).toContain(card);
			const mercutio = await xmpp("mercutio");
			const ask = xml("query", { xmlns: "jabber:iq:version" });
			expect(await outcome(mercutio, `${address}/slixmpp`, "get", ask)).toBe("not-acceptable");
		});

		test("a self-ping tells a client whether it is in", async () => {
			const { address } = await makeRoom();
			await slixmpp.does({ do: "join", to: address, nick: "slixmpp" }, "joined");
			expect(await slixmpp.asks(`${address}/slixmpp`, "self-ping")).toBe("JOINED");
			const romeo = await xmpp("romeo");
			const ping = () => xml("ping", { xmlns: "urn:xmpp:ping" });
			expect(await outcome(romeo, `${address}/slixmpp`, "get", ping())).toBe("not-acceptable");
			await romeo.joinRoom(address, "Romeo");
			expect(await outcome(romeo, `${address}/Romeo`, "get", ping())).toBe("result");
			expect(await outcome(romeo, `${address}/Nobody`, "get", ping())).toBe("item-not-found");
			await romeo.leaveRoom(address, "Romeo");
			await romeo.waitFor("the leave", (one) => one.is("presence") && one.attrs.type === "unavailable");
			expect(await outcome(romeo, `${address}/Romeo`, "get", ping())).toBe("not-acceptable");
		});

		test("a room shows its picture, and tells of another one", async () => {
			const { room, address } = await makeRoom();
			const upload = async (bytes: Buffer) => {
				const answer = await fetch(`${bridged.bed.matrix.url}/_matrix/media/v3/upload?filename=p.png`, {
					method: "POST",
					headers: { authorization: `Bearer ${alice.accessToken}`, "content-type": "image/png" },
					body: new Uint8Array(bytes),
				});
				const { content_uri: url } = (await answer.json()) as { content_uri: string };
				await alice.request("PUT", `v3/rooms/${encodeURIComponent(room)}/state/m.room.avatar/`, { url });
			};
			/** The hash of the picture in the vCard, which the homeserver has made smaller. */
			const hash = async () => {
				const { PHOTO = "" } = (await slixmpp.asks(address, "vcard")) as { PHOTO?: string };
				return sha1(PHOTO);
			};
			await upload(png(1, [255, 0, 0]));
			const first = await hash();
			const { form } = (await slixmpp.asks(address, "description")) as Description;
			expect(form["muc#roominfo_avatarhash"]).toBe(first);
			const romeo = await xmpp("romeo");
			await romeo.joinRoom(address, "Romeo");
			const shown = (hash: string) =>
				romeo.waitFor(
					`the picture ${hash}`,
					(one) =>
						one.is("presence") &&
						one.attrs.from === address &&
						one.getChild("x", "vcard-temp:x:update")?.getChild("photo")?.getText() === hash,
					30_000,
				);
			const presence = await shown(first);
			const subject = romeo.inbox.items.findIndex(
				(one) => one.attrs.from?.startsWith(address) && one.getChild("subject"),
			);
			expect(romeo.inbox.items.indexOf(presence)).toBeGreaterThan(subject);
			// It is larger than a stanza may be: the homeserver makes it smaller.
			await upload(png(1_000));
			const changed = await romeo.waitFor(
				"another picture",
				(one) => {
					const photo = one.getChild("x", "vcard-temp:x:update")?.getChild("photo")?.getText();
					return one.is("presence") && one.attrs.from === address && photo !== undefined && photo !== first;
				},
				30_000,
			);
			const card = await romeo.iq(address, "get", xml("vCard", { xmlns: "vcard-temp" }));
			const bytes = card.getChild("vCard")?.getChild("PHOTO")?.getChild("BINVAL")?.getText() ?? "";
			expect(changed.getChild("x")?.getChild("photo")?.getText()).toBe(sha1(bytes));
			expect(bytes.length).toBeGreaterThan(10_000);
		});

		test("a Matrix person invites somebody on XMPP to a private room, who comes in, or declines", async () => {
			const { room, address } = await makeRoom({ preset: "private_chat", visibility: "private" });
			const [romeo, mercutio] = [await xmpp("romeo"), await xmpp("mercutio")];
			for (const name of ["romeo", "mercutio"]) await alice.invite(room, ghost(name));
			const message = await invitation(romeo, address);
			expect(message.getChild("x", user)?.getChild("invite")?.attrs.from).toBe(`alice@${component}`);
			await romeo.joinRoom(address, "Romeo");
			await member(room, ghost("romeo"), "join");
			await invitation(mercutio, address);
			const no = xml("decline", { to: `alice@${component}` }, xml("reason", {}, "Ask for me tomorrow"));
			await mercutio.send(xml("message", { to: address }, xml("x", { xmlns: user }, no)));
			const left = await member(room, ghost("mercutio"), "leave");
			expect(left.content.reason).toBe("Ask for me tomorrow");
		});

		test("somebody on XMPP invites people of both networks into a room", async () => {
			const { room, address } = await makeRoom({ preset: "private_chat", visibility: "private" });
			const bob = await bridged.bed.matrixUser(`bob${count}`);
			const [romeo, mercutio] = [await xmpp("romeo"), await xmpp("mercutio")];
			await alice.invite(room, ghost("romeo"));
			await invitation(romeo, address);
			await romeo.joinRoom(address, "Romeo");
			await romeo.send(through(address, `bob${count}@${component}`));
			const invited = await member(room, bob.userId, "invite");
			expect(invited.sender).toBe(ghost("romeo"));
			await romeo.send(through(address, `mercutio@${bridged.xmpp.domain}`));
			const message = await invitation(mercutio, address);
			expect(message.getChild("x", user)?.getChild("invite")?.getChild("reason")?.getText()).toBe("Come!");
			await mercutio.joinRoom(address, "Mercutio");
			await member(room, ghost("mercutio"), "join");
			await romeo.send(through(address, `nobody@${bridged.xmpp.domain}`));
			const lost = await romeo.waitFor(
				"the end of an invitation",
				(one) => one.is("message") && one.attrs.type === "error" && one.attrs.from === address,
				30_000,
			);
			expect(lost.getChild("error")?.getChild("text")?.getText()).toContain("did not reach nobody@");
			// A direct invitation of a Matrix person, as clients write to a contact.
			const eve = await bridged.bed.matrixUser(`eve${count}`);
			const direct = xml("x", { xmlns: "jabber:x:conference", jid: address });
			await mercutio.send(xml("message", { to: `eve${count}@${component}` }, direct));
			await member(room, eve.userId, "invite");
			// Somebody who is not in the room invites nobody.
			const tybalt = await xmpp("tybalt");
			await tybalt.send(through(address, `bob${count}@${component}`));
			const refused = await tybalt.waitFor(
				"a refusal",
				(one) => one.is("message") && one.attrs.type === "error",
			);
			expect(refused.getChild("error")?.getChild("not-acceptable")).toBeDefined();
		});

		test("the registration in a room is the membership, and ends with it", async () => {
			const { room, address } = await makeRoom({ preset: "private_chat", visibility: "private" });
			const romeo = await xmpp("romeo");
			await alice.invite(room, ghost("romeo"));
			await invitation(romeo, address);
			await romeo.joinRoom(address, "Romeo");
			const form = await romeo.iq(address, "get", xml("query", { xmlns: "jabber:iq:register" }));
			expect(form.getChild("query")?.getChild("username")?.getText()).toBe("Romeo");
			const remove = xml("query", { xmlns: "jabber:iq:register" }, xml("remove"));
			expect(await outcome(romeo, address, "set", remove)).toBe("result");
			await member(room, ghost("romeo"), "leave");
			const out = await romeo.waitFor(
				"the end of the session",
				(one) => one.attrs.from === `${address}/Romeo` && one.attrs.type === "unavailable",
				30_000,
			);
			expect(out.getChild("x", user)?.getChild("item")?.attrs.role).toBe("none");
		});
	},
);
