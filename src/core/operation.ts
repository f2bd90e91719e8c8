import { hash as digest } from "node:crypto";
import type { BridgeEvent } from "./event.ts";
import type { LinkId, OperationId, TraceId } from "./ids.ts";

/** Returns a hash of texts, which no other list of texts has. */
export const hash = (...parts: readonly string[]) =>
	digest("sha256", parts.map((part) => `${part.length}:${part}`).join(""), "base64url");

/** The parts that identify an event. */
type EventIdentity = Pick<BridgeEvent, "id" | "room" | "sender">;

/** Returns the permanent key of an event in the journal. */
export const eventKey = (event: EventIdentity) => hash("event", event.sender.network, event.room, event.id);

/** Returns the operation id of an event's delivery to a link: the same at every attempt and in every run. */
export const operationId = (event: EventIdentity, link: LinkId) =>
	hash("operation", event.sender.network, event.room, event.id, event.sender.id, link).slice(
		0,
		32,
	) as OperationId;

export const traceOf = (key: string) => key.slice(0, 12) as TraceId;
export const traceId = (event: BridgeEvent) => traceOf(eventKey(event));
