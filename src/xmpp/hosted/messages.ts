import type { PermanentError } from "../../core/errors.ts";
import type { BridgeEvent } from "../../core/event.ts";
import type { Element } from "../stream/xml.ts";
import type { HostedContext } from "./context.ts";
import type { Joined } from "./room.ts";

/** Takes a line of a session to the room. Returns the error that answers it. */
export const takeLine = (_from: Joined, _stanza: Element, _context: HostedContext): Element | undefined =>
	undefined;

/** Tells the session of an event that the source does not take it. */
export async function refuseLine(
	_event: BridgeEvent,
	_error: PermanentError,
	_context: HostedContext,
): Promise<void> {}
