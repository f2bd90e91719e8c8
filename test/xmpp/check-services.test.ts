import { expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import { checkFiles, checkRooms, checkStanzaSize } from "../../src/xmpp/check-services.ts";
import { StanzaError } from "../../src/xmpp/stanza-error.ts";
import { largestStanza } from "../../src/xmpp/stream/component.ts";
import { type Element, serialize, xml } from "../../src/xmpp/stream/xml.ts";
import { quiet } from "../fakes.ts";

const component = "bridge.x.test";
const info = "http://jabber.org/protocol/disco#info";
const items = (...jids: string[]) =>
	xml(
		"iq",
		{ type: "result" },
		xml(
			"query",
			{ xmlns: "http://jabber.org/protocol/disco#items" },
			...jids.map((jid) => xml("item", { jid })),
		),
	);
const service = (category: string, type: string) =>
	xml("iq", { type: "result" }, xml("query", { xmlns: info }, xml("identity", { category, type })));

/** Returns a link on which these addresses answer, and all others stay silent. */
const link = (answers: Record<string, Element | Error>) => ({
	iq: async ({ attrs: { to = "" } }: Element) => {
		const answer = answers[to] ?? new TemporaryError("no answer");
		if (answer instanceof Error) throw answer;
		return answer;
	},
});

test("checkRooms finds the MUC service among those of the server", async () => {
	const answers = {
		"x.test": items(component, "pubsub.x.test", "irc.x.test", "muc.x.test"),
		"pubsub.x.test": new StanzaError("forbidden", "auth"),
		"irc.x.test": service("conference", "irc"),
		"muc.x.test": service("conference", "text"),
	};
	expect(await checkRooms(link(answers), component)).toEqual([
		{ ok: true, what: "rooms", detail: "muc.x.test" },
	]);
});

test("checkRooms fails at a service that does not answer, and says nothing of a parent domain that is no server", async () => {
	const silent = { "x.test": items("muc.x.test") };
	expect(await checkRooms(link(silent), component)).toMatchObject([
		{ ok: false, detail: expect.stringContaining("muc.x.test") },
	]);
	expect(await checkRooms(link({}), component)).toEqual([]);
});

test("checkFiles notes that people read names only where no upload service takes us", async () => {
	expect(await checkFiles(link({}), component, quiet)).toMatchObject({
		ok: true,
		note: true,
		detail: expect.stringMatching(/http_file_share_access.*mod_http_upload/),
	});
});

test("checkStanzaSize sends the largest stanza, and tells a cut stream from a slow one", async () => {
	const never = new Promise<never>(() => undefined);
	let bytes = 0;
	const echo = {
		iq: async (request: Element) => {
			bytes = Buffer.byteLength(serialize(request));
			return xml("iq", {});
		},
	};
	expect(await checkStanzaSize(echo, component, never)).toMatchObject({ ok: true });
	expect(bytes).toBeGreaterThan(largestStanza - 1_100);
	expect(bytes).toBeLessThanOrEqual(largestStanza);
	const late = await checkStanzaSize(link({}), component, never);
	expect(late).toMatchObject({ ok: false, detail: expect.stringContaining("shaper") });
	const cut = await checkStanzaSize({ iq: () => never }, component, Promise.resolve());
	expect(cut).toMatchObject({ ok: false, detail: expect.stringContaining("max_stanza_size") });
});
