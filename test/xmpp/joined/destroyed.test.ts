import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { stanza } from "../stanza.ts";
import { alice, failure, linkedWithLine, person, room, type World, world } from "./muc-world.ts";

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

/** Has the MUC tell each of our occupants that it was destroyed. */
async function destroy(w: World, alternate = ""): Promise<void> {
	const jid = alternate && `jid='${alternate}'`;
	for (const [nick, { jid: to }] of [...w.muc.occupants])
		if (to)
			w.muc.emit(
				stanza(
					`<presence type='unavailable' from='${room}/${nick}' to='${to}'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='none'/><destroy ${jid}><reason>over</reason></destroy></x></presence>`,
				),
			);
	await w.settle();
}
const bob = person("bob", "Bob");

test("the end of a MUC is told once, with the MUC in its place, and refuses further lines", async () => {
	const w = world();
	await w.attach(alice, bob);
	w.rooms.online();
	await w.settle();
	await destroy(w, "mantua@muc.test/nick");
	expect(w.lines()).toEqual([
		expect.stringMatching(/was closed\. It moved to mantua@muc\.test\. Say “follow”/),
	]);
	expect(await w.rooms.alternate(room)).toBe("mantua@muc.test");
	expect((await failure(w.done(w.say("anybody?"))))?.message).toContain("moved to mantua@muc.test");
	w.crash();
	expect(await w.rooms.alternate(room)).toBe("mantua@muc.test");
});

test("a MUC that ends without another in its place is not to be followed", async () => {
	const w = await linkedWithLine();
	await destroy(w);
	expect(w.lines().at(-1)).toMatch(/was closed\.$/);
	expect(await w.rooms.alternate(room)).toBeUndefined();
});
