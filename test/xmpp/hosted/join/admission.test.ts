import { expect, test } from "vitest";
import { personKey } from "../../../../src/core/hosting.ts";
import { account } from "../../../../src/xmpp/from-xmpp.ts";
import { isFull } from "../../../../src/xmpp/hosted/join/admission.ts";
import { addOccupant } from "../../../../src/xmpp/hosted/occupants.ts";
import { createHostedRoom } from "../../../../src/xmpp/hosted/room.ts";
import { alice, facts, juliet, romeo, view } from "../world.ts";

test("a room is full for those alone who are new and have no power there", () => {
	const [one, other] = [account(romeo), account(juliet)];
	const levels = facts.levels && { ...facts.levels, of: new Map([[personKey(other), 50]]) };
	const room = createHostedRoom(view, { ...facts, ...(levels && { levels }) });
	addOccupant(room, alice, "o-alice");
	expect(isFull(room, one)).toBe(false);
	room.own = { maxUsers: 1 };
	expect(isFull(room, one)).toBe(true);
	expect(isFull(room, alice)).toBe(false);
	expect(isFull(room, other)).toBe(false);
	room.own = { maxUsers: 2 };
	expect(isFull(room, one)).toBe(false);
});
