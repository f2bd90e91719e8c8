import { createBridge, type Running } from "../../src/core/bridge.ts";
import type { MessageId, RoomId, UserId } from "../../src/core/ids.ts";
import type { Journal } from "../../src/core/journal.ts";
import type { Mapping } from "../../src/core/mapping.ts";
import type { Person } from "../../src/core/person.ts";
import type { Shown } from "../../src/core/signal.ts";
import { ghostsOnXmpp } from "../../src/networks.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { createXmpp } from "../../src/xmpp/index.ts";
import { rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, quiet } from "../fakes.ts";
import type { XmppAddresses } from "../testbed/index.ts";

/**
 * Connects a fictional network, in Matrix's place, with a real XMPP server through the XMPP network and core alone.
 */
export type Fictional = {
	fake: Fake;
	bridge: Running;
	/** Resolves with the answer to a command that `owner` types. */
	command(text: string, room?: string): Promise<string>;
	/** Returns a person of the fictional network with this display name. */
	person(localpart: string, name?: string): Person;
	/** Sends a message as this person to a room of the fictional network. */
	say(room: string, sender: Person, text: string, style?: "text" | "emote" | "notice"): Promise<void>;
	/** Reports that the person joined or left the room. */
	move(room: string, sender: Person, change: "join" | "leave"): Promise<void>;
	/** The messages that reached the fictional network, as "name: text". */
	lines(): string[];
	stop(): Promise<void>;
};

export async function fictional(
	server: XmppAddresses,
	over: {
		membersMirrored?: number;
		idleAfter?: number;
		mapping?: Mapping;
		journal?: Journal;
		there?: Map<string, Shown>;
	} = {},
): Promise<Fictional> {
	const { membersMirrored = 50, mapping = createMemoryMapping(), journal = createMemoryJournal() } = over;
	const fake: Fake = fakeNetwork("matrix", {
		// A name that begins with "no" belongs to nobody.
		findPerson: async ([who = ""]) => (who.startsWith("no") ? undefined : person(who)),
		presence: async ({ address: [who = ""] }) => over.there?.get(who),
	});
	const { component, componentService: service, secret } = server;
	const person = (
		localpart: string,
		name = `${localpart[0]?.toUpperCase()}${localpart.slice(1)}`,
	): Person => ({
		...fake.person(localpart),
		id: `@${localpart}:hs.test` as UserId,
		name,
	});
	const bridge = createBridge({
		networks: [
			fake,
			createXmpp(
				{ component, service, secret },
				{
					...{ log: quiet, membersMirrored, namespace: ghostsOnXmpp },
					...(over.idleAfter !== undefined && { idleAfter: over.idleAfter }),
				},
			),
		],
		mapping,
		journal,
		rules: rulesFor({ "*": "use", "owner@*": "link", "*@spam.test": "block" }, { membersMirrored }),
		log: quiet,
	});
	await bridge.start();
	let count = 0;
	const id = () => `made-${++count}` as MessageId;
	return {
		fake,
		bridge,
		person,
		async command(text, room = "plaza") {
			let answer = "";
			await bridge.command({
				id: id(),
				network: fake.name,
				room: room as RoomId,
				sender: person("owner"),
				text,
				prefix: "!bridge ",
				private: false,
				mayChangeRoom: async () => true,
				reply: async (words) => {
					answer += words;
				},
			});
			return answer;
		},
		say: (room, sender, text, style = "text") =>
			bridge.receive([
				{ kind: "message", style, text, id: id(), room: room as RoomId, sender, at: Date.now() },
			]),
		move: (room, sender, change) =>
			bridge.receive([
				{ kind: "membership", change, id: id(), room: room as RoomId, sender, at: Date.now() },
			]),
		lines: () =>
			fake.sent.flatMap(({ event }) =>
				event.kind === "message" ? [`${event.sender.name}: ${event.text}`] : [],
			),
		stop: () => bridge.stop(5_000),
	};
}
