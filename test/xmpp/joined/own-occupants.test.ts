import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { LinkId, NetworkName, RoomId } from "../../../src/core/ids.ts";
import * as own from "../../../src/xmpp/joined/own-occupants.ts";
import { createRoom } from "../../../src/xmpp/joined/room.ts";
import { avatar } from "../fake-faces.ts";

const folder = new URL("../../../src/xmpp/joined/", import.meta.url);

function world() {
	const listener = own.createOwnOccupant("~listener-1@b.test/x", "Trivium");
	const ours = own.createOwnOccupants(listener);
	const person = { network: "matrix", id: "@alice:hs.test", address: ["alice", "hs.test"], name: "Alice" };
	const alice = own.occupantOf(ours, "alice@b.test/x", "Alice", person as never);
	own.want(alice);
	return { ours, alice };
}

describe("the stay of an own occupant", () => {
	test("goes from joining to in, and holds the nick that the MUC gave", () => {
		const { ours, alice } = world();
		own.beginJoin(alice, 7);
		own.askForNick(alice, "Alice");
		expect(alice.stay).toEqual({ state: "joining", since: 7, leaving: false });
		expect(own.arrive(ours, alice, "Alice (2)", undefined)).toBe(true);
		expect([alice.stay, alice.nick]).toEqual([{ state: "in", confirmed: true }, "Alice (2)"]);
		expect([...ours.byNick]).toEqual([["Alice (2)", alice]]);
	});

	test("outlasts the answer to an earlier goodbye while it joins again", () => {
		const { ours, alice } = world();
		own.arrive(ours, alice, "Alice", undefined);
		expect(own.sayGoodbye(ours, alice)).toBe(true);
		expect(alice.stay).toEqual({ state: "leaving" });
		own.want(alice);
		own.beginJoin(alice, 1);
		expect(own.finishGoodbye(ours, alice)).toBe(true);
		expect(alice.stay).toEqual({ state: "joining", since: 1, leaving: false });
		expect(ours.byJid.has(alice.jid)).toBe(true);
		// The next unavailable presence is no answer to a goodbye.
		expect(own.finishGoodbye(ours, alice)).toBe(false);
	});

	test("is leaving again when a join fails before the goodbye is answered", () => {
		const { ours, alice } = world();
		own.arrive(ours, alice, "Alice", undefined);
		own.sayGoodbye(ours, alice);
		own.beginJoin(alice, 1);
		own.abandonJoin(alice);
		expect(alice.stay).toEqual({ state: "leaving" });
	});

	test("ends with the answer to the goodbye, and the occupant is forgotten", () => {
		const { ours, alice } = world();
		own.arrive(ours, alice, "Alice", undefined);
		own.sayGoodbye(ours, alice);
		expect(own.finishGoodbye(ours, alice)).toBe(true);
		expect([alice.stay, ours.byJid.has(alice.jid)]).toEqual([{ state: "out" }, false]);
	});

	test("can be confirmed only while the occupant is in", () => {
		const { ours, alice } = world();
		own.setConfirmed(alice, true);
		expect(own.isConfirmed(alice)).toBe(false);
		own.arrive(ours, alice, "Alice", undefined);
		own.setConfirmed(alice, false);
		expect([own.isIn(alice), own.isConfirmed(alice)]).toEqual([true, false]);
	});
});

describe("the parts of a MUC", () => {
	test("are read-only for files that do not own them, by their types", () => {
		const link = { id: "l1" as LinkId, network: "xmpp" as NetworkName, role: "joined" } as const;
		const listeners = {
			own: own.createOwnOccupant("~listener-1@b.test/x", "Trivium"),
			stated: own.createOwnOccupant("trivium@b.test/x", "Trivium"),
		};
		const room = createRoom(
			"verona@muc.test",
			{ ...link, room: "verona@muc.test" as RoomId, in: true, out: true },
			listeners,
			0,
		);
		// The compiler fails here if one of these may be written.
		const writes = () => {
			// @ts-expect-error own-occupants.ts owns it
			room.listener.stay = { state: "out" };
			// @ts-expect-error own-occupants.ts owns it
			room.ours.byNick.clear();
			// @ts-expect-error roster.ts owns it
			room.roster.others.clear();
			// @ts-expect-error roster.ts owns it
			room.roster.synced = true;
			// @ts-expect-error listening.ts owns it
			room.listening.active = listener;
			// @ts-expect-error read-position.ts owns it
			room.position.read = undefined;
			// @ts-expect-error gap.ts owns it
			room.backfill.gap = undefined;
			// @ts-expect-error archive-search.ts owns it
			room.search.searchedTo = 0;
			// @ts-expect-error send-queue.ts owns it
			room.sendQueue.unproven = false;
			// @ts-expect-error room.ts owns it
			room.closed = true;
		};
		expect(writes).toBeTypeOf("function");
	});

	test("are not assigned to through a room by any file", () => {
		const assigns = /\b(room|ours|listener|active)(\.\w+)+\s*(\?\?=|\+\+|--|\+=|=(?![=>]))/;
		const found = readdirSync(folder).flatMap((file) =>
			readFileSync(new URL(file, folder), "utf8")
				.split("\n")
				.filter((line) => assigns.test(line) && !/\bconst\b/.test(line))
				.map((line) => `${file}: ${line.trim()}`),
		);
		// The functions of room.ts take the writable room.
		expect(found.filter((line) => !line.startsWith("room.ts: room."))).toEqual([]);
	});
});

test("an own occupant keeps the picture of its person while an event does not tell it", () => {
	const { ours } = world();
	const of = (more: object) =>
		own.occupantOf(ours, "alice@b.test/x", "Alice", {
			network: "matrix",
			address: ["alice"],
			...more,
		} as never).person?.avatar;
	expect([{}, { avatar: avatar("a") }, {}, { avatar: null }, {}].map(of)).toEqual([
		undefined,
		avatar("a"),
		avatar("a"),
		null,
		null,
	]);
});
