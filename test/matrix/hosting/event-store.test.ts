import { beforeEach, describe, expect, test } from "vitest";
import { MatrixError } from "../../../src/matrix/client.ts";
import type { MatrixEvent } from "../../../src/matrix/event.ts";
import { createEventStore } from "../../../src/matrix/hosting/event-store.ts";
import { sampleEvent } from "../samples.ts";

const [romeo, juliet] = ["@_xmpp_romeo:hs.test", "@_xmpp_juliet:hs.test"] as const;
let asked: string[];
let open: boolean;
let inside: Set<string>;
let visible: Map<string, MatrixEvent>;
let store: ReturnType<typeof createEventStore>;

beforeEach(() => {
	[asked, open, inside, visible] = [[], true, new Set([romeo, juliet]), new Map()];
	store = createEventStore({
		client: {
			event: async (_room, id, as) => {
				asked.push(`${id} as ${as}`);
				const event = visible.get(`${as} ${id}`);
				if (!event) throw new MatrixError(404, "M_NOT_FOUND", "no");
				return event;
			},
		},
		isOpenToMembers: () => open,
		isIn: (_room, ghost) => inside.has(ghost),
	});
});

const said = (over: Partial<MatrixEvent> = {}) => sampleEvent({ content: { body: "hello" }, ...over });

describe("an event of a hosted room", () => {
	test("is shared by those who are in the room, if all members might read it", async () => {
		store.note(said());
		expect(await store.find("!r", "$e", romeo)).toMatchObject({ content: { body: "hello" } });
		expect(asked).toEqual([]);
		inside.delete(juliet);
		expect(await store.find("!r", "$e", juliet)).toBeUndefined();
		expect(asked).toEqual([`$e as ${juliet}`]);
	});

	test("is asked for by each reader where members may not read all", async () => {
		open = false;
		store.note(said());
		visible.set(`${romeo} $e`, said());
		for (const reader of [romeo, romeo, juliet]) await store.find("!r", "$e", reader);
		expect(asked).toEqual([`$e as ${romeo}`, `$e as ${juliet}`]);
		expect(await store.find("!r", "$e", juliet)).toBeUndefined();
		// The setting of today says nothing about what was said before.
		open = true;
		expect(await store.find("!r", "$e", juliet)).toBeUndefined();
	});

	test("is read anew when it was deleted", async () => {
		store.note(said());
		store.read(romeo, said());
		store.note(sampleEvent({ event_id: "$r", type: "m.room.redaction", content: { redacts: "$e" } }));
		const gone = said({
			content: {},
			unsigned: { redacted_because: sampleEvent({ event_id: "$r" }) } as never,
		});
		visible.set(`${romeo} $e`, gone);
		expect(await store.find("!r", "$e", romeo)).toEqual(gone);
		expect(await store.find("!r", "$e", romeo)).toEqual(gone);
		expect(asked).toHaveLength(1);
	});

	test("of another room is not found", async () => {
		store.note(said({ room_id: "!other" }));
		visible.set(`${romeo} $e`, said({ room_id: "!other" }));
		expect(await store.find("!r", "$e", romeo)).toBeUndefined();
	});

	test("is forgotten above the bound, and read again", async () => {
		for (let n = 0; n < 5_000; n++) store.note(said({ event_id: `$${n}` }));
		expect(await store.find("!r", "$4999", romeo)).toBeDefined();
		expect(await store.find("!r", "$1", romeo)).toBeUndefined();
		store.note(said({ event_id: "$huge", content: { body: "x".repeat(20_000) } }));
		await store.find("!r", "$huge", romeo);
		expect(asked).toEqual([`$1 as ${romeo}`, `$huge as ${romeo}`]);
	});
});
