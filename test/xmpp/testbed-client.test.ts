import { setTimeout } from "node:timers/promises";
import { client, xml } from "@xmpp/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Inbox } from "../testbed/inbox.ts";
import { XmppClient } from "../testbed/xmpp-client.ts";

const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);

beforeEach(() => {
	unhandled.length = 0;
	process.on("unhandledRejection", note);
});
afterEach(() => {
	process.off("unhandledRejection", note);
});

test("an error that answers an IQ before the write ends rejects the IQ, and nothing else", async () => {
	const connection = client({
		service: "xmpp://127.0.0.1:9",
		domain: "x.test",
		username: "r",
		password: "r",
	});
	// The server's answer arrives while the write waits for its callback.
	connection.send = async (iq) => {
		await setTimeout(1);
		const error = xml("error", { type: "cancel" }, xml("not-acceptable", { xmlns: stanzas }));
		connection.emit("element", xml("iq", { type: "error", id: iq.attrs.id, from: iq.attrs.to }, error));
		await setTimeout(20);
	};
	const romeo = new XmppClient("r@x.test/test", new Inbox("romeo", String), connection);
	await expect(romeo.iq("juliet@x.test", "get", xml("query"))).rejects.toThrow("not-acceptable");
	await setTimeout(0);
	expect(unhandled).toEqual([]);
});

const stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";
