import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { type Element, hasStatus, XmppClient, xml } from "../testbed/xmpp-client.ts";

/** Tests what becomes of a hosted room, and of what its people say, while the homeserver is away, and when its link ends. */

vi.setConfig({ testTimeout: 240_000 });

const mucUser = "http://jabber.org/protocol/muc#user";
/** How long a line may wait for an answer, in ms, with the time that a busy machine takes. */
const answered = 100_000;

describe("a hosted room", () => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	let romeo: XmppClient;
	let room: string;
	let hall: string;

	const heard = (words: string, ms?: number) =>
		juliet.waitFor(words, (event) => event.room_id === room && event.content.body === words, ms);
	const reflected = (id: string, ms?: number) =>
		romeo.waitFor("the reflection", (one) => one.attrs.id === id && one.attrs.type === "groupchat", ms);
	const refusal = (id: string) =>
		romeo.waitFor("the refusal", (one) => one.attrs.id === id && one.attrs.type === "error", answered);
	const says = (words: string) => romeo.sendMessage(hall, words, "groupchat", randomUUID());
	const kindOf = (error: Element) => {
		const one = error.getChild("error");
		return `${one?.attrs.type} ${one?.getChildElements()[0]?.name}`;
	};

	beforeAll(async () => {
		bridged = await startBridged({ xmpp: "prosody", config: () => ({ log: { level: "debug" } }) });
		const { bed, xmpp } = bridged;
		juliet = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("juliet"));
		romeo = await XmppClient.connect(await bed.xmppUser("prosody", "romeo"));
		room = await juliet.createRoom({
			preset: "public_chat",
			room_alias_name: "hall",
			invite: ["@trivium:hs.test"],
		});
		hall = `#hall@${xmpp.component}`;
		await romeo.joinRoom(hall, "Romeo");
		await reflected(await says("good evening"), 20_000);
	}, 180_000);
	afterAll(async () => {
		await Promise.all([juliet, romeo].map((client) => client?.close()));
		await bridged?.down();
	}, 60_000);

	test("gives back the lines that could not be sent in time, and shows all others once", async () => {
		const { bed, log } = bridged;
		await bed.kill("synapse");
		// The bridge may write this line to a connection that is breaking, or to none: it is then in doubt, or was never sent.
		const doubtful = await says("in doubt");
		await log.waitFor(
			"the outage",
			({ msg, net }) => net === "matrix" && msg.startsWith("a side is away"),
			30_000,
		);
		const lost = [await says("lost one"), await says("lost two")];
		for (const id of lost) expect(kindOf(await refusal(id))).toBe("wait remote-server-timeout");
		const kept = await says("kept");
		await bed.start("synapse");
		await heard("kept", 60_000);
		await reflected(kept, 20_000);
		const answer = await romeo.waitFor("the answer", ({ attrs }) => attrs.id === doubtful, 20_000);
		const sent = answer.attrs.type === "groupchat";
		if (!sent) expect(kindOf(answer)).toBe("wait remote-server-timeout");
		const lines = (await juliet.inbox.settled((event) => event.room_id === room, 1_000)).flatMap(
			({ content, sender }) => (sender?.startsWith("@_xmpp_") ? (content.body ?? []) : []),
		);
		expect(lines).toEqual(["good evening", ...(sent ? ["in doubt"] : []), "kept"]);
		const answers = [doubtful, ...lost, kept].map((id) =>
			romeo.inbox.items.flatMap(({ attrs }) => (attrs.id === id ? [attrs.type] : [])).join(),
		);
		expect(answers).toEqual([sent ? "groupchat" : "error", "error", "error", "groupchat"]);
	});

	test("has a line on disk soon while the homeserver hangs, also one that refers to a message", async () => {
		const { bed, log } = bridged;
		const read = () => log.items.filter(({ msg, from }) => msg === "received" && from === "xmpp").length;
		const before = read();
		bed.pause("synapse");
		const reply = xml("reply", { xmlns: "urn:xmpp:reply:0", to: `${hall}/juliet`, id: "$unknown" });
		const body = xml("body", {}, "a reply");
		await romeo.send(xml("message", { to: hall, type: "groupchat", id: "reply" }, body, reply));
		await says("behind the reply");
		await log.waitFor("both lines", () => read() === before + 2, 20_000);
		// The bridge reads a later line once those before it are on disk.
		await says("one more");
		await log.waitFor("the later line", () => read() === before + 3, 20_000);
		await bridged.kill();
		bed.resume("synapse");
		await bridged.start();
		await heard("a reply", 60_000);
		await heard("behind the reply", 20_000);
		await romeo.waitFor("the end of the session", (one) => hasStatus(one, "333"), 20_000);
		await romeo.joinRoom(hall, "Romeo");
	});

	test("makes way for another room of XMPP when an admin wants that, and leads people there", async () => {
		const { bed } = bridged;
		const { muc } = bed.xmpp("prosody");
		await romeo.joinRoom(`verona@${muc}`, "Romeo");
		await romeo.configureRoom(`verona@${muc}`);
		const answer = async (command: string, words: RegExp) => {
			await juliet.send(room, `!bridge ${command}`);
			return juliet.waitFor(
				`the answer to ${command}`,
				(event) => event.room_id === room && words.test(String(event.content.body)),
				30_000,
			);
		};
		await answer(`link xmpp verona@${muc}`, /people on XMPP are in this room already/);
		await answer("unlink xmpp", /Unlinked from XMPP/);
		await romeo.waitFor("the end of the room", (one) => {
			const x = one.getChild("x", mucUser);
			return one.attrs.from === `${hall}/Romeo` && x?.getChild("destroy") !== undefined;
		});
		await answer(`link xmpp verona@${muc}`, /Linked to/);
		await expect(romeo.joinRoom(hall, "Romeo")).rejects.toThrow(new RegExp(`gone.*verona@${muc}`, "s"));
		await romeo.sendMessage(`verona@${muc}`, "here now", "groupchat");
		await heard("here now", 20_000);
	});
});
