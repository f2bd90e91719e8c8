import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { joinRefusal } from "../../../src/xmpp/joined/join-refusals.ts";
import { Gone } from "../../../src/xmpp/muc/gone.ts";
import { StanzaError, stanzaError } from "../../../src/xmpp/stanza-error.ts";
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

test("a MUC that is there again when the bridge comes back is not to be followed", async () => {
	const w = world();
	await w.attach(alice);
	await destroy(w, "mantua@muc.test");
	expect(await w.rooms.alternate(room)).toBe("mantua@muc.test");
	w.crash();
	w.muc.forget();
	await w.attach(alice);
	expect([...w.muc.occupants.keys()]).toContain("Trivium");
	expect(await w.rooms.alternate(room)).toBeUndefined();
});

test("a MUC that was destroyed while the bridge was away is told, and can be followed", async () => {
	const w = await linkedWithLine();
	w.crash();
	w.muc.forget();
	w.server.info = () => {
		throw new StanzaError("gone", "cancel", undefined, undefined, "xmpp:mantua@muc.test?join");
	};
	w.muc.faults.refuse = () => ["cancel", "gone"];
	await w.attach(alice).catch(() => undefined);
	w.rooms.online();
	await w.pass(10_000);
	expect(w.lines().at(-1)).toMatch(/was closed\. It moved to mantua@muc\.test\. Say “follow”/);
	expect(await w.rooms.alternate(room)).toBe("mantua@muc.test");
});

test("the error of a MUC that is gone names the one in its place", () => {
	const gone = stanza(
		`<iq type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:mantua@muc.test?join</gone></error></iq>`,
	);
	const error = joinRefusal(room, stanzaError(gone), "trivium@bridge.test");
	expect(error.message).toContain("was closed. It moved to mantua@muc.test");
	expect(error).toBeInstanceOf(Gone);
});
