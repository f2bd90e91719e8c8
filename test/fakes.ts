import type { Capabilities } from "../src/core/capabilities.ts";
import { PermanentError } from "../src/core/errors.ts";
import type { BridgeEvent, Message } from "../src/core/event.ts";
import type { MessageId, NetworkName, RoomId, UserId } from "../src/core/ids.ts";
import type { Log } from "../src/core/log.ts";
import type { Bridge, Network, Outbound } from "../src/core/network.ts";
import type { Person } from "../src/core/person.ts";
import type { SignalOut } from "../src/core/signal.ts";
import { patience } from "./patience.ts";

/** A log that prints nothing unless TRIVIUM_TEST_LOG is set. */
export const quiet: Log = {
	debug: () => undefined,
	info: (fields, message) => process.env.TRIVIUM_TEST_LOG && console.log(message, fields),
	warn: (fields, message) => process.env.TRIVIUM_TEST_LOG && console.warn(message, fields),
	error: (fields, message) => process.env.TRIVIUM_TEST_LOG && console.error(message, fields),
	child: () => quiet,
};

/** Waits until `what` returns true; after `ms` it fails with the text of `why`. */
export async function until(what: () => boolean, why: () => string, ms = patience): Promise<void> {
	// Tests set the clock of `Date`.
	const end = performance.now() + ms;
	while (!what()) {
		if (performance.now() > end) throw new Error(`not within ${ms} ms: ${why()}`);
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}

/** The optional parts of Network that the fake has. */
type More = "capabilities" | "createRoom" | "findPerson" | "invite" | "openDirect" | "send";

export type Fake = Network &
	Required<Pick<Network, More>> & {
		/** The rooms that exist there, with their members. */
		rooms: Map<string, Person[]>;
		/** All delivered events, in order. */
		sent: Outbound[];
		/** `partly`: the rest was shown. */
		refused: { event: BridgeEvent; sentence: string; target: string; partly?: true }[];
		attached: Set<string>;
		/** The announcements of the bridge to the people of rooms, as "room: text". */
		announced: string[];
		/** All signals that it was to show, in order. */
		signals: SignalOut[];
		/** The events whose senders asked for a receipt, and got it. */
		receipts: MessageId[];
		/** The events that its views were told, in order, as "view: kind id". */
		reflected: string[];
		invited: string[];
		bridge: Bridge;
		/** Called before each send, so that a test can make it reject or wait. */
		trouble: (out: Outbound) => Promise<void>;
		person(name: string): Person;
		/** Hands the bridge a message of a person in a room there. */
		say(room: string, name: string, text: string, more?: Partial<Message>): Promise<void>;
	};

const everything: Capabilities = {
	message: "native",
	edit: "native",
	redaction: "native",
	reaction: "native",
	poll: "text",
	vote: "text",
	"poll-end": "text",
	membership: "native",
	moderation: "native",
	profile: "native",
	state: "text",
	rich: "native",
	reply: "native",
	thread: "native",
	media: "text",
	location: "text",
};

/** Returns a fictional network: rooms and people are names, and it keeps sent events in an array. An example for a real one. */
export function fakeNetwork(
	name: string,
	over: Partial<Network> & { can?: Partial<Capabilities> } = {},
): Fake {
	const { can, ...members } = over;
	let count = 0;
	const person = (who: string): Person => ({
		network: name as NetworkName,
		id: `${who}@${name}` as UserId,
		address: [who],
		name: who,
		handles: [`${who}@${name}`],
		domain: name,
		local: true,
	});
	const fake: Fake = {
		name: name as NetworkName,
		title: name.toUpperCase(),
		reactionsHaveIds: true,
		threadsHaveIds: true,
		rooms: new Map(),
		sent: [],
		refused: [],
		signals: [],
		receipts: [],
		attached: new Set(),
		announced: [],
		reflected: [],
		invited: [],
		bridge: undefined as unknown as Bridge,
		trouble: () => Promise.resolve(),
		person,
		say: (room, who, text, more = {}) =>
			fake.bridge.receive([
				{
					kind: "message",
					style: "text",
					text,
					id: `${name}-${++count}` as MessageId,
					room: room as RoomId,
					sender: person(who),
					at: Date.now(),
					...more,
				},
			]),
		start: async (bridge) => {
			fake.bridge = bridge;
		},
		pause: async () => undefined,
		stop: async () => undefined,
		capabilities: () => ({ ...everything, ...can }),
		send: async (out) => {
			await fake.trouble(out);
			fake.sent.push(out);
			return [`${name}:${out.operation}` as MessageId];
		},
		signal: async (out) => void fake.signals.push(out),
		delivered: async ({ id }) => void fake.receipts.push(id),
		refuse: async (event, error, target) => {
			const partly = error.partly && ({ partly: true } as const);
			fake.refused.push({ event, sentence: error.message, target, ...partly });
		},
		findPerson: async ([who = ""]) => (who.startsWith("no") ? undefined : person(who)),
		personAt: ([who = ""]) => person(who),
		findRoom: async ([room = ""]) => {
			if (!fake.rooms.has(room)) throw new PermanentError("not-found", `no room ${room} on ${name}`);
			return { room: room as RoomId, name: `The ${room}` };
		},
		announce: async (room, text) => void fake.announced.push(`${room}: ${text}`),
		reflect: (view, timeline) =>
			void fake.reflected.push(...timeline.map(({ id, what }) => `${view}: ${what.kind} ${id}`)),
		attach: async (_portal, link) => void fake.attached.add(link.room as string),
		detach: async (_portal, link) => void fake.attached.delete(link.room as string),
		createRoom: async (of, address) => {
			const room = `${of}-${address.join("-")}`;
			fake.rooms.set(room, []);
			return room as RoomId;
		},
		openDirect: async (ours, theirs) => `${ours.address[0]}+${theirs.address[0]}` as RoomId,
		invite: async (room, who) => void fake.invited.push(`${who.address[0]} to ${room}`),
		show: (link) => link.room ?? "?",
		members: async (room) => fake.rooms.get(room) ?? [],
		...members,
	};
	return fake;
}

/** Returns the messages that reached a network, as "name: text". */
export const lines = (fake: Fake) =>
	fake.sent.flatMap(({ event }) => (event.kind === "message" ? [`${event.sender.name}: ${event.text}`] : []));
