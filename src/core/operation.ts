import { hash as digest } from "node:crypto";
import type { BridgeEvent } from "./event.ts";
import type { LinkId, OperationId, TraceId } from "./ids.ts";

const hash = (...parts: readonly string[]) =>
	digest("sha256", parts.map((part) => `${part.length}:${part}`).join(""), "base64url");

/** What an event is told by. */
type Said = Pick<BridgeEvent, "id" | "room" | "sender">;

/** Names the event for ever, in the journal. */
export const eventKey = (event: Said) => hash("event", event.sender.network, event.room, event.id);

/** The same event to the same link is the same operation, however often it is tried and whoever else restarts. */
export const operationId = (event: Said, link: LinkId) =>
	hash("operation", event.sender.network, event.room, event.id, event.sender.id, link).slice(
		0,
		32,
	) as OperationId;

export const traceOf = (key: string) => key.slice(0, 12) as TraceId;
export const traceId = (event: BridgeEvent) => traceOf(eventKey(event));
