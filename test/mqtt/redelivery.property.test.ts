import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Arrival } from "../../src/mqtt/from-mqtt.ts";
import { createRedelivery, type Named } from "../../src/mqtt/redelivery.ts";
import { random } from "../random.ts";
import { modelSession } from "./model-session.ts";

describe("createRedelivery", () => {
	// With few packet identifiers and equal values, a redelivery looks like a new message that was never read.
	test.each([
		["identifiers come again, and no value does", 8, (n: number) => String(n)],
		["values come again, and no identifier does", 65_535, (n: number) => String(n % 2)],
	])(
		"takes each message once and in order, however often connections and runs end: %s",
		async (_, identifiers, text) => {
			await fc.assert(
				fc.asyncProperty(fc.integer(), async (seed) => {
					const chance = random(seed);
					const session = modelSession(identifiers);
					const disk = new Map<string, string>();
					const run = () => createRedelivery("home", async (key) => disk.get(key));
					let naming = run();
					/** The number of the message that first got this id. */
					const journal = new Map<string, number>();
					let wire: Arrival[] = [];
					let published = 0;
					for (let step = 0; step < 2_000 && (published < 60 || session.busy()); step++) {
						const dice = chance();
						if (dice < 0.3 && published < 60) session.publish(published, text(published++));
						else if (dice < 0.35) {
							// The connection breaks: packets on the wire are lost, or are read and forgotten.
							if (chance() < 0.5) naming = run();
							wire = session.again();
						} else if (dice < 0.6) wire.push(...session.send());
						else {
							const batch = wire.splice(0, 1 + Math.floor(chance() * 4));
							const named: [Named, number, Arrival][] = [];
							for (const one of batch)
								named.push([await naming.identify(one), session.numberOf(one.packetId as number), one]);
							// The run ends before the message is on disk, or before it is acknowledged, or the PUBACK is lost.
							const dies = chance();
							if (dies >= 0.1)
								for (const [{ id, cursor }, n] of named) {
									if (!journal.has(id)) journal.set(id, n);
									if (cursor) disk.set(cursor.key, cursor.value);
								}
							if (dies >= 0.2) for (const [, , one] of named) session.acknowledged(one.packetId as number);
							else {
								if (chance() < 0.7) naming = run();
								wire = session.again();
							}
						}
					}
					expect([...journal.values()]).toEqual(Array.from({ length: 60 }, (_, n) => n));
				}),
				{ numRuns: Number(process.env.TRIVIUM_RUNS ?? 100) },
			);
		},
	);
});
