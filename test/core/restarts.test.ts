import { beforeEach, describe, expect, test } from "vitest";
import { createBridge, type Running } from "../../src/core/bridge.ts";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Outbound } from "../../src/core/network.ts";
import { permissions } from "../../src/core/permissions.ts";
import { memoryJournal, memoryMapping } from "../../src/store/memory.ts";
import { type Fake, fakeNetwork, quiet, until } from "../fakes.ts";

/** What is about earlier messages, with the bridge restarted in between. */

const many = { perMinute: 1e9, burst: 1e9 };
const id = (text: string) => text as MessageId;
let mapping: ReturnType<typeof memoryMapping>;
let journal: ReturnType<typeof memoryJournal>;
let earth: Fake;
let mars: Fake;
let bridge: Running;

async function begin() {
	earth = fakeNetwork("earth");
	mars = fakeNetwork("mars");
	mars.rooms.set("crater", []);
	bridge = createBridge({
		networks: [earth, mars],
		mapping,
		journal,
		rules: {
			level: permissions({ "*": "use", "owner@*": "link" }),
			limits: { sender: many, domain: many, newChats: many, newChatsOfDomain: many },
			direct: "known",
			membersMirrored: 3,
		},
		log: quiet,
	});
	await bridge.start();
}
async function restart() {
	await bridge.stop(1_000);
	await begin();
}
beforeEach(async () => {
	mapping = memoryMapping();
	journal = memoryJournal();
	await begin();
	await bridge.command({
		id: id("link"),
		network: earth.name,
		room: "plaza" as RoomId,
		sender: earth.person("owner"),
		text: "link mars crater",
		mayChangeRoom: async () => true,
		reply: async () => undefined,
	});
});

type What = { kind: BridgeEvent["kind"] } & Record<string, unknown>;
/** Somebody on mars does something; what came of it on earth. */
async function does(name: string, what: What, who = "zed"): Promise<Outbound> {
	const before = earth.sent.length;
	const event = { id: name, room: "crater", sender: mars.person(who), at: Date.now(), ...what };
	await bridge.receive([event as unknown as BridgeEvent]);
	await until(
		() => earth.sent.length > before,
		() => `nothing of ${name}`,
	);
	return earth.sent[before] as Outbound;
}
const says = (name: string, more: object = {}) =>
	does(name, { kind: "message", style: "text", text: name, aka: [`own ${name}`], ...more });
const there = ({ operation }: Outbound) => `earth:${operation}`;

describe("a corrected message", () => {
	const edit = (name: string, of: string) => {
		const target = { id: `own ${of}`, own: `own ${of}` };
		return does(name, {
			kind: "edit",
			style: "text",
			text: name,
			target,
			aka: [`own ${name}`, `also ${name}`],
		});
	};
	test("is corrected, answered and reacted to by any id it has, its correction's too, after a restart", async () => {
		const first = there(await says("m1"));
		expect((await edit("m2", "m1")).event.kind).toBe("edit");
		await restart();
		const again = await edit("m3", "m2");
		expect(again.event.kind).toBe("edit");
		expect(again.refs["own m2"]?.[0]).toBe(first);
		await restart();
		for (const name of ["m1", "own m1", "m2", "also m3"]) {
			const target = { id: name };
			const answer = await says(`to ${name}`, { replyTo: target });
			expect(answer.refs[name]?.[0]).toBe(first);
			const reaction = await does(`r ${name}`, { kind: "reaction", mode: "set", emoji: [name], target });
			// One message, one set.
			expect(reaction.shown.length).toBe(name === "m1" ? 0 : 1);
		}
	});
	test("is found by what its correction is called where it went to", async () => {
		const first = there(await says("m1"));
		const second = there(await edit("m2", "m1"));
		await restart();
		const event = {
			...{ kind: "message", style: "text", text: "yes", id: "e1", room: "plaza", at: Date.now() },
			...{ sender: earth.person("ann"), replyTo: { id: second } },
		};
		await bridge.receive([event as unknown as BridgeEvent]);
		await until(
			() => mars.sent.length > 0,
			() => "no answer",
		);
		expect(mars.sent[0]?.refs[second]?.slice(0, 2)).toEqual(["m1", "own m1"]);
		expect(first).not.toBe(second);
	});
	test("is corrected by nobody else, whatever they name", async () => {
		await says("m1");
		const forged = await edit("m2", "m1 of another");
		expect(forged.event).toMatchObject({ kind: "message", text: "Correction: m2" });
		const reaction = { kind: "reaction", mode: "set", emoji: ["👍"], target: { id: "m2" } } as const;
		expect((await does("r", reaction)).refs.m2).toEqual([there(forged)]);
	});
});

test("a thread goes on after a restart where it began", async () => {
	const thread = { aka: ["thread t"], thread: { id: "thread t" } };
	const root = await says("m1", thread);
	expect(root.event).not.toHaveProperty("thread");
	await restart();
	for (const name of ["m2", "m3"]) {
		const next = await says(name, thread);
		expect(next.event).toMatchObject({ thread: { id: "thread t" } });
		expect(next.refs["thread t"]).toEqual([there(root)]);
		await restart();
	}
});
