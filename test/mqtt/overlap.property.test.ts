import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import { createCopyFilter } from "../../src/mqtt/copies.ts";
import { type Arrival, fromMqtt, placesOf } from "../../src/mqtt/from-mqtt.ts";
import { compareFilters, matches, roomOf, subscriptionId } from "../../src/mqtt/topics.ts";
import { bridgeOf, rulesFor } from "../bridge.ts";
import { fakeNetwork, until } from "../fakes.ts";

let bridge: Running | undefined;
afterEach(() => bridge?.stop(0));

const level = fc.constantFrom("a", "b");
const topics = fc.array(level, { minLength: 1, maxLength: 3 }).map((levels) => levels.join("/"));
/** Filters over the same few levels as the topics, so that most overlap. */
const filters = fc
	.tuple(fc.array(fc.oneof(level, fc.constant("+")), { maxLength: 3 }), fc.constantFrom("#", "+", "a"))
	.map(([levels, last]) => [...levels, last].join("/"));

/** All topics of up to four levels. */
const everyTopic = Array.from({ length: 4 }, (_, depth) => depth + 1).flatMap((depth) =>
	Array.from({ length: 2 ** depth }, (_, number) =>
		Array.from({ length: depth }, (_, at) => ((number >> at) & 1 ? "a" : "b")).join("/"),
	),
);

test("of two filters whose topics are a part of the other's, the smaller one is more specific", () => {
	const within = (one: string, other: string) =>
		everyTopic.every((topic) => !matches(one, topic) || matches(other, topic));
	fc.assert(
		fc.property(filters, filters, (one, other) => {
			fc.pre(everyTopic.some((topic) => matches(one, topic)));
			fc.pre(within(one, other) && !within(other, one));
			expect(compareFilters(one, other)).toBeLessThan(0);
		}),
		{ numRuns: 300 },
	);
});

test("of all filters that match a topic, exactly one is the most specific, in whatever order they are given", () => {
	fc.assert(
		fc.property(topics, fc.uniqueArray(filters, { maxLength: 8 }), (topic, all) => {
			const known = all.filter((filter) => matches(filter, topic));
			const order = known.toSorted(compareFilters);
			expect(known.toReversed().toSorted(compareFilters)).toEqual(order);
			for (const [at, filter] of order.entries())
				for (const later of order.slice(at + 1)) expect(compareFilters(filter, later)).toBeLessThan(0);
		}),
	);
});

/** How a broker sends a message that several subscriptions match. */
const brokers = {
	"one message with all identifiers": (ids: readonly number[]) => [ids],
	"a message for each identifier": (ids: readonly number[]) => ids.map((id) => [id]),
	"one message without identifiers": () => [[]],
	"a copy without identifiers for each": (ids: readonly number[]) => ids.map(() => []),
} as const;

test.each(Object.keys(brokers) as (keyof typeof brokers)[])(
	"each room shows each value once, by its most specific filter: a broker that sends %s",
	async (kind) => {
		const links = fc.record({ room: fc.constantFrom("one", "two", "three"), filter: filters });
		await fc.assert(
			fc.asyncProperty(
				fc.uniqueArray(links, {
					minLength: 1,
					maxLength: 7,
					selector: ({ room, filter }) => `${room} ${filter}`,
				}),
				fc.array(topics, { minLength: 1, maxLength: 8 }),
				async (mirrors, published) => {
					await bridge?.stop(0);
					const [chat, things] = [fakeNetwork("chat"), fakeNetwork("mqtt", { sources: true })];
					bridge = bridgeOf([chat, things], rulesFor({ "*": "use" }));
					await bridge.start();
					const wanted = mirrors.map(({ room, filter }) => ({
						here: chat.name,
						room: room as RoomId,
						there: things.name,
						topic: roomOf("home", filter),
					}));
					await bridge.mirror(wanted, true);
					const subscribed = [...new Set(mirrors.map(({ filter }) => filter))];
					const copies = createCopyFilter();
					const expected: string[] = [];
					for (const [number, topic] of published.entries()) {
						const known = subscribed.filter((filter) => matches(filter, topic));
						// Without identifiers and copies, equal values might be taken for copies: see copies.test.ts.
						const value = `${kind === "one message without identifiers" ? number : number % 2}`;
						if (known.length === 0) continue;
						for (const subscriptions of brokers[kind](known.map(subscriptionId))) {
							const arrival: Arrival = {
								topic,
								payload: Buffer.from(value),
								qos: 1,
								dup: false,
								retain: false,
								packetId: 1,
								subscriptions,
							};
							const copy = subscriptions.length === 0 && copies.isCopy(arrival, known.length);
							if (copy) continue;
							const id = `${number} ${subscriptions}` as MessageId;
							const places = placesOf({ ...arrival, subscribed }, subscribed);
							await things.bridge.receive(
								places.map(({ filter, preferred }) => ({
									...fromMqtt(arrival, { broker: "home", room: roomOf("home", filter), id, at: number })
										.event,
									preferred: preferred.map((one) => roomOf("home", one)),
								})),
							);
						}
						for (const room of ["one", "two", "three"]) {
							const mine = mirrors.filter((one) => one.room === room && known.includes(one.filter));
							const [best] = mine.map(({ filter }) => filter).toSorted(compareFilters);
							if (best !== undefined) expected.push(`${room} by ${best}: ${value}`);
						}
					}
					const shown = () =>
						chat.sent.map(({ room, event }) => {
							if (event.kind !== "message") return event.kind;
							return `${room} by ${event.room.slice("home/".length)}: ${event.text.at(-1)}`;
						});
					await until(
						() => chat.sent.length >= expected.length,
						() => `${shown()} instead of ${expected}`,
					);
					await bridge.stop(1_000);
					expect(shown().toSorted()).toEqual(expected.toSorted());
				},
			),
			{ numRuns: 25 },
		);
	},
);
