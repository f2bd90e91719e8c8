import { expect, test } from "vitest";
import {
	fitting,
	historyRequest,
	late,
	untilLive,
} from "../../../../src/xmpp/hosted/archive/history-request.ts";
import { type Element, serialize } from "../../../../src/xmpp/stream/xml.ts";
import { stanza } from "../../stanza.ts";

const now = Date.UTC(2026, 5, 7, 12);
const room = "#room@bridge.test";
const request = (history: string) => historyRequest(history ? stanza(history) : undefined, now);

test.each([
	["without a wish", "", { lines: 20 }],
	["for five lines", "<history maxstanzas='5'/>", { lines: 5 }],
	["for more lines than a page has", "<history maxstanzas='5000'/>", { lines: 100 }],
	["for none, by their number", "<history maxstanzas='0'/>", { lines: 0 }],
	["for none, by their characters", "<history maxchars='0'/>", { lines: 0, chars: 0 }],
	["for a number of characters", "<history maxchars='65000'/>", { lines: 20, chars: 65_000 }],
	["for some seconds", "<history seconds='180'/>", { lines: 100, since: now - 180_000 }],
	["from a time on", "<history since='2026-06-07T11:00:00Z'/>", { lines: 100, since: now - 3_600_000 }],
	[
		"from the later of two times on",
		"<history since='2026-06-07T11:00:00Z' seconds='60' maxstanzas='7'/>",
		{ lines: 7, since: now - 60_000 },
	],
	["for what makes no sense", "<history maxstanzas='-1' seconds='x' since='yesterday'/>", { lines: 20 }],
])("a join %s gets its history", (_title, history, expected) => {
	expect(request(history)).toEqual(expected);
});

test("the history has the last lines that fit into the characters", () => {
	const lines = [{ chars: 10 }, { chars: 50 }, { chars: 30 }, { chars: 20 }];
	expect(fitting(lines, 60)).toEqual([{ chars: 30 }, { chars: 20 }]);
	expect(fitting(lines, 1_000)).toEqual(lines);
	expect(fitting(lines, 19)).toEqual([]);
});

test("a line of the history has the time when the room got it", () => {
	const line = stanza(`<message from='${room}/Alice' type='groupchat'><body>hi</body></message>`);
	expect(serialize(late(line, room, now))).toBe(
		`<message from="${room}/Alice" type="groupchat"><body>hi</body><delay xmlns="urn:xmpp:delay" from="${room}" stamp="2026-06-07T12:00:00.000Z"/></message>`,
	);
});

const line = (id: string, by = room): Element =>
	stanza(`<message type='groupchat'><stanza-id xmlns='urn:xmpp:sid:0' by='${by}' id='${id}'/></message>`);

test("a line that came while the session waited for its history comes live alone, and so do those behind it", () => {
	const history = [line("$1"), line("$2"), line("$3")];
	expect(untilLive(history, [], room)).toEqual(history);
	expect(untilLive(history, [line("$4")], room)).toEqual(history);
	expect(untilLive(history, [stanza("<presence/>"), line("$2")], room)).toEqual([history[0]]);
	// A client can write a stanza-id in the name of another room.
	expect(untilLive(history, [line("$2", "#other@bridge.test")], room)).toEqual(history);
});
