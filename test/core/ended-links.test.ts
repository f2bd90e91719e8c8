import { expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import type { RoomId } from "../../src/core/ids.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, rulesFor } from "../bridge.ts";
import { fakeNetwork, until } from "../fakes.ts";

const room = "verona" as RoomId;

/** Returns a bridge with a room of "earth" that is linked to a room of "sky", and the names of its portals. */
async function linked() {
	const [earth, sky] = [fakeNetwork("earth"), fakeNetwork("sky")];
	const mapping = createMemoryMapping();
	const core = bridgeOf([earth, sky], rulesFor({ "*": "link" }, { membersMirrored: 50 }), { mapping });
	sky.rooms.set("verona", []);
	await core.start();
	await earth.bridge.command({
		...{ id: "c" as never, network: earth.name, room: "plaza" as RoomId, sender: earth.person("ann") },
		...{ text: "link sky verona", prefix: "", private: false },
		mayChangeRoom: async () => true,
		reply: async () => undefined,
	});
	return { earth, sky, mapping, core };
}

test("a room that wants the bridge no more is unlinked for good, and the others read the reason", async () => {
	const { earth, sky, mapping, core } = await linked();
	expect(earth.attached.size + sky.attached.size).toBe(2);
	await sky.bridge.ended(sky.name, room, "It has banned the bridge.");
	expect(earth.announced).toEqual(["plaza: It has banned the bridge."]);
	expect(await mapping.portals()).toEqual([]);
	expect(earth.attached.size + sky.attached.size).toBe(0);
	await core.stop(1_000);
});

test("a room whose server is away is told of the end of its link once that is back", async () => {
	const { earth, sky, mapping, core } = await linked();
	let [away, tries] = [true, 0];
	const { announce } = earth;
	earth.announce = async (at, text) => {
		tries++;
		if (away) throw new TemporaryError("away");
		await announce?.(at, text);
	};
	const ended = sky.bridge.ended(sky.name, room, "It has banned the bridge.");
	await until(
		() => tries === 1,
		() => "not tried",
	);
	away = false;
	await ended;
	expect(earth.announced).toHaveLength(1);
	expect(await mapping.portals()).toEqual([]);
	await core.stop(1_000);
});
