import { describe, expect, test } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { createBroadcast } from "../../../src/xmpp/hosted/broadcast.ts";
import type { Session } from "../../../src/xmpp/hosted/room.ts";
import type { Recipient } from "../../../src/xmpp/stream/component.ts";
import { type Element, serialize, xml } from "../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../fakes.ts";

const session = (jid: string, address = "#a@bridge.test"): Session => ({
	jid,
	address,
	presence: [],
	heard: 0,
});
const line = (body: string) => (address: string) => xml("message", { from: address }, xml("body", {}, body));

/** A broadcast on a fake link that takes what is written when the test says so. */
function setUp() {
	const written: { to: string; text: string }[] = [];
	const waiting: PromiseWithResolvers<void>[] = [];
	const lost: string[] = [];
	let serialized = 0;
	const out = createBroadcast({
		link: {
			sendToAll(stanza: Element, recipients: readonly Recipient[], most = 0) {
				serialized++;
				const text = serialize(stanza);
				const sent = Math.min(recipients.length, Math.max(1, Math.floor(most / text.length)));
				for (const { jid: to } of recipients.slice(0, sent)) written.push({ to, text });
				const one = Promise.withResolvers<void>();
				waiting.push(one);
				return { sent, bytes: text.length * sent, taken: one.promise };
			},
		},
		log: quiet,
		lose(one) {
			lost.push(one.jid);
			out.farewell(one, xml("presence", { from: one.address, type: "unavailable" }));
			// The end of a session is told to the others of its room.
			out.send(others(one), line("gone"));
		},
	});
	let room: Session[] = [];
	const others = (one: Session) => {
		room = room.filter((other) => other !== one);
		return room;
	};
	return {
		...{ out, written, waiting, lost },
		serialized: () => serialized,
		room: (sessions: Session[]) => {
			room = sessions;
		},
		async take(): Promise<void> {
			for (const one of waiting.splice(0)) one.resolve();
			await new Promise((resolve) => setImmediate(resolve));
		},
	};
}

describe("a broadcast", () => {
	test("serializes once for each address that people joined by, and keeps the order", () => {
		const { out, written, serialized } = setUp();
		const sessions = [session("a"), session("b", "#b@bridge.test"), session("c")];
		out.send(sessions, line("1"));
		out.send(sessions, line("2"));
		expect(serialized()).toBe(4);
		expect(written.map(({ to, text }) => `${to} ${text.replace(/<\/?\w+( |>)?/g, "")}`)).toEqual([
			`a from="#a@bridge.test">1`,
			`c from="#a@bridge.test">1`,
			`b from="#b@bridge.test">1`,
			`a from="#a@bridge.test">2`,
			`c from="#a@bridge.test">2`,
			`b from="#b@bridge.test">2`,
		]);
	});

	test("holds the lines for a session that waits for its history", () => {
		const { out, written } = setUp();
		const joining: Session = { ...session("a"), held: [] };
		out.send([joining, session("b")], line("1"));
		out.send([joining], line("2"));
		out.sendNow(joining, xml("message", {}, xml("subject")));
		expect(written.map(({ to }) => to)).toEqual(["b", "a"]);
		out.release(joining);
		out.send([joining], line("3"));
		expect(written.slice(2).map(({ text }) => text.match(/\d/)?.[0])).toEqual(["1", "2", "3"]);
	});

	test("ends a session that waits for its history for too many lines", () => {
		const { out, lost } = setUp();
		const joining: Session = { ...session("a"), held: [] };
		for (let n = 0; n < 2_000; n++) out.send([joining], line(`${n}`));
		expect(lost).toEqual([]);
		out.send([joining], line("one more"));
		expect(lost).toEqual(["a"]);
	});

	test("keeps bounded memory on a slow link: sessions end, and are told so once it is faster", async () => {
		const { out, written, lost, room, take } = setUp();
		const sessions = Array.from({ length: 1_000 }, (_, n) => session(`s${n}`));
		room(sessions);
		const large = "x".repeat(100_000);
		for (let n = 0; n < 10 && lost.length === 0; n++) out.send(sessions, line(large));
		expect(new Set(lost).size).toBe(1_000);
		expect(lost).toHaveLength(1_000);
		const sum = written.reduce((bytes, { text }) => bytes + text.length, 0);
		expect(sum).toBeLessThan(33 * 1_048_576);
		await take();
		expect(written.filter(({ text }) => text.includes("unavailable"))).toHaveLength(1_000);
	});

	test("tells when a slow link takes stanzas again", async () => {
		const { out, take } = setUp();
		let ready = 0;
		await out.ready();
		out.send([session("a")], line("x".repeat(20 * 1_048_576)));
		void out.ready().then(() => ready++);
		await new Promise((resolve) => setImmediate(resolve));
		expect(ready).toBe(0);
		await take();
		expect(ready).toBe(1);
	});

	test("goes on after a broken link", async () => {
		const { out, written, waiting } = setUp();
		out.send([session("a")], line("1"));
		waiting[0]?.reject(new TemporaryError("broken"));
		await new Promise((resolve) => setImmediate(resolve));
		out.send([session("a")], line("2"));
		expect(written).toHaveLength(2);
	});
});
