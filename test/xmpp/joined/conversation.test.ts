import { describe, expect, test } from "vitest";
import { PermanentError, type Reason } from "../../../src/core/errors.ts";
import type { BridgeEvent } from "../../../src/core/event.ts";
import type { PortalId, RoomId } from "../../../src/core/ids.ts";
import type { Person } from "../../../src/core/person.ts";
import { createJoinedConversation } from "../../../src/xmpp/joined/conversation.ts";
import { xml } from "../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../fakes.ts";
import { link, world } from "./muc-world.ts";

const room = "verona@muc.test" as RoomId;

function conversation() {
	const done: string[] = [];
	const rooms: Parameters<typeof createJoinedConversation>[0] = {
		...world().rooms,
		has: (jid) => jid === room,
		attach: async (_link, members, _marks, earlier) =>
			void done.push(`attach ${members.length}${earlier ? " after the earlier lines" : ""}`),
		missed: (jid) => void done.push(`one notice about ${jid}`),
		whisper: async (_event, text) => void done.push(`private message: ${text}`),
	};
	const software = { name: "Trivium", version: "1", uri: "xmpp:bridge.test" };
	return { ...createJoinedConversation(rooms, { software, membersMirrored: 2, log: quiet }), done };
}

describe("the conversation of joined MUCs", () => {
	test("claims messages and presences by their sender, and IQs to its listeners alone", () => {
		const { claims } = conversation();
		const claimed = (name: string, from: string, to: string) => claims(xml(name, { from, to }));
		for (const name of ["message", "presence"]) {
			expect(claimed(name, `${room}/Romeo`, "alice@bridge.test/trivium")).toBe(true);
			expect(claimed(name, "other@muc.test/Romeo", "alice@bridge.test/trivium")).toBe(false);
		}
		expect(claimed("iq", `${room}/Romeo`, "alice@bridge.test")).toBe(false);
		expect(claimed("iq", "muc.test", "~listener-0123456789abcdef@bridge.test/trivium")).toBe(true);
	});

	test("answers IQs to a listener under the name of the bridge", async () => {
		const to = "~listener-0123456789abcdef@bridge.test/trivium";
		const card = xml("vCard", { xmlns: "vcard-temp" });
		const answer = await conversation().iq(xml("iq", { type: "get", id: "1", from: "muc.test", to }, card));
		expect(answer?.attrs).toEqual({ type: "result", id: "1", from: to, to: "muc.test" });
		expect(String(answer)).toContain("<FN>Trivium</FN>");
	});

	test("owns rooms that are one JID, and no chat of two", () => {
		const { owns } = conversation();
		expect([owns(room), owns("romeo@x.test alice@bridge.test" as RoomId)]).toEqual([true, false]);
	});

	test.each<[Reason, string]>([
		["busy", `one notice about ${room}`],
		["expired", `one notice about ${room}`],
		["forbidden", "private message"],
		["failed", "private message"],
	])("tells of a line that is refused as %s by %s", async (reason, told) => {
		const { refuse, done } = conversation();
		await refuse({ room } as BridgeEvent, new PermanentError(reason, "no"), "Matrix");
		expect(done).toEqual([expect.stringContaining(told)]);
	});

	test("brings no members along where there are more than are mirrored", async () => {
		const { attach, done } = conversation();
		const people = (count: number) => Array.from({ length: count }, () => ({}) as Person);
		const portal = { id: "p" as PortalId, links: [link] };
		await attach(portal, link, people(2), false);
		await attach(portal, link, people(3), false);
		expect(done).toEqual(["attach 2", "attach 0"]);
	});

	test("begins with the earlier lines in a new portal whose other room the bridge has made, and in no other one", async () => {
		const { attach, done } = conversation();
		const made = { ...link, id: "made" as typeof link.id, ours: true as const };
		const portal = { id: "p" as PortalId, links: [link, made] };
		await attach(portal, link, [], true);
		await attach(portal, link, [], false);
		await attach({ ...portal, links: [link] }, link, [], true);
		expect(done).toEqual(["attach 0 after the earlier lines", "attach 0", "attach 0"]);
	});
});
