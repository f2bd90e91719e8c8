import { describe, expect, test, vi } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import { MatrixError } from "../../src/matrix/client.ts";
import type { MatrixEvent } from "../../src/matrix/event.ts";
import { createSendOnce } from "../../src/matrix/send-once.ts";
import { echoOf } from "../../src/matrix/timeline.ts";
import { quiet } from "../fakes.ts";
import { sampleEvent } from "./samples.ts";

const ghost = "@_xmpp_romeo:hs.test";
const isOurs = (mxid: string) => mxid.startsWith("@_xmpp_");
const now = 1_800_000_000_000;
let count = 0;
const event = (op: string | undefined, more: Partial<MatrixEvent> = {}) =>
	sampleEvent({
		event_id: `$${++count}`,
		room_id: "!room",
		sender: ghost,
		origin_server_ts: now,
		content: { body: "hi", ...(op && { "trivium.bridge": { op } }) },
		...more,
	});
/** Returns a room with this history, the newest event first. */
function room(history: readonly MatrixEvent[]) {
	const messages = vi.fn(async (_room: string, { limit, from = "0" }: { limit: number; from?: string }) => {
		const end = Number(from) + limit;
		return {
			chunk: history.slice(Number(from), end),
			...(end < history.length && { end: String(end) }),
		};
	});
	return { messages, doubt: createSendOnce({ messages } as never, isOurs, quiet) };
}
const what = { operation: "op", attempt: 1, room: "!room", ghost, since: now, withBot: false };
const send = () => vi.fn(async () => ({ event_id: "$new" }));

describe("createSendOnce: a row in doubt", () => {
	test("is not sent again when its event is in the room", async () => {
		const there = event("op");
		const { doubt } = room([event(undefined), event("other"), there]);
		const again = send();
		expect(await doubt.once(what, again)).toEqual({ event_id: there.event_id });
		expect(again).not.toHaveBeenCalled();
	});
	test("is found behind many later events, whatever its timestamp", async () => {
		const there = event("op", { origin_server_ts: 0 });
		const since = Array.from({ length: 950 }, (_, n) =>
			event(undefined, { origin_server_ts: now + 950 - n }),
		);
		const { doubt, messages } = room([...since, there]);
		expect(await doubt.once(what, send())).toEqual({ event_id: there.event_id });
		expect(messages).toHaveBeenCalledTimes(10);
	});
	test("is sent when the history from before it lacks its event", async () => {
		const old = Array.from({ length: 500 }, () => event(undefined, { origin_server_ts: now - 3_600_000 }));
		const { doubt, messages } = room(old);
		expect(await doubt.once(what, send())).toEqual({ event_id: "$new" });
		expect(messages).toHaveBeenCalledTimes(1);
	});
	test("is searched for in a bounded part of a room's history", async () => {
		const { doubt, messages } = room(Array.from({ length: 10_000 }, () => event(undefined)));
		expect(await doubt.once(what, send())).toEqual({ event_id: "$new" });
		expect(messages).toHaveBeenCalledTimes(30);
	});
	test("is sent when only another person's event has its mark", async () => {
		const { doubt } = room([event("op", { sender: "@mallory:hs.test" })]);
		expect(await doubt.once(what, send())).toEqual({ event_id: "$new" });
	});
	test("is sent when the ghost was never in the room", async () => {
		const messages = () => Promise.reject(new MatrixError(403, "M_FORBIDDEN", "not in the room"));
		const doubt = createSendOnce({ messages }, isOurs, quiet);
		expect(await doubt.once(what, send())).toEqual({ event_id: "$new" });
	});
	test("is not sent while the history cannot be read", async () => {
		const messages = () => Promise.reject(new Error("away"));
		const again = send();
		await expect(createSendOnce({ messages }, isOurs, quiet).once(what, again)).rejects.toThrow("away");
		expect(again).not.toHaveBeenCalled();
	});
	test("is not searched for after the homeserver's echo", async () => {
		const { doubt, messages } = room([]);
		doubt.confirm(echoOf(event("op", { event_id: "$seen" })));
		expect(await doubt.once(what, send())).toEqual({ event_id: "$seen" });
		expect(messages).not.toHaveBeenCalled();
	});
});

