import { beforeEach, describe, expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import { createGuard } from "../../src/core/guard.ts";
import type { MatrixEvent } from "../../src/matrix/event.ts";
import type { TimelineEntry } from "../../src/matrix/timeline.ts";
import { createTransactions } from "../../src/matrix/transactions.ts";
import { quiet } from "../fakes.ts";
import { sampleEvent, samplePerson } from "./samples.ts";

const event = (event_id: string) => sampleEvent({ event_id, content: { msgtype: "m.text", body: event_id } });
/** Returns the echo of a ghost's event. */
const own = (event_id: string, op?: string): MatrixEvent => ({
	...event(event_id),
	sender: "@_xmpp_romeo:hs.test",
	content: { body: event_id, ...(op && { "trivium.bridge": { op } }) },
});
const idOf = (entry: TimelineEntry): string =>
	entry.kind === "foreign"
		? String(entry.event?.id)
		: `echo of ${entry.operation ?? "nothing"}: ${entry.event.event_id}`;

let translated: string[];
/** The id of an event whose translation fails. */
let unreadable: string;
let received: string[];
let confirmed: string[];
let receive: (entries: readonly TimelineEntry[]) => Promise<void>;
let take: ReturnType<typeof createTransactions>;

beforeEach(() => {
	translated = [];
	unreadable = "";
	received = [];
	confirmed = [];
	receive = async (entries) => void received.push(...entries.map(idOf));
	take = createTransactions({
		client: {},
		members: { known: () => true, of: () => new Map(), person: samplePerson },
		ghosts: {},
		rooms: { withBot: new Set() },
		reader: async () => undefined,
		eventCache: {
			note: () => undefined,
			async around({ event_id }: MatrixEvent) {
				if (event_id === unreadable) throw new TemporaryError("not now");
				translated.push(event_id);
				return { person: samplePerson, event: () => undefined, votes: [], isOurs: () => false };
			},
		},
		bridge: { portal: async () => ({ id: "p", links: [] }) },
		confirm: ({ operation = "none" }) => void confirmed.push(operation),
		receive: (entries: readonly TimelineEntry[]) => receive(entries),
		domain: "hs.test",
		bot: "@trivium:hs.test",
		prefix: "!bridge",
		newcomer: () => undefined,
		policyLists: { note: () => undefined },
		ranks: { note: () => undefined },
		otherBridges: {
			note: () => undefined,
			wrote: async () => false,
			comeFrom: async () => [],
			isDouble: () => false,
		},
		isOurs: (mxid: string) => mxid.startsWith("@_xmpp_"),
		refuse: async () => undefined,
		guard: createGuard(quiet),
		log: quiet,
	} as unknown as Parameters<typeof createTransactions>[0]);
});

describe("createTransactions, with repeated transactions", () => {
	const two = [event("$1"), event("$2")];

	test("a transaction repeated ten times is translated once", async () => {
		for (let times = 0; times < 11; times++) await take(two);
		expect(translated).toEqual(["$1", "$2"]);
		expect(received).toEqual(["$1", "$2"]);
	});

	test("a transaction repeated while it is taken waits until it is on disk, and is translated once", async () => {
		const disk = Promise.withResolvers<void>();
		receive = async (entries) => {
			await disk.promise;
			received.push(...entries.map(idOf));
		};
		let acknowledged = 0;
		const all = Array.from({ length: 10 }, () => take(two).then(() => acknowledged++));
		await new Promise((resolve) => setTimeout(resolve, 20));
		expect(acknowledged).toBe(0);
		disk.resolve();
		await Promise.all(all);
		expect(translated).toEqual(["$1", "$2"]);
		expect(received).toEqual(["$1", "$2"]);
	});

	test("an event that did not reach the disk is taken again", async () => {
		const works = receive;
		receive = async () => {
			throw new TemporaryError("the disk is full");
		};
		const first = take(two);
		await expect(first).rejects.toThrow("the disk is full");
		receive = works;
		await take(two);
		expect(received).toEqual(["$1", "$2"]);
	});

	test("two transactions that share events in another order do not wait for each other for ever", async () => {
		await Promise.all([take([event("$1"), event("$2")]), take([event("$2"), event("$1"), event("$3")])]);
		expect(received.toSorted()).toEqual(["$1", "$2", "$3"]);
	});

	test("remembers the last 10,000 events, and takes an older one again", async () => {
		await take(two);
		await take(Array.from({ length: 9_999 }, (_, n) => event(`$other ${n}`)));
		const before = translated.length;
		await take([event("$2"), event("$1")]);
		expect(translated.slice(before)).toEqual(["$1"]);
	});

	test("an event that stands twice in a transaction is taken once", async () => {
		await take([event("$1"), event("$1"), event("$2")]);
		expect(received).toEqual(["$1", "$2"]);
	});
});

describe("createTransactions: echoes of our own events", () => {
	test("hands echoes and foreign events over in the order of the transaction", async () => {
		await take([own("$1", "op1"), event("$2"), own("$3", "op3"), own("$4"), event("$5")]);
		expect(received).toEqual(["echo of op1: $1", "$2", "echo of op3: $3", "echo of nothing: $4", "$5"]);
	});

	test("keeps that order where a request of a person stands between them", async () => {
		const invite = {
			...event("$invite"),
			...{ type: "m.room.member", state_key: "@_xmpp_romeo:hs.test", content: { membership: "invite" } },
		};
		await take([own("$1", "op1"), event("$2"), invite, own("$3", "op3"), event("$4")]);
		expect(received).toEqual(["echo of op1: $1", "$2", "echo of op3: $3", "$4"]);
	});

	test("confirms a delivery before the transaction is on disk", async () => {
		const disk = Promise.withResolvers<void>();
		receive = () => disk.promise;
		const taken = take([event("$1"), own("$2", "op2")]);
		await new Promise((resolve) => setTimeout(resolve, 20));
		expect(confirmed).toEqual(["op2"]);
		disk.resolve();
		await taken;
	});

	test("confirms a delivery also where a later event of the transaction cannot be read", async () => {
		unreadable = "$2";
		await expect(take([own("$1", "op1"), event("$2")])).rejects.toThrow("not now");
		expect(confirmed).toEqual(["op1"]);
		expect(received).toEqual([]);
		unreadable = "";
		await take([own("$1", "op1"), event("$2")]);
		expect(received).toEqual(["echo of op1: $1", "$2"]);
	});

	test("does not let a repeated echo wait for the disk, nor translate an echo", async () => {
		receive = () => new Promise(() => undefined);
		void take([own("$1", "op1"), own("$2", "op2")]);
		await new Promise((resolve) => setTimeout(resolve, 20));
		receive = async (entries) => void received.push(...entries.map(idOf));
		await take([own("$1", "op1"), own("$2", "op2")]);
		expect(received).toEqual(["echo of op1: $1", "echo of op2: $2"]);
		expect(translated).toEqual([]);
	});

	test("takes a state event of ours for no echo", async () => {
		await take([{ ...own("$1"), type: "m.room.topic", state_key: "" }]);
		expect(received).toEqual([]);
	});
});
