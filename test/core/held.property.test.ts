import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Outbound, Received } from "../../src/core/network.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { createSqliteJournal } from "../../src/store/sqlite.ts";
import { bridgeOf, command, noLimits, rulesFor } from "../bridge.ts";
import { fakeNetwork } from "../fakes.ts";

const people = ["ann", "bob", "eve"] as const;
const rooms = ["plaza", "market"] as const;

/** An action of one person in one room. `of` chooses its target among the messages of the room. */
type Act = Readonly<{
	who: number;
	room: number;
	what: "say" | "reply" | "edit" | "react" | "delete";
	of: number;
}>;
type Step = readonly Act[] | "restart" | "wait" | "repeat";

const act: fc.Arbitrary<Act> = fc.record({
	who: fc.nat(people.length - 1),
	room: fc.nat(rooms.length - 1),
	what: fc.constantFrom("say", "say", "say", "reply", "edit", "edit", "react", "delete"),
	of: fc.nat(6),
});
const steps = fc.array(
	fc.oneof(
		{ weight: 8, arbitrary: fc.array(act, { minLength: 1, maxLength: 8 }) },
		{ weight: 1, arbitrary: fc.constantFrom<Step>("restart", "wait", "repeat") },
	),
	{ minLength: 1, maxLength: 12 },
);

/** A message as the source room shows it at last. */
type Said = { id: string; who: string; room: string; text: string; deleted: boolean };

/** The model: the messages of the source rooms, and the events in the order in which they were said. */
function model() {
	const said: Said[] = [];
	const events: { event: Received; room: string; who: string; target?: Said }[] = [];
	let count = 0;

	return {
		said,
		events,
		/** Returns the event of an act; undefined if there is nothing that it could be about. */
		perform({ who: index, room: place, what, of }: Act, sender: (who: string) => Received["sender"]) {
			const [who, room] = [people[index] as string, rooms[place] as string];
			const base = { room: room as RoomId, sender: sender(who), at: Date.now() };
			const known = said.filter((one) => one.room === room && !one.deleted);
			const theirs = what === "edit" || what === "delete" ? known.filter((one) => one.who === who) : known;
			const target = theirs.at(-1 - (of % Math.max(1, theirs.length)));
			if (!target && what !== "say") return undefined;
			const text = `${who} ${++count}`;
			const id = text as MessageId;
			const about = { target: { id: (target?.id ?? "") as MessageId } };
			const make = (): Received => {
				const words = { style: "text", text } as const;
				switch (what) {
					case "say":
						return { ...base, id, kind: "message", ...words };
					case "reply":
						return { ...base, id, kind: "message", ...words, replyTo: about.target };
					case "edit":
						return { ...base, id, kind: "edit", ...words, ...about };
					case "react":
						return { ...base, id, kind: "reaction", mode: "add", emoji: [`e${count}`], ...about };
					case "delete":
						return { ...base, id, kind: "redaction", ...about };
				}
			};
			if (what === "say" || what === "reply") said.push({ id: text, who, room, text, deleted: false });
			if (what === "edit" && target) target.text = text;
			if (what === "delete" && target) target.deleted = true;
			const event = make();
			events.push({ event, room, who, ...(target && what !== "say" && { target }) });
			return event;
		},
	};
}

const limits = fc.constantFrom(
	{ sender: { perMinute: 12_000, burst: 2 } },
	{ domain: { perMinute: 12_000, burst: 2 } },
	{ sender: { perMinute: 6_000, burst: 1 }, domain: { perMinute: 12_000, burst: 3 } },
);

