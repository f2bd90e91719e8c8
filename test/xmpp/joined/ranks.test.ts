import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { BridgeEvent } from "../../../src/core/event.ts";
import { stanza } from "../stanza.ts";
import { alice, room, world } from "./muc-world.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("the rank of an occupant comes with the join, and its change is a change of the profile", async () => {
	const w = world();
	await w.attach(alice);
	const listener = w.muc.taken[0]?.attrs.from ?? "";
	const tells = (nick: string, item: string, attrs = "", code = "") =>
		w.rooms.stanza(
			stanza(
				`<presence from='${room}/${nick}' to='${listener}' ${attrs}><x xmlns='http://jabber.org/protocol/muc#user'><item ${item}/>${code}</x><occupant-id xmlns='urn:xmpp:occupant-id:0' id='id of Romeo'/></presence>`,
			),
		);
	const before = w.told.length;
	tells("Romeo", "affiliation='owner' role='moderator'");
	tells("Romeo", "affiliation='owner' role='moderator'");
	tells("Romeo", "affiliation='none' role='moderator'");
	tells("Romeo", "affiliation='member' role='participant'");
	tells("Romeo", "affiliation='admin' role='visitor'");
	tells("Romeo", "affiliation='admin' nick='Montague'", "type='unavailable'", "<status code='303'/>");
	tells("Montague", "affiliation='admin' role='moderator'");
	tells("Montague", "affiliation='nonsense' role='nonsense'");
	const line = ({ kind, sender }: BridgeEvent) => `${kind}: ${sender.name}, ${sender.rank ?? "none"}`;
	expect(w.told.slice(before).map(line)).toEqual([
		"membership: Romeo, owner",
		"profile: Romeo, moderator",
		"profile: Romeo, none",
		"profile: Romeo, admin",
		"profile: Montague, admin",
		"profile: Montague, none",
	]);
});

test("the rank of an occupant stays when the name in its vCard comes", async () => {
	const w = world();
	await w.attach(alice);
	const listener = w.muc.taken[0]?.attrs.from ?? "";
	const photo = "a".repeat(40);
	w.cards.names.set(`${room}/rm42`, "Romeo Montague");
	w.rooms.stanza(
		stanza(
			`<presence from='${room}/rm42' to='${listener}'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner'/></x><x xmlns='vcard-temp:x:update'><photo>${photo}</photo></x></presence>`,
		),
	);
	await w.settle();
	expect(w.told.at(-1)?.sender).toMatchObject({ realName: "Romeo Montague", rank: "owner" });
});

test.each([true, false])(
	"the hats of an occupant are told, and their change, where the MUC announces hats: %s",
	async (hats) => {
		const w = world({ hats });
		await w.attach(alice);
		const listener = w.muc.occupants.get("Trivium")?.jid ?? "";
		const wears = (...titles: string[]) =>
			w.rooms.stanza(
				stanza(
					`<presence from='${room}/Romeo' to='${listener}'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='participant'/></x><occupant-id xmlns='urn:xmpp:occupant-id:0' id='id of Romeo'/><hats xmlns='urn:xmpp:hats:0'>${titles.map((title) => `<hat uri='urn:${title.length}' title='${title}'/>`).join("")}</hats></presence>`,
				),
			);
		const before = w.told.length;
		wears("Host");
		wears("Host");
		wears("Host", "[Speaker]");
		wears(..."abcdefgh".split(""), "");
		wears();
		expect(w.told.slice(before).map(({ sender }) => sender.hats)).toEqual(
			hats ? [["Host"], ["Host", "Speaker"], [..."abcde"], undefined] : [undefined],
		);
	},
);
