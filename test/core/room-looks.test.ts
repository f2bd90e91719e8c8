import { expect, test } from "vitest";
import type { NetworkName, RoomId } from "../../src/core/ids.ts";
import type { Portal } from "../../src/core/mapping.ts";
import { createRoomLooks } from "../../src/core/room-looks.ts";

const there = "there" as NetworkName;
const link = (id: string, more: object = {}) => ({
	id,
	network: id,
	room: id,
	role: "joined",
	in: true,
	out: true,
	...more,
});

test("the picture, name and topic of a room go to the other rooms of its portal that take something", async () => {
	const shown: string[] = [];
	const links = [link("there"), link("a"), link("b", { out: false }), link("c")];
	const portal = async () => ({ id: "p", links }) as unknown as Portal;
	const network = (name: NetworkName) =>
		name === "c"
			? {}
			: { showPicture: () => void shown.push(name), describe: () => void shown.push(`${name} described`) };
	const { pictured, described } = createRoomLooks({ portal, network });
	await pictured(there, "there" as RoomId, null);
	expect(shown).toEqual(["a"]);
	await pictured(there, "elsewhere" as RoomId, null);
	await createRoomLooks({ portal: async () => undefined, network }).pictured(there, "there" as RoomId, null);
	expect(shown).toEqual(["a"]);
	await described(there, "there" as RoomId, { topic: "Love" });
	expect(shown).toEqual(["a", "a described"]);
});
