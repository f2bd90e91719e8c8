import type { RoomFacts } from "../../../core/hosting.ts";
import type { Element } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import type { HostedRoom, Joined } from "../room.ts";

/** A room as the asker may know it. */
export type Place = Readonly<{
	/** The bare JID by which the room is asked. */
	address: string;
	facts: RoomFacts;
	/** The room, while somebody of XMPP is in it. */
	room: HostedRoom | undefined;
	/** The session that asks; absent for somebody who has not joined. */
	joined: Joined | undefined;
}>;

export type RoomQuestion = Readonly<{
	/** The full JID that asks. */
	from: string;
	place: Place;
	/** The one child of the IQ. */
	payload: Element;
}>;

/** One query by IQ to the bare JID of a hosted room. Disco advertises its features. */
export type RoomQuery = Readonly<{
	type: "get" | "set";
	/** Name and namespace of the payload that it answers. */
	name: string;
	ns: string;
	features: readonly string[];
	/** Resolves with the payload of the result; undefined makes it empty. @throws StanzaError and core's errors. */
	answer(question: RoomQuestion, context: HostedContext): Promise<Element | undefined>;
}>;