describe("createSendOnce: many rows in doubt at once", () => {
	const juliet = "@_xmpp_juliet:hs.test";
	const many = Array.from({ length: 32 }, (_, n) => ({
		...what,
		operation: `op${n}`,
		ghost: n % 2 ? juliet : ghost,
		withBot: true,
		since: now + n,
	}));
	/** A history with the first ten rows' events, the newest first, and many older events behind them. */
	const history = [
		...many
			.slice(0, 10)
			.map((one) => event(one.operation, { sender: one.ghost }))
			.reverse(),
		...Array.from({ length: 500 }, () => event(undefined, { origin_server_ts: now - 3_600_000 })),
	];

	test("are searched for in one page, whatever their ghosts, and only the missing ones are sent", async () => {
		const { doubt, messages } = room(history);
		const again = send();
		for (const one of many) await doubt.once(one, again);
		expect(again).toHaveBeenCalledTimes(22);
		expect(messages).toHaveBeenCalledTimes(1);
		expect(messages).toHaveBeenCalledWith("!room", expect.not.objectContaining({ as: expect.anything() }));
	});
	test("are searched for only back to the time of the oldest row", async () => {
		const { doubt, messages } = room([...Array.from({ length: 250 }, () => event(undefined)), ...history]);
		const again = send();
		for (const one of many) await doubt.once(one, again);
		expect(again).toHaveBeenCalledTimes(22);
		expect(messages).toHaveBeenCalledTimes(3);
	});
	test("are searched for anew after one of them failed, since its event may be there by now", async () => {
		const { doubt, messages } = room(history);
		const one = { ...what, withBot: true };
		const fails = () => Promise.reject(new TemporaryError("no answer"));
		await expect(doubt.once(one, fails)).rejects.toThrow("no answer");
		const late = event("op");
		history.unshift(late);
		expect(await doubt.once(one, send())).toEqual({ event_id: late.event_id });
		history.shift();
		expect(messages).toHaveBeenCalledTimes(2);
	});
	test("are searched for as the ghost when the bot may not read the room", async () => {
		const { messages } = room(history);
		const asGhost = vi.fn(async (id: string, page: { limit: number; from?: string; as?: string }) => {
			if (!page.as) throw new MatrixError(403, "M_FORBIDDEN", "not in the room");
			return messages(id, page);
		});
		const again = send();
		await createSendOnce({ messages: asGhost } as never, isOurs, quiet).once(
			many[0] as (typeof many)[0],
			again,
		);
		expect(again).not.toHaveBeenCalled();
	});
});

describe("createSendOnce", () => {
	test("a new row is sent without a search", async () => {
		const { doubt, messages } = room([event("op")]);
		expect(await doubt.once({ ...what, attempt: 0 }, send())).toEqual({ event_id: "$new" });
		expect(messages).not.toHaveBeenCalled();
	});

	test("an echo is remembered for a while, not for ever", async () => {
		const { doubt, messages } = room([]);
		for (let n = 0; n < 6_001; n++) doubt.confirm(echoOf(event(`op${n}`)));
		await doubt.once({ ...what, operation: "op0" }, send());
		expect(messages).toHaveBeenCalledTimes(1);
		await doubt.once({ ...what, operation: "op1" }, send());
		expect(messages).toHaveBeenCalledTimes(1);
	});

	test("another person's event with our mark displaces no echo, and confirms no row", async () => {
		const strange = Array.from({ length: 3_000 }, (_, n) =>
			event(`strange${n}`, { sender: "@mallory:hs.test" }),
		);
		const { doubt, messages } = room(strange);
		doubt.confirm(echoOf(event("op", { event_id: "$seen" })));
		// Each search reads the room up to its bound.
		for (const name of ["!a", "!b", "!c"])
			await doubt.once({ ...what, operation: "elsewhere", room: name }, send());
		messages.mockClear();
		expect(await doubt.once(what, send())).toEqual({ event_id: "$seen" });
		expect(messages).not.toHaveBeenCalled();
		const sent = Promise.withResolvers<{ event_id: string }>();
		const mine = doubt.once({ ...what, attempt: 0, operation: "new" }, () => sent.promise);
		doubt.confirm(echoOf(event("new", { sender: "@mallory:hs.test", event_id: "$forged" })));
		sent.resolve({ event_id: "$new" });
		expect(await mine).toEqual({ event_id: "$new" });
	});
});
