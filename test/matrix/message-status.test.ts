import { describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import { createMessageStatus } from "../../src/matrix/message-status.ts";

const no = new PermanentError("failed", "the room is full.");
const about = { room: "!r:hs.test", event: "$e", about: "$e", as: undefined };

describe("createMessageStatus", () => {
	test("says of an event that the others see in another form what they see, not that it is missing", async () => {
		const bodies: unknown[] = [];
		const statuses: unknown[] = [];
		const refuse = createMessageStatus({
			send: async (_room, type, _txn, { body }) => {
				(type === "m.room.message" ? bodies : statuses).push(body);
				return { event_id: "$n" };
			},
		});
		await refuse(about, new PermanentError("not-found", "it is shown in words.", { partly: true }), "XMPP");
		expect(bodies).toMatchObject([{ body: "Delivered to XMPP in another form: it is shown in words." }]);
		expect(statuses).toMatchObject([{ status: "SUCCESS" }]);
		expect(statuses[0]).not.toHaveProperty("reason");
	});
	test("sends a notice that the homeserver refused at the next try, with the same transaction id", async () => {
		let down = true;
		const sent: string[] = [];
		const refuse = createMessageStatus({
			send: async (_room, type, txn) => {
				sent.push(`${type} ${txn}`);
				if (down && type === "m.room.message") throw new TemporaryError("away");
				return { event_id: "$n" };
			},
		});
		await expect(refuse(about, no, "XMPP")).rejects.toThrow("away");
		down = false;
		await refuse(about, no, "XMPP");
		expect(sent.slice(2)).toEqual(sent.slice(0, 2));
		expect(sent).toHaveLength(4);
		// The notice was sent, so the same one is not sent again for a minute.
		await refuse({ ...about, event: "$f" }, no, "XMPP");
		expect(sent.slice(4).map((one) => one.split(" ")[0])).toEqual(["com.beeper.message_send_status"]);
	});
});
