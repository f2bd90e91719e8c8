import { describe, expect, test } from "vitest";
import type { MatrixEvent } from "../../src/matrix/event.ts";
import { createOtherBridges } from "../../src/matrix/other-bridges.ts";
import { sampleEvent } from "./samples.ts";

const info = (room: string, n: number): MatrixEvent =>
	sampleEvent({
		type: "m.bridge",
		room_id: room,
		state_key: `${n}`,
		content: { bridgebot: `@bot${n}:far.test`, protocol: { id: "irc" } },
	});
const wroteBot = (room: string, n: number): MatrixEvent =>
	sampleEvent({ room_id: room, sender: `@bot${n}:far.test`, content: {} });

/** Returns the recognition of other bridges at a homeserver that knows none of them. */
const recognition = () =>
	createOtherBridges({
		globs: [],
		client: { messages: async () => ({ chunk: [] }), state: async () => ({}) } as never,
		isOurs: () => false,
	});

describe("createOtherBridges", () => {
	test("remembers the last 20 bridges of a room", async () => {
		const others = recognition();
		for (let n = 0; n < 30; n++) others.note(info("!a", n));
		expect(await others.wrote(wroteBot("!a", 9))).toBe(false);
		expect(await others.wrote(wroteBot("!a", 10))).toBe(true);
		expect(await others.wrote(wroteBot("!a", 29))).toBe(true);
	});

	test("remembers the bridges of the last 1,000 rooms", async () => {
		const others = recognition();
		for (let n = 0; n < 1_001; n++) others.note(info(`!${n}`, 1));
		expect(await others.wrote(wroteBot("!0", 1))).toBe(false);
		expect(await others.wrote(wroteBot("!1", 1))).toBe(true);
		expect(await others.wrote(wroteBot("!1000", 1))).toBe(true);
	});
});
