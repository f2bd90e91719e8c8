import { expect, test } from "vitest";
import type { RoomId } from "../../src/core/ids.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, rulesFor } from "../bridge.ts";
import { fakeNetwork, lines, until } from "../fakes.ts";

const list = "list" as RoomId;

/** Returns a bridge with a linked room whose people follow a list, which bans the people that `banned` names. */
async function world() {
	const banned = new Set<string>();
	const earth = fakeNetwork("earth", {
		policyLists: { follow: async () => list, bans: (_, { name = "" }) => banned.has(name) },
	});
	const sky = fakeNetwork("sky");
	const core = bridgeOf([earth, sky], rulesFor({ "*": "link" }, { membersMirrored: 50 }), {
		mapping: createMemoryMapping(),
	});
	sky.rooms.set("verona", []);
	await core.start();
	let count = 0;
	async function command(text: string): Promise<string> {
		let answer = "";
		await earth.bridge.command({
			...{ id: `c${++count}` as never, network: earth.name, room: "plaza" as RoomId },
			...{ sender: earth.person("ann"), text, prefix: "", private: false },
			mayChangeRoom: async () => true,
			reply: async (words) => {
				answer += words;
			},
		});
		return answer;
	}
	await command("link sky verona");
	return { earth, sky, core, banned, command };
}

test("a list that a room follows stops private messages of the people whom it bans there, with the reason", async () => {
	const { earth, sky, core, banned, command } = await world();
	await command("settings policy #bans:earth");
	banned.add("romeo");
	const whisper = (nick: string, address: readonly string[]) =>
		sky.bridge.receive([
			{
				...{
					kind: "message",
					style: "text",
					text: `psst from ${nick}`,
					id: `w ${nick}` as never,
					at: Date.now(),
				},
				...{ room: `private ${nick}` as RoomId, to: earth.person("ann") },
				sender: { ...sky.person(nick), address, within: "Verona" },
			},
		]);
	await whisper("romeo", ["verona", "romeo"]);
	await whisper("juliet", ["verona", "juliet"]);
	await until(
		() => lines(earth).length === 1,
		() => JSON.stringify(lines(earth)),
	);
	expect(lines(earth)).toEqual(["juliet: psst from juliet"]);
	expect(sky.refused.map(({ sentence }) => sentence)).toEqual([expect.stringContaining("names you")]);
	await core.stop(1_000);
});

test("a list that a room follows keeps the people whom it bans out, and no others", async () => {
	const { earth, sky, core, banned, command } = await world();
	await sky.say("verona", "romeo", "one");
	await until(
		() => lines(earth).length === 1,
		() => "not shown",
	);
	expect(await command("settings policy #bans:earth")).toContain("policy: #bans:earth");
	banned.add("romeo");
	await sky.bridge.receive([
		{
			...{ kind: "membership", change: "join", id: "j" as never, room: "verona" as RoomId },
			...{ sender: sky.person("paris"), at: Date.now() },
		},
	]);
	banned.add("paris");
	await earth.bridge.policyChanged(earth.name, list);
	await sky.say("verona", "romeo", "two");
	await sky.say("verona", "juliet", "three");
	await until(
		() => lines(earth).length === 2,
		() => JSON.stringify(lines(earth)),
	);
	expect(lines(earth)).toEqual(["romeo: one", "juliet: three"]);
	expect(sky.refused.map(({ sentence }) => sentence)).toEqual([expect.stringContaining("names you")]);
	const moves = earth.sent.flatMap(({ event }) =>
		event.kind === "membership" ? [`${event.sender.name} ${event.change}`] : [],
	);
	expect(moves).toEqual(["paris join", "paris leave"]);
	expect(await command("settings policy off")).not.toContain("policy");
	await sky.say("verona", "romeo", "four");
	await until(
		() => lines(earth).length === 3,
		() => "the end of the policy lets nobody in",
	);
	await core.stop(1_000);
});
