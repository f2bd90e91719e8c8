import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PermanentError, TemporaryError } from "../../../../src/core/errors.ts";
import type { NetworkName, RoomId } from "../../../../src/core/ids.ts";
import type { Person } from "../../../../src/core/person.ts";
import { createMemoryJournal, createMemoryMapping } from "../../../../src/store/memory.ts";
import { account } from "../../../../src/xmpp/from-xmpp.ts";
import { createAliases } from "../../../../src/xmpp/hosted/aliases.ts";
import {
	beforeLive,
	createHistory,
	type History,
	sessionsWithout,
} from "../../../../src/xmpp/hosted/archive/history.ts";
import { createArchives } from "../../../../src/xmpp/hosted/archive/index.ts";
import type { HostedContext } from "../../../../src/xmpp/hosted/context.ts";
import { addOccupant, addSession } from "../../../../src/xmpp/hosted/occupants.ts";
import {
	createHostedRoom,
	type HostedRoom,
	type Joined,
	type Session,
} from "../../../../src/xmpp/hosted/room.ts";
import { createRooms } from "../../../../src/xmpp/hosted/rooms.ts";
import { type Element, serialize } from "../../../../src/xmpp/stream/xml.ts";
import { bridgeOf, rulesFor } from "../../../bridge.ts";
import { type FakeHosting, fakeHosting, type SourceRoom } from "../../../fake-hosting.ts";
import { fakeNetwork, quiet } from "../../../fakes.ts";
import { stanza } from "../../stanza.ts";

const address = "#lobby@bridge.test";
const matrix = fakeNetwork("matrix");
const alice = matrix.person("alice");
const romeo: Person = { ...account("romeo@montague.lit"), name: "Romeo" };

let hosting: FakeHosting;
let source: SourceRoom;
let room: HostedRoom;
let joined: Joined;
let context: HostedContext;
let sent: Element[];
let ask: ReturnType<typeof createArchives>;
let history: History;
let say: (...texts: readonly string[]) => Promise<readonly string[]>;

beforeEach(async () => {
	hosting = fakeHosting("matrix");
	source = hosting.make("lobby");
	const networks = [fakeNetwork("matrix", { hosting }), fakeNetwork("xmpp")];
	const stores = { journal: createMemoryJournal(), mapping: createMemoryMapping() };
	const bridge = bridgeOf(networks, rulesFor({ "*": "use" }), stores);
	await bridge.start();
	room = createHostedRoom("!lobby@bridge.test" as RoomId, source.facts);
	await bridge.views.open("matrix" as NetworkName, room.source, room.id, romeo);
	sent = [];
	context = {
		...{ component: "bridge.test", of: "matrix" as NetworkName, log: quiet, rooms: createRooms() },
		link: { send: async (element: Element) => void sent.push(element) },
		bridge: () => bridge,
		aliases: createAliases({ bridge: () => bridge, component: "bridge.test" }),
		returns: { rest: () => undefined },
		ghost: ({ address: [name] }: Person) => `${name}@bridge.test`,
		now: () => ({ at: Date.now(), unique: () => "u" }),
	} as unknown as HostedContext;
	const shown = {
		place: (_room: HostedRoom, by: string) => ({
			address: by,
			of: ({ name = "", id }: Person) => ({ nick: name, occupantId: `o-${id}` }),
			...{ files: true, markable: false, lengthOf: () => 1, mark: "mark-1" },
		}),
		complete: <T>(seen: T) => seen,
	};
	ask = createArchives(context, shown, { load: async () => room, settled: async () => undefined });
	history = createHistory(context, shown);
	const occupant = addOccupant(room, romeo, "o-romeo");
	const session: Session = { jid: "romeo@montague.lit/phone", address, presence: [], heard: 0 };
	addSession({ room, occupant, session });
	joined = { room, occupant, session };
	say = async (...texts) => {
		const said = texts.map((text) => hosting.say(source, alice, text));
		await bridge.seen("matrix" as NetworkName, said);
		return said.map(({ id }) => id);
	};
});
afterEach(() => vi.useRealTimers());

