import { beforeEach, describe, expect, test } from "vitest";
import type { createBridge } from "../src/core/bridge.ts";
import { PermanentError } from "../src/core/errors.ts";
import type { MessageId, NetworkName, RoomId, UserId } from "../src/core/ids.ts";
import type { Bridge, Network } from "../src/core/network.ts";
import type { Person } from "../src/core/person.ts";
import { bridgeOf, rulesFor } from "./bridge.ts";
import { type Fake, fakeNetwork, lines, until } from "./fakes.ts";

/**
 * A fourth network, with nothing but what core requires of one: channels on a wire that is an array. It shows messages and
 * edits; it makes no rooms, opens no chats, and knows no addresses of people.
 */
function createEcho(
	wire: string[],
): Network & { hear(channel: string, nick: string, text: string): Promise<void> } {
	const name = "echo" as NetworkName;
	let bridge: Bridge;
	let count = 0;
	const person = (nick: string): Person => ({
		network: name,
		id: nick as UserId,
		address: [nick],
		name: nick,
		handles: [nick],
		domain: "echo.test",
	});
	return {
		name,
		title: "Echo",
		start: async (core) => {
			bridge = core;
		},
		pause: async () => undefined,
		stop: async () => undefined,
		capabilities: () => ({ message: "native", edit: "text" }),
		async send({ event, room }) {
			const answers = "replyTo" in event ? " (an answer)" : "";
			if ("text" in event) wire.push(`${room} <${event.sender.name}> ${event.text}${answers}`);
			return [`wire ${wire.length}` as MessageId];
		},
		async refuse({ room, sender }, error) {
			wire.push(`${room} ${sender.name}: ${error.message}`);
		},
		async findRoom([typed = ""]) {
			if (!typed.startsWith("+")) throw new PermanentError("invalid", `“${typed}” is no channel.`);
			return { room: typed as RoomId, name: typed };
		},
		show: ({ room = "?" }) => room,
		members: async () => [],
		attach: async (_portal, { room }) => void wire.push(`joins ${room}`),
		detach: async (_portal, { room }) => void wire.push(`leaves ${room}`),
		hear: (channel, nick, text) =>
			bridge.receive([
				{
					kind: "message",
					style: "text",
					text,
					id: `heard ${++count}` as MessageId,
					room: channel as RoomId,
					sender: person(nick),
					at: Date.now(),
				},
			]),
	};
}

let wire: string[];
let echo: ReturnType<typeof createEcho>;
let earth: Fake;
let bridge: ReturnType<typeof createBridge>;

beforeEach(async () => {
	wire = [];
	echo = createEcho(wire);
	earth = fakeNetwork("earth");
	earth.rooms.set("plaza", [earth.person("ann")]);
	bridge = bridgeOf([earth, echo], rulesFor({ "*": "admin" }, { direct: "any", membersMirrored: 50 }));
	await bridge.start();
});

/** Resolves with the answer to a command that ann types on earth, or that zoe types on the fourth network. */
async function command(text: string, on: Network = earth, sender = earth.person("ann")): Promise<string> {
	const { promise, resolve } = Promise.withResolvers<string>();
	await bridge.command({
		id: text as MessageId,
		network: on.name,
		room: "plaza" as RoomId,
		sender,
		text,
		prefix: "!bridge ",
		private: false,
		mayChangeRoom: async () => true,
		reply: async (words) => resolve(words),
	});
	return promise;
}
const wired = (line: string) =>
	until(
		() => wire.includes(line),
		() => wire.join(" | "),
	);

describe("a fourth network, made of core's public interface only", () => {
	test("is linked by its name, and a message crosses both ways", async () => {
		expect(await command("link echo +verona")).toBe(
			"Linked to +verona. Messages now cross in both directions.",
		);
		await earth.say("plaza", "ann", "hello");
		await wired("+verona <ann> hello");
		await echo.hear("+verona", "zoe", "hello back");
		await until(
			() => lines(earth).length > 0,
			() => "nothing came back",
		);
		expect(lines(earth)).toEqual(["zoe: hello back"]);
		expect(await command("status")).toContain("Echo, +verona: connected.");
		expect(await command("unlink echo")).toBe(
			"Unlinked from Echo (+verona). Nothing crosses any more, and each room shows only its own people again.",
		);
		await wired("leaves +verona");
	});

	test("gets as text the kinds that it declares as text, and none that it does not declare", async () => {
		await command("link echo +verona");
		await earth.say("plaza", "ann", "one");
		const base = { room: "plaza" as RoomId, sender: earth.person("ann"), at: Date.now() };
		const target = { id: "earth-1" as MessageId };
		await earth.bridge.receive([
			{ ...base, kind: "reaction", mode: "add", id: "r" as MessageId, target, emoji: ["👍"] },
			{ ...base, kind: "edit", style: "text", id: "e" as MessageId, target, text: "won" },
		]);
		await wired("+verona <ann> Correction: won");
		await earth.say("plaza", "ann", "two", { replyTo: target });
		await wired("+verona <ann> two");
		expect(wire.slice(1)).toEqual([
			"+verona <ann> one",
			"+verona <ann> Correction: won",
			"+verona <ann> two",
		]);
	});

	test("has core answer a command that needs an optional part it lacks", async () => {
		const zoe: Person = { ...earth.person("zoe"), network: echo.name };
		expect(await command("join plaza", echo, zoe)).toBe(
			"That did not work: The bridge cannot make Echo rooms yet. Link an existing one instead.",
		);
		expect(await command("chat ann", echo, zoe)).toBe(
			"That did not work: the bridge opens no chats on Echo.",
		);
		expect(await command("chat zoe")).toBe("That did not work: nobody has the address zoe.");
	});
});
