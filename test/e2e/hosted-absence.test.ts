import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";

/** Tests what people read of the time in which nobody of XMPP was in a hosted room. */

vi.setConfig({ testTimeout: 120_000 });

const mam = "urn:xmpp:mam:2";
const body = (stanza: Element) => stanza.getChild("body")?.getText();

describe("a hosted room that nobody of XMPP was in for a while", () => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	let romeo: XmppClient;
	let room: string;
	let hall: string;

	beforeAll(async () => {
		bridged = await startBridged({ xmpp: "prosody" });
		const { bed, xmpp } = bridged;
		juliet = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("juliet"));
		romeo = await XmppClient.connect(await bed.xmppUser("prosody", "romeo"));
		room = await juliet.createRoom({ preset: "public_chat", room_alias_name: "hall" });
		hall = `#hall@${xmpp.component}`;
	}, 180_000);
	afterAll(async () => {
		await Promise.all([juliet, romeo].map((client) => client?.close()));
		await bridged?.down();
	}, 60_000);

	const lines = () => romeo.inbox.items.filter((one) => one.is("message") && one.attrs.type === "groupchat");
	const says = (text: string) => juliet.send(room, text);
	const ghost = (membership: string) =>
		juliet.waitFor(
			`the ghost's ${membership}`,
			(event) =>
				event.type === "m.room.member" &&
				event.state_key?.startsWith("@_xmpp_romeo") === true &&
				event.content.membership === membership &&
				event.from === "timeline",
			20_000,
		);

	/** Resolves with the last 100 lines of the archive, or the 100 after the line `after`. */
	async function archive(after?: string): Promise<readonly string[]> {
		const queryid = randomUUID();
		const line = lines().find((one) => body(one) === after);
		const id = line?.getChild("stanza-id", "urn:xmpp:sid:0")?.attrs.id ?? "";
		const page = xml(
			"set",
			{ xmlns: "http://jabber.org/protocol/rsm" },
			xml("max", {}, "100"),
			after === undefined ? xml("before") : xml("after", {}, id),
		);
		await romeo.iq(hall, "set", xml("query", { xmlns: mam, queryid }, page), 30_000);
		return romeo.inbox.items.flatMap((one) => {
			const result = one.getChild("result", mam);
			if (result?.attrs.queryid !== queryid) return [];
			return body(result.getChild("forwarded")?.getChild("message") as Element) ?? [];
		});
	}

	test("gives the history that they ask for, and the rest from its archive alone", async () => {
		await says("before");
		await romeo.joinRoom(hall, "Romeo");
		await says("together");
		await romeo.waitForMessage("together", hall);
		await romeo.leaveRoom(hall, "Romeo");
		await ghost("leave");
		const missed = Array.from({ length: 400 }, (_, n) => `missed ${n}`);
		for (const text of missed) await says(text);
		const before = lines().length;
		await romeo.joinRoom(hall, "Romeo", { history: 3 });
		// The subject ends the history. // XEP-0045 §7.2.15
		await romeo.waitFor("the subject", (one) => {
			const at = lines().indexOf(one);
			return at >= before && one.getChild("subject") !== undefined;
		});
		await says("back");
		await romeo.waitForMessage("back", hall);
		const got = lines()
			.slice(before)
			.flatMap((one) => body(one) ?? []);
		expect(got).toEqual([...missed.slice(-3), "back"]);
		expect(await archive()).toEqual([...missed.slice(-99), "back"]);
		expect(await archive("together")).toEqual(missed.slice(0, 100));
	});
});
