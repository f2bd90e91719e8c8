import type { Capabilities } from "../core/capabilities.ts";
import type { PermanentError } from "../core/errors.ts";
import type { BridgeEvent } from "../core/event.ts";
import type { MessageId, RoomId } from "../core/ids.ts";
import type { Link, Portal } from "../core/mapping.ts";
import type { Delivery, Outbound } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import type { Signal, SignalOut } from "../core/signal.ts";
import type { Element } from "./stream/xml.ts";

/**
 * One kind of conversation on XMPP: chats of two (`direct/`), MUCs of somebody else (`joined/`). index.ts and routing.ts
 * pick the kind by `owns` and `claims`, so neither knows which kinds there are. Methods that a kind has no use for are
 * absent.
 */
export interface Conversation {
	/** True for a room of this kind, also while the bridge does not serve it. */
	owns(room: RoomId): boolean;
	/** Serves the room of a link of a portal; `members` are in the portal's other rooms. Idempotent. */
	attach?(portal: Portal, link: Link, members: readonly Person[], isNew?: boolean): Promise<void>;
	detach?(link: Link): Promise<void>;
	capabilities(room: RoomId): Capabilities;
	/** Returns the room's address as people write it. */
	show(room: RoomId): string;
	/** Returns the room's name and address. Absent: the room has no name. */
	label?(room: RoomId): string;
	/** Returns why the room is not served, though the server is reached; undefined if it is. Absent: it always is. */
	hindrance?(room: RoomId): string | undefined;
	/** As `isPublic` of core's Network. Absent: no room is public. */
	isPublic?(room: RoomId): boolean | undefined;
	/** Returns the people of XMPP in the room; ghosts are left out. */
	members(room: RoomId): readonly Person[];
	/** Returns the person under a nick of the room. */
	occupant?(room: RoomId, nick: string): Person | undefined;

	/** As `send` of core's Network. */
	send(out: Outbound): Promise<readonly MessageId[]>;
	/** As `signal` and `hears` of core's Network. Absent: rooms of this kind show no signals. */
	signal?(out: SignalOut): Promise<void>;
	hears?(kind: Signal["kind"], room: RoomId): boolean;
	/** As `delivered` of core's Network. Absent: nobody asks for a receipt in rooms of this kind. */
	confirm?(event: BridgeEvent): Promise<void>;
	/** As `idsOfDeliveries` of core's Network. */
	delivered(room: RoomId, all: readonly Delivery[]): Promise<readonly (readonly MessageId[])[]>;
	/** Tells the sender of an event that it does not reach `target`. @throws TemporaryError to be called again. */
	refuse(event: BridgeEvent, error: PermanentError, target: string): Promise<void>;

	/** True for a stanza that this kind takes. A joined MUC is known by the stanza's `from`, a room of ours by its `to`. */
	claims(stanza: Element): boolean;
	/** Takes a message or presence that it claims. Returns the answer, if one is due. */
	stanza(stanza: Element): Element | undefined;
	/** People of XMPP invite others through the rooms of this kind, which are ours. */
	readonly invites?: true;
	/** Resolves with the answer to a get or set that it claims. Absent: this kind claims no IQ. */
	iq?(stanza: Element): Promise<Element | undefined>;
	/**
	 * True for the bare JID of a MUC of somebody else. The permissions are asked for each of its occupants, when a line of
	 * theirs comes in, and not for the JID of the MUC.
	 */
	isMuc?(jid: string): boolean;
	/** True for a stanza that nobody needs: asked before the stanza is built. `type` is absent where the stanza has none. */
	skips?(from: string, to: string, name: string, type: string | undefined): boolean;
	/** Resolves when all stanzas that came in so far have been handed on. */
	settled?(): Promise<void>;

	/** The link to the XMPP server is up, or broke. */
	online?(): void;
	offline?(cause: string): void;
	/** Leaves all rooms before the bridge stops. */
	stop?(): Promise<void>;
}
