import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Element, xml } from "../../../src/xmpp/stream/xml.ts";
import { alice, bodies, linkedWithLine, room, type World, world } from "./muc-world.ts";

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

/** Has Alice's room get a topic, which the MUC is to take. */
const sets = (w: World, topic: string) =>
	w.done(
		w.send({
			...{ kind: "message", style: "emote", text: `changed the topic to: ${topic}` },
			sets: { topic },
		}),
	);
/** Returns the subjects that our occupants asked the MUC for, with the occupant. */
const asked = (w: World) =>
	w.muc.taken.flatMap((one) => {
		const subject = one.getChild("subject")?.getText();
		return subject === undefined ? [] : [`${one.attrs.from?.replace(/[@-].*/, "")}: ${subject}`];
	});
/** Has the MUC tell a new subject without the id of its stanza, as Prosody does. */
const tellSubject = (w: World, nick: string, subject: string) =>
	w.muc.emit(
		xml(
			"message",
			{ type: "groupchat", from: `${room}/${nick}`, to: listener(w) },
			xml("subject", {}, subject),
		),
	);
const listener = (w: World) => w.muc.occupants.get("Trivium")?.jid ?? "";
/** Has the MUC treat subjects as Prosody does, and refuse those of all but these occupants. */
function takesSubjectsOf(w: World, ...nicks: string[]): void {
	const { take } = w.muc;
	w.muc.take = (stanza: Element) => {
		const subject = stanza.getChild("subject");
		if (!subject) return take(stanza);
		w.muc.taken.push(stanza);
		const { from = "", id } = stanza.attrs;
		const nick = [...w.muc.occupants].find(([, one]) => one.jid === from)?.[0] ?? "";
		if (nicks.includes(nick)) return tellSubject(w, nick, subject.getText());
		const error = xml(
			"error",
			{ type: "auth" },
			xml("forbidden", { xmlns: "urn:ietf:params:xml:ns:xmpp-stanzas" }),
		);
		w.muc.emit(xml("message", { type: "error", from: room, to: from, ...(id && { id }) }, error));
	};
}

describe("a new topic of the other room", () => {
	test("becomes the subject of the MUC, set by the occupant of its person, without further words", async () => {
		const w = await linkedWithLine();
		takesSubjectsOf(w, "Alice");
		await sets(w, "Love\nand war");
		expect(asked(w)).toEqual(["alice: Love\nand war"]);
		expect([bodies(w), w.told]).toEqual([["0"], []]);
	});

	test("is set by the listener where the person's occupant may not", async () => {
		const w = await linkedWithLine();
		takesSubjectsOf(w, "Trivium");
		await sets(w, "Love");
		expect(asked(w)).toEqual(["alice: Love", "~listener: Love"]);
		expect([bodies(w), w.told]).toEqual([["0"], []]);
	});

	test("is told in words where nobody of ours may set it", async () => {
		const w = await linkedWithLine();
		takesSubjectsOf(w);
		await sets(w, "Love");
		expect(bodies(w)).toEqual(["0", "/me changed the topic to: Love"]);
	});
});

describe("the subject of a MUC", () => {
	test("is told the portal when the bridge joins, with the name", async () => {
		const w = world();
		await w.attach(alice);
		expect(w.descriptions).toEqual([{ name: "Verona" }, { topic: "Love" }]);
		expect(w.told).toEqual([]);
	});

	test("is no news at a later join if the other room gave it, until somebody in the MUC sets another one", async () => {
		const w = await linkedWithLine();
		takesSubjectsOf(w, "Alice");
		const rejoin = async () => {
			w.descriptions.length = 0;
			w.crash();
			w.muc.forget();
			await w.attach(alice);
			await w.settle();
			return w.descriptions.flatMap(({ topic }) => topic ?? []);
		};
		// The fake MUC tells this subject at each join.
		await sets(w, "Love");
		expect(await rejoin()).toEqual([]);
		w.muc.come("Romeo");
		await w.settle();
		tellSubject(w, "Romeo", "Night");
		tellSubject(w, "Romeo", "Love");
		await w.settle();
		expect(await rejoin()).toEqual(["Love"]);
	});

	test("crosses as the topic, and in words, when somebody changes it", async () => {
		const w = await linkedWithLine();
		w.muc.come("Romeo");
		await w.settle();
		tellSubject(w, "Romeo", "Night");
		await w.settle();
		expect(w.told.at(-1)).toMatchObject({ text: "changed the topic to: Night", sets: { topic: "Night" } });
	});
});
