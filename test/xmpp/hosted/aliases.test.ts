import { expect, test } from "vitest";
import { createAliases } from "../../../src/xmpp/hosted/aliases.ts";
import { component } from "./world.ts";

test("a room that is made at a plain address is found there, however many aliases are remembered", async () => {
	const cursors = new Map(
		Array.from({ length: 20_000 }, (_, n) => [`xmpp alias #room-${n}@${component}`, `${n}:hs.test`]),
	);
	const aliases = createAliases({
		component,
		bridge: () => ({
			cursor: async (key) => cursors.get(key),
			cursors: async (prefix) =>
				[...cursors].flatMap(([key, value]) => (key.startsWith(prefix) ? [{ key, value }] : [])),
			saveCursor: async ({ key, value = "" }) => void cursors.set(key, value),
		}),
	});
	await aliases.start();
	await aliases.note(`#late@${component}`, "Late:hs.test");
	expect(await aliases.roomOf(`#late@${component}`)).toBeUndefined();
	await aliases.note(`verona@${component}`, "Verona:hs.test");
	expect(aliases.at(`verona@${component}/Romeo`)).toEqual({ kind: "id", id: "Verona:hs.test" });
	expect(await aliases.roomOf(`verona@${component}`)).toBe("Verona:hs.test");
});
