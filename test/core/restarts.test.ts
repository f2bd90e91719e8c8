import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Outbound, Recalled } from "../../src/core/network.ts";
import { changed } from "../../src/core/reactions.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, until } from "../fakes.ts";

/** Events that refer to earlier messages, with a restart of the bridge in between. */
const id = (text: string) => text as MessageId;
let mapping: ReturnType<typeof createMemoryMapping>;
let journal: ReturnType<typeof createMemoryJournal>;
let earth: Fake;
let mars: Fake;
let bridge: Running;

/** The messages that the rooms themselves still know. */
let recalled: Recalled[];
let reads: number;

async function begin() {
	earth = fakeNetwork("earth", {
		recentMessages: async () => {
			reads++;
			return recalled;
		},
	});
	mars = fakeNetwork("mars", {
		idsOfDeliveries: async (_room, all) =>
			all.map(({ operation }) => [id(`mars:${operation}`), id(`from ${operation}`)]),
	});
	mars.rooms.set("crater", []);
	bridge = bridgeOf([earth, mars], rulesFor({ "*": "use", "owner@*": "link" }), { mapping, journal });
	await bridge.start();
}
async function restart() {
	await bridge.stop(1_000);
	await begin();
}
beforeEach(async () => {
	mapping = createMemoryMapping();
	journal = createMemoryJournal();
	recalled = [];
	reads = 0;
	await begin();
	await command(bridge, earth, "link mars crater", { who: "owner" });
});

type What = { kind: BridgeEvent["kind"] } & Record<string, unknown>;
/** Receives an event on mars and resolves with its delivery on earth. */
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
	test("is found after a restart by any of its ids, those of its correction too, for edits, replies and reactions", async () => {
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
			// All ids belong to one message, so there is one set of reactions.
			expect(reaction.shown.length).toBe(name === "m1" ? 0 : 1);
		}
	});
	test("is found by the id of its correction in the target room", async () => {
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
	test("is edited by no other person, whatever id the edit names", async () => {
		await says("m1");
		const forged = await edit("m2", "m1 of another");
		expect(forged.event).toMatchObject({ kind: "message", text: "Correction: m2" });
		const reaction = { kind: "reaction", mode: "set", emoji: ["👍"], target: { id: "m2" } } as const;
		expect((await does("r", reaction)).refs.m2).toEqual([there(forged)]);
	});
});

