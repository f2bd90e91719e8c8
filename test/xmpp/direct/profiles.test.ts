import { expect, test } from "vitest";
import type { RoomId } from "../../../src/core/ids.ts";
import type { Received } from "../../../src/core/network.ts";
import { createProfiles } from "../../../src/xmpp/direct/profiles.ts";
import { StanzaError } from "../../../src/xmpp/stanza-error.ts";
import type { Element } from "../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../fakes.ts";
import { stanza } from "../stanza.ts";

const romeo = "romeo@montague.test";
const room = `${romeo} alice@bridge.test` as RoomId;
const hash = "a".repeat(40);

function world(cards: Record<string, { card?: Element; hash?: string } | Error>) {
	const told: Received[] = [];
	const asked: string[] = [];
	const clock = { at: 0 };
	const work: Promise<void>[] = [];
	const profiles = createProfiles({
		faces: {
			async vcard(jid) {
				asked.push(jid);
				const found = cards[jid];
				if (found instanceof Error) throw found;
				return { card: found?.card, hash: found?.hash };
			},
		},
		tell: (events) => void told.push(...events),
		now: () => ({ at: clock.at, unique: () => `${told.length}` }),
		later: (one) => void work.push(one()),
		log: quiet,
	});
	const writes = async (name?: string, from = `${romeo}/phone`) => {
		const nick = name === undefined ? "" : `<nick xmlns='http://jabber.org/protocol/nick'>${name}</nick>`;
		profiles.wrote(
			stanza(`<message from='${from}' to='alice@bridge.test'><body>hi</body>${nick}</message>`),
			room,
		);
		await Promise.all(work);
	};
	const looks = () =>
		told.map(
			({ sender }) =>
				`${sender.name} ${sender.avatar === null ? "none" : (sender.avatar?.hash?.slice(0, 1) ?? "?")}`,
		);
	return { ...profiles, told, asked, clock, cards, writes, looks };
}
const card = (inside: string) => stanza(`<vCard xmlns='vcard-temp'>${inside}</vCard>`);

test("the vCard of an account that writes gives it a name and a picture, once a day", async () => {
	const w = world({ [romeo]: { card: card("<FN> Romeo\n Montague</FN><NICKNAME>ro</NICKNAME>"), hash } });
	await w.writes();
	await w.writes();
	expect(w.looks()).toEqual(["Romeo Montague a"]);
	expect(w.told[0]).toMatchObject({ kind: "profile", room });
	expect(w.person(`${romeo}/phone`)).toMatchObject({ id: romeo, name: "Romeo Montague", avatar: { hash } });
	w.clock.at = 25 * 3_600_000;
	await w.writes();
	expect(w.asked).toHaveLength(2);
	expect(w.told).toHaveLength(1);
});

test("a name in the message counts before the one in the vCard", async () => {
	const w = world({ [romeo]: { card: card("<FN>Romeo</FN>") } });
	await w.writes("Ro\u202e 🌹");
	expect(w.person(romeo).name).toBe("Ro 🌹");
	expect(w.looks()).toEqual([]);
});

test.each([
	["no vCard", new StanzaError("item-not-found", "cancel")],
	["an empty one", { card: card("") }],
	["a server that does not answer", new Error("no answer")],
])("an account with %s keeps its localpart as its name", async (_, answer) => {
	const w = world({ [romeo]: answer });
	await w.writes();
	expect(w.person(romeo).name).toBe("romeo");
	expect(w.looks()).toEqual([]);
});

test("a presence tells a new picture, and its removal", async () => {
	const w = world({});
	const presence = (photo: string) =>
		w.present(
			stanza(
				`<presence from='${romeo}/phone' to='alice@bridge.test'><x xmlns='vcard-temp:x:update'><photo>${photo}</photo></x></presence>`,
			),
		);
	for (const photo of [hash, hash, "", "", "no hash"]) presence(photo);
	expect(w.looks()).toEqual(["romeo a", "romeo none"]);
	expect(w.told.map((event) => event.room)).toEqual([room, room]);
});
