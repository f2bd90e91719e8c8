import { expect, test } from "vitest";
import type { MessageId } from "../../../../src/core/ids.ts";
import { archived, fin, metadata, result } from "../../../../src/xmpp/hosted/archive/result.ts";
import { serialize } from "../../../../src/xmpp/stream/xml.ts";
import { stanza } from "../../stanza.ts";

const asked = { from: "#room@bridge.test", to: "juliet@xmpp.test/balcony", queryid: "f27" };
const at = Date.UTC(2026, 5, 7, 1, 2, 3);

test("a result carries the line with its time and its id in the archive", () => {
	const line = stanza("<message from='#room@bridge.test/Alice' type='groupchat'><body>hi</body></message>");
	expect(serialize(result(asked, { id: "$1", at }, archived(line, undefined)))).toBe(
		[
			'<message from="#room@bridge.test" to="juliet@xmpp.test/balcony">',
			'<result xmlns="urn:xmpp:mam:2" queryid="f27" id="$1"><forwarded xmlns="urn:xmpp:forward:0">',
			'<delay xmlns="urn:xmpp:delay" stamp="2026-06-07T01:02:03.000Z"/>',
			'<message from="#room@bridge.test/Alice" type="groupchat" xmlns="jabber:client"><body>hi</body></message>',
			"</forwarded></result></message>",
		].join(""),
	);
});

test("a forwarded line has no recipient, and the JID of its sender is the one that the room knows", () => {
	const line = stanza(
		"<message from='#room@bridge.test/Romeo' to='juliet@xmpp.test/balcony' type='groupchat'><body>hi</body><x xmlns='http://jabber.org/protocol/muc#user'><item jid='admin@xmpp.test'/></x></message>",
	);
	const sender = { affiliation: "member", role: "participant", jid: "romeo@xmpp.test" };
	expect(serialize(archived(line, sender))).toBe(
		[
			'<message from="#room@bridge.test/Romeo" type="groupchat" xmlns="jabber:client"><body>hi</body>',
			'<x xmlns="http://jabber.org/protocol/muc#user">',
			'<item affiliation="member" role="participant" jid="romeo@xmpp.test"/></x></message>',
		].join(""),
	);
});

test("the end of the results names the page, and says where nothing more follows", () => {
	const whole = { entries: [], first: "$1", last: "$9", complete: true, count: 9 };
	expect(serialize(fin(whole))).toBe(
		'<fin xmlns="urn:xmpp:mam:2" complete="true"><set xmlns="http://jabber.org/protocol/rsm"><first>$1</first><last>$9</last><count>9</count></set></fin>',
	);
	expect(serialize(fin({ entries: [], complete: false }))).toBe(
		'<fin xmlns="urn:xmpp:mam:2"><set xmlns="http://jabber.org/protocol/rsm"/></fin>',
	);
});

test("the metadata name the first and the last entry of an archive, and nothing of an empty one", () => {
	const [first, last] = [
		{ id: "$1" as MessageId, at },
		{ id: "$9" as MessageId, at: at + 1 },
	];
	expect(serialize(metadata(first, last))).toBe(
		'<metadata xmlns="urn:xmpp:mam:2"><start id="$1" timestamp="2026-06-07T01:02:03.000Z"/><end id="$9" timestamp="2026-06-07T01:02:03.001Z"/></metadata>',
	);
	expect(serialize(metadata())).toBe('<metadata xmlns="urn:xmpp:mam:2"/>');
});
