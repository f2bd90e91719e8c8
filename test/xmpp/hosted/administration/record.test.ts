import { expect, test } from "vitest";
import type { RoomId } from "../../../../src/core/ids.ts";
import type { Log } from "../../../../src/core/log.ts";
import {
	createRecords,
	emptyRecord,
	nickOwner,
	type RecordChange,
} from "../../../../src/xmpp/hosted/administration/record.ts";
import { quiet } from "../../../fakes.ts";

const room = "!lobby@bridge.test" as RoomId;
const member = (n: number): RecordChange => ({
	list: "members",
	key: `xmpp ${n}`,
	value: `${n}@verona.test`,
});

function world(
	bound?: Readonly<{ ofRoom: number; bytes: number }>,
	cursors = new Map<string, string>(),
	log: Log = quiet,
) {
	const bridge = () => ({
		cursors: async (prefix: string) =>
			[...cursors].flatMap(([key, value]) => (key.startsWith(prefix) ? [{ key, value }] : [])),
		saveCursor: async ({ key, value }: { key: string; value: string | undefined }) => {
			if (value === undefined) cursors.delete(key);
			else cursors.set(key, value);
		},
	});
	const store = createRecords({ bridge, log, changed: () => undefined, ...(bound && { bound }) });
	return { store, cursors };
}

test("each list that is kept of a room outlives a restart", async () => {
	const { store, cursors } = world();
	store.change(room, [
		member(1),
		{ list: "nicks", key: "xmpp 1", value: { jid: "1@verona.test", nick: "County" } },
		{ list: "domains", key: "spam.test", value: "spam" },
		{ list: "moderators", key: "xmpp 1", value: { jid: "1@verona.test", level: 25, by: "2@verona.test" } },
	]);
	const after = world(undefined, cursors).store;
	await after.load();
	expect(after.of(room)).toEqual(store.of(room));
	expect(Object.values(after.of(room)).map(({ size }) => size)).toEqual([1, 1, 1, 1]);
	after.forget(room);
	expect([after.of(room), cursors.size]).toEqual([emptyRecord, 0]);
});

test("more than a bound is refused, and what is kept can always be taken away", () => {
	const few = world({ ofRoom: 2, bytes: 1_000_000 }).store;
	few.change(room, [member(1), member(2)]);
	expect(few.takes(room, [member(3)])).toBe(false);
	expect(few.takes(room, [{ list: "members", key: "xmpp 1", value: undefined }, member(3)])).toBe(true);
	const small = world({ ofRoom: 100, bytes: 400 }).store;
	expect(small.takes(room, [member(1)])).toBe(true);
	small.change(room, [member(1), member(2), member(3)]);
	expect(small.takes("!other@bridge.test" as RoomId, [member(1)])).toBe(false);
	expect(small.takes(room, [{ list: "members", key: "xmpp 1", value: undefined }])).toBe(true);
});

test("a full record follows no further change of the source, and the log tells of it", () => {
	const warnings: unknown[] = [];
	const log: Log = { ...quiet, warn: (...all: unknown[]) => void warnings.push(all[0]) };
	const { store } = world({ ofRoom: 1, bytes: 1_000_000 }, undefined, log);
	store.follow(room, [member(1)]);
	expect([store.of(room).members.size, warnings]).toEqual([1, []]);
	store.follow(room, [{ list: "domains", key: "spam.test", value: "spam" }]);
	expect([store.of(room).domains.size, warnings]).toEqual([0, [{ room, changes: 1 }]]);
});

test("the owner of a nick is found without another look at each nick of the room", () => {
	let looks = 0;
	const one = {
		jid: "1@verona.test",
		get nick() {
			looks++;
			return "County";
		},
	};
	const record = { ...emptyRecord, nicks: new Map([["xmpp 1", one]]) };
	expect(["county", "Paris", "Cοunty"].map((nick) => nickOwner(record, nick))).toEqual([
		"xmpp 1",
		undefined,
		"xmpp 1",
	]);
	expect(looks).toBe(1);
});
