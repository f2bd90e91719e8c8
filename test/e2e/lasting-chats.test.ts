import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient, type SeenEvent } from "../testbed/matrix-client.ts";
import { XmppClient, xml } from "../testbed/xmpp-client.ts";

/** Tests that a chat of two goes on when one of its people leaves the room, opens another one, or loses the account. */

describe.each(["prosody", "ejabberd"] as const)("a chat of two through %s", (server) => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	let romeo: XmppClient;
	/** The address of Juliet's ghost, and the MXID of Romeo's. */
	let her: string;
	let his: string;
	/** The room of the chat. */
	let room: string;
	let count = 0;

	beforeAll(async () => {
		bridged = await startBridged({ xmpp: server });
		juliet = await MatrixClient.connect(bridged.bed.matrix.url, await bridged.bed.matrixUser("juliet"));
		await login();
		her = `juliet@${bridged.xmpp.component}`;
		his = `@_xmpp_romeo=40${bridged.xmpp.domain}:hs.test`;
	});
	afterAll(async () => {
		await Promise.all([romeo?.close(), juliet?.close()]);
		await bridged?.stop();
	});
	const login = async () => {
		romeo = await XmppClient.connect(await bridged.bed.xmppUser(server, "romeo"));
		await romeo.send(xml("presence", {}));
	};

	const here = (what: string, fits: (event: SeenEvent) => boolean) => juliet.waitFor(what, fits, 20_000);
	/** Sends a line in both directions, each of which arrives once. */
	async function goesOn(): Promise<void> {
		const [asked, answered] = [`line ${++count}`, `line ${++count}`];
		await juliet.send(room, asked);
		await romeo.waitForMessage(asked, her, 20_000);
		await romeo.sendMessage(her, answered);
		await here(answered, (one) => one.room_id === room && one.content.body === answered);
		expect(juliet.inbox.items.filter((one) => one.content.body === answered)).toHaveLength(1);
		expect(romeo.inbox.items.filter((one) => one.getChild("body")?.getText() === asked)).toHaveLength(1);
	}
	/** Resolves with the room of an invitation that comes from now on, once Juliet has accepted it. */
	async function accepts(since: number): Promise<string> {
		const invite = await here(
			"an invitation",
			(one) =>
				juliet.inbox.items.indexOf(one) >= since && one.from === "invite" && one.state_key === juliet.userId,
		);
		return juliet.join(invite.room_id);
	}
	const readsThat = (words: RegExp) =>
		romeo.waitFor(
			`${words}`,
			(one) => one.attrs.from?.startsWith(her) === true && words.test(one.getChild("body")?.getText() ?? ""),
			20_000,
		);

	test("begins, and goes on in the same room when the Matrix person has left it and is written to again", async () => {
		await romeo.sendMessage(her, "good morrow");
		room = await accepts(0);
		await here("the first line", (one) => one.room_id === room && one.content.body === "good morrow");
		await goesOn();
		const since = juliet.inbox.items.length;
		await juliet.leave(room);
		await readsThat(/has left this chat\. Your next message invites them again/);
		for (const words of ["art thou gone", "so soon?"]) await romeo.sendMessage(her, words);
		expect(await accepts(since)).toBe(room);
		for (const words of ["art thou gone", "so soon?"])
			await here(words, (one) => one.room_id === room && one.content.body === words);
		await goesOn();
	});

	test("goes on in a second room that the Matrix person opens, and the first one says so", async () => {
		const first = room;
		room = await juliet.createRoom({ is_direct: true, preset: "trusted_private_chat", invite: [his] });
		const left = await here(
			"the ghost's leave",
			(one) => one.room_id === first && one.state_key === his && one.content.membership === "leave",
		);
		expect(left.content.reason).toMatch(/goes on in the room that you opened later/);
		await goesOn();
	});

	test("goes on in a further room when the Matrix person has left it and opens another one", async () => {
		await juliet.leave(room);
		room = await juliet.createRoom({ is_direct: true, preset: "trusted_private_chat", invite: [his] });
		await here(
			"the ghost",
			(one) => one.room_id === room && one.state_key === his && one.content.membership === "join",
		);
		await goesOn();
	});

	test("says that the account is gone, and goes on with the one that is made in its place", async () => {
		if (server === "prosody") {
			const remove = xml("query", { xmlns: "jabber:iq:register" }, xml("remove"));
			await romeo.iq(bridged.xmpp.domain, "set", remove);
		} else {
			const body = JSON.stringify({ user: "romeo", host: bridged.xmpp.domain });
			expect((await fetch(`${bridged.xmpp.http}/api/unregister`, { method: "POST", body })).ok).toBe(true);
		}
		// The server may have closed the stream already.
		void romeo.close().catch(() => undefined);
		await juliet.send(room, "wherefore art thou?");
		await here(
			"the notice",
			(one) => one.room_id === room && /does not exist|not delivered/i.test(String(one.content.body)),
		);
		await login();
		await goesOn();
		expect(
			romeo.inbox.items.filter((one) => one.getChild("body")?.getText() === "wherefore art thou?"),
		).toEqual([]);
	});
});
