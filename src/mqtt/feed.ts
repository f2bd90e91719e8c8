import type { BridgeEvent, Kind, Media } from "../core/event.ts";
import type { RoomId } from "../core/ids.ts";
import type { Outbound } from "../core/network.ts";
import { placeOf, roomOf } from "./topics.ts";

/** A room whose events go to topics below `topic`, as JSON. */
export type Feed = Readonly<{ broker: string; topic: string; room: string; events: readonly FedEvent[] }>;
export type FedEvent = "message" | "edit" | "deletion" | "reaction" | "membership";

/** The name and version of the form, which docs/mqtt-message.schema.json describes. */
export const form = "trivium/1";

const kinds: Readonly<Partial<Record<Kind, FedEvent>>> = {
	message: "message",
	edit: "edit",
	redaction: "deletion",
	reaction: "reaction",
	membership: "membership",
};

/** Returns the MQTT room of a feed: one that has no subscription. */
export const feedRoom = ({ broker, topic, events }: Omit<Feed, "room">): RoomId =>
	roomOf(broker, topic, JSON.stringify({ feed: [...events].sort() }));

/** Returns the events that go to an MQTT room as a feed; undefined for a room of a subscription. */
export function fedTo(room: RoomId): readonly FedEvent[] | undefined {
	const { shape } = placeOf(room);
	return shape.startsWith('{"feed":') ? (JSON.parse(shape) as { feed: FedEvent[] }).feed : undefined;
}

/** Returns true if an event goes to this feed. */
export const isFed = (feed: readonly FedEvent[], { kind }: Pick<BridgeEvent, "kind">): boolean => {
	const name = kinds[kind];
	return name !== undefined && feed.includes(name);
};

const fileOf = ({ kind, name, mime, size, alt }: Media) => ({
	kind,
	name,
	...(mime !== undefined && { mime }),
	...(size !== undefined && { size }),
	...(alt !== undefined && { description: alt }),
});

/** Returns what an event says besides its frame. `idOf`: the id by which the feed knows an earlier message. */
function contentOf(event: BridgeEvent, idOf: (id: string) => string | undefined): object {
	const target = "target" in event && { target: idOf(event.target.id) ?? null };
	switch (event.kind) {
		case "message":
		case "edit": {
			const files = [event.media, ...(event.more ?? [])].filter((one) => one !== undefined);
			const replyTo = event.replyTo && idOf(event.replyTo.id);
			return {
				...target,
				style: event.style,
				text: event.text,
				...(files.length > 0 && { files: files.map(fileOf) }),
				...(event.location && { geo: event.location.geo }),
				...(replyTo !== undefined && { reply_to: replyTo }),
			};
		}
		case "reaction":
			return { ...target, emoji: event.emoji };
		case "membership":
			return { change: event.change };
		default:
			return { ...target };
	}
}

/** Returns the topic and the JSON of an event in a feed. Pure. */
export function toFeed({
	event,
	room,
	refs,
	operation,
	passed,
}: Pick<Outbound, "event" | "room" | "refs" | "operation" | "passed">): Readonly<{
	broker: string;
	topic: string;
	payload: string;
}> {
	const { broker, filter } = placeOf(room);
	const { sender, at, late } = event;
	const kind = kinds[event.kind] ?? "message";
	const [address = sender.id] = sender.handles;
	const record = {
		schema: form,
		kind,
		id: operation,
		time: new Date(at).toISOString(),
		network: sender.network,
		room: event.room,
		sender: { address, name: sender.name ?? address },
		...contentOf(event, (id) => refs[id]?.[0]),
		...(late && { late }),
		passed,
	};
	return { broker, topic: `${filter}/${kind}`, payload: JSON.stringify(record) };
}

/**
 * Returns the marks of the rooms that a payload has passed, if it is a feed's: a broker or a bridge between brokers may
 * drop the user property that says so.
 */
export function passedIn(payload: Uint8Array): readonly unknown[] {
	const start = `{"schema":"${form}"`;
	if (payload.length < start.length || Buffer.from(payload.subarray(0, start.length)).toString() !== start)
		return [];
	try {
		const { passed } = JSON.parse(Buffer.from(payload).toString()) as { passed?: unknown };
		return Array.isArray(passed) ? passed : [];
	} catch {
		return [];
	}
}
