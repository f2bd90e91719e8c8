import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { until } from "../fakes.ts";
import { soak } from "../soak.ts";
import { type Archived, askArchive, readArchive } from "../testbed/archive-client.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import type { XmppAccount } from "../testbed/index.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { type FaultyProxy, startProxy } from "../testbed/proxy.ts";
import { type Heard, Slixmpp } from "../testbed/slixmpp.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";

const sid = "urn:xmpp:sid:0";
const encoded = encodeURIComponent;

/** The parts of a line that the archive has as people got them live. */
function shape(line: Element, room: string) {
	const id = (name: string, ns: string) => line.getChild(name, ns)?.attrs.id;
	return {
		from: line.attrs.from,
		id: line.attrs.id,
		archived: stanzaId(line, room),
		occupant: id("occupant-id", "urn:xmpp:occupant-id:0"),
		// A retraction has words for clients without retractions, which its sender need not have written.
		body: id("retract", "urn:xmpp:message-retract:1") ? undefined : textOf(line),
		corrects: id("replace", "urn:xmpp:message-correct:0"),
		answers: id("reply", "urn:xmpp:reply:0"),
		reacts: id("reactions", "urn:xmpp:reactions:0"),
		retracts: id("retract", "urn:xmpp:message-retract:1"),
	};
}

const textOf = (line: Element) => line.getChild("body")?.getText();
const stanzaId = (line: Element, room: string) =>
	line.getChildren("stanza-id", sid).find((one) => one.attrs.by === room)?.attrs.id;
/** The emoji of a line, without the sign that asks for a coloured one: the bridge adds it where people leave it out. */
const emoji = (line: Element) =>
	line
		.getChild("reactions", "urn:xmpp:reactions:0")
		?.getChildren("reaction")
		.map((one) => one.getText().replaceAll("\uFE0F", ""));
const isTombstone = ({ line }: Archived) =>
	line.getChild("retracted", "urn:xmpp:message-retract:1") !== undefined;
const bodies = (lines: readonly Archived[]) => lines.map(({ line }) => textOf(line) ?? "");

