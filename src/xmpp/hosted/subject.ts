import type { Seen } from "../../core/hosting.ts";
import { type Element, xml } from "../stream/xml.ts";
import type { HostedContext } from "./context.ts";
import type { HostedRoom, Joined, Session } from "./room.ts";

/** Returns the subject that ends a join (XEP-0045 §7.2.15), without `to`; a room without a topic has an empty one. */
export const joinSubject = (room: HostedRoom, { address }: Session, context: HostedContext): Element =>
	xml(
		"message",
		{ type: "groupchat", from: address, id: context.now().unique() },
		xml("subject", {}, room.facts.topic ?? ""),
	);

/** True for a change of the subject (XEP-0045 §8.1): a message with a subject alone. */
export const isSubject = (stanza: Element): boolean =>
	["subject", "body", "thread"].map((name) => stanza.getChild(name) !== undefined).join() ===
	"true,false,false";

/** Takes a subject of a session. Returns the error that answers it. */
export const takeSubject = (_from: Joined, _stanza: Element, _context: HostedContext): Element | undefined =>
	undefined;

/** Shows a change of the topic to all sessions. */
export function reflectTopic(_room: HostedRoom, _seen: Seen, _topic: string, _context: HostedContext): void {}