const query = (content = "", from = "romeo@montague.lit/phone", type = "set", to = address) =>
	stanza(`<iq type='${type}' id='q1' from='${from}' to='${to}'>${content}</iq>`);
const all = "<query xmlns='urn:xmpp:mam:2' queryid='f27'/>";
const answer = async (iq: Element) => {
	const found = await ask(iq);
	return found ? serialize(found).replaceAll("&apos;", "'") : undefined;
};
const refused = (type: string, condition: string) =>
	expect.stringMatching(new RegExp(`type="${type}"><${condition} `));
const bodies = (lines: readonly Element[]) =>
	lines.map((line) => /<body>(.*?)<\/body>/.exec(serialize(line))?.[1]);

test("a person in the room gets the lines of its archive, and then the end of the query", async () => {
	const [first, second] = await say("hello", "again");
	expect(await answer(query(all))).toBe(
		`<iq type="result" from="${address}" to="romeo@montague.lit/phone" id="q1"><fin xmlns="urn:xmpp:mam:2" complete="true"><set xmlns="http://jabber.org/protocol/rsm"><first>${first}</first><last>${second}</last><count>2</count></set></fin></iq>`,
	);
	expect(bodies(sent)).toEqual(["hello", "again"]);
	const [one] = sent.map((message) => serialize(message));
	expect(one).toContain(`<result xmlns="urn:xmpp:mam:2" queryid="f27" id="${first}">`);
	expect(one).toContain(
		`<message type="groupchat" from="${address}/alice" id="${first}" xmlns="jabber:client">`,
	);
	expect(one).toContain(`<stanza-id xmlns="urn:xmpp:sid:0" by="${address}" id="${first}"/>`);
	expect(one).toContain('<item affiliation="none" role="participant" jid="alice@bridge.test"/>');
});

test("a room that hides its past from newcomers does not tell how much was said", async () => {
	await say("hello");
	room.facts = { ...room.facts, pastHidden: true };
	expect(await answer(query(all))).not.toContain("<count>");
});

test("a person who is not in the room is refused, and so is one whom the source knows no more", async () => {
	await say("hello");
	expect(await answer(query(all, "tybalt@capulet.lit/phone"))).toEqual(refused("auth", "forbidden"));
	hosting.trouble = () => Promise.reject(new PermanentError("not-found", "nobody"));
	expect(await answer(query(all))).toEqual(refused("auth", "forbidden"));
	expect(sent).toEqual([]);
});

test("a query to no room is answered, and results and errors get no answer", async () => {
	expect(await answer(query(all, undefined, "set", "#elsewhere@bridge.test"))).toEqual(
		refused("cancel", "item-not-found"),
	);
	expect(await answer(query(`${all}<more/>`))).toEqual(refused("modify", "bad-request"));
	expect(await answer(query("<prefs xmlns='urn:xmpp:mam:2'/>", undefined, "get"))).toEqual(
		refused("cancel", "service-unavailable"),
	);
	expect(await answer(query(all, undefined, "result"))).toBe(undefined);
});

test("a server that does not answer is told as such, in time", async () => {
	await say("hello");
	hosting.trouble = () => Promise.reject(new TemporaryError("away"));
	expect(await answer(query(all))).toEqual(refused("wait", "remote-server-timeout"));
	vi.useFakeTimers();
	hosting.trouble = () => new Promise(() => undefined);
	const waiting = answer(query(all));
	await vi.advanceTimersByTimeAsync(25_000);
	expect(await waiting).toEqual(refused("wait", "remote-server-timeout"));
});

