import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import { createGuard } from "../../src/core/guard.ts";
import type { Shown } from "../../src/core/signal.ts";
import { type Call, MatrixError } from "../../src/matrix/client.ts";
import { createPresences, presenceIn } from "../../src/matrix/presence.ts";
import { quiet } from "../fakes.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000 }));
afterEach(() => void vi.useRealTimers());

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);

/** Presences on a homeserver that answers with the last one of each account, and its requests as "ghost: presence". */
function world(budget = 10) {
	const requests: string[] = [];
	const fault: { now?: Error } = {};
	const set = new Map<string, string>();
	/** False for a homeserver without presence, which answers each PUT with 200, and each GET with offline. */
	const on = { now: true };
	const call = async (method: string, path: string, { as = "", body }: Call = {}) => {
		const whom = decodeURIComponent(path.split("/").at(-2) ?? "");
		if (fault.now) throw fault.now;
		if (method === "GET") return { presence: (on.now && set.get(whom)) || "offline" } as never;
		const { presence, status_msg: words } = body as { presence: string; status_msg?: string };
		expect(as).toBe(whom);
		set.set(whom, presence);
		requests.push(`${whom}: ${[presence, words].filter(Boolean).join(", ")}`);
		return {} as never;
	};
	const presences = createPresences({
		client: { call },
		guard: createGuard(quiet),
		log: quiet,
		timing: { requests: budget },
	});
	return { presences, requests, fault, on };
}
const online: Shown = { show: "online" };

describe("the presence of a ghost", () => {
	test("is shown once a change, with the words of the person, and repeated before the homeserver drops it", async () => {
		const { presences, requests } = world();
		presences.show("@r:hs", { show: "away", status: "at lunch" });
		presences.show("@r:hs", { show: "away", status: "at lunch" });
		await seconds(2);
		expect(requests).toEqual(["@r:hs: unavailable, at lunch"]);
		await seconds(60);
		// Synapse drops an account that was silent for 30 s.
		expect(requests.length).toBeGreaterThanOrEqual(3);
	});

	test("says of a person who is busy that they are, which the specification has no word for", async () => {
		const { presences, requests } = world();
		presences.show("@r:hs", { show: "busy" });
		presences.show("@j:hs", { show: "busy", status: "asleep" });
		await seconds(2);
		expect(requests).toEqual(["@r:hs: unavailable, busy", "@j:hs: unavailable, asleep"]);
	});

	test("ends with one request, and is not repeated after that", async () => {
		const { presences, requests } = world();
		presences.show("@r:hs", online);
		await seconds(2);
		presences.show("@r:hs", { show: "offline" });
		await seconds(120);
		expect(requests).toEqual(["@r:hs: online", "@r:hs: offline"]);
		expect(vi.getTimerCount()).toBe(0);
	});

	test("costs no more than the budget, which goes to those who are online", async () => {
		const { presences, requests } = world(1);
		for (let n = 0; n < 30; n++) presences.show(`@away${n}:hs`, { show: "away" });
		for (let n = 0; n < 15; n++) presences.show(`@online${n}:hs`, online);
		await seconds(60);
		expect(requests).toHaveLength(60);
		requests.length = 0;
		await seconds(60);
		// Twenty are kept: each of the fifteen who are online, and five of the others.
		const of = (kind: string) => new Set(requests.filter((one) => one.startsWith(`@${kind}`))).size;
		expect([of("online"), of("away")]).toEqual([15, 5]);
		const times = Map.groupBy(requests, (one) => one);
		for (const [one, all] of times) expect(all.length, one).toBeGreaterThanOrEqual(2);
	});

	test("of news goes before what is only repeated", async () => {
		const { presences, requests, fault } = world(1);
		for (let n = 0; n < 20; n++) presences.show(`@o${n}:hs`, online);
		await seconds(21);
		// Meanwhile all of them fall due.
		fault.now = new TemporaryError("away");
		await seconds(60);
		delete fault.now;
		requests.length = 0;
		presences.show("@new:hs", online);
		await seconds(12);
		expect(requests[0]).toBe("@new:hs: online");
		expect(requests.length).toBeGreaterThan(1);
	});

	test("is left alone on a homeserver without presence, and tried again later", async () => {
		const { presences, requests, on } = world();
		on.now = false;
		presences.show("@r:hs", online);
		await seconds(300);
		expect(requests).toHaveLength(1);
		on.now = true;
		await seconds(400);
		expect(requests.length).toBeGreaterThan(2);
	});

	test("waits while the homeserver does not answer, and is given up where it refuses", async () => {
		const { presences, requests, fault } = world();
		fault.now = new TemporaryError("away");
		presences.show("@r:hs", online);
		await seconds(30);
		delete fault.now;
		await seconds(30);
		expect(requests.length).toBeGreaterThan(0);
		requests.length = 0;
		fault.now = new MatrixError(403, "M_FORBIDDEN", "no");
		await seconds(30);
		delete fault.now;
		await seconds(60);
		expect(requests).toEqual([]);
	});
});

test.each([
	[
		{ presence: "online", status_msg: "  two\nlines " },
		{ show: "online", status: "two lines" },
	],
	[{ presence: "unavailable" }, { show: "away" }],
	[{ presence: "org.matrix.msc3026.busy" }, { show: "busy" }],
	[{ presence: "offline", status_msg: 5 }, { show: "offline" }],
	[{ presence: "elsewhere" }, undefined],
	["x", undefined],
])("the content %j is read as %j", (content, shown) => {
	expect(presenceIn(content)).toEqual(shown);
});
