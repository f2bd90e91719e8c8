import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Reaction, Redaction } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Reaction as Shown } from "../../src/core/journal.ts";
import type { Outbound, Refs } from "../../src/core/network.ts";
import { sameEmoji, sameSet } from "../../src/core/reactions.ts";
import type { Client } from "../../src/matrix/client.ts";
import type { Content, MatrixEvent } from "../../src/matrix/event.ts";
import type { EventCache } from "../../src/matrix/event-cache.ts";
import { reactionIn } from "../../src/matrix/message/reactions.ts";
import type { Rooms } from "../../src/matrix/rooms.ts";
import { createReactionSender } from "../../src/matrix/send-reaction.ts";
import { createRedactionSender } from "../../src/matrix/send-redaction.ts";
import { vectors } from "../vectors.ts";
import { samplePerson } from "./samples.ts";

type Case<Event> = {
	in: Event;
	refs?: Refs;
	known?: Record<string, Partial<MatrixEvent>>;
	versions?: Record<string, string[]>;
	shown?: Shown[];
	out: Content[];
};

/** Delivers an event; resolves with the requests to the homeserver, with the ghost where a case names it. */
async function asked<Event>(
	one: Case<Event>,
	act: (deps: { client: Client; rooms: Rooms; eventCache: EventCache }, out: Outbound) => Promise<unknown>,
) {
	const calls: Content[] = [];
	const event = (id: string) => ({
		type: "m.room.message",
		event_id: id,
		room_id: "!r",
		sender: "@alice:hs.test",
		origin_server_ts: 1,
		content: {},
	});
	const client = {
		send: async (_room: string, type: string, _txn: string, { body }: { body: Content }) => {
			const { "trivium.bridge": _mark, ...content } = body;
			calls.push({ send: type, content });
			return { event_id: `$sent${calls.length}` };
		},
		redact: async (_room: string, id: string, _txn: string, { as, body }: { as?: string; body: Content }) => {
			const { "trivium.bridge": _mark, ...content } = body;
			calls.push({ redact: id, as: as ?? "bot", ...content });
		},
		relations: async (_room: string, id: string) => ({ chunk: (one.versions?.[id] ?? []).map(event) }),
	} as unknown as Client;
	const rooms = {
		withBot: new Set(["!r"]),
		inside: (_room: string, _as: string, work: () => unknown) => work(),
	} as unknown as Rooms;
	const recent = {
		find: async (_room: string, id: string) => ({ ...event(id), ...one.known?.[id] }),
	} as unknown as EventCache;
	const portal = { links: [] };
	const out = { room: "!r", portal, operation: "op", refs: one.refs ?? {}, shown: one.shown ?? [] };
	await act({ client, rooms, eventCache: recent }, out as unknown as Outbound);
	return calls;
}

describe("to Matrix", () => {
	test.each(vectors<Case<Reaction>>("to-matrix", "reaction"))("reaction: $name", async (one) => {
		const event = (id: string) => ({ event_id: id, ...one.known?.[id] }) as MatrixEvent;
		const around = {
			mxid: () => undefined,
			event: (id: string) => (one.known?.[id] ? event(id) : undefined),
		};
		const reaction = { ...one.in, id: "S1", room: "verona", sender: { network: "xmpp" } } as Reaction;
		const calls = await asked(one, (deps, out) => createReactionSender(deps)(out, reaction, around, "ghost"));
		expect(calls.map(({ as: _as, ...call }) => call)).toEqual(one.out);
	});

	test("shows a person's last set of reactions after any sequence of sets, and sends no reaction twice", async () => {
		const emoji = fc.constantFrom("👍", "❤️", "❤", "🎉", ":party:", "👩‍🚀", "2️⃣");
		const sets = fc.array(fc.uniqueArray(emoji, { comparator: sameEmoji }), { maxLength: 5 });
		await fc.assert(
			fc.asyncProperty(sets, async (steps) => {
				const there = new Map<string, string>();
				let count = 0;
				const client = {
					send: async (_room: string, _type: string, _txn: string, { body }: { body: Content }) => {
						const key = reactionIn(body)?.emoji ?? "";
						expect([...there.values()].some((one) => sameEmoji(one, key))).toBe(false);
						there.set(`$r${++count}`, key);
						return { event_id: `$r${count}` };
					},
					redact: async (_room: string, id: string) => expect(there.delete(id)).toBe(true),
				} as unknown as Client;
				const rooms = {
					inside: (_room: string, _as: string, work: () => unknown) => work(),
				} as unknown as Rooms;
				const react = createReactionSender({ client, rooms });
				let shown: Shown[] = [];
				for (const set of steps) {
					const event = {
						kind: "reaction",
						mode: "set",
						emoji: set,
						target: { id: "t" },
						id: "S1",
						room: "verona",
						sender: { network: "xmpp" },
					};
					const out = { room: "!r", operation: "op", refs: { t: ["$1"] }, shown } as unknown as Outbound;
					const around = { mxid: () => undefined, event: () => undefined };
					const ids = await react(out, event as unknown as Reaction, around, "ghost");
					shown = set.map((one, index) => ({ emoji: one, id: ids[index] as MessageId }));
					expect(sameSet([...there.values()], set)).toBe(true);
				}
			}),
		);
	});

	test.each(vectors<Case<Redaction>>("to-matrix", "redaction"))("redaction: $name", async (one) => {
		const calls = await asked(one, (deps, out) =>
			createRedactionSender({ ...deps, isOurs: (mxid) => mxid.startsWith("@_xmpp_") })(
				out,
				{ ...one.in, id: "S1" as MessageId, room: "verona" as RoomId, sender: samplePerson("@romeo:xmpp") },
				"ghost",
			),
		);
		expect(calls).toEqual(one.out);
	});
});