describe.each(["prosody", "ejabberd"] as const)("the archive of a Matrix room, through %s", (server) => {
	let bridged: Bridged;
	let alice: MatrixClient;
	/** Between the bridge and the homeserver. */
	let homeserver: FaultyProxy;
	const clients: { close(): unknown }[] = [];
	const accounts = new Map<string, XmppAccount>();
	let count = 0;

	beforeAll(async () => {
		homeserver = await startProxy();
		bridged = await startBridged({
			...{ xmpp: server, homeserver: homeserver.url },
			config({ ports }) {
				homeserver.leadsTo(`http://127.0.0.1:${ports.synapse}`);
				// The test's people write faster than the default limits let people write.
				return { limits: { sender: { per_minute: 6_000, burst: 1_000 } } };
			},
		});
		const account = await bridged.bed.matrixUser("alice");
		alice = await MatrixClient.connect(bridged.bed.matrix.url, account);
	});
	afterEach(async () => {
		await Promise.all(clients.splice(0).map((one) => one.close()));
	});
	afterAll(async () => {
		await alice?.close();
		await bridged?.down();
		homeserver?.close();
	});

	/** Makes a Matrix room of alice's. `address`: that of its MUC. */
	async function makeRoom(options: Record<string, unknown> = {}) {
		const alias = `verona${++count}`;
		const room = await alice.createRoom({ preset: "public_chat", room_alias_name: alias, ...options });
		return { room, address: `#${alias}@${bridged.xmpp.component}` };
	}

	/** Resolves with the account of a person, which is registered once: ejabberd refuses a second registration. */
	async function account(name: string): Promise<XmppAccount> {
		const known = accounts.get(name) ?? (await bridged.bed.xmppUser(server, name));
		accounts.set(name, known);
		return known;
	}

	async function client(name: string): Promise<XmppClient> {
		const one = await XmppClient.connect(await account(name));
		clients.push(one);
		return one;
	}

	/** Counts the requests of the bridge about a room from now on. Returns their paths. */
	function countRequests(room: string): readonly string[] {
		const paths: string[] = [];
		homeserver.fail((path) => {
			if (path.includes(encoded(room))) paths.push(path);
			return undefined;
		});
		return paths;
	}

	/** The stanzas of a room that a client got live, in order. */
	const live = (of: XmppClient, address: string) =>
		of.inbox.items.filter((one) => one.is("message") && stanzaId(one, address) !== undefined);
	/** Waits until a client got the line with this body live, and returns its id in the archive. */
	const got = async (of: XmppClient, body: string, address: string) =>
		stanzaId(await of.waitForMessage(body, address, 30_000), address) ?? "";
	const redact = (room: string, event: string, reason?: string) =>
		alice.request("PUT", `v3/rooms/${encoded(room)}/redact/${encoded(event)}/${randomUUID()}`, { reason });
	const act = (of: XmppClient, address: string, ...parts: Element[]) =>
		of.send(xml("message", { to: address, type: "groupchat", id: randomUUID() }, ...parts));

	test("has each line as people got it live, in the same order and under the same id", async () => {
		const { room, address } = await makeRoom();
		const romeo = await client("romeo");
		await romeo.joinRoom(address, "Romeo");
		for (let n = 0; n < 100; n++) {
			await romeo.sendMessage(address, `romeo ${n}`, "groupchat");
			await alice.send(room, `alice ${n}`);
		}
		const [mine, hers] = [await got(romeo, "romeo 1", address), await got(romeo, "alice 1", address)];
		const unchanged = await got(romeo, "romeo 99", address);
		await got(romeo, "alice 99", address);
		// Each of them edits, reacts, answers, deletes, and alice deletes a line of romeo's.
		await alice.send(room, {
			...{ msgtype: "m.text", body: "* alice edited" },
			"m.new_content": { msgtype: "m.text", body: "alice edited" },
			"m.relates_to": { rel_type: "m.replace", event_id: hers },
		});
		const first = romeo.inbox.items.find((one) => textOf(one) === "romeo 1");
		await act(
			romeo,
			address,
			xml("body", {}, "romeo edited"),
			xml("replace", { xmlns: "urn:xmpp:message-correct:0", id: first?.attrs.id }),
		);
		const heart = { rel_type: "m.annotation", event_id: mine, key: "❤️" };
		await alice.send(room, { "m.relates_to": heart }, "m.reaction");
		await act(
			romeo,
			address,
			xml("reactions", { xmlns: "urn:xmpp:reactions:0", id: hers }, xml("reaction", {}, "👍")),
		);
		await alice.send(room, {
			...{ msgtype: "m.text", body: "an answer" },
			"m.relates_to": { "m.in_reply_to": { event_id: unchanged } },
		});
		const moderated = await got(romeo, "romeo 2", address);
		const retracted = await got(romeo, "romeo 3", address);
		const deleted = await got(romeo, "alice 2", address);
		await redact(room, moderated, "off topic");
		await act(romeo, address, xml("retract", { xmlns: "urn:xmpp:message-retract:1", id: retracted }));
		await redact(room, deleted);
		const acts = () => live(romeo, address).length - 200;
		await until(
			() => acts() === 8,
			() => `${acts()} acts`,
			30_000,
		);
		const seen = live(romeo, address);
		const gone = [moderated, retracted, deleted];
		const kept = (line: Element) => !gone.includes(stanzaId(line, address) ?? "");
		for (const how of [{ max: 50 }, { max: 7, backwards: true }]) {
			const lines = await readArchive(romeo, address, how);
			expect(lines.map(({ id }) => id)).toEqual(seen.map((line) => stanzaId(line, address)));
			const rest = lines.filter((one) => !isTombstone(one)).map(({ line }) => line);
			expect(rest.map((line) => shape(line, address))).toEqual(
				seen.filter(kept).map((line) => shape(line, address)),
			);
			expect(rest.map(emoji)).toEqual(seen.filter(kept).map(emoji));
			expect(lines.filter(isTombstone).map(({ id }) => id)).toEqual(
				seen.map((line) => stanzaId(line, address) ?? "").filter((id) => gone.includes(id)),
			);
			expect(lines.every(({ line }) => line.attrs.to === undefined && line.attrs.type === "groupchat")).toBe(
				true,
			);
		}
		const all = await readArchive(romeo, address);
		const tombstone = (id: string) =>
			all.find((one) => one.id === id)?.line.getChild("retracted", "urn:xmpp:message-retract:1");
		const by = tombstone(moderated)?.getChild("moderated", "urn:xmpp:message-moderate:1");
		expect(by?.attrs.by).toBe(`${address}/alice`);
		expect(tombstone(moderated)?.getChild("reason")?.getText()).toBe("off topic");
		// XEP-0424 §5: the mark names the message that retracted the line.
		const retraction = all.find(({ line }) => line.getChild("retract")?.attrs.id === retracted);
		expect(tombstone(retracted)?.attrs.id).toBe(retraction?.line.attrs.id);
		expect(String(all)).not.toContain("romeo 2<");

		const juliet = await Slixmpp.connect(await account("juliet"));
		clients.push(juliet);
		await juliet.does({ do: "join", to: address, nick: "Juliet" }, "joined");
		for (const reverse of [false, true]) {
			const heard: readonly Heard[] = await juliet.archive(address, 40, reverse);
			expect(heard.map(({ archived }) => archived)).toEqual(all.map(({ id }) => id));
			expect(heard.map(({ from }) => from)).toEqual(all.map(({ line }) => line.attrs.from));
		}
	});

	// The page of a query is the same through every server, so `script/test` reads it through one.
	if (soak || server === "prosody")
		test("gives single lines, parts by id, time and person, and turns a page around", async () => {
			const { room, address } = await makeRoom();
			const romeo = await client("romeo");
			await romeo.joinRoom(address, "Romeo");
			for (let n = 0; n < 10; n++) {
				await alice.send(room, `line ${n}`);
				await got(romeo, `line ${n}`, address);
			}
			await romeo.sendMessage(address, "mine", "groupchat");
			await got(romeo, "mine", address);
			const all = await readArchive(romeo, address);
			expect(bodies(all)).toEqual([...Array.from({ length: 10 }, (_, n) => `line ${n}`), "mine"]);
			const at = (n: number) => all[n]?.id ?? "";
			const ask = async (query: Parameters<typeof askArchive>[2]) => {
				const page = await askArchive(romeo, address, query);
				return { ...page, lines: bodies(page.lines) };
			};
			expect(await ask({ form: { ids: [at(4), at(2)] } })).toMatchObject({
				lines: ["line 2", "line 4"],
				complete: true,
			});
			expect((await ask({ form: { "after-id": at(2), "before-id": at(5) } })).lines).toEqual([
				"line 3",
				"line 4",
			]);
			expect(await ask({ page: { max: "3", before: "" } })).toMatchObject({
				...{ lines: ["line 8", "line 9", "mine"], first: at(8), last: at(10) },
				...{ complete: false, count: 11 },
			});
			expect((await ask({ page: { max: "3", before: "" }, flip: true })).lines).toEqual([
				"mine",
				"line 9",
				"line 8",
			]);
			expect(await ask({ page: { max: "0" } })).toMatchObject({ lines: [], count: 11 });
			expect((await ask({ form: { with: `${address}/Romeo` } })).lines).toEqual(["mine"]);
			const jid = `alice@${bridged.xmpp.component}`;
			expect((await ask({ form: { with: jid } })).lines).toHaveLength(10);
			expect((await ask({ form: { start: all[9]?.stamp ?? "" } })).lines.slice(-2)).toEqual([
				"line 9",
				"mine",
			]);
			expect((await ask({ form: { end: all[1]?.stamp ?? "" } })).lines.slice(0, 2)).toEqual([
				"line 0",
				"line 1",
			]);
			const item = all[10]?.line.getChild("x", "http://jabber.org/protocol/muc#user")?.getChild("item");
			expect(item?.attrs).toMatchObject({ affiliation: "none", role: "participant" });
			expect(item?.attrs.jid).toBe(romeo.jid.split("/")[0]);
			const ends = await romeo.iq(address, "get", xml("metadata", { xmlns: "urn:xmpp:mam:2" }));
			const metadata = ends.getChild("metadata");
			expect(metadata?.getChild("start")?.attrs.id).toBe(at(0));
			expect(metadata?.getChild("end")?.attrs.id).toBe(at(10));
			const asked = await romeo.iq(address, "get", xml("query", { xmlns: "urn:xmpp:mam:2" }));
			expect(asked.getChild("query")?.getChild("x")?.getChildren("field")).toHaveLength(7);
			await expect(ask({ form: { ids: [at(1), "$unknown"] } })).rejects.toThrow("item-not-found");
			await expect(ask({ page: { after: "$unknown" } })).rejects.toThrow("item-not-found");
			await expect(ask({ form: { "{urn:test}text": "x" } })).rejects.toThrow("feature-not-implemented");
			// A person who is not in the room reads nothing of it.
			const tybalt = await client("tybalt");
			await expect(askArchive(tybalt, address)).rejects.toThrow("forbidden");
		});

	test("keeps the address by which a client joined, and gives nobody else's private messages", async () => {
		const { room, address } = await makeRoom();
		const [romeo, juliet] = [await client("romeo"), await client("juliet")];
		await romeo.joinRoom(address, "Romeo");
		const other = `!${room.slice(1).replaceAll(/[^a-z0-9._-]/g, (char) => `=${char.charCodeAt(0).toString(16)}`)}@${bridged.xmpp.component}`;
		await juliet.joinRoom(other, "Juliet");
		await romeo.sendMessage(`${address}/Juliet`, "a secret", "chat");
		await juliet.waitForMessage("a secret", `${other}/Romeo`);
		await romeo.sendMessage(address, "in public", "groupchat");
		const id = await got(juliet, "in public", other);
		const lines = await readArchive(juliet, other);
		expect(bodies(lines)).toEqual(["in public"]);
		expect(shape(lines[0]?.line as Element, other)).toMatchObject({ from: `${other}/Romeo`, archived: id });
		expect((await readArchive(romeo, address))[0]?.line.attrs.from).toBe(`${address}/Romeo`);
	});

	// The content of an archive is the same through every server, so `script/test` reads it through one.
	if (soak || server === "prosody") {
		test("begins with the lines from before anybody of XMPP came, in the room's own order", async () => {
			const { room, address } = await makeRoom();
			for (let n = 0; n < 130; n++) await alice.send(room, `early ${n}`);
			const romeo = await client("romeo");
			await romeo.joinRoom(address, "Romeo");
			await alice.send(room, "late");
			await got(romeo, "late", address);
			const expected = [...Array.from({ length: 130 }, (_, n) => `early ${n}`), "late"];
			expect(bodies(await readArchive(romeo, address, { max: 30, backwards: true }))).toEqual(expected);
			expect(bodies(await readArchive(romeo, address, { max: 30 }))).toEqual(expected);
		});

		test.each([
			["shared", ["before", "invited", "joined"]],
			["invited", ["invited", "joined"]],
			["joined", ["joined"]],
		])("shows a room whose history is “%s” as Matrix does", async (history_visibility, expected) => {
			const { room, address } = await makeRoom({
				initial_state: [{ type: "m.room.history_visibility", content: { history_visibility } }],
			});
			const romeo = await client("romeo");
			// Another person of XMPP is in the room all the time, so that the bridge knows all of its lines.
			const juliet = await client("juliet");
			await juliet.joinRoom(address, "Juliet");
			await alice.send(room, "before");
			await got(juliet, "before", address);
			const ghost = `@_xmpp_${romeo.jid.split("/")[0]?.replace("@", "=40")}:hs.test`;
			await alice.invite(room, ghost);
			await alice.send(room, "invited");
			await got(juliet, "invited", address);
			await romeo.joinRoom(address, "Romeo", { history: 20 });
			await alice.send(room, "joined");
			await got(romeo, "joined", address);
			expect(bodies(await readArchive(romeo, address))).toEqual(expected);
			expect(bodies(await readArchive(romeo, address, { backwards: true, max: 1 }))).toEqual(expected);
			const shown = live(romeo, address).map((one) => textOf(one));
			expect(shown).toEqual(expected);
			expect(bodies(await readArchive(juliet, address))).toEqual(["before", "invited", "joined"]);
		});

		test("has the lines that were sent while nobody of XMPP was in the room", async () => {
			const { room, address } = await makeRoom();
			const romeo = await client("romeo");
			await romeo.joinRoom(address, "Romeo");
			await alice.send(room, "while romeo is here");
			await got(romeo, "while romeo is here", address);
			await romeo.leaveRoom(address, "Romeo");
			await alice.waitFor(
				"the leave of romeo's ghost",
				({ room_id, type, content }) =>
					room_id === room && type === "m.room.member" && content.membership === "leave",
				30_000,
			);
			for (let n = 0; n < 20; n++) await alice.send(room, `meanwhile ${n}`);
			await romeo.joinRoom(address, "Romeo");
			await alice.send(room, "romeo is back");
			await got(romeo, "romeo is back", address);
			const meanwhile = Array.from({ length: 20 }, (_, n) => `meanwhile ${n}`);
			const expected = ["while romeo is here", ...meanwhile, "romeo is back"];
			expect(bodies(await readArchive(romeo, address, { max: 9 }))).toEqual(expected);
			expect(bodies(await readArchive(romeo, address, { max: 9, backwards: true }))).toEqual(expected);
		});

		test("gives a joining client as much history as it asks for, with the time of each line", async () => {
			const { room, address } = await makeRoom();
			const romeo = await client("romeo");
			await romeo.joinRoom(address, "Romeo");
			for (let n = 0; n < 25; n++) await alice.send(room, `line ${n}`);
			const last = await got(romeo, "line 24", address);
			const lines = await readArchive(romeo, address);

			/** Joins with this element, and returns the history: the lines before the subject. */
			async function history(name: string, attributes: Record<string, string> | undefined) {
				const other = await client(name);
				const wish = attributes && xml("history", attributes);
				await other.send(
					xml(
						"presence",
						{ to: `${address}/${name}` },
						xml("x", { xmlns: "http://jabber.org/protocol/muc" }, wish),
					),
				);
				const isSubject = (one: Element) => one.getChild("subject") !== undefined && !one.getChild("body");
				await other.waitFor("the subject", isSubject, 30_000);
				const items = other.inbox.items;
				const before = items.slice(0, items.findIndex(isSubject));
				return before.filter((one) => one.is("message") && one.attrs.from?.startsWith(address));
			}
			const text = (all: readonly Element[]) => all.map((one) => textOf(one));
			const numbered = (from: number) => Array.from({ length: 25 - from }, (_, n) => `line ${from + n}`);

			const usual = await history("benvolio", undefined);
			expect(text(usual)).toEqual(numbered(5));
			expect(usual.map((one) => stanzaId(one, address)).at(-1)).toBe(last);
			expect(usual[0]?.getChild("delay", "urn:xmpp:delay")?.attrs).toMatchObject({
				from: address,
				stamp: lines[5]?.stamp,
			});
			expect(text(await history("mercutio", { maxstanzas: "3" }))).toEqual(numbered(22));
			expect(await history("rosaline", { maxstanzas: "0" })).toEqual([]);
			expect(await history("paris", { maxchars: "0" })).toEqual([]);
			expect(text(await history("escalus", { since: lines[20]?.stamp ?? "" })).at(0)).toBe("line 20");
			expect(text(await history("sampson", { seconds: "3600" }))).toEqual(numbered(0));
		});

		test("asks the homeserver little about many lines that a newcomer may not see", async () => {
			const { room, address } = await makeRoom({
				initial_state: [{ type: "m.room.history_visibility", content: { history_visibility: "joined" } }],
			});
			const [romeo, juliet] = [await client("romeo"), await client("juliet")];
			await juliet.joinRoom(address, "Juliet");
			for (let n = 0; n < 80; n++) await alice.send(room, `line ${n}`);
			await got(juliet, "line 79", address);
			await romeo.joinRoom(address, "Romeo");
			await alice.send(room, "hello romeo");
			await got(romeo, "hello romeo", address);
			const asked = countRequests(room);
			expect(bodies(await readArchive(romeo, address, { backwards: true }))).toEqual(["hello romeo"]);
			expect(bodies(await readArchive(romeo, address))).toEqual(["hello romeo"]);
			expect(asked.length).toBeLessThanOrEqual(20);
			expect((await askArchive(romeo, address)).count).toBeUndefined();
			expect(await readArchive(juliet, address)).toHaveLength(81);
		});

		test("shows what is left where a reaction was taken back", async () => {
			const { room, address } = await makeRoom();
			const romeo = await client("romeo");
			await romeo.joinRoom(address, "Romeo");
			const line = await alice.send(room, "a line");
			const react = (key: string) =>
				alice.send(room, { "m.relates_to": { rel_type: "m.annotation", event_id: line, key } }, "m.reaction");
			const thumb = await react("👍");
			await react("🎉");
			await redact(room, thumb);
			await alice.send(room, "the end");
			await got(romeo, "the end", address);
			const sets = (await readArchive(romeo, address)).map((one) => emoji(one.line));
			// The homeserver has forgotten which line the first reaction was for.
			expect(sets).toEqual([undefined, ["🎉"], ["🎉"], undefined]);
		});

		test("is there for a member of a private room without a session, and for nobody who was put out", async () => {
			const room = await alice.createRoom({ preset: "private_chat" });
			const local = room
				.slice(1)
				.replaceAll(/[^a-z0-9._-]/g, (char) => `=${char.charCodeAt(0).toString(16)}`);
			const address = `!${local}@${bridged.xmpp.component}`;
			const romeo = await client("romeo");
			const ghost = `@_xmpp_${romeo.jid.split("/")[0]?.replace("@", "=40")}:hs.test`;
			await alice.invite(room, ghost);
			await romeo.joinRoom(address, "Romeo");
			await alice.send(room, "with romeo");
			await got(romeo, "with romeo", address);
			await romeo.leaveRoom(address, "Romeo");
			await romeo.waitFor(
				"the end of the session",
				(one) => one.attrs.from === `${address}/Romeo` && one.attrs.type === "unavailable",
			);
			await alice.send(room, "without romeo");
			const read = async () => bodies(await readArchive(romeo, address));
			await expect.poll(read, { timeout: 20_000 }).toEqual(["with romeo", "without romeo"]);
			await alice.request("POST", `v3/rooms/${encoded(room)}/kick`, { user_id: ghost });
			await expect.poll(() => read().catch(String), { timeout: 20_000 }).toContain("forbidden");
		});

		test("costs the homeserver no request for each line, and is refused for a while where it does not answer", async () => {
			const { room, address } = await makeRoom();
			const romeo = await client("romeo");
			await romeo.joinRoom(address, "Romeo");
			for (let n = 0; n < 60; n++) await alice.send(room, `line ${n}`);
			await got(romeo, "line 59", address);
			const page = { max: "50", before: "" };
			const asked = countRequests(room);
			expect((await askArchive(romeo, address, { page })).lines).toHaveLength(50);
			expect(asked).toEqual([]);
			// After a restart the bridge has read none of them.
			await bridged.kill();
			await bridged.start();
			await romeo.waitFor(
				"the end of the session",
				(one) => one.attrs.from === `${address}/Romeo` && one.attrs.type === "unavailable",
				30_000,
			);
			await romeo.joinRoom(address, "Romeo");
			homeserver.fail((path) => (/\/(event|messages|context)/.test(path) ? "silence" : undefined));
			await expect(askArchive(romeo, address, { page })).rejects.toThrow("remote-server-timeout");
			const afterwards = countRequests(room);
			expect((await askArchive(romeo, address, { page })).lines).toHaveLength(50);
			expect(afterwards.length).toBeLessThanOrEqual(2);
		});
	}

	test("and live lines together have every line once, though a client joins while people write", async () => {
		const { room, address } = await makeRoom();
		const romeo = await client("romeo");
		await romeo.joinRoom(address, "Romeo");
		let writing = true;
		// Each line waits for the one before it, so that nobody writes more than the servers take.
		const write = async (name: string, say: (text: string) => Promise<unknown>) => {
			for (let n = 0; writing; n++) {
				await say(`${name} ${n}`);
				await got(romeo, `${name} ${n}`, address);
			}
		};
		const all = [
			write("alice", (text) => alice.send(room, text)),
			write("romeo", (text) => romeo.sendMessage(address, text, "groupchat")),
		];
		await got(romeo, "alice 5", address);
		const others: XmppClient[] = [];
		for (const name of ["juliet", "benvolio", "mercutio"]) {
			const other = await client(name);
			await other.joinRoom(address, name, { history: 100 });
			others.push(other);
		}
		writing = false;
		await Promise.all(all);
		await alice.send(room, "the end");
		await Promise.all([romeo, ...others].map((one) => got(one, "the end", address)));
		const ids = (of: XmppClient) => live(of, address).map((one) => stanzaId(one, address));
		for (const other of others) expect(ids(other)).toEqual(ids(romeo).slice(-ids(other).length));
		expect(Math.min(...others.map((other) => ids(other).length))).toBeGreaterThan(5);
	});

	test("and live lines together have every line once, though the bridge is killed", async () => {
		const { room, address } = await makeRoom();
		const romeo = await client("romeo");
		await romeo.joinRoom(address, "Romeo");
		const say = async (from: number, to: number) => {
			for (let n = from; n < to; n++) await alice.send(room, `line ${n}`);
		};
		await say(0, 10);
		await got(romeo, "line 9", address);
		const writing = say(10, 40);
		await got(romeo, "line 15", address);
		await bridged.kill();
		await writing;
		await bridged.start();
		const isEnd = (one: Element) => one.attrs.from === `${address}/Romeo` && one.attrs.type === "unavailable";
		await romeo.waitFor("the end of the session", isEnd, 30_000);
		const last = stanzaId(live(romeo, address).at(-1) as Element, address) ?? "";
		await romeo.joinRoom(address, "Romeo");
		await say(40, 42);
		await got(romeo, "line 41", address);
		const missed = await readArchive(romeo, address, { form: { "after-id": last }, max: 10 });
		// The client knows a line by its id, so it shows once what is both live and in the archive.
		const known = new Map(live(romeo, address).map((one) => [stanzaId(one, address) ?? "", one]));
		expect(known.size).toBe(live(romeo, address).length);
		expect(new Set(missed.map(({ id }) => id)).size).toBe(missed.length);
		for (const { id, line } of missed) known.set(id, line);
		const all = [...known.values()].map((one) => textOf(one));
		expect([...all].sort()).toEqual(Array.from({ length: 42 }, (_, n) => `line ${n}`).sort());
		expect(bodies(await readArchive(romeo, address))).toEqual(
			Array.from({ length: 42 }, (_, n) => `line ${n}`),
		);
	});
});
