import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { createBackfill } from "../../../src/matrix/backfill/index.ts";
import type { MatrixEvent } from "../../../src/matrix/event.ts";
import { quiet } from "../../fakes.ts";
import { sampleEvent } from "../samples.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const event = (event_id: string) =>
	sampleEvent({ event_id, room_id: "!room", origin_server_ts: Date.now(), content: { body: event_id } });

/** Starts a backfill whose homeserver has these events, the oldest first, and is idle. */
async function world(...timeline: MatrixEvent[]) {
	const taken: string[] = [];
	const homeserver = { there: true };
	const answer = async <T>(value: T) => {
		if (!homeserver.there) throw new TemporaryError("the homeserver cannot be reached");
		return value;
	};
	const backfill = createBackfill({
		client: {
			messages: () => answer({ chunk: timeline.toReversed() }),
			whoami: () => answer({ user_id: "@trivium:hs.test" }),
			ping: () => answer({ duration_ms: 1 }),
		},
		registration: { id: "trivium", url: "http://bridge.test" },
		bridge: {
			cursor: async () => undefined,
			saveCursor: async () => undefined,
			beginArchive: async () => undefined,
		},
		linkOf: async () => "link",
		reader: async () => undefined,
		isWhole: async () => false,
		isOurs: (mxid) => mxid.startsWith("@_"),
		take: async (events) => void taken.push(...events.map(({ event_id }) => event_id)),
		away: () => undefined,
		back: () => undefined,
		log: quiet,
	});
	backfill.start();
	// The looks after our own start are over, and the homeserver is asked every ten seconds.
	await pass(120_500);
	return {
		backfill,
		taken,
		async restart(ms: number) {
			homeserver.there = false;
			await pass(ms);
			homeserver.there = true;
		},
		async stop() {
			await backfill.pause(Promise.resolve());
			backfill.stop();
		},
	};
}

describe("createBackfill", () => {
	test("notices a restart of three seconds that follows the first event after a quiet time", async () => {
		const [first, lost] = [event("$1"), event("$2")];
		const { backfill, taken, restart, stop } = await world(first, lost);
		await backfill.takeTransaction("1", [first]);
		await pass(100);
		await restart(3_000);
		await pass(30_000);
		expect(taken).toEqual(["$1", "$2"]);
		await stop();
	});
});
