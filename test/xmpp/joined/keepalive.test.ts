import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createGuard } from "../../../src/core/guard.ts";
import type { Context } from "../../../src/xmpp/joined/context.ts";
import { createKeepalive } from "../../../src/xmpp/joined/keepalive.ts";
import { createListening, noteHeard, noteJoined } from "../../../src/xmpp/joined/listening.ts";
import { arrive, createOwnOccupant, createOwnOccupants } from "../../../src/xmpp/joined/own-occupants.ts";
import type { Room } from "../../../src/xmpp/joined/room.ts";
import type { Element } from "../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../fakes.ts";
import { stanza } from "../stanza.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000 }));
afterEach(() => void vi.useRealTimers());

/** Starts the keepalive of so many MUCs that were all joined at once. */
function started(count: number) {
	const rooms = new Map<string, Room>();
	for (let n = 0; n < count; n++) {
		const jid = `r${n}@muc.test`;
		const listener = createOwnOccupant(`l${n}@bridge.test/trivium`, "Trivium");
		const ours = createOwnOccupants(listener);
		arrive(ours, listener, "Trivium", undefined);
		const listening = createListening(listener);
		noteJoined(listening, Date.now());
		rooms.set(jid, { jid, ours, listening, backfill: {}, position: {} } as unknown as Room);
	}
	const asked: { to: string; at: number }[] = [];
	const began = Date.now();
	const iq = async ({ attrs }: Element) => {
		asked.push({ to: attrs.to ?? "", at: (Date.now() - began) / 1_000 });
		return stanza("<iq type='result'/>");
	};
	const context = {
		...{ guard: createGuard(quiet), log: quiet, link: { iq, online: true } },
		now: () => ({ at: Date.now(), unique: () => "u" }),
	} as unknown as Context;
	const keepalive = createKeepalive(rooms, context);
	keepalive.start();
	return { rooms, asked, stop: keepalive.stop };
}

describe("the self-pings of silent MUCs", () => {
	test("are spread over a minute where a thousand fall silent at once, and go on like that", async () => {
		const { asked, stop } = started(1_000);
		await vi.advanceTimersByTimeAsync(119_000);
		expect(asked).toEqual([]);
		await vi.advanceTimersByTimeAsync(62_000);
		expect(new Set(asked.map(({ to }) => to)).size).toBe(1_000);
		expect(asked).toHaveLength(1_000);
		await vi.advanceTimersByTimeAsync(180_000);
		const atOnce = Map.groupBy(asked, ({ at }) => at);
		expect(Math.max(...[...atOnce.values()].map((all) => all.length))).toBe(84);
		stop();
	});

	test("are left out where the MUC sends lines", async () => {
		const { rooms, asked, stop } = started(2);
		for (let n = 0; n < 10; n++) {
			await vi.advanceTimersByTimeAsync(60_000);
			const first = rooms.get("r0@muc.test");
			if (first) noteHeard(first.listening, Date.now());
		}
		expect(new Set(asked.map(({ to }) => to))).toEqual(new Set(["r1@muc.test/Trivium"]));
		stop();
	});
});
