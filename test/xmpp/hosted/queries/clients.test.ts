import { describe, expect, test } from "vitest";
import { answerIq } from "../../../../src/xmpp/iq/index.ts";
import { bare } from "../../../../src/xmpp/jid.ts";
import { type Element, xml } from "../../../../src/xmpp/stream/xml.ts";
import { stanza } from "../../stanza.ts";
import { stories } from "../client-joins/replay.ts";
import { component, createWorld, facts, lobby, outcome, romeo } from "./world.ts";

/** The queries that real clients send at a join; archive.test.ts has those for the archive. */
const asked = stories.flatMap(({ client, steps }) =>
	steps
		.flatMap(({ sends }) => sends)
		.filter((sent) => sent.startsWith("<iq") && !sent.includes("urn:xmpp:mam:2"))
		.map((sent) => [client, sent] as const),
);

/** Queries that clients send after a join: to a room, to a person in it, and to the account of that person. */
const later: readonly (readonly [string, string])[] = [
	["{room}", "<vCard xmlns='vcard-temp'/>"],
	["{other}", "<vCard xmlns='vcard-temp'/>"],
	["{other}", "<query xmlns='jabber:iq:version'/>"],
	["{other}", "<time xmlns='urn:xmpp:time'/>"],
	["{other}", "<ping xmlns='urn:xmpp:ping'/>"],
	["{other}", "<query xmlns='http://jabber.org/protocol/disco#info'/>"],
	["{account}", "<vCard xmlns='vcard-temp'/>"],
	["{account}", "<query xmlns='http://jabber.org/protocol/disco#info'/>"],
	["{account}", "<query xmlns='http://jabber.org/protocol/disco#items'/>"],
	["{account}", "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/>"],
];

const { ask, context } = createWorld({ known: { lobby: { kind: "room", facts: facts() } } });
const words: Readonly<Record<string, string>> = {
	room: lobby,
	host: component,
	nick: "Romeo",
	other: `${lobby}/Alice`,
	account: `alice@${component}`,
};
const filled = (text: string) => text.replace(/\{(\w+)\}/g, (whole, word: string) => words[word] ?? whole);
const accounts = { software: context.software, log: context.log, ghost: async () => ({ name: "Alice" }) };

async function answer({ attrs: { to = "", type = "get" }, children }: Element): Promise<string> {
	const payload = children.find((one) => typeof one !== "string") as Element;
	if (bare(to).startsWith("#")) return outcome(await ask(to, payload, romeo, type));
	return outcome(
		(await answerIq(xml("iq", { type, from: romeo, to, id: "q" }, payload), accounts)) as Element,
	);
}

test("the stories of clients have queries", () => expect(asked.length).toBeGreaterThan(20));

describe("each query of a client has an answer that it knows", () => {
	test.each(asked)("%s: %s", async (_client, sent) => {
		// In a room that everybody may join, its admins alone read who is a member.
		const isRefused = /affiliation='(member|outcast)'/.test(sent);
		expect(await answer(stanza(filled(sent)))).toBe(isRefused ? "auth forbidden" : "result");
	});
	test.each(later)("to %s: %s", async (to, payload) => {
		expect(await answer(stanza(filled(`<iq type='get' to='${to}'>${payload}</iq>`)))).toBe("result");
	});
});
