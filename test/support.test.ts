import { expect, test } from "vitest";
import type { Capabilities, Support } from "../src/core/capabilities.ts";
import { capabilities as matrix } from "../src/matrix/capabilities.ts";
import { direct, joined, withoutIds } from "../src/xmpp/capabilities.ts";
import { xml } from "../src/xmpp/stream/xml.ts";
import { createWorld, lobby } from "./xmpp/hosted/queries/world.ts";

/** The name of each row of the table; the compiler reports a missing one. */
const names: Record<keyof Capabilities, string> = {
	message: "text, emotes, notices",
	rich: "formatting, mentions",
	reply: "replies",
	thread: "threads",
	edit: "corrections",
	redaction: "deletions",
	reaction: "reactions",
	media: "images, files, video, audio, voice, stickers",
	location: "locations",
	poll: "polls",
	vote: "votes",
	"poll-end": "results of polls",
	membership: "joins and leaves",
	moderation: "kicks, bans, unbans",
	profile: "names and pictures",
	state: "values of things (MQTT)",
};

const columns: readonly (readonly [string, Capabilities])[] = [
	["Matrix room", matrix],
	["MUC with an archive", joined],
	["MUC without", withoutIds],
	["XMPP chat, clients unknown", direct(() => "mixed")],
];

const words: Record<Support, string> = {
	native: "as itself",
	mixed: "as itself, with words for older clients",
	text: "in words",
	drop: "–",
};

/** The features that a hosted room announces, in words; those of its kind (XEP-0045 §15.3) tell its settings. */
const features: Readonly<Record<string, string>> = {
	"http://jabber.org/protocol/chatstates": "typing (XEP-0085)",
	"http://jabber.org/protocol/disco#info": "descriptions (XEP-0030, XEP-0128)",
	"http://jabber.org/protocol/disco#items": "the list of people in the room (XEP-0030)",
	"http://jabber.org/protocol/muc": "rooms (XEP-0045)",
	"http://jabber.org/protocol/muc#self-ping-optimization": "self-pings (XEP-0410)",
	"http://jabber.org/protocol/muc#stable_id": "the sender's id on each message (XEP-0045)",
	"jabber:iq:register": "a nick of one's own in a room, and the membership (XEP-0077)",
	"jabber:x:oob": "links to files (XEP-0066)",
	"urn:xmpp:attention:0": "calls for attention (XEP-0224)",
	"urn:xmpp:chat-markers:0": "read positions (XEP-0333)",
	"urn:xmpp:delay": "times of earlier messages (XEP-0203)",
	"urn:xmpp:fallback:0": "marked words for older clients (XEP-0428)",
	"urn:xmpp:mam:2": "the archive (XEP-0313)",
	"urn:xmpp:mam:2#extended": "the archive, by the ids of messages (XEP-0313)",
	"urn:xmpp:mentions:0": "mentions (XEP-0513)",
	"urn:xmpp:message-correct:0": "corrections (XEP-0308)",
	"urn:xmpp:message-moderate:1": "deletions by moderators (XEP-0425)",
	"urn:xmpp:message-retract:1": "deletions (XEP-0424)",
	"urn:xmpp:message-retract:1#tombstone": "marks of deleted messages in the archive (XEP-0424)",
	"urn:xmpp:hats:0": "power beyond that of an admin or owner, such as “Power 75” (XEP-0317)",
	"urn:xmpp:occupant-id:0": "ids of people that no nick change alters (XEP-0421)",
	"urn:xmpp:ping": "pings (XEP-0199)",
	"urn:xmpp:reactions:0": "reactions (XEP-0444)",
	"urn:xmpp:reference:0": "mentions (XEP-0372)",
	"urn:xmpp:reply:0": "replies (XEP-0461)",
	"urn:xmpp:sfs:0": "files (XEP-0447)",
	"urn:xmpp:sid:0": "ids of messages (XEP-0359)",
	"urn:xmpp:sims:1": "files (XEP-0385)",
	"urn:xmpp:spoiler:0": "spoilers (XEP-0382)",
	"urn:xmpp:styling:0": "formatting (XEP-0393)",
	"vcard-temp": "the picture of the room (XEP-0486)",
};

async function announced(): Promise<readonly string[]> {
	const query = xml("query", { xmlns: "http://jabber.org/protocol/disco#info" });
	const info = (await createWorld().ask(lobby, query)).getChild("query");
	return (info?.getChildren("feature") ?? [])
		.map(({ attrs }) => attrs.var ?? "")
		.filter((one) => !one.startsWith("muc_"));
}

test("support.md is generated from the capabilities (vitest -u writes it)", async () => {
	const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
	const lines = (Object.keys(names) as (keyof Capabilities)[]).map((kind) =>
		row([names[kind], ...columns.map(([, can]) => words[can[kind]])]),
	);
	const table = [
		"# Support by kind of room",
		"",
		"Each column names the form in which people in such a room see events of the other side. `test/support.test.ts` generates it",
		"from the declarations in `src/*/capabilities.ts`; [what-crosses.md](what-crosses.md) explains it for people.",
		"",
		row(["", ...columns.map(([name]) => name)]),
		row(["", ...columns].map(() => "---")),
		...lines,
		"",
		"## Matrix rooms as MUCs",
		"",
		"A Matrix room that XMPP people join announces these features:",
		"",
		row(["feature", "for"]),
		row(["---", "---"]),
		...(await announced()).map((one) => row([`\`${one}\``, features[one] ?? "?"])),
		"",
		"Its kind follows from the Matrix room: `muc_open` or `muc_membersonly`, `muc_public` or `muc_hidden`, and for those who are",
		"in `muc_moderated` or `muc_unmoderated`; it is always `muc_nonanonymous`, `muc_persistent` and `muc_unsecured`.",
		"",
	].join("\n");
	await expect(table).toMatchFileSnapshot("../docs/support.md");
});

test("each feature that a hosted room announces is explained", async () => {
	expect([...(await announced())].sort()).toEqual(Object.keys(features).sort());
});