test("above the limits, nothing is lost or doubled, each sender's order holds, references follow their targets, and the newest edits arrive, over restarts", async () => {
	await fc.assert(
		fc.asyncProperty(steps, limits, async (all, over) => {
			const folder = mkdtempSync(join(tmpdir(), "trivium-held-"));
			const mapping = createMemoryMapping();
			const world = model();
			const sent: Outbound[] = [];
			/** Ids that mars knows, by room: a reference that arrives must name one of them. */
			const there = new Set<string>();
			const faults: string[] = [];
			const start = async () => {
				const journal = createSqliteJournal({ file: join(folder, "journal.db"), onFailure: () => undefined });
				await journal.open();
				const earth = fakeNetwork("earth");
				const mars = fakeNetwork("mars", {
					window: 5,
					send: async (out) => {
						sent.push(out);
						for (const [of, ids] of Object.entries(out.refs))
							if (ids.some((one) => !there.has(one))) faults.push(`${out.event.kind} of ${of}`);
						const id = `mars:${out.operation}`;
						there.add(id);
						return [id as MessageId];
					},
				});
				for (const room of rooms) mars.rooms.set(`${room} there`, []);
				const rules = rulesFor({ "*": "admin" }, { limits: { ...noLimits, ...over } });
				const bridge = bridgeOf([earth, mars], rules, { mapping, journal });
				await bridge.start();
				return { bridge, earth, journal };
			};
			let run = await start();
			// One person for each command, since the limits are theirs, too.
			for (const room of rooms)
				expect(
					await command(run.bridge, run.earth, `link mars ${room} there`, { who: `boss of ${room}`, room }),
				).toMatch(/^Linked/);
			try {
				for (const step of all) {
					if (step === "wait") await sleep(15);
					else if (step === "repeat")
						await run.earth.bridge.receive(world.events.slice(-5).map(({ event }) => event));
					else if (step === "restart") {
						await run.bridge.stop(1_000);
						await run.journal.close();
						run = await start();
					} else
						await run.earth.bridge.receive(step.flatMap((one) => world.perform(one, run.earth.person) ?? []));
				}
				for (const end = Date.now() + 10_000; ; await sleep(2)) {
					const { held, waiting } = await run.journal.stats();
					if (held + waiting === 0) break;
					expect(Date.now(), `${held} held, ${waiting} waiting`).toBeLessThan(end);
				}
				check();
			} finally {
				await run.bridge.stop(1_000);
				await run.journal.close();
				rmSync(folder, { recursive: true });
			}

			function check(): void {
				expect(faults).toEqual([]);
				// Each event is sent once at most.
				expect(new Set(sent.map(({ operation }) => operation)).size).toBe(sent.length);
				const place = new Map(sent.map(({ event }, index) => [event.id as string, index]));
				// Each message that was not deleted arrived, with its newest text.
				const shown = new Map<string, string>();
				for (const { event, operation, refs } of sent) {
					if (event.kind === "message") shown.set(`mars:${operation}`, event.text);
					if (event.kind === "edit") shown.set(refs[event.target.id]?.[0] ?? "nowhere", event.text);
					if (event.kind === "redaction") shown.delete(refs[event.target.id]?.[0] ?? "nowhere");
				}
				const wanted = world.said.filter((one) => !one.deleted).map(({ text }) => text);
				expect([...shown.values()].sort()).toEqual(wanted.sort());
				// Each sender's events in a room are in order. An edit may have moved to the place of what it replaced.
				for (const who of people)
					for (const room of rooms) {
						const own = world.events.filter((one) => one.who === who && one.room === room);
						const arrived = own.flatMap(({ event }) =>
							event.kind === "edit" ? [] : (place.get(event.id) ?? []),
						);
						expect(arrived).toEqual(arrived.toSorted((a, b) => a - b));
					}
				// An event comes after the message to which it refers.
				for (const { event, target } of world.events) {
					const [here, before] = [place.get(event.id), place.get(target?.id ?? "")];
					if (here !== undefined && before !== undefined) expect(here).toBeGreaterThan(before);
				}
				// Each reaction to a message that is still there arrived.
				for (const { event, target } of world.events)
					if (event.kind === "reaction" && !target?.deleted) expect(place.has(event.id)).toBe(true);
			}
		}),
		{ numRuns: Number(process.env.TRIVIUM_RUNS ?? 12) },
	);
}, 300_000);
