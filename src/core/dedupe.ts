import type { BridgeEvent, State } from "./event.ts";
import type { MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Entry } from "./journal.ts";
import type { Received, Unnamed } from "./network.ts";
import { eventKey, hash } from "./operation.ts";
import { day } from "./time.ts";

/**
 * A week of running time: after a month of downtime the bridge still knows the events that it took before, which servers
 * repeat first. For the same reason the newest keys stay at any age.
 */
const week = { age: 7 * day, newest: 10_000 };

/** The lifetime of a kind of dedupe keys, and its reason. */
export type Kind = Readonly<{
	/** The beginning of each key of this kind. Keys of events have none: a hash without a space. */
	prefix: string;
	reason: string;
	/** The end of a key's meaning; {@link Kind.age} and {@link Kind.most} only bound the disk. */
	ends: string;
	/** Running time in ms after which the key is deleted; absent: never by age. */
	age?: number;
	/** The number of later keys, of all kinds, below which a key is not deleted by its age. */
	newest?: number;
	/** The most keys of this kind. */
	most?: number;
}>;

/**
 * Every kind of dedupe key in the journal. The journal deletes by this table, docs/guarantees.md shows it, and
 * test/dedupe.test.ts requires both to name the same kinds, and a test of the end of each.
 */
export const keyKinds = {
	event: {
		prefix: "",
		reason:
			"A server repeats an event that it takes for unacknowledged, and a backfill reads a room again from its read position. The id is unique, so no other event has it.",
		ends: "never",
		...week,
	},
	unnamed: {
		prefix: "unnamed ",
		reason:
			"The event has no id that is unique: its sender counted it. An equal one is a repeat only as long as its server or its sender can repeat it.",
		ends: "when the time is over that the network names with the event",
		...week,
	},
	value: {
		prefix: "value ",
		reason:
			"A source repeats its standing value at each new subscription. It is a repeat if it equals the last value of that thing in that room, and news if it equals an older one.",
		ends: "with the next value of the thing, and with the link of the room",
		most: 100_000,
	},
	command: {
		prefix: "command ",
		reason: "As an event: its server repeats the transaction of a command.",
		ends: "never",
		...week,
	},
	gone: {
		prefix: "gone ",
		reason:
			"A message was deleted before its first attempt. Its edits and reactions, which wait in a lane or are read by a backfill, must not be sent.",
		ends: "never",
		...week,
	},
	deleted: {
		prefix: "deleted ",
		reason:
			"A message was deleted while it was in doubt. If its row turns out to be unsent, it is cancelled, and its edits and reactions with it.",
		ends: "never",
		...week,
	},
	greeted: {
		prefix: "greeting ",
		reason: "As an event: a server repeats an invitation, and a person invites the bot to a room again.",
		ends: "after a week, when a new invitation is greeted again",
		...week,
	},
	told: {
		prefix: "no media ",
		reason: "A sender of files reads once, and not with each file, that the link shows their names only.",
		ends: "after a week, when the notice is given again",
		age: 7 * day,
	},
	unfound: {
		prefix: "unknown target ",
		reason:
			"A sender reads once, and not with each event of a kind, that words take its place because its target is unknown.",
		ends: "after a week, when the notice is given again",
		age: 7 * day,
	},
} as const satisfies Readonly<Record<string, Kind>>;
export type KeyKind = keyof typeof keyKinds;

/** Returns the key of a command, which runs once for each message. */
export const commandKey = (network: NetworkName, room: RoomId, id: MessageId) =>
	`${keyKinds.command.prefix}${network} ${room} ${id}`;
/** Returns the key of the greeting in a room. */
export const greetedKey = (network: NetworkName, room: RoomId) =>
	`${keyKinds.greeted.prefix}${network} ${room}`;
/** Returns the key of the notice that a link shows no files. */
export const toldKey = (portal: string, link: string) => `${keyKinds.told.prefix}${portal} ${link}`;
/** Returns the key of the notice that words take the place of a sender's events of this kind, since their target is unknown. */
export const unfoundKey = (kind: BridgeEvent["kind"], portal: string, link: string, sender: string) =>
	`${keyKinds.unfound.prefix}${kind} ${portal} ${link} ${sender}`;
/** Returns the key of a message that was deleted before its first attempt, by its room and the id of the original. */
export const goneKey = (network: string, room: string, id: string) =>
	`${keyKinds.gone.prefix}${JSON.stringify([network, room, id])}`;
/** Returns the key of a message that was deleted while a row of it was in doubt, as {@link goneKey} does. */
export const deletedKey = (network: string, room: string, id: string) =>
	`${keyKinds.deleted.prefix}${JSON.stringify([network, room, id])}`;

/** Digits of a time in ms since 1970 in a key, so that keys are in the order of their times. */
const digits = 16;
const time = (ms: number) => String(Math.max(0, Math.trunc(ms))).padStart(digits, "0");

/** Returns the key of an unnamed event, which bears its time, and the keys that its repeats have. */
function unnamedKeys(
	event: BridgeEvent,
	{ as, within }: Unnamed,
	backfilled: boolean,
): Pick<Entry, "key" | "repeats"> {
	const older = eventKey({ ...event, id: as });
	const one = `${keyKinds.unnamed.prefix}${older} `;
	const [from, to] = [one + time(event.at - within), one + time(event.at + within)];
	// COMPAT Releases up to 0.1.0 knew such an event by this key alone; its line comes again once, after the update.
	return { key: one + time(event.at), repeats: { from, to, ...(backfilled && { older }) } };
}

/** Returns the beginning of the keys of all values of a room. */
export const valuesOf = (network: string, room: string) =>
	`${keyKinds.value.prefix}${hash("room", network, room)} `;

/** Returns the key of the last value of a thing, and `subject`, the beginning of the keys of all its values. */
function valueKeys(event: State, standing: boolean): Pick<Entry, "value"> {
	const subject = `${valuesOf(event.sender.network, event.room)}${hash("thing", event.key)} `;
	const key = subject + (event.value === null ? hash("none") : hash("value", event.value));
	return { value: { subject, key, standing } };
}

/** Returns the keys of a received event, whose key by its id is `key`. `shown`: some room gets it. */
export function keysOf(
	{ cursor: _cursor, since, unnamed, standing, ...event }: Received,
	key: string,
	shown: boolean,
): Pick<Entry, "key" | "repeats" | "value"> {
	if (unnamed) return unnamedKeys(event, unnamed, since !== undefined);
	return shown && event.kind === "state" ? { key, ...valueKeys(event, standing === true) } : { key };
}
