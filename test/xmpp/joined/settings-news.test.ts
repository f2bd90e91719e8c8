import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { xml } from "../../../src/xmpp/stream/xml.ts";
import { linkedWithLine, type World } from "./muc-world.ts";

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

/** Has the MUC announce these features besides its own, and say that its settings changed. */
async function changes(w: World, ...features: string[]): Promise<void> {
	w.server.info = () => {
		const info = w.muc.info();
		for (const one of features) info.append(xml("feature", { var: one }));
		return info;
	};
	w.muc.tell(xml("x", { xmlns: "http://jabber.org/protocol/muc#user" }, xml("status", { code: "104" })));
	await w.settle();
}
const told = (w: World) => w.lines().flatMap((line) => /have changed: (.*)\.$/.exec(line)?.[1] ?? []);

test("the portal reads which settings of a MUC have changed, each change once, and of no others", async () => {
	const w = await linkedWithLine();
	await changes(w);
	expect(told(w)).toEqual([]);
	await changes(w, "muc_moderated");
	await changes(w, "muc_moderated");
	await changes(w, "muc_membersonly", "muc_public");
	w.muc.faults.noArchive = true;
	await changes(w);
	expect(told(w)).toEqual([
		"people need voice to write there",
		"only its members may enter; everybody there may write",
		expect.stringMatching(/^it is open to more than its members; it keeps no archive/),
	]);
});
