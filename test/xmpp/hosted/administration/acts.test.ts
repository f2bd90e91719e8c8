import { beforeEach, describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../../../src/core/errors.ts";
import { type Acts, createActs } from "../../../../src/xmpp/hosted/administration/acts.ts";
import { addMember } from "../../../../src/xmpp/hosted/occupants.ts";
import { createHostedRoom, type HostedRoom } from "../../../../src/xmpp/hosted/room.ts";
import { alice, facts, matrixPerson, view } from "../world.ts";

const act = { actor: "Romeo", reason: "loud", codes: ["307"] };
let room: HostedRoom;
let acts: Acts;
let now: number;

beforeEach(() => {
	now = 1_000_000;
	room = createHostedRoom(view, facts);
	addMember(room, alice, "alice");
	acts = createActs(() => now);
});

describe("an act of a moderator", () => {
	test("tells once of the change by which the source shows it", async () => {
		await acts.during(room, "removal", [[alice, act]], async () => undefined);
		expect(acts.take(room, alice, "rank")).toBeUndefined();
		expect(acts.take(room, alice, "removal")).toEqual(act);
		expect(acts.take(room, alice, "removal")).toBeUndefined();
	});

	test("tells of no later change if the source refuses it, and of one within a minute if nobody knows that", async () => {
		const fail = (error: Error) =>
			acts.during(room, "removal", [[alice, act]], () => Promise.reject(error)).catch(String);
		expect(await fail(new PermanentError("forbidden", "too weak"))).toContain("too weak");
		expect(acts.take(room, alice, "removal")).toBeUndefined();
		await fail(new TemporaryError("away"));
		expect(acts.take(room, alice, "removal")).toEqual(act);
		await fail(new TemporaryError("away"));
		now += 60_001;
		expect(acts.take(room, alice, "removal")).toBeUndefined();
	});

	test("stays noted if an earlier one upon the same person is refused after it", async () => {
		await acts.during(room, "removal", [[alice, act]], async () => undefined);
		const refused = acts.during(room, "removal", [[alice, { ...act, actor: "Tybalt" }]], async () => {
			expect(acts.take(room, alice, "removal")).toMatchObject({ actor: "Tybalt" });
			await acts.during(room, "removal", [[alice, act]], async () => undefined);
			throw new PermanentError("forbidden", "too weak");
		});
		await expect(refused).rejects.toThrow("too weak");
		expect(acts.take(room, alice, "removal")).toEqual(act);
	});

	test("upon somebody who is not in the room tells of no change after they have come", async () => {
		const bob = matrixPerson("bob", "Bob");
		await acts.during(room, "removal", [[bob, act]], async () => undefined);
		addMember(room, bob, "bob");
		expect(acts.take(room, bob, "removal")).toBeUndefined();
	});
});
