import { afterEach, expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import { keepWatch } from "../../src/matrix/watch.ts";

let watch: ReturnType<typeof keepWatch> | undefined;
afterEach(() => watch?.stop());

function world() {
	const seen: string[] = [];
	const homeserver = { there: true, busy: true, asked: 0 };
	watch = keepWatch({
		client: {
			async whoami() {
				homeserver.asked++;
				if (!homeserver.there) throw new TemporaryError("gone");
				return { user_id: "@trivium:hs.test" };
			},
		},
		busy: () => homeserver.busy,
		away: (cause) => void (seen.at(-1) === cause || seen.push(cause)),
		back: () => void seen.push("back"),
		timing: { away: 5, busy: 5, idle: 60_000 },
	});
	watch.start();
	return { seen, homeserver };
}

test("a homeserver that goes away and comes back is noticed without anything being sent to it", async () => {
	const { seen, homeserver } = world();
	await expect.poll(() => homeserver.asked).toBeGreaterThan(2);
	expect(seen).toEqual([]);
	homeserver.there = false;
	await expect.poll(() => seen).toEqual(["gone"]);
	homeserver.there = true;
	await expect.poll(() => seen).toEqual(["gone", "back"]);
});

test("one that hands nothing over is asked seldom, but at once when something failed", async () => {
	const { seen, homeserver } = world();
	homeserver.busy = false;
	await new Promise((resolve) => setTimeout(resolve, 50));
	const { asked } = homeserver;
	homeserver.there = false;
	await new Promise((resolve) => setTimeout(resolve, 50));
	expect(homeserver.asked).toBe(asked);
	watch?.now();
	await expect.poll(() => seen).toEqual(["gone"]);
});
