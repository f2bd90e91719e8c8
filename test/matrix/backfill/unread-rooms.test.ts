import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import type { Log } from "../../../src/core/log.ts";
import { createCatchUp } from "../../../src/matrix/backfill/catch-up.ts";
import { quiet } from "../../fakes.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each([
	[false, "warn"],
	[true, "debug"],
] as const)(
	"rooms that cannot be read are one line for all, if the homeserver is away (%s) at the level %s",
	async (away, level) => {
		const lines: object[] = [];
		const at = (name: string) => (fields: object, msg: string) =>
			void lines.push({ level: name, ...fields, msg });
		const log: Log = { ...quiet, debug: at("debug"), warn: at("warn") };
		const catchUp = createCatchUp({
			client: { messages: () => Promise.reject(new TemporaryError("refused")) },
			bridge: {
				cursor: async (key) => JSON.stringify({ event: `the last of ${key}`, at: 1 }),
				beginArchive: async () => undefined,
				saveCursor: async () => undefined,
			},
			linkOf: async (room) => room,
			reader: async () => undefined,
			isOurs: () => false,
			isWhole: async () => false,
			take: async () => undefined,
			ping: () => undefined,
			isAway: () => away,
			log,
		});
		for (const room of ["!a", "!b", "!c"]) await catchUp.follow(room, room);
		catchUp.disturbed();
		await vi.advanceTimersByTimeAsync(15_000);
		await catchUp.stop(Promise.resolve());
		expect(lines).toMatchObject([
			{ level, room: "!a", rooms: 3, msg: "could not check a room for events that the homeserver lost" },
		]);
	},
);