test("a client that read of a failure gets no results of the same query", async () => {
	await say("hello");
	vi.useFakeTimers();
	const late = Promise.withResolvers<void>();
	hosting.trouble = () => late.promise;
	const waiting = answer(query(all));
	await vi.advanceTimersByTimeAsync(25_000);
	expect(await waiting).toEqual(refused("wait", "remote-server-timeout"));
	late.resolve();
	await vi.advanceTimersByTimeAsync(1_000);
	expect(sent).toEqual([]);
});

test("each stanza of a message with files is a line of its own, and the next page goes on within it", async () => {
	const [id] = await say("two files");
	const [message] = source.timeline;
	const file = (name: string) => ({
		...{ kind: "file", name, source: { network: "matrix", ref: name }, link: `https://files.test/${name}` },
	});
	const { what } = message as unknown as { what: { event: object } };
	Object.assign(what.event, { media: file("a"), more: [file("b")], text: "look" });
	const page = (set: string) =>
		all.replace("/>", `><set xmlns='http://jabber.org/protocol/rsm'>${set}</set></query>`);
	await answer(query(page("<max>2</max>")));
	await answer(query(page(`<max>2</max><after>${id}#1</after>`)));
	expect(bodies(sent)).toEqual([
		"https://files.test/a",
		"https://files.test/b",
		expect.stringMatching(/look$/),
	]);
	const ids = sent.map((one) => / id="([^"]+)"><forwarded/.exec(serialize(one))?.[1]);
	expect(ids).toEqual([id, `${id}#1`, `${id}#2`]);
});

test("more queries than may wait are refused for the time being", async () => {
	await say("hello");
	hosting.trouble = () => new Promise(() => undefined);
	for (let n = 0; n < 203; n++) void ask(query(all));
	expect(await answer(query(all))).toEqual(refused("wait", "resource-constraint"));
});

test("an archive tells its first and last line", async () => {
	const get = () => answer(query("<metadata xmlns='urn:xmpp:mam:2'/>", undefined, "get"));
	expect(await get()).toContain('<metadata xmlns="urn:xmpp:mam:2"/>');
	const [first, , last] = await say("one", "two", "three");
	expect(await get()).toMatch(new RegExp(`<start id="${first}" timestamp="[^"]+"/><end id="${last}"`));
});

test("the first line that an archive tells is the first that its reader may see", async () => {
	const ids = await say(...Array.from({ length: 60 }, (_, n) => `line ${n}`));
	source.since.set(romeo.id, 45);
	const found = await answer(query("<metadata xmlns='urn:xmpp:mam:2'/>", undefined, "get"));
	expect(found).toMatch(new RegExp(`<start id="${ids[45]}" [^>]+><end id="${ids[59]}"`));
});

test("a joining session gets the last lines, less those that come live", async () => {
	const ids = await say("one", "two", "three");
	const lines = async (wish: string) =>
		bodies(beforeLive(joined.session, await history(joined, stanza(`<history ${wish}/>`)), 0));
	expect(await lines("")).toEqual(["one", "two", "three"]);
	expect(await lines("maxstanzas='2'")).toEqual(["two", "three"]);
	expect(await lines("maxchars='500'")).toEqual(["three"]);
	expect(await lines("maxstanzas='0'")).toEqual([]);
	const held = stanza(
		`<message><stanza-id xmlns='urn:xmpp:sid:0' by='${address}' id='${ids[2]}'/></message>`,
	);
	joined.session.held = [held];
	expect(await lines("")).toEqual(["one", "two"]);
});

test("a line of the history does not come live a second time", async () => {
	const [id] = await say("one");
	const live = () => [...sessionsWithout(room, id as never, Date.now())].length;
	expect(live()).toBe(1);
	beforeLive(joined.session, await history(joined, undefined), Date.now());
	expect(live()).toBe(0);
	expect([...sessionsWithout(room, "$later" as never, Date.now())]).toHaveLength(1);
	expect([...sessionsWithout(room, id as never, Date.now() + 61_000)]).toHaveLength(1);
});
