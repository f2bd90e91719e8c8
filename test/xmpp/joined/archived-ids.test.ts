import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { MessageId, OperationId } from "../../../src/core/ids.ts";
import { alice, aliceJid, person, room, wireId, world } from "./muc-world.ts";

/** What lines of ours are called in a room, when nobody has noted it. */

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

const asks = (...names: string[]) => names.map((name) => ({ operation: name as OperationId, sender: alice }));
async function begun(faults: Parameters<typeof world>[0] = {}) {
	const w = world(faults);
	w.muc.come("Romeo");
	await w.attach();
	return w;
}

test("the archive says, also of lines that were sent in parts, and of no others' lines", async () => {
	const w = await begun();
	const ids: (readonly MessageId[])[] = [];
	for (const operation of ["op", "op.caption", "other"]) {
		const out = { kind: "message", style: "text", text: operation } as const;
		ids.push(await w.done(w.rooms.send(w.out(out, 0, operation))));
		w.muc.say("Romeo", operation, wireId(operation));
	}
	await w.settle();
	w.crash();
	await w.attach();
	const [parts, other, none] = await w.done(w.rooms.delivered(room, asks("op", "other", "unheard of")));
	expect(parts).toEqual([...(ids[0] ?? []), ...(ids[1] ?? [])]);
	expect(other).toEqual(["sid S5", `msg ${wireId("other")}`, `from other ${aliceJid}`]);
	expect(none).toEqual([]);
});

test("a line that the listener said is the listener's", async () => {
	const w = await begun();
	w.muc.faults.refuse = (_, jid) => (jid === aliceJid ? ["wait", "service-unavailable"] : undefined);
	const out = { kind: "message", style: "text", text: "hi" } as const;
	const ids = await w.done(w.rooms.send(w.out(out, 0, "op")));
	expect(ids.at(-1)).toContain("~listener-");
	expect(await w.done(w.rooms.delivered(room, asks("op")))).toEqual([ids]);
});

test("without an archive the name is made again, for those who are there", async () => {
	const w = await begun({ noArchive: true, noStanzaIds: true });
	await w.done(w.move("join"));
	const bob = { operation: "op" as OperationId, sender: person("bob", "Bob") };
	expect(await w.done(w.rooms.delivered(room, [...asks("op"), bob]))).toEqual([
		[`msg ${wireId("op")}`, `from op ${aliceJid}`],
		[],
	]);
	expect(await w.done(w.rooms.delivered("mantua@muc.test", asks("op")))).toEqual([]);
});
