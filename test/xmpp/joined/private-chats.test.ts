import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { xml } from "../../../src/xmpp/stream/xml.ts";
import { stanza } from "../stanza.ts";
import { alice, aliceJid, failure, person, room, world } from "./muc-world.ts";

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

const words = (from: string, to: string | undefined) => xml("message", { from, to, type: "chat" });
const place = (id: string) => ({ muc: room, person: id, ghost: "alice@bridge.test", within: "Verona" });

/** Returns a MUC with Alice, who has spoken, and Romeo. */
async function verona() {
	const w = world();
	w.rooms.online();
	await w.attach();
	w.muc.come("Romeo");
	await w.settle();
	await w.done(w.say("hi"));
	const romeo = w.rooms.person(room, "Romeo");
	if (!romeo) throw new Error("Romeo is not there");
	return { w, romeo };
}

test("a private message of an occupant is for the person whose occupant it names, and for nobody else", async () => {
	const { w, romeo } = await verona();
	const whisper = (to: string) =>
		w.rooms.stanza(
			stanza(`<message from='${room}/Romeo' to='${to}' type='chat' id='1'><body>psst</body></message>`),
		);
	expect(whisper(aliceJid)).toBeUndefined();
	expect(w.whispers).toEqual([
		expect.objectContaining({ muc: room, sender: { ...romeo, within: "Verona" }, to: alice }),
	]);
	expect(String(whisper("nobody@bridge.test/trivium"))).toContain("feature-not-implemented");
	expect(w.whispers).toHaveLength(1);
	expect(w.lines()).toEqual([]);
});

test("a private message goes from the occupant of its sender to the present nick of the other one", async () => {
	const { w, romeo } = await verona();
	await w.done(w.rooms.venue.write(place(romeo.id), alice, words));
	expect(w.muc.taken.at(-1)?.attrs).toMatchObject({ from: aliceJid, to: `${room}/Romeo` });
	w.muc.rename("Romeo", "Montague");
	await w.settle();
	await w.done(w.rooms.venue.write(place(romeo.id), alice, words));
	expect(w.muc.taken.at(-1)?.attrs).toMatchObject({ to: `${room}/Montague` });
});

test("a private message to a person who has left, or of one who is not there, is refused and goes nowhere", async () => {
	const { w, romeo } = await verona();
	const before = w.muc.taken.length;
	const bob = person("bob");
	expect(await failure(w.done(w.rooms.venue.write(place(romeo.id), bob, words)))).toMatchObject({
		reason: "forbidden",
	});
	w.muc.go("Romeo");
	await w.settle();
	expect(await failure(w.done(w.rooms.venue.write(place(romeo.id), alice, words)))).toMatchObject({
		reason: "not-found",
	});
	expect(w.muc.taken).toHaveLength(before);
	const elsewhere = w.rooms.venue.write({ ...place(romeo.id), muc: "other@muc.test" }, alice, words);
	expect(await failure(elsewhere)).toBeInstanceOf(TemporaryError);
});

test("a new nick that the MUC tells without an occupant-id is that of the same person", async () => {
	const { w, romeo } = await verona();
	const listener = w.muc.taken[0]?.attrs.from ?? "";
	const tells = (nick: string, attrs: string, inside: string, after = "") =>
		w.rooms.stanza(
			stanza(
				`<presence from='${room}/${nick}' to='${listener}' ${attrs}><x xmlns='http://jabber.org/protocol/muc#user'>${inside}</x>${after}</presence>`,
			),
		);
	const before = w.told.length;
	tells("Romeo", "type='unavailable'", "<item nick='Montague'/><status code='303'/>");
	const id = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='id of Romeo'/>";
	tells("Montague", "", "<item/>", id);
	expect(w.told.slice(before).map(({ kind, sender }) => `${kind} of ${sender.name}`)).toEqual([
		"profile of Montague",
	]);
	expect(w.rooms.person(room, "Montague")?.id).toBe(romeo.id);
});
