import { expect, test } from "vitest";
import type { Link } from "../../../src/core/mapping.ts";
import { createOwnOccupant } from "../../../src/xmpp/joined/own-occupants.ts";
import { createRoom, relink } from "../../../src/xmpp/joined/room.ts";
import { handlePresence } from "../../../src/xmpp/joined/roster.ts";

/** Has an occupant come into a MUC that is linked to the rooms of these marks. Returns the people that this makes known. */
function come(linkedTo: readonly string[], comesFrom: readonly string[]) {
	const own = createOwnOccupant("own@bridge.test", "Trivium");
	const room = createRoom("verona@muc.test", {} as Link, { own, stated: own }, 0);
	relink(room, {} as Link, linkedTo, false);
	const seen = { nick: "alice", available: true, codes: new Set<string>(), comesFrom };
	const told = handlePresence(room, seen, "bridge.test", { at: 0, unique: () => "u" });
	return [...told.map(({ kind }) => kind), ...room.roster.others.keys()];
}

test("another bridge's ghost of a person who is in our room already is nobody new", () => {
	expect(come(["mark-1"], ["mark-2", "mark-1"])).toEqual([]);
});

test("another bridge's ghost of a person from elsewhere is a person like others", () => {
	expect(come(["mark-1"], ["mark-2"])).toEqual(["membership", "alice"]);
});
