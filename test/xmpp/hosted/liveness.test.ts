import { describe, expect, test } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { StanzaError } from "../../../src/xmpp/stanza-error.ts";
import type { Element } from "../../../src/xmpp/stream/xml.ts";
import { stanza } from "../stanza.ts";
import { hostedWorld, juliet, lobby, romeo } from "./world.ts";

async function inside(people = 0) {
	const world = hostedWorld();
	await world.start();
	await world.join(romeo, "Romeo");
	await world.join(juliet, "Juliet");
	for (let n = 0; n < people; n++) await world.join(`p${n}@x.test/r`, `Person ${n}`);
	world.got(romeo);
	world.got(juliet);
	const asked: string[] = [];
	/** Answers the questions to one client with what `answer` returns or throws, and all others at once. */
	const answers = (jid: string, answer: (request: Element) => Promise<Element>) => {
		world.source.iq = (request) => {
			asked.push(`${request.getChildElements()[0]?.name} ${request.attrs.to}`);
			return request.attrs.to === jid ? answer(request) : Promise.resolve(stanza("<iq type='result'/>"));
		};
	};
	const halfHours = async (count: number) => {
		for (let n = 0; n < count; n++) {
			world.clock.at += 30 * 60_000 + 1;
			world.sweep();
			await world.settle();
		}
	};
	return { ...world, asked, answers, halfHours };
}
const error = (condition: string) => () => Promise.reject(new StanzaError(condition, "cancel"));
const out = "presence unavailable Romeo none/none";

describe("an error that comes back for a client", () => {
	const bounce = (name: string, condition: string) =>
		`<${name} from='${romeo}' to='${lobby}/Juliet' type='error'><error type='cancel'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></${name}>`;

	test.each(["message", "presence"])("as a %s ends its session if the client is gone", async (name) => {
		const world = await inside();
		world.take(bounce(name, "recipient-unavailable"));
		expect(world.got(romeo)).toEqual([
			`${out} (The bridge lost the link to your client. Join again.) 110 333`,
		]);
		expect(world.got(juliet)).toEqual([`${out} (The bridge lost the link to your client. Join again.) 333`]);
		world.take(bounce(name, "recipient-unavailable"));
		expect(world.sent).toEqual([]);
	});

	test("keeps its session if it only dislikes a stanza", async () => {
		const world = await inside();
		world.take(bounce("message", "feature-not-implemented"));
		expect(world.sent).toEqual([]);
	});
});

describe("a silent client", () => {
	test("is asked, and stays while it answers, or answers that it knows no pings", async () => {
		const world = await inside();
		world.answers(romeo, error("feature-not-implemented"));
		await world.halfHours(12);
		expect(world.asked.filter((one) => one === `ping ${romeo}`)).toHaveLength(12);
		expect(world.sent).toEqual([]);
	});

	test("is not asked while it says something", async () => {
		const world = await inside();
		world.answers(romeo, error("item-not-found"));
		world.clock.at += 29 * 60_000;
		world.take(`<presence from='${romeo}' to='${lobby}/Romeo'/>`);
		world.got(juliet);
		world.clock.at += 2 * 60_000;
		world.sweep();
		await world.settle();
		expect(world.asked).toEqual([`ping ${juliet}`]);
	});

	test("is asked half an hour after it was last heard, though others came earlier and later", async () => {
		const world = await inside();
		world.answers(romeo, async () => stanza("<iq type='result'/>"));
		world.clock.at += 10 * 60_000;
		world.sweep();
		await world.join("late@x.test/r", "Late");
		const at: string[] = [];
		for (let minute = 11; minute <= 75; minute++) {
			world.clock.at += 60_000;
			world.sweep();
			await world.settle();
			for (const one of world.asked.splice(0)) at.push(`${minute} ${one}`);
		}
		expect(at).toEqual([
			...[`30 ping ${romeo}`, `30 ping ${juliet}`, "40 ping late@x.test/r"],
			...[`60 ping ${romeo}`, `60 ping ${juliet}`, "70 ping late@x.test/r"],
		]);
	});

	test("is out if its server says that it is gone", async () => {
		const world = await inside();
		world.answers(romeo, error("remote-server-not-found"));
		await world.halfHours(1);
		expect(world.got(juliet)).toEqual([`${out} (The bridge lost the link to your client. Join again.) 333`]);
	});

	test("is out if neither of two kinds of questions gets through, one of which each client answers", async () => {
		const world = await inside();
		world.answers(romeo, async ({ children: [question] }) =>
			(question as Element).name === "ping" ? error("service-unavailable")() : stanza("<iq type='result'/>"),
		);
		await world.halfHours(1);
		expect(world.sent).toEqual([]);
		world.answers(romeo, error("service-unavailable"));
		await world.halfHours(1);
		expect(world.got(juliet)).toHaveLength(1);
	});

	test("may hibernate for a day, but not for ever", async () => {
		const world = await inside();
		world.answers(romeo, () => Promise.reject(new TemporaryError("no answer")));
		await world.halfHours(48);
		expect(world.got(juliet)).toEqual([]);
		await world.halfHours(2);
		expect(world.got(juliet)).toEqual([`${out} (Your client does not answer any more.) 333`]);
	});

	test("costs a bounded share of each sweep, however many there are", async () => {
		const world = await inside(60);
		world.answers(romeo, error("item-not-found"));
		world.clock.at += 30 * 60_000 + 1;
		for (const [count, sum] of [
			[25, 25],
			[25, 50],
			[12, 62],
			[0, 62],
		] as const) {
			const before = world.asked.length;
			world.sweep();
			await world.settle();
			const pings = world.asked.slice(before).length;
			expect([pings, world.asked.length]).toEqual([count, sum]);
		}
	});
});
