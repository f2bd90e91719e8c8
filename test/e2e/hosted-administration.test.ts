import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { throughOne } from "../soak.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import type { XmppAccount } from "../testbed/index.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";
import { line } from "../xmpp/hosted/lines/line.ts";

const mucUser = "http://jabber.org/protocol/muc#user";
const mucAdmin = "http://jabber.org/protocol/muc#admin";
const register = "jabber:iq:register";

type Item = Readonly<Record<string, string>>;
type PowerLevels = { users: Record<string, number>; [field: string]: unknown };

describe.each(throughOne("ejabberd"))("the administration of a Matrix room from %s", (server) => {
	let bridged: Bridged;
	let alice: MatrixClient;
	const accounts = new Map<string, Promise<XmppAccount>>();
	const open: XmppClient[] = [];
	let rooms = 0;

	beforeAll(async () => {
		bridged = await startBridged({ xmpp: server, config: () => ({ gateway: { create: ["romeo@*"] } }) });
		const { url } = bridged.bed.matrix;
		alice = await MatrixClient.connect(url, await bridged.bed.matrixUser("alice"));
		await alice.displayName("Alice");
		await bridged.bed.matrixUser("bob");
	});
	afterEach(async () => {
		for (const one of open.splice(0)) await one.close();
	});
	afterAll(async () => {
		await alice?.close();
		await bridged?.down();
	});

	async function client(name: string): Promise<XmppClient> {
		const account = accounts.get(name) ?? bridged.bed.xmppUser(server, name);
		accounts.set(name, account);
		const one = await XmppClient.connect(await account);
		open.push(one);
		return one;
	}
	const jid = (name: string) => `${name}@${bridged.xmpp.domain}`;
	const ghostOf = (jid: string) => `@_xmpp_${jid.replace("@", "=40")}:hs.test`;
	const ghost = (name: string) => ghostOf(jid(name));
	const state = <T>(room: string, type: string, key = "") =>
		alice.request<T>("GET", `v3/rooms/${room}/state/${type}/${encodeURIComponent(key)}`);
	const levels = async (room: string) => (await state<PowerLevels>(room, "m.room.power_levels")).users;
	const setState = (room: string, type: string, content: object) =>
		alice.request("PUT", `v3/rooms/${room}/state/${type}/`, content);
	/** Has Alice change power levels of people. */
	const give = async (room: string, changes: Record<string, number>) => {
		const content = await state<PowerLevels>(room, "m.room.power_levels");
		const users = { ...content.users, ...changes };
		await setState(room, "m.room.power_levels", { ...content, users });
	};
	/** Resolves when a person has this membership in a room; with the sender and the reason. */
	async function membership(room: string, mxid: string, now: string) {
		const { sender, content } = await alice.waitFor(
			`${mxid}: ${now}`,
			(one) =>
				one.room_id === room &&
				one.type === "m.room.member" &&
				one.state_key === mxid &&
				one.content.membership === now,
			30_000,
		);
		return [sender, content.reason];
	}
	/** Makes a room of Alice's in which Romeo and Juliet are, Romeo as an owner. */
	async function room(options: Record<string, unknown> = {}) {
		const alias = `court${++rooms}`;
		const id = await alice.createRoom({
			...{ preset: "public_chat", room_alias_name: alias },
			power_level_content_override: { kick: 25, redact: 25 },
			...options,
		});
		const address = `#${alias}@${bridged.xmpp.component}`;
		const [romeo, juliet] = [await client("romeo"), await client("juliet")];
		await romeo.joinRoom(address, "Romeo");
		await juliet.joinRoom(address, "Juliet");
		await give(id, { [ghost("romeo")]: 100 });
		await shows(romeo, address, "presence Romeo owner/moderator 110");
		return { id, address, romeo, juliet };
	}
	/** Resolves when a client has got this line from a room. */
	const shows = (one: XmppClient, address: string, wanted: string) =>
		one.waitFor(
			`“${wanted}” from ${address}`,
			(stanza) => stanza.attrs.from?.split("/")[0] === address && line(stanza) === wanted,
			30_000,
		);
	/** Resolves when a client hears of somebody who is not in the room. */
	const tells = (one: XmppClient, address: string, who: string, affiliation: string) =>
		one.waitFor(
			`${who} is ${affiliation}`,
			(stanza) => {
				const item = stanza.is("message") && stanza.getChild("x", mucUser)?.getChild("item");
				return (
					stanza.attrs.from === address &&
					!!item &&
					item.attrs.jid === who &&
					item.attrs.affiliation === affiliation
				);
			},
			30_000,
		);
	/** Resolves with the condition of the error that answers an IQ, or "result". */
	const outcome = (one: XmppClient, to: string, type: "get" | "set", payload: Element) =>
		one.iq(to, type, payload).then(
			() => "result",
			(error: { condition?: string }) => error.condition ?? String(error),
		);
	const administer = (one: XmppClient, address: string, items: readonly Item[], reason = "because") =>
		outcome(
			one,
			address,
			"set",
			xml("query", { xmlns: mucAdmin }, ...items.map((item) => xml("item", item, xml("reason", {}, reason)))),
		);
	const registration = (nick: string) =>
		xml(
			"query",
			{ xmlns: register },
			xml(
				"x",
				{ xmlns: "jabber:x:data", type: "submit" },
				xml("field", { var: "muc#register_roomnick" }, xml("value", {}, nick)),
			),
		);
	async function list(one: XmppClient, address: string, wanted: Item): Promise<string[]> {
		const answer = await one.iq(address, "get", xml("query", { xmlns: mucAdmin }, xml("item", wanted)));
		const items = answer.getChild("query")?.getChildren("item") ?? [];
		return items.map(({ attrs: { jid, nick } }) => [jid, nick].filter(Boolean).join(" ")).sort();
	}

	test("changes several people at once, also those who never came, and all hear of it", async () => {
		const { id, address, romeo, juliet } = await room();
		const items = [
			{ jid: "test1@example.org", affiliation: "admin" },
			{ jid: "test2@example.org", affiliation: "outcast" },
			{ jid: "test3@example.org", affiliation: "member", nick: "Third" },
			{ jid: jid("juliet"), affiliation: "member" },
		];
		// Nothing is done if a part is not allowed.
		const wrong = { jid: jid("romeo"), affiliation: "outcast" };
		expect(await administer(romeo, address, [...items, wrong])).toBe("conflict");
		expect(await administer(juliet, address, items)).toBe("forbidden");
		expect(await list(romeo, address, { affiliation: "admin" })).toEqual([]);
		expect(await administer(romeo, address, items)).toBe("result");
		expect((await levels(id))[ghostOf("test1@example.org")]).toBe(50);
		expect(await membership(id, ghostOf("test2@example.org"), "ban")).toEqual([ghost("romeo"), "because"]);
		await shows(juliet, address, "presence Juliet member/participant 110");
		await tells(juliet, address, "test1@example.org", "admin");
		await tells(juliet, address, "test2@example.org", "outcast");
		await tells(juliet, address, "test3@example.org", "member");
		expect(await list(romeo, address, { affiliation: "admin" })).toEqual(["test1@example.org"]);
		expect(await list(romeo, address, { affiliation: "outcast" })).toEqual(["test2@example.org"]);
		expect(await list(romeo, address, { affiliation: "member" })).toEqual([
			`${jid("juliet")} Juliet`,
			"test3@example.org Third",
		]);
		expect(await list(juliet, address, { affiliation: "owner" })).toEqual([
			`alice@${bridged.xmpp.component} Alice`,
			`${jid("romeo")} Romeo`,
		]);
		const outcasts = xml("query", { xmlns: mucAdmin }, xml("item", { affiliation: "outcast" }));
		expect(await outcome(juliet, address, "get", outcasts)).toBe("forbidden");
		const none = items.map(({ jid }) => ({ jid, affiliation: "none" }));
		expect(await administer(romeo, address, none)).toBe("result");
		expect(await levels(id)).not.toHaveProperty([ghostOf("test1@example.org")]);
		await membership(id, ghostOf("test2@example.org"), "leave");
		await tells(juliet, address, "test3@example.org", "none");
	});

	test("makes a moderator who is no admin, which Matrix holds until the person leaves", async () => {
		const { id, address, romeo, juliet } = await room();
		expect(await administer(romeo, address, [{ nick: "Juliet", role: "moderator" }])).toBe("result");
		await shows(juliet, address, "presence Juliet none/moderator by Romeo (because) 110");
		expect((await levels(id))[ghost("juliet")]).toBe(25);
		expect(await list(romeo, address, { role: "moderator" })).toContain(`${jid("juliet")} Juliet`);
		// She may remove people on Matrix, too, and none who stand as high.
		expect(await administer(juliet, address, [{ nick: "Romeo", role: "none" }])).toBe("not-allowed");
		await juliet.leaveRoom(address, "Juliet");
		await membership(id, ghost("juliet"), "leave");
		await vi.waitFor(async () => expect(await levels(id)).not.toHaveProperty([ghost("juliet")]), {
			...{ timeout: 20_000, interval: 100 },
		});
	});

	test("bans a whole domain by a rule that people read on Matrix", async () => {
		const { id, address, romeo } = await room();
		expect(await administer(romeo, address, [{ jid: "spam.example", affiliation: "outcast" }], "spam")).toBe(
			"result",
		);
		const rule = await alice.waitFor(
			"the rule",
			({ room_id, type, content }) =>
				room_id === id && type === "m.policy.rule.server" && content.entity === "spam.example",
			30_000,
		);
		expect([rule.sender, rule.content.recommendation, rule.content.reason]).toEqual([
			ghost("romeo"),
			"m.ban",
			"spam",
		]);
		expect(await list(romeo, address, { affiliation: "outcast" })).toEqual(["spam.example"]);
		expect(await administer(romeo, address, [{ jid: "spam.example", affiliation: "none" }])).toBe("result");
		expect(await state(id, "m.policy.rule.server", rule.state_key)).toEqual({});
		// Matrix people take back a rule as well.
		expect(await administer(romeo, address, [{ jid: "spam.example", affiliation: "outcast" }])).toBe(
			"result",
		);
		const key = encodeURIComponent(rule.state_key ?? "");
		await alice.request("PUT", `v3/rooms/${id}/state/m.policy.rule.server/${key}`, {});
		await alice.send(id, "they may come");
		await shows(romeo, address, "message Alice they may come");
		expect(await list(romeo, address, { affiliation: "outcast" })).toEqual([]);
	});

	test("lets a nick belong to one person and nobody else, also after the bridge was killed", async () => {
		const { address, romeo, juliet } = await room();
		const form = await juliet.iq(address, "get", xml("query", { xmlns: register }));
		const fields = form.getChild("query")?.getChild("x")?.getChildren("field") ?? [];
		expect(fields.map(({ attrs }) => attrs.var)).toContain("muc#register_roomnick");
		expect(await outcome(juliet, address, "set", registration("Capulet"))).toBe("result");
		await shows(romeo, address, "presence Capulet member/participant");
		expect(await outcome(romeo, address, "set", registration("Capulet"))).toBe("conflict");
		await juliet.leaveRoom(address, "Capulet");
		await bridged.kill();
		await bridged.start();
		await romeo.joinRoom(address, "Romeo");
		const mercutio = await client("mercutio");
		await expect(mercutio.joinRoom(address, "Capulet")).rejects.toThrow(/conflict/);
		await juliet.joinRoom(address, "Capulet");
		const remove = xml("query", { xmlns: register }, xml("remove"));
		expect(await outcome(juliet, address, "set", remove)).toBe("result");
		await shows(romeo, address, "presence Capulet none/participant");
	});

	test("frees the nick of a person whom Matrix bans while nobody of XMPP is in the room", async () => {
		const { id, address, romeo, juliet } = await room();
		expect(await outcome(juliet, address, "set", registration("Montague"))).toBe("result");
		await shows(romeo, address, "presence Montague member/participant");
		const mercutio = await client("mercutio");
		await expect(mercutio.joinRoom(address, "Montague")).rejects.toThrow(/conflict/);
		await juliet.leaveRoom(address, "Montague");
		await romeo.leaveRoom(address, "Romeo");
		for (const name of ["juliet", "romeo"]) await membership(id, ghost(name), "leave");
		await alice.request("POST", `v3/rooms/${encodeURIComponent(id)}/ban`, { user_id: ghost("juliet") });
		await expect
			.poll(() => mercutio.joinRoom(address, "Montague").then(() => "in", String), { timeout: 20_000 })
			.toBe("in");
	});

	test("is done by the bot where somebody made the room from XMPP: upon equals, and for admins who are away", async () => {
		const address = `made${++rooms}@${bridged.xmpp.component}`;
		const [romeo, juliet, mercutio] = [
			await client("romeo"),
			await client("juliet"),
			await client("mercutio"),
		];
		await romeo.joinRoom(address, "Romeo");
		await romeo.configureRoom(address);
		await juliet.joinRoom(address, "Juliet");
		await mercutio.joinRoom(address, "Mercutio");
		const alias = encodeURIComponent(`#made${rooms}:hs.test`);
		const { room_id: id } = await alice.request<{ room_id: string }>("GET", `v3/directory/room/${alias}`);
		await alice.join(id);
		const bot = "@trivium:hs.test";
		expect(await administer(romeo, address, [{ jid: jid("juliet"), affiliation: "owner" }])).toBe("result");
		expect(await administer(juliet, address, [{ jid: jid("romeo"), affiliation: "admin" }])).toBe("result");
		expect(await levels(id)).toMatchObject({ [ghost("juliet")]: 100, [ghost("romeo")]: 50 });
		expect(await list(romeo, address, { affiliation: "owner" })).toEqual([`${jid("juliet")} Juliet`]);
		// A moderator has a level of their own, and keeps people in order with it.
		expect(await administer(romeo, address, [{ nick: "Mercutio", role: "moderator" }])).toBe("result");
		expect((await levels(id))[ghost("mercutio")]).toBe(25);
		expect(await administer(mercutio, address, [{ nick: "Alice", role: "none" }], "loud")).toBe("result");
		expect(await membership(id, alice.userId, "leave")).toEqual([bot, "loud (by Mercutio)"]);
		await shows(juliet, address, "presence unavailable Alice none/none by Mercutio (loud) 307");
		await alice.join(id);
		expect(await administer(juliet, address, [{ nick: "Romeo", role: "none" }])).toBe("result");
		await shows(romeo, address, "presence unavailable Romeo admin/none by Juliet (because) 110 307");
		// Romeo is out, and an admin for all that.
		expect(await administer(romeo, address, [{ jid: "test1@example.org", affiliation: "outcast" }])).toBe(
			"result",
		);
		expect(await membership(id, ghostOf("test1@example.org"), "ban")).toEqual([bot, "because (by romeo)"]);
		expect(await list(romeo, address, { affiliation: "outcast" })).toEqual(["test1@example.org"]);
		await juliet.configureRoom(address, { "muc#roomconfig_membersonly": "1" });
		await shows(juliet, address, "presence unavailable Mercutio none/none 322");
		await romeo.joinRoom(address, "Romeo");
		await expect(mercutio.joinRoom(address, "Mercutio")).rejects.toThrow(/registration-required/);
		expect(await administer(romeo, address, [{ jid: jid("mercutio"), affiliation: "member" }])).toBe(
			"result",
		);
		await mercutio.joinRoom(address, "Mercutio");
		await membership(id, ghost("mercutio"), "join");
		const bob = `bob@${bridged.xmpp.component}`;
		expect(await administer(romeo, address, [{ jid: bob, affiliation: "member" }], "welcome")).toBe("result");
		expect(await membership(id, "@bob:hs.test", "invite")).toEqual([ghost("romeo"), "welcome"]);
	});

	test("follows what Matrix people decide: levels, bans, removals and the rule for joins", async () => {
		const { id, address, romeo, juliet } = await room();
		await give(id, { [ghost("juliet")]: 50 });
		await shows(romeo, address, "presence Juliet admin/moderator");
		await give(id, { [ghost("juliet")]: 0, [ghostOf("test1@example.org")]: 50 });
		await shows(romeo, address, "presence Juliet none/participant");
		await tells(juliet, address, "test1@example.org", "admin");
		const act = (act: string, mxid: string) =>
			alice.request("POST", `v3/rooms/${id}/${act}`, { user_id: mxid, reason: "peace" });
		await act("ban", ghostOf("test2@example.org"));
		await tells(juliet, address, "test2@example.org", "outcast");
		await act("unban", ghostOf("test2@example.org"));
		await tells(juliet, address, "test2@example.org", "none");
		await setState(id, "m.room.join_rules", { join_rule: "invite" });
		await shows(juliet, address, "message 104");
		await shows(romeo, address, "presence Juliet member/participant");
		// An invitation that reaches nobody is declined at once.
		await client("mercutio");
		await act("invite", ghost("mercutio"));
		await tells(romeo, address, jid("mercutio"), "member");
		expect(await list(juliet, address, { affiliation: "member" })).toContain(jid("mercutio"));
		// XEP-0045 §9.4: the end of a membership removes its person.
		expect(await administer(romeo, address, [{ jid: jid("juliet"), affiliation: "none" }])).toBe("result");
		await shows(juliet, address, "presence unavailable Juliet none/none by Romeo (because) 110 321");
		expect(await membership(id, ghost("juliet"), "leave")).toEqual([ghost("romeo"), "because"]);
		// Matrix lets nobody act upon an equal, so Romeo steps down first.
		expect(await administer(romeo, address, [{ jid: jid("romeo"), affiliation: "member" }])).toBe("result");
		await act("ban", ghost("romeo"));
		await shows(romeo, address, "presence unavailable Romeo outcast/none by Alice (peace) 110 301");
		await expect(romeo.joinRoom(address, "Romeo")).rejects.toThrow(/forbidden/);
	});
});
