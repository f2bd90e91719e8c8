import { expect, onTestFinished, test } from "vitest";
import type { BridgeEvent } from "../../../src/core/event.ts";
import type { PortalId } from "../../../src/core/ids.ts";
import type { Bridge } from "../../../src/core/network.ts";
import { ghostsOnXmpp } from "../../../src/networks.ts";
import { createXmpp } from "../../../src/xmpp/index.ts";
import { bare } from "../../../src/xmpp/jid.ts";
import { type Element, serialize, xml } from "../../../src/xmpp/stream/xml.ts";
import { eventually } from "../../eventually.ts";
import { quiet } from "../../fakes.ts";
import { fakeMuc } from "../fake-muc.ts";
import { domain, fakeServer, secret } from "../fake-server.ts";
import { link, room } from "./muc-world.ts";

/** Returns a network in a MUC with an archive, before a journal that takes nothing until the test says so. */
async function inRoom() {
	const told: BridgeEvent[] = [];
	let journal = Promise.resolve();
	const read = Promise.withResolvers<void>();
	const muc = fakeMuc(room, (stanza) => server.write(serialize(stanza)));
	const answer = ({ attrs: { from, to, id } }: Element, result?: Element) =>
		server.write(serialize(xml("iq", { type: "result", from: to, to: from, id }, result)));
	const server = await fakeServer({}, (stanza) => {
		if (stanza.attrs.to === "c@x.test/r") return read.resolve();
		if (bare(stanza.attrs.to ?? "") !== room) return;
		if (stanza.name !== "iq") muc.take(stanza);
		else if (stanza.getChild("query", "urn:xmpp:mam:2")) answer(stanza, muc.query(stanza).getChild("fin"));
		else answer(stanza, muc.info());
	});
	const network = createXmpp(
		{ component: domain, service: server.service, secret },
		{ log: quiet, membersMirrored: 50, namespace: ghostsOnXmpp },
	);
	onTestFinished(async () => {
		await network.stop();
		await server.stop();
	});
	await network.start({
		receive: async (events: readonly BridgeEvent[]) => {
			await journal;
			told.push(...events);
		},
		signal: () => undefined,
		changed: () => undefined,
		cursor: async () => undefined,
		cursors: async () => [],
		saveCursor: async () => undefined,
		sync: async () => undefined,
		resume: () => undefined,
		secret: async () => "secret",
	} as unknown as Bridge);
	muc.come("Romeo");
	await network.attach({ id: "p1" as PortalId, links: [link] }, link);
	const { promise: stuck, resolve: go } = Promise.withResolvers<void>();
	journal = stuck;
	const queries = muc.counts.queries;
	return {
		/** Romeo says so many lines. Resolves once the network has read them. */
		async says(count: number) {
			for (const n of words(count)) muc.say("Romeo", n, `id ${n}`);
			server.write(
				`<iq type='get' from='c@x.test/r' to='${domain}' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`,
			);
			await read.promise;
		},
		go,
		asked: () => muc.counts.queries - queries,
		lines: () => told.flatMap((event) => (event.kind === "message" ? [event.text] : [])),
	};
}
const words = (to: number) => Array.from({ length: to }, (_, n) => `${n + 1}`);

test("up to 5,000 lines of a MUC wait for the journal", async () => {
	const { says, go, asked, lines } = await inRoom();
	await says(4_900);
	go();
	await eventually(() => expect(lines()).toHaveLength(4_900));
	expect(asked()).toBe(0);
	expect(lines()).toEqual(words(4_900));
});

test("lines past 5,000 are dropped, and read in order from the archive once the journal has taken the others", async () => {
	const { says, go, asked, lines } = await inRoom();
	await says(6_000);
	expect(asked()).toBe(0);
	go();
	await eventually(() => expect(lines()).toHaveLength(6_000));
	expect(lines()).toEqual(words(6_000));
	// The archive is asked for 100 lines at a time, and for the dropped ones alone.
	expect(asked()).toBeGreaterThanOrEqual(9);
	expect(asked()).toBeLessThanOrEqual(11);
});
