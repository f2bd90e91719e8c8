import { expect } from "vitest";
import type { MatrixClient, SeenEvent } from "../testbed/matrix-client.ts";
import { type Element, type XmppClient, xml } from "../testbed/xmpp-client.ts";

const states = "http://jabber.org/protocol/chatstates";
const markers = "urn:xmpp:chat-markers:0";

/** A message as both sides know it: its Matrix event, and its stanza. */
type Line = Readonly<{ event: string; id: string }>;

/**
 * Checks that typing and read positions cross both ways in a private chat with the occupant at `nick`, in the Matrix room
 * `chat`. `mine` was written on Matrix, `theirs` on XMPP.
 */
export async function expectSignals(
	matrix: MatrixClient,
	chat: string,
	xmpp: XmppClient,
	nick: string,
	{ mine, theirs }: Readonly<{ mine: Line; theirs: Line }>,
): Promise<void> {
	const path = `v3/rooms/${encodeURIComponent(chat)}`;
	const from = (what: string, fits: (one: Element) => boolean) =>
		xmpp.waitFor(what, (one) => one.is("message") && one.attrs.from === nick && fits(one), 15_000);
	const seen = (what: string, fits: (event: SeenEvent) => boolean) =>
		matrix.waitFor(what, (one) => one.room_id === chat && one.from === "ephemeral" && fits(one), 15_000);
	const passes = (...inside: Element[]) => xmpp.send(xml("message", { to: nick, type: "chat" }, ...inside));

	const me = encodeURIComponent(matrix.userId);
	await matrix.request("PUT", `${path}/typing/${me}`, { typing: true, timeout: 30_000 });
	const typing = await from("typing", (one) => one.getChild("composing", states) !== undefined);
	expect(typing.getChild("x", "http://jabber.org/protocol/muc#user")).toBeDefined();
	await passes(xml("composing", { xmlns: states }));
	await seen(
		"typing",
		({ type, content }) =>
			type === "m.typing" && (content.user_ids as string[]).some((one) => one !== matrix.userId),
	);
	await matrix.request("POST", `${path}/receipt/m.read/${encodeURIComponent(theirs.event)}`, {});
	await from("a marker", (one) => one.getChild("displayed", markers)?.attrs.id === theirs.id);
	await passes(xml("displayed", { xmlns: markers, id: mine.id }));
	await seen("a receipt", ({ type, content }) => type === "m.receipt" && mine.event in content);
}
