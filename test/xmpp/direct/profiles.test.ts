import { expect, test } from "vitest";
import type { RoomId } from "../../../src/core/ids.ts";
import type { Received } from "../../../src/core/network.ts";
import { createProfiles } from "../../../src/xmpp/direct/profiles.ts";
import { quiet } from "../../fakes.ts";
import { stanza } from "../stanza.ts";

const romeo = "romeo@montague.test";
const room = `${romeo} alice@bridge.test` as RoomId;
const hash = "a".repeat(40);

function world(cards: Record<string, { name?: string; hash?: string } | Error>, isChat = true) {
	const told: Received[] = [];
	const asked: string[] = [];
	const clock = { at: 0 };
	const work: Promise<void>[] = [];
	const profiles = createProfiles({
		faces: {
			async profile(jid) {
				asked.push(jid);
				const found = cards[jid];
				if (found instanceof Error) throw found;
				return { name: found?.name, hash: found?.hash };
			},
		},
		isChat: async () => isChat,
		tell: (events) => void told.push(...events),
		now: () => ({ at: clock.at, unique: () => `${told.length}` }),
		later: (one) => void work.push(one()),
		log: quiet,
	});
	/** Resolves when all that goes on in the background is done. */
	const settled = async () => {
		for (let done = -1; done !== work.length; ) {
			done = work.length;
			await Promise.all(work);
		}
	};
	const writes = async (name?: string, from = `${romeo}/phone`) => {
		const nick = name === undefined ? "" : `<nick xmlns='http://jabber.org/protocol/nick'>${name}</nick>`;
		profiles.wrote(
			stanza(`<message from='${from}' to='alice@bridge.test'><body>hi</body>${nick}</message>`),
			room,
		);
		await settled();
	};
	const event = async (node: string, inside: string, from = romeo) => {
		profiles.announced(
			stanza(
				`<message type='headline' from='${from}' to='alice@bridge.test/x'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${node}'><item>${inside}</item></items></event></message>`,
			),
		);
		await settled();
	};
	const nick = (name: string, from?: string) =>
		event(
			"http://jabber.org/protocol/nick",
			`<nick xmlns='http://jabber.org/protocol/nick'>${name}</nick>`,
			from,
		);
	const picture = (info: string) =>
		event("urn:xmpp:avatar:metadata", `<metadata xmlns='urn:xmpp:avatar:metadata'>${info}</metadata>`);
	const shows = async (photo: string) => {
		profiles.present(
			stanza(
				`<presence from='${romeo}/phone' to='alice@bridge.test'><x xmlns='vcard-temp:x:update'><photo>${photo}</photo></x></presence>`,
			),
		);
		await settled();
	};
	const looks = () =>
		told.map(
			({ sender }) =>
				`${sender.name} ${sender.avatar === null ? "none" : (sender.avatar?.hash?.slice(0, 1) ?? "?")}`,
		);
	return { ...profiles, told, asked, clock, cards, writes, event, nick, picture, shows, looks };
}

test("an account that writes gets the name and the picture of its profile, which is read once a day", async () => {
	const w = world({ [romeo]: { name: "Romeo Montague", hash } });
	await w.writes();
	await w.writes();
	expect(w.looks()).toEqual(["Romeo Montague a"]);
	expect(w.told[0]).toMatchObject({ kind: "profile", room });
	expect(w.person(`${romeo}/phone`)).toMatchObject({ id: romeo, name: "Romeo Montague", avatar: { hash } });
	w.clock.at = 25 * 3_600_000;
	w.cards[romeo] = { name: "Son of Montague", hash };
	await w.writes();
	expect(w.asked).toHaveLength(2);
	expect(w.looks()).toEqual(["Romeo Montague a", "Son of Montague a"]);
});

test("a name in the message counts before the one in the vCard", async () => {
	const w = world({ [romeo]: { name: "Romeo" } });
	await w.writes("Ro\u202e 🌹");
	expect(w.person(romeo).name).toBe("Ro 🌹");
	expect(w.looks()).toEqual([]);
});

test.each([
	["tells nothing", {}],
	["cannot be read", new Error("no answer")],
])("an account that %s keeps its localpart as its name", async (_, answer) => {
	const w = world({ [romeo]: answer });
	await w.writes();
	expect(w.person(romeo).name).toBe("romeo");
	expect(w.looks()).toEqual([]);
});

test("an account whose server does not answer is read again after ten minutes", async () => {
	const w = world({ [romeo]: new Error("no answer") });
	await w.writes();
	await w.writes();
	expect(w.asked).toHaveLength(1);
	w.clock.at = 601_000;
	w.cards[romeo] = { name: "Romeo" };
	await w.writes();
	expect(w.looks()).toEqual(["Romeo none"]);
});

test("a presence tells a new picture, and its removal", async () => {
	const w = world({});
	for (const photo of [hash, hash, "", "", "no hash"]) await w.shows(photo);
	expect(w.looks()).toEqual(["romeo a", "romeo none"]);
	expect(w.told.map((event) => event.room)).toEqual([room, room]);
});

test("a new picture has the name read again, though not at every presence of a client that changes it", async () => {
	const w = world({ [romeo]: { name: "Romeo", hash } });
	await w.shows(hash);
	w.cards[romeo] = { name: "Son of Montague", hash: "b".repeat(40) };
	await w.shows("b".repeat(40));
	expect(w.looks()).toEqual(["Romeo a", "Romeo b", "Son of Montague b"]);
	for (const one of "cdefcdef") await w.shows(one.repeat(40));
	expect(w.asked.length).toBeLessThanOrEqual(4);
});

test("after a restart the first presence takes no name away: the profile is read first, for chats alone", async () => {
	const w = world({ [romeo]: { name: "Romeo", hash } });
	await w.shows(hash);
	expect(w.looks()).toEqual(["Romeo a"]);
	const stranger = world({ [romeo]: { name: "Romeo", hash } }, false);
	await stranger.shows(hash);
	await stranger.nick("Romy");
	expect([stranger.asked, stranger.told]).toEqual([[], []]);
});

test("the nodes of an account tell its name and its picture; of these and its presences the newest counts", async () => {
	const w = world({});
	for (let i = 0; i < 2; i++) await w.picture(`<info id='${hash}'/>`);
	await w.picture(`<info id='${"b".repeat(40)}' url='https://evil.test/b'/>`);
	await w.nick("Romy");
	await w.nick("In a MUC", `${romeo}/x`);
	await w.event("http://jabber.org/protocol/tune", "<tune xmlns='http://jabber.org/protocol/tune'/>");
	await w.picture("");
	expect(w.looks()).toEqual(["romeo a", "Romy a", "Romy none"]);
	expect(w.told[0]).toMatchObject({ kind: "profile", room });
	for (const photo of ["c", "c"]) await w.shows(photo.repeat(40));
	await w.picture(`<info id='${hash}'/>`);
	// The client repeats what it said before.
	await w.shows("c".repeat(40));
	expect(w.looks().slice(3)).toEqual(["Romy c", "Romy a"]);
	await w.shows("");
	expect(w.looks().at(-1)).toBe("Romy none");
});

test("a client that knows no nodes denies no picture in one of them", async () => {
	const w = world({});
	await w.picture(`<info id='${hash}'/>`);
	await w.shows("");
	expect(w.looks()).toEqual(["romeo a"]);
});
