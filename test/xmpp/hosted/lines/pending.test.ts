import { expect, test } from "vitest";
import type { MessageId, RoomId } from "../../../../src/core/ids.ts";
import { createPendingLines, type Pending } from "../../../../src/xmpp/hosted/lines/pending.ts";
import { xml } from "../../../../src/xmpp/stream/xml.ts";

const room = "!r" as RoomId;
const line = (id: number, more: Partial<Pending> = {}): Pending => ({
	...{ id: `said ${id} c` as MessageId, room, person: "xmpp romeo", act: { kind: "message" }, at: 0 },
	session: { jid: "romeo@x.test/a", address: "#l@b.test", presence: [], heard: 0 },
	settle: () => undefined,
	...more,
});

test("the lines that wait are bounded by number, bytes and time, and the oldest go first", () => {
	let now = 0;
	const pending = createPendingLines(() => now);
	for (let id = 0; id < 10_001; id++) pending.add(line(id));
	expect(pending.get(line(0).id)).toBe(undefined);
	expect(pending.get(line(1).id)).toBeDefined();
	const large = xml("message", {}, xml("body", {}, "x".repeat(1_000_000)));
	for (let id = 20_000; id < 20_040; id++) pending.add(line(id, { original: large }));
	expect(pending.get(line(20_000).id)).toBe(undefined);
	expect(pending.get(line(20_039).id)).toBeDefined();
	now = 16 * 60_000;
	pending.add(line(30_000, { at: now }));
	expect(pending.get(line(20_039).id)).toBe(undefined);
	expect(pending.get(line(30_000).id)).toBeDefined();
});

test("a person waits for the last of their lines alone", async () => {
	const pending = createPendingLines(() => 0);
	const [one, other] = [line(1), line(2)];
	pending.add(one);
	pending.add(other);
	pending.add(line(3, { person: "xmpp tybalt" }));
	let idle = false;
	const wait = pending.idle(room, one.person, 60_000).then(() => {
		idle = true;
	});
	pending.forget(one);
	await Promise.resolve();
	expect(idle).toBe(false);
	pending.forget(other);
	await wait;
	await pending.idle(room, one.person, 60_000);
	await pending.idle(room, "xmpp tybalt", 1);
});
