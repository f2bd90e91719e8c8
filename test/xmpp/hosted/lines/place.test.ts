import { expect, test } from "vitest";
import type { RoomId } from "../../../../src/core/ids.ts";
import { placeIn } from "../../../../src/xmpp/hosted/lines/place.ts";
import { addOccupant, removeOccupant } from "../../../../src/xmpp/hosted/occupants.ts";
import { createHostedRoom } from "../../../../src/xmpp/hosted/room.ts";
import { fakeHosting } from "../../../fake-hosting.ts";
import { fakeNetwork } from "../../../fakes.ts";

test("the lines of somebody who has left are under no nick of somebody who is there", () => {
	const { facts } = fakeHosting("matrix").make("lobby");
	const room = createHostedRoom("!lobby@bridge.test" as RoomId, facts);
	const matrix = fakeNetwork("matrix");
	const before = { ...matrix.person("alice"), name: "Alice 🎉" };
	const now = { ...matrix.person("alicia"), name: "Alice" };
	const occupantId = (_room: unknown, { id }: { id: string }) => `o-${id}`;
	const nickOf = (person: typeof now) => placeIn(room, "#lobby@bridge.test", { occupantId }).of(person).nick;
	const occupant = addOccupant(room, before, "o-alice");
	expect(nickOf(before)).toBe("Alice");
	removeOccupant(room, occupant);
	expect(nickOf(before)).toBe("Alice");
	addOccupant(room, now, "o-alicia");
	expect([nickOf(now), nickOf(before)]).toEqual(["Alice", "Alice (alice)"]);
});
