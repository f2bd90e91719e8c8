import { afterEach, describe, expect, test, vi } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { createHomeserverHealth } from "../../../src/matrix/backfill/homeserver-health.ts";
import { Unwell } from "../../../src/matrix/client.ts";

let watch: ReturnType<typeof createHomeserverHealth> | undefined;
afterEach(() => {
	watch?.stop();
	vi.useRealTimers();
});

function world(timing = { away: 5, busy: 5, idle: 60_000 }) {
	const seen: string[] = [];
	const homeserver = { there: true, well: true, busy: true, asked: 0 };
	const note = (what: string) => void (seen.at(-1) === what || seen.push(what));
	watch = createHomeserverHealth({
		client: {
			async whoami() {
				homeserver.asked++;
				if (!homeserver.there) throw new TemporaryError("no answer");
				if (!homeserver.well) throw new Unwell("too fast");
				return { user_id: "@trivium:hs.test" };
			},
		},
		busy: () => homeserver.busy,
		away: (cause, gone) => note(`${cause}${gone ? ", gone" : ""}`),
		back: (gone) => note(gone ? "back" : "well"),
		timing,
	});
	watch.start();
	return { seen, homeserver };
}

describe("createHomeserverHealth", () => {
	test("notices that the homeserver was away, also when no event is sent to it", async () => {
		const { seen, homeserver } = world();
		await expect.poll(() => homeserver.asked).toBeGreaterThan(2);
		expect(seen).toEqual([]);
		homeserver.there = false;
		await expect.poll(() => seen).toEqual(["no answer, gone"]);
		homeserver.there = true;
		await expect.poll(() => seen).toEqual(["no answer, gone", "back"]);
	});

	test("asks an idle homeserver seldom, and at once after a failure", async () => {
		const { seen, homeserver } = world();
		homeserver.busy = false;
		await new Promise((resolve) => setTimeout(resolve, 50));
		const { asked } = homeserver;
		homeserver.there = false;
		await new Promise((resolve) => setTimeout(resolve, 50));
		expect(homeserver.asked).toBe(asked);
		watch?.now();
		await expect.poll(() => seen).toEqual(["no answer, gone"]);
	});

	// Several lanes repeat their requests in turn, so that there is no pause as long as the interval.
	test("notices a short restart during which other requests fail all the time", async () => {
		vi.useFakeTimers();
		const { seen, homeserver } = world({ away: 1_000, busy: 1_000, idle: 10_000 });
		await vi.advanceTimersByTimeAsync(2_500);
		homeserver.there = false;
		for (let n = 0; n < 12; n++) {
			watch?.now();
			await vi.advanceTimersByTimeAsync(200);
		}
		homeserver.there = true;
		await vi.advanceTimersByTimeAsync(1_000);
		expect(seen).toEqual(["no answer, gone", "back"]);
	});

	test("takes a busy or failing homeserver as present", async () => {
		const { seen, homeserver } = world();
		homeserver.well = false;
		await expect.poll(() => seen).toEqual(["too fast"]);
		homeserver.well = true;
		await expect.poll(() => seen).toEqual(["too fast", "well"]);
	});

	test("asks no more often than that, however often requests fail", async () => {
		const { homeserver } = world();
		homeserver.there = false;
		for (let n = 0; n < 20; n++) {
			watch?.now();
			await new Promise((resolve) => setTimeout(resolve, 1));
		}
		expect(homeserver.asked).toBeLessThan(15);
	});
});
