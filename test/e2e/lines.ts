import { setTimeout as sleep } from "node:timers/promises";
import { type MatrixClient, MatrixError } from "../testbed/matrix-client.ts";
import { type XmppClient, xml } from "../testbed/xmpp-client.ts";

/** Resolves with the bodies in a room's archive (XEP-0313), in its order. */
export async function archived(client: XmppClient, room: string): Promise<string[]> {
	const lines: string[] = [];
	for (let after = ""; ; ) {
		const before = client.inbox.items.length;
		const rsm = "http://jabber.org/protocol/rsm";
		const page = xml(
			"set",
			{ xmlns: rsm },
			xml("max", {}, "50"),
			...(after ? [xml("after", {}, after)] : []),
		);
		const answer = await client.iq(room, "set", xml("query", { xmlns: "urn:xmpp:mam:2" }, page));
		for (const stanza of client.inbox.items.slice(before)) {
			const result = stanza.getChild("result", "urn:xmpp:mam:2");
			if (!result) continue;
			after = result.attrs.id ?? "";
			lines.push(result.getChild("forwarded")?.getChild("message")?.getChild("body")?.getText() ?? "");
		}
		if (answer.getChild("fin")?.attrs.complete === "true") return lines;
	}
}

/** Resolves with the bodies in a room, oldest first, as the person's homeserver has them. */
export async function timeline(who: MatrixClient, room: string): Promise<string[]> {
	const lines: string[] = [];
	for (let from: string | undefined = ""; from !== undefined; ) {
		const path = `v3/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=500${from && `&from=${from}`}`;
		type Page = { chunk: { type: string; content: { body?: string } }[]; end?: string };
		const page: Page = await who.request<Page>("GET", path);
		for (const { type, content } of page.chunk) if (type === "m.room.message") lines.push(content.body ?? "");
		from = page.end;
	}
	return lines.reverse();
}

/** Sends a line until the homeserver takes it. The line is its own transaction id, so the room has it once. */
export async function sayUntilTaken(who: MatrixClient, room: string, line: string): Promise<void> {
	const path = `v3/rooms/${encodeURIComponent(room)}/send/m.room.message/${encodeURIComponent(line)}`;
	for (;;) {
		try {
			await who.request("PUT", path, { msgtype: "m.text", body: line });
			return;
		} catch (error) {
			if (error instanceof MatrixError && error.status < 500) throw error;
			await sleep(100);
		}
	}
}
