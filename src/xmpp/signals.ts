import type { MessageId, RoomId } from "../core/ids.ts";
import type { Person } from "../core/person.ts";
import type { Signal, SignalOut } from "../core/signal.ts";
import { typing, typingIn } from "./message/chat-states.ts";
import { store } from "./message/hints.ts";
import { displayed, displayedIn } from "./message/markers.ts";
import { eitherKind, messageId, pick, speakerIn } from "./message-ids.ts";
import { type Element, type Node, xml } from "./stream/xml.ts";

/** Typing and read positions as payloads of messages, and back. Pure. */

type Place = Readonly<{ room: RoomId; sender: Person; named: "sid" | "msg" }>;

/** Returns the signals in a message. `named`: the kind of id by which markers name messages there. */
export function signalsIn(stanza: Element, { room, sender, named }: Place): readonly Signal[] {
	const active = typingIn(stanza);
	const read = displayedIn(stanza);
	return [
		...(active === undefined ? [] : [{ kind: "typing", room, sender, active } as const]),
		...(read === undefined
			? []
			: [{ kind: "read", room, sender, target: eitherKind({ id: messageId(named, read) }) } as const]),
	];
}

// XEP-0334 §4.3: nobody needs it later.
const noStore = () => xml("no-store", { xmlns: "urn:xmpp:hints" });

/** Returns the payloads of a message that shows a signal; undefined for one that says nothing there. */
export function payloadsOf({ signal, ids }: SignalOut, named: "sid" | "msg"): readonly Node[] | undefined {
	switch (signal.kind) {
		case "typing":
			return [typing(signal.active), noStore()];
		case "read": {
			const id = lastOf(ids, named);
			// XEP-0333 §5: a marker is kept, so that all clients of an account know it. In a
			// MUC those of all people would fill the archive.
			return id === undefined ? undefined : [displayed(id), named === "sid" ? noStore() : store()];
		}
		case "received":
		case "presence":
			return undefined;
		default:
			return signal satisfies never;
	}
}

/** Returns the id of the last stanza of a message. */
const lastOf = (ids: readonly MessageId[], named: "sid" | "msg") => pick(ids.toReversed(), named);

/** Returns true if the message that a signal names is a line of one of our ghosts. */
export const isOfGhost = ({ ids }: SignalOut): boolean => speakerIn(ids) !== undefined;
