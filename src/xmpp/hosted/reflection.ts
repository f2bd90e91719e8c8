import type { Seen } from "../../core/hosting.ts";
import type { HostedContext } from "./context.ts";
import type { HostedRoom } from "./room.ts";

/** Shows a line of the source, or its deletion, to all sessions. */
export function reflectLine(_room: HostedRoom, _seen: Seen, _context: HostedContext): void {}
