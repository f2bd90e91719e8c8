import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMailbox, type Posted } from "../../src/mqtt/mailbox.ts";
import { arrival as arrivalOf } from "./arrival.ts";

const arrival = (topic: string, text: string, more: Partial<Posted> = {}): Posted => ({
	...arrivalOf(topic, text),
	...{ qos: 0, packetId: undefined },
	...more,
});
const textOf = ({ payload }: Posted) => Buffer.from(payload).toString();

/** A mailbox with a clock of its own; `pass` lets a time in ms go by. */
function mailbox() {
	let clock = 0;
	let timers: { at: number; work: () => void }[] = [];
	const batches: (readonly Posted[])[] = [];
	const box = createMailbox({
		send: (batch) => void batches.push(batch),
		later: (ms, work) => void timers.push({ at: clock + ms, work }),
		now: () => clock,
	});
	function pass(ms: number): void {
		clock += ms;
		const due = timers.filter(({ at }) => at <= clock);
		timers = timers.filter(({ at }) => at > clock);
		for (const { work } of due) work();
	}
	const texts = () => batches.map((batch) => batch.map((one) => `${one.topic} ${textOf(one)}`));
	return { ...box, pass, batches, texts };
}
const hour = 3_600_000;

describe("createMailbox", () => {
	test("sends a message at once, and those that come while a batch is under way together", () => {
		const { add, pass, taken, texts } = mailbox();
		add(arrival("a", "1"));
		pass(0);
		add(arrival("a", "2"));
		add(arrival("b", "3"));
		pass(0);
		expect(texts()).toEqual([["a 1"]]);
		taken([]);
		pass(0);
		expect(texts()).toEqual([["a 1"], ["a 2", "b 3"]]);
	});

	test("marks a value that waited, also one in nobody's place", () => {
		const { add, pass, taken, batches } = mailbox();
		add(arrival("a", "1"));
		pass(0);
		taken([{ topic: "a", until: hour }]);
		add(arrival("a", "2"));
		pass(100);
		pass(0);
		expect(batches.map(([one]) => one?.superseded)).toEqual([undefined, 0]);
	});

	test("forgets the topics that were held before 20,000 others, and knows the new ones", () => {
		const { add, pass, taken, texts } = mailbox();
		taken(Array.from({ length: 20_000 }, (_, n) => ({ topic: `old ${n}`, until: hour })));
		taken([{ topic: "a", until: hour }]);
		for (const topic of ["old 0", "a"]) for (const text of ["1", "2"]) add(arrival(topic, text));
		pass(100);
		taken([]);
		pass(0);
		expect(texts().flat()).toEqual(["old 0 1", "old 0 2", "a 2"]);
	});

	test("sends the latest value of a held topic for the subscriptions of all, of which a broker sends one each", () => {
		const { add, pass, taken, batches } = mailbox();
		add(arrival("a", "1"));
		pass(0);
		taken([{ topic: "a", until: hour }]);
		for (const text of ["2", "3"])
			for (const subscription of [1, 2]) add(arrival("a", text, { subscriptions: [subscription] }));
		pass(100);
		pass(0);
		expect(batches[1]?.map(({ subscriptions }) => subscriptions.toSorted())).toEqual([[1, 2]]);
	});

	test("keeps the latest value of a held topic for a tenth of a second, and counts those before it", () => {
		const { add, pass, taken, batches, texts } = mailbox();
		add(arrival("a", "1"));
		pass(0);
		taken([{ topic: "a", until: hour }]);
		for (let n = 2; n <= 9; n++) add(arrival("a", String(n)));
		pass(99);
		expect(texts()).toEqual([["a 1"]]);
		pass(1);
		pass(0);
		expect(texts()).toEqual([["a 1"], ["a 9"]]);
		expect(batches[1]?.[0]).toMatchObject({ superseded: 7 });
	});

	test("sends each value of a topic that is held no more", () => {
		const { add, pass, taken, texts } = mailbox();
		add(arrival("a", "1"));
		pass(0);
		taken([{ topic: "a", until: 50 }]);
		pass(50);
		add(arrival("a", "2"));
		add(arrival("a", "3"));
		pass(0);
		expect(texts()).toEqual([["a 1"], ["a 2", "a 3"]]);
	});

	test.each([
		["of QoS 1", { qos: 1, packetId: 7 }],
		["from before the subscription", { retain: true }],
	] as const)("sends a value %s at once, behind the one of its topic that waits", (_, more) => {
		const { add, pass, taken, texts } = mailbox();
		add(arrival("a", "1"));
		pass(0);
		taken([{ topic: "a", until: hour }]);
		add(arrival("a", "2"));
		add(arrival("a", "3", more));
		pass(0);
		expect(texts()).toEqual([["a 1"], ["a 2", "a 3"]]);
	});

	test("lets its connection wait while 500 messages wait for the batch under way", () => {
		const { add, pass, taken } = mailbox();
		add(arrival("a", "first"));
		pass(0);
		let waits = 0;
		for (let n = 0; n < 510; n++) if (add(arrival("a", String(n)))) waits++;
		expect(waits).toBe(11);
		taken([]);
		pass(0);
		expect(add(arrival("a", "last"))).toBeUndefined();
	});

	test("lets its connection wait while values of a MiB wait for later ones", async () => {
		const { add, pass, taken } = mailbox();
		add(arrival("a", "1"));
		add(arrival("b", "1"));
		pass(0);
		taken([
			{ topic: "a", until: hour },
			{ topic: "b", until: hour },
		]);
		const large = "x".repeat(600_000);
		expect(add(arrival("a", large))).toBeUndefined();
		// A later value takes the place of the earlier one in memory as well.
		expect(add(arrival("a", large))).toBeUndefined();
		const room = add(arrival("b", large));
		expect(room).toBeInstanceOf(Promise);
		pass(100);
		pass(0);
		await room;
	});

	test("returns at the end all that waits", () => {
		const { add, pass, taken, rest, texts } = mailbox();
		add(arrival("a", "1"));
		pass(0);
		taken([{ topic: "a", until: hour }]);
		add(arrival("a", "2"));
		add(arrival("b", "3"));
		expect(rest().map(textOf)).toEqual(["3", "2"]);
		pass(200);
		expect(texts()).toEqual([["a 1"]]);
	});

	test("loses no value of a topic that is not held, keeps the order of each topic, and counts every value", () => {
		const step = fc.oneof(
			{
				weight: 6,
				arbitrary: fc.record({ topic: fc.constantFrom("a", "b", "c"), qos: fc.constantFrom(0, 1) }),
			},
			{ weight: 2, arbitrary: fc.constantFrom(0, 40, 120) },
			{ weight: 2, arbitrary: fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 3 }) },
		);
		fc.assert(
			fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
				const { add, pass, taken, rest, batches } = mailbox();
				const sent: { topic: string; n: number; qos: number }[] = [];
				let answered = 0;
				for (const one of steps) {
					if (typeof one === "number") pass(one);
					else if (Array.isArray(one)) {
						if (batches.length === answered) continue;
						answered = batches.length;
						const topics = new Set(batches.at(-1)?.map(({ topic }) => topic));
						taken(one.filter((topic) => topics.has(topic)).map((topic) => ({ topic, until: hour })));
					} else {
						const n = sent.push({ ...one, n: sent.length }) - 1;
						const packet = one.qos === 1 ? { qos: 1 as const, packetId: n } : {};
						add(arrival(one.topic, String(n), packet));
					}
				}
				const got = [...batches.flat(), ...rest()];
				expect(got.reduce((all, { superseded = 0 }) => all + 1 + superseded, 0)).toBe(sent.length);
				for (const topic of ["a", "b", "c"]) {
					const mine = got.filter((one) => one.topic === topic).map((one) => Number(textOf(one)));
					expect(mine).toEqual([...mine].sort((one, other) => one - other));
					expect(mine.at(-1)).toBe(sent.findLast((one) => one.topic === topic)?.n);
					const acknowledged = sent.filter((one) => one.topic === topic && one.qos === 1).map(({ n }) => n);
					expect(mine).toEqual(expect.arrayContaining(acknowledged));
				}
			}),
		);
	});
});
