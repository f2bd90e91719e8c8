import { expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import type { State } from "../../src/core/event.ts";
import type { LinkId, MessageId, PortalId, RoomId } from "../../src/core/ids.ts";
import { noMeter } from "../../src/core/meter.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, rulesFor } from "../bridge.ts";
import { fakeNetwork, lines, until } from "../fakes.ts";

const link = (network: string, room: string, out: boolean) => ({
	id: `${network} link` as LinkId,
	network: network as never,
	role: "joined" as const,
	room: room as RoomId,
	in: true,
	out,
});

test("values in place of one another that wait for a room give way to the latest one, and the first stays", async () => {
	const [things, chat] = [fakeNetwork("things"), fakeNetwork("chat")];
	const mapping = createMemoryMapping();
	const journal = createMemoryJournal();
	let merged = 0;
	const meter = { ...noMeter, merged: () => void merged++ };
	const bridge = bridgeOf([things, chat], rulesFor({ "*": "use" }), { mapping, journal, meter });
	await mapping.savePortal({
		id: "p" as PortalId,
		links: [link("things", "plant", false), link("chat", "plaza", true)],
	});
	await bridge.start();
	let away = true;
	chat.trouble = async () => {
		if (away) throw new TemporaryError("away");
	};
	const value = (key: string, n: number): State => ({
		...{ kind: "state", id: `${key} ${n}` as MessageId, room: "plant" as RoomId, key, label: key },
		...{ sender: things.person(key), at: n, value: String(n) },
		...(n > 0 && { replaces: { id: `${key} 0` as MessageId } }),
	});
	for (const key of ["lamp", "oven"]) await things.bridge.receive([value(key, 0)]);
	for (let n = 1; n <= 50; n++)
		for (const key of ["lamp", "oven"]) await things.bridge.receive([value(key, n)]);
	const { waiting } = await journal.stats();
	expect(waiting).toBeLessThan(20);
	expect(merged).toBe(102 - waiting);
	away = false;
	bridge.resume(chat.name);
	await until(
		() => chat.sent.length === waiting,
		() => lines(chat).join(" | "),
	);
	const shown = chat.sent.map(({ event }) => ("text" in event ? event.text : event.kind));
	expect(shown.slice(-2)).toEqual(["lamp: 50", "oven: 50"]);
	expect(shown.slice(0, 2)).toEqual(["lamp: 0", "oven: 0"]);
	await bridge.stop(1_000);
	expect((await journal.stats()).waiting).toBe(0);
});