test("a thread goes on with its first message after a restart", async () => {
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

describe("after the journal is lost", () => {
	/** Receives an event of ann on earth and resolves with its delivery on mars. */
	async function annSays(name: string, more: object = {}): Promise<Outbound> {
		const before = mars.sent.length;
		const event = {
			...{ kind: "message", style: "text", text: name, id: name, room: "plaza", at: Date.now() },
			...{ sender: earth.person("ann"), aka: [`own ${name}`], ...more },
		};
		await bridge.receive([event as unknown as BridgeEvent]);
		await until(
			() => mars.sent.length > before,
			() => `nothing of ${name}`,
		);
		return mars.sent[before] as Outbound;
	}
	/** A new journal: only the rooms know zed's message m1 and ann's message e1. */
	async function lost() {
		const theirs = { ids: [id(there(await says("m1")))], sender: earth.person("ghost of zed") };
		const said = (await annSays("e1")).operation;
		const copies = ["m1", "own m1"].map((name) => ({
			network: mars.name,
			room: "crater" as RoomId,
			id: id(name),
		}));
		recalled = [
			{ ...theirs, copies },
			{ ids: [id("e1"), id("own e1")], sender: earth.person("ann") },
		];
		journal = createMemoryJournal();
		await restart();
		return { said: `mars:${said}`, theirs: theirs.ids[0] };
	}

	test("replies, edits and redactions from mars find their targets by the copies that earth's events name", async () => {
		const { said, theirs } = await lost();
		const target = { id: id("own m1"), own: id("own m1") };
		const edit = await does("m2", { kind: "edit", style: "text", text: "new", target });
		expect([edit.event.kind, edit.refs["own m1"]?.[0]]).toEqual(["edit", theirs]);
		expect((await does("m3", { kind: "redaction", target })).refs["own m1"]?.[0]).toBe(theirs);
		const answer = await says("m4", { replyTo: { id: said } });
		expect(answer.refs[said]?.[0]).toBe("e1");
		expect((await says("m5", { replyTo: { id: "m1" } })).refs.m1?.[0]).toBe(theirs);
	});
	test("replies, edits and redactions from earth find their targets, edits only those of their own author", async () => {
		const { said, theirs } = await lost();
		const change = (by: string) => ({
			...{ kind: "edit", text: "new", target: { id: "e1", own: by } },
		});
		const edit = await annSays("e2", change("own e1"));
		expect([edit.event.kind, edit.refs["own e1"]?.[0]]).toEqual(["edit", said]);
		const forged = await annSays("e3", change("own e1 by another"));
		expect(forged.event).toMatchObject({ kind: "message", text: "Correction: new" });
		expect((await annSays("e4", { replyTo: { id: "e1", text: "e1" } })).refs.e1?.[0]).toBe(said);
		expect((await annSays("e5", { replyTo: { id: theirs } })).refs[theirs ?? ""]?.[0]).toBe("m1");
	});
	test("the rooms are read once, and only for unknown messages", async () => {
		await says("m0");
		await says("m00", { replyTo: { id: "m0" } });
		expect(reads).toBe(0);
		await lost();
		for (const of of ["m1", "unheard of", "unheard of, too"]) await says(`to ${of}`, { replyTo: { id: of } });
		expect(reads).toBe(1);
	});
	test("a room that cannot be read blocks no lane, and is read again later", async () => {
		await lost();
		const known = recalled;
		earth.recentMessages = async () => Promise.reject(new Error("away"));
		const answer = await says("m2", { replyTo: { id: "m1", text: "m1" } });
		expect(answer.event).toMatchObject({ text: "> m1\nm2" });
		earth.recentMessages = async () => known;
		expect((await says("m3", { replyTo: { id: "m1" } })).refs.m1).toHaveLength(1);
	});
});

describe("reactions", () => {
	/** Returns zed's present reactions to m1 on earth, according to the deliveries, and the text lines there. */
	function shownHere(): { now: readonly string[]; lines: readonly string[] } {
		let now: readonly string[] = [];
		const told: string[] = [];
		for (const { event } of seen) {
			if (event.kind === "reaction") now = event.emoji;
			else if (event.kind === "message" && event.style === "emote") told.push(event.text);
		}
		return { now, lines: told };
	}
	/** All deliveries to earth of all runs. */
	let seen: Outbound[];
	async function again() {
		seen.push(...earth.sent);
		await restart();
	}
	async function reacts(emoji: readonly string[], mode = "set"): Promise<void> {
		const event = {
			...{
				kind: "reaction",
				mode,
				emoji,
				target: { id: "m1", text: "cake" },
				room: "crater",
				at: Date.now(),
			},
			...{ id: `r${Math.random()}`, sender: mars.person("zed") },
		};
		await bridge.receive([event as unknown as BridgeEvent]);
	}
	const settled = async () => {
		while ((await journal.stats()).waiting > 0) await new Promise((resolve) => setTimeout(resolve, 1));
		seen.push(...earth.sent.splice(0));
	};
	async function setting(value: string) {
		const [portal] = await mapping.portals();
		if (portal) await mapping.savePortal({ ...portal, settings: { reactions: value as "text" } });
	}
	beforeEach(async () => {
		seen = [];
		await says("m1");
		earth.sent.length = 0;
	});

	test("end as the last set, whatever came before and however often the bridge restarted", async () => {
		const emoji = fc.constantFrom("👍", "❤️", "❤", "🎉");
		const step = fc.tuple(
			fc.constantFrom("add", "remove", "set"),
			fc.array(emoji, { maxLength: 3 }),
			fc.boolean(),
		);
		const plain = (all: readonly string[]) => all.map((one) => one.replace("\uFE0F", "")).sort();
		await fc.assert(
			fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
				let wanted: readonly string[] = shownHere().now;
				for (const [mode, chosen, ends] of steps) {
					await reacts(chosen, mode);
					wanted = changed(wanted, mode as "add", chosen);
					if (!ends) continue;
					await settled();
					await again();
				}
				await settled();
				expect(plain(shownHere().now)).toEqual(plain(wanted));
			}),
			{ numRuns: 30 },
		);
		expect(shownHere().lines).toEqual([]);
	});
	test("in words show each new emoji once, and none that is taken back", async () => {
		await setting("text");
		for (const set of [["👍"], ["👍", "🎉"], ["🎉"], [], ["❤️"], ["❤"]]) {
			await reacts(set);
			await settled();
			await again();
		}
		expect(shownHere()).toEqual({
			now: [],
			lines: ["👍", "🎉", "❤️"].map((one) => `reacted with ${one} to “cake”`),
		});
	});
	test("are not shown while the room's setting drops them, and all shown after it changes", async () => {
		await setting("drop");
		await reacts(["👍"]);
		await settled();
		await setting("native");
		await reacts(["👍", "🎉"]);
		await settled();
		expect(shownHere()).toEqual({ now: ["👍", "🎉"], lines: [] });
	});
	test("go with words if the room's setting is mixed", async () => {
		await setting("mixed");
		await reacts(["👍"]);
		await settled();
		expect(seen.map(({ reactions }) => reactions)).toEqual(["mixed"]);
	});
});
