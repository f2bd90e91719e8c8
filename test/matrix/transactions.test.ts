import { beforeEach, describe, expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import type { BridgeEvent } from "../../src/core/event.ts";
import { createGuard } from "../../src/core/guard.ts";
import type { NetworkName, UserId } from "../../src/core/ids.ts";
import type { Person } from "../../src/core/person.ts";
import type { MatrixEvent } from "../../src/matrix/event.ts";
import { createTransactions } from "../../src/matrix/transactions.ts";
import { quiet } from "../fakes.ts";

const person = (mxid: string): Person => ({
	network: "matrix" as NetworkName,
	id: mxid as UserId,
	address: [mxid],
	handles: [mxid],
	domain: "hs.test",
});
const event = (event_id: string): MatrixEvent => ({
	type: "m.room.message",
	event_id,
	room_id: "!r",
	sender: "@alice:hs.test",
	origin_server_ts: 1,
	content: { msgtype: "m.text", body: event_id },
});

let translated: string[];
let received: string[];
let receive: (events: readonly BridgeEvent[]) => Promise<void>;
let take: ReturnType<typeof createTransactions>;

beforeEach(() => {
	translated = [];
	received = [];
	receive = async (events) => void received.push(...events.map(({ id }) => id));
	take = createTransactions({
		client: {},
		members: { known: () => true, of: () => new Map(), person },
		ghosts: {},
		rooms: { withBot: new Set(), speaker: async () => undefined },
		doubt: {},
		recent: {
			note: () => undefined,
			async around({ event_id }: MatrixEvent) {
				translated.push(event_id);
				return { person, event: () => undefined, votes: [], isOurs: () => false };
			},
		},
		bridge: {
			portal: async () => ({ id: "p" }),
			receive: (events: readonly BridgeEvent[]) => receive(events),
		},
		domain: "hs.test",
		bot: "@trivium:hs.test",
		prefix: "!bridge",
		others: { note: () => undefined, wrote: async () => false },
		isOurs: () => false,
		refuse: async () => undefined,
		guard: createGuard(quiet),
		log: quiet,
	} as unknown as Parameters<typeof createTransactions>[0]);
});

describe("createTransactions: what the homeserver repeats", () => {
	const two = [event("$1"), event("$2")];

	test("a transaction repeated ten times is translated once", async () => {
		for (let times = 0; times < 11; times++) await take(two);
		expect(translated).toEqual(["$1", "$2"]);
		expect(received).toEqual(["$1", "$2"]);
	});

	test("a transaction repeated while it is taken waits until it is on disk, and is translated once", async () => {
		const disk = Promise.withResolvers<void>();
		receive = async (events) => {
			await disk.promise;
			received.push(...events.map(({ id }) => id));
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

	test("an event that stands twice in a transaction is taken once", async () => {
		await take([event("$1"), event("$1"), event("$2")]);
		expect(received).toEqual(["$1", "$2"]);
	});
});
