import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { MessageId, OperationId } from "../../../src/core/ids.ts";
import { alice, aliceJid, person, room, wireId, world } from "./muc-world.ts";

/** The ids that lines of ours have in a MUC, where the journal has no note of them. */

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

test("the archive gives the ids of our lines, also of those sent in parts, and of nobody else's", async () => {
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

test("the archive names the listener as the writer of a line that went through it", async () => {
	const w = await begun();
	w.muc.faults.refuse = (_, jid) => (jid === aliceJid ? ["wait", "service-unavailable"] : undefined);
	const out = { kind: "message", style: "text", text: "hi" } as const;
	const ids = await w.done(w.rooms.send(w.out(out, 0, "op")));
	expect(ids.at(-1)).toContain("~listener-");
	expect(await w.done(w.rooms.delivered(room, asks("op")))).toEqual([ids]);
});

test("without an archive, the id is made again for occupants that are in", async () => {
	const w = await begun({ noArchive: true, noStanzaIds: true });
	await w.done(w.move("join"));
	const bob = { operation: "op" as OperationId, sender: person("bob", "Bob") };
	expect(await w.done(w.rooms.delivered(room, [...asks("op"), bob]))).toEqual([
		[`msg ${wireId("op")}`, `from op ${aliceJid}`],
		[],
	]);
	expect(await w.done(w.rooms.delivered("mantua@muc.test", asks("op")))).toEqual([]);
});
