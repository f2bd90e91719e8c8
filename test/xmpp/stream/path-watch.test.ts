import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { StanzaError } from "../../../src/xmpp/stanza-error.ts";
import { createPathWatch } from "../../../src/xmpp/stream/path-watch.ts";
import { xml } from "../../../src/xmpp/stream/xml.ts";
import { recordedCures } from "../../recorded-log.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const component = "bridge.test";

/** Returns a watch on a link that answers the questions to those addresses for which `answers` returns true. */
function watched(answers: (address: string) => boolean | "error") {
	const { lines, log } = recordedCures();
	const link = {
		iq: async (request: { attrs: { to?: string } }, within = 0) => {
			const answer = answers(request.attrs.to ?? "");
			if (answer === "error") throw new StanzaError("service-unavailable", "cancel");
			if (answer) return xml("iq", {});
			await new Promise((resolve) => setTimeout(resolve, within));
			throw new TemporaryError("no answer");
		},
	};
	return { one: createPathWatch(link, component, log), lines };
}

describe("createPathWatch", () => {
	test("counts no path as proven before its question is answered, nor after the link broke", async () => {
		const { one, lines } = watched(() => true);
		expect(one.cause()).toMatch(/has not answered/);
		one.online();
		await vi.advanceTimersByTimeAsync(0);
		expect(one.cause()).toBeUndefined();
		one.offline();
		expect(one.cause()).toMatch(/has not answered/);
		expect(lines).toEqual([]);
	});

	test("takes an error as an answer", async () => {
		const { one } = watched(() => "error");
		one.online();
		await vi.advanceTimersByTimeAsync(0);
		expect(one.cause()).toBeUndefined();
	});

	test("names mod_privilege where addresses without a resource stay silent, once in the log, until they answer", async () => {
		let drops = true;
		const { one, lines } = watched((address) => address.includes("/") || !drops);
		one.online();
		await vi.advanceTimersByTimeAsync(120_000);
		expect(one.cause()).toContain("remove mod_privilege");
		expect(lines).toEqual([expect.stringMatching(/does not answer what the bridge needs: .*mod_privilege/)]);
		drops = false;
		await vi.advanceTimersByTimeAsync(20_000);
		expect(one.cause()).toBeUndefined();
		expect(lines.slice(1)).toEqual(["the XMPP server answers again"]);
	});

	test("notices within ten minutes a server that begins to drop such questions", async () => {
		let drops = false;
		const { one, lines } = watched((address) => address.includes("/") || !drops);
		one.online();
		await vi.advanceTimersByTimeAsync(1_000);
		drops = true;
		await vi.advanceTimersByTimeAsync(620_000);
		expect(one.cause()).toContain("remove mod_privilege");
		expect(lines).toHaveLength(1);
	});

	test("names the listener's access rule where nothing comes back from the begin", async () => {
		const { one, lines } = watched(() => false);
		one.online();
		await vi.advanceTimersByTimeAsync(11_000);
		expect(one.cause()).toContain("access: all");
		expect(lines).toHaveLength(1);
	});

	test("does not blame a path that was proven while the server hangs", async () => {
		let hangs = false;
		const { one, lines } = watched(() => !hangs);
		one.online();
		await vi.advanceTimersByTimeAsync(1_000);
		hangs = true;
		await vi.advanceTimersByTimeAsync(3_600_000);
		expect(one.cause()).toBeUndefined();
		expect(lines).toEqual([]);
	});
});
