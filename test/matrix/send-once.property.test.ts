import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import type { MatrixEvent } from "../../src/matrix/event.ts";
import { createSendOnce } from "../../src/matrix/send-once.ts";
import { echoOf } from "../../src/matrix/timeline.ts";
import { quiet } from "../fakes.ts";
import { random } from "../random.ts";
import { sleep } from "./synapse-model.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

const ghost = "@_xmpp_romeo:hs.test";
/** Timeout of a request in ms. */
const patience = 60_000;

/** Models a room on a homeserver that remembers each transaction id, running ones included, until it restarts. */
function homeserver(
	chance: () => number,
	trouble: { lose: number; answer: number; hang: number; read: number },
) {
	const timeline: MatrixEvent[] = [];
	let known = new Map<string, Promise<string>>();
	let life = 0;
	let echo: (event: MatrixEvent) => void = () => undefined;

	async function carryOut(operation: string, mine: number): Promise<string> {
		await sleep(chance() < trouble.hang ? chance() * 2 * patience : chance() * 30);
		// A transaction that the restart interrupted is not carried out.
		if (mine !== life) await new Promise(() => undefined);
		const event = {
			type: "m.room.message",
			event_id: `$${timeline.length}`,
			room_id: "!room",
			sender: ghost,
			origin_server_ts: Date.now(),
			content: { body: operation, "trivium.bridge": { op: operation } },
		};
		timeline.push(event);
		if (chance() < 0.7) void sleep(chance() * 5_000).then(() => echo(event));
		return event.event_id;
	}
	return {
		timeline,
		hears(listener: typeof echo): void {
			echo = listener;
		},
		async send(operation: string): Promise<{ event_id: string }> {
			await sleep(chance() * 10);
			if (chance() < trouble.lose) throw new TemporaryError("the connection broke");
			const mine = life;
			const answer = known.get(operation) ?? carryOut(operation, mine);
			known.set(operation, answer);
			const event_id = await Promise.race([answer, sleep(patience).then(() => undefined)]);
			if (event_id === undefined || mine !== life || chance() < trouble.answer)
				throw new TemporaryError("no answer");
			return { event_id };
		},
		async messages(_room: string, { limit, from = "0" }: { limit: number; from?: string | undefined }) {
			await sleep(chance() * 50);
			if (chance() < trouble.read) throw new TemporaryError("busy");
			const [newest, end] = [timeline.toReversed(), Number(from) + limit];
			const chunk = newest.slice(Number(from), end);
			return { chunk, ...(end < newest.length && { end: String(end) }) };
		},
		restart(): void {
			life++;
			known = new Map();
		},
	};
}

describe("createSendOnce", () => {
	test("sends each message once and in order, however the homeserver and the bridge fail", async () => {
		await fc.assert(
			fc.asyncProperty(fc.integer(), async (seed) => {
				const chance = random(seed);
				const trouble = { lose: 0, answer: 0, hang: 0, read: 0 };
				const hs = homeserver(chance, trouble);
				const lines = Array.from({ length: 40 }, (_, n) => `op${n}`);
				let life = 0;

				/** One run of the bridge, from the first undelivered row on. */
				let next = 0;
				let begun = false;
				async function run(): Promise<void> {
					const mine = ++life;
					const doubt = createSendOnce({ messages: hs.messages } as never, (mxid) => mxid === ghost, quiet);
					hs.hears((event) => mine === life && doubt.confirm(echoOf(event)));
					const since = Date.now();
					for (; next < lines.length; ) {
						const operation = lines[next] as string;
						for (let attempt = begun ? 1 : 0; ; attempt++) {
							begun = true;
							const what = {
								operation,
								attempt,
								room: "!room",
								ghost,
								since: since - patience,
								withBot: true,
							};
							const sent = await doubt.once(what, () => hs.send(operation)).catch(() => undefined);
							if (mine !== life) return;
							if (sent) break;
							await sleep(500 + chance() * 1_000);
							if (mine !== life) return;
						}
						// The confirmation is stored later: a crash before that leaves the row in doubt.
						await sleep(chance() * 20);
						if (mine !== life) return;
						begun = false;
						next++;
					}
				}
				void run();
				for (let n = 0; n < 5; n++) {
					await vi.advanceTimersByTimeAsync(chance() * 1_500);
					const often = () => (chance() < 0.5 ? chance() : 0);
					Object.assign(trouble, { lose: often(), answer: often(), hang: often() / 4, read: often() });
					await vi.advanceTimersByTimeAsync(chance() * 5_000);
					if (chance() < 0.4) hs.restart();
					await vi.advanceTimersByTimeAsync(chance() * 1_000);
					if (chance() < 0.4) void run();
					await vi.advanceTimersByTimeAsync(chance() * 5_000);
					Object.assign(trouble, { lose: 0, answer: 0, hang: 0, read: 0 });
				}
				await vi.advanceTimersByTimeAsync(20 * patience);
				expect(hs.timeline.map(({ content }) => content.body)).toEqual(lines);
			}),
			{ numRuns: Number(process.env.TRIVIUM_RUNS ?? 50) },
		);
	});
});
