import { createBoundedMap } from "../../core/bounded-map.ts";
import { PermanentError, TemporaryError } from "../../core/errors.ts";
import type { BridgeEvent } from "../../core/event.ts";
import { type Guard, outboundItem } from "../../core/guard.ts";
import type { MessageId, OperationId, RoomId } from "../../core/ids.ts";
import type { Bridge, Outbound, Received } from "../../core/network.ts";
import type { Person } from "../../core/person.ts";
import type { Taken } from "../../core/taken.ts";
import * as capabilities from "../capabilities.ts";
import type { Conversation } from "../conversation.ts";
import { createOpenLines } from "../direct/open-lines.ts";
import { fromChat, parseMessage, xmppNetwork } from "../from-xmpp.ts";
import { bare, domain, resource } from "../jid.ts";
import { stanzaOf } from "../made-up-ids.ts";
import { typing } from "../message/chat-states.ts";
import type { Sayable } from "../message/feature.ts";
import { markable } from "../message/markers.ts";
import { messageId, speakerIn, spokenBy } from "../message-ids.ts";
import { mucUser } from "../muc/status-codes.ts";
import * as phrases from "../phrases.ts";
import { errorReply, neutral, stanzaError } from "../stanza-error.ts";
import { stanzaItem } from "../stanza-item.ts";
import { type Element, xml } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import { conditionOf } from "./conditions.ts";
import { createEnds } from "./ends.ts";
import { type Place, participantsOf, placeOf, privateRoom } from "./place.ts";
import { createPrivateSignals } from "./signals.ts";
import type { Venue, Whisper } from "./venue.ts";

const isSayable = (event: BridgeEvent): event is Sayable =>
	["message", "edit", "redaction", "reaction"].includes(event.kind);

/** Private chats: a person in a MUC, and a ghost that is an occupant there, too (XEP-0045 §7.5). */
export function createPrivateChats(deps: {
	venues(): readonly Venue[];
	bridge(): Pick<Bridge, "portal" | "signal">;
	/** Resolves when the XMPP server has taken all that was sent. */
	confirm(): Promise<void>;
	/** Returns the bare JID of a person's ghost. */
	ghost(person: Person): string;
	tell(events: readonly Received[]): void;
	/** The lines that the server has taken, which a kill of the bridge does not repeat. */
	taken?: Taken;
	guard: Guard;
	now(): { at: number; unique(): string };
}) {
	const { guard, now } = deps;
	const open = createOpenLines();
	const taken: Taken = deps.taken ?? createBoundedMap<OperationId, readonly MessageId[]>(1_000);
	const ends = createEnds(deps);
	const venueAt = ({ muc }: Pick<Place, "muc">) => deps.venues().find((one) => one.has(muc));
	const signals = createPrivateSignals({
		bridge: deps.bridge,
		venue: venueAt,
		async partner(room, { muc }) {
			const people = await peopleOf(room).catch(() => undefined);
			return people && ends.isSure(room, people.theirs, muc) ? people.theirs : undefined;
		},
	});

	/** Returns the place's kind of MUCs. `within`: the room as people know it, for the error. @throws PermanentError */
	function venueOf(place: Place, within: string): Venue {
		const found = venueAt(place);
		if (!found) throw new PermanentError("not-found", phrases.privateNoRoom(within));
		return found;
	}

	const here = (room: RoomId): Place => {
		const place = placeOf(room);
		if (!place) throw new PermanentError("invalid", phrases.privateNoRoom(room));
		return place;
	};
	const roomOf = (muc: string, { id }: Person, ours: Person): RoomId =>
		privateRoom({ muc, person: id, ghost: deps.ghost(ours) });

	/** Returns the two people of a chat. @throws PermanentError if the chat has ended for good */
	async function peopleOf(room: RoomId): Promise<Readonly<{ ours: Person; theirs: Person }>> {
		const between = (await deps.bridge().portal(xmppNetwork, room))?.between ?? [];
		const ours = between.find(({ network }) => network !== xmppNetwork);
		const theirs = between.find(({ network }) => network === xmppNetwork);
		if (!ours || !theirs) throw new PermanentError("not-found", phrases.unlinked);
		return { ours, theirs };
	}

	async function send(out: Outbound): Promise<readonly MessageId[]> {
		const { event, operation, passed, room, refs, shown, reactions } = out;
		if (!isSayable(event)) return [];
		const sent = taken.get(operation);
		if (sent) return sent;
		const place = here(room);
		const about = event.kind === "redaction" ? refs[event.target.id] : undefined;
		if (about && speakerIn(about) === undefined) throw new PermanentError("forbidden", phrases.notYours);
		const { theirs } = await peopleOf(room);
		ends.check(room, theirs, place.muc);
		const where = {
			...participantsOf(place),
			...{ refs, shown, reactions, passed, component: domain(place.ghost) },
		};
		const said = guard.handle(outboundItem(out), () => to.draft(event, where));
		if (said.body === undefined && said.parts.length === 0) return [];
		const refused = open.begin(operation, room);
		// XEP-0045 §7.5: this element tells a private message of a MUC from one between accounts.
		const parts = [...said.parts, xml("x", { xmlns: mucUser })];
		if (said.body !== undefined) parts.push(markable(), typing(false));
		const within = theirs.within ?? place.muc;
		const written = venueOf(place, within).write({ ...place, within }, event.sender, (from, target) =>
			to.chat(from, target, operation, { ...said, parts }),
		);
		await Promise.race([written.then(deps.confirm), refused]);
		const id = messageId("msg", operation);
		const ids =
			event.kind === "message" ? [id, spokenBy(operation, place.ghost)] : event.kind === "edit" ? [id] : [];
		taken.set(operation, ids);
		open.confirm(operation, room);
		signals.wrote(room);
		return ids;
	}

	/** Takes a private message in. Returns the error that answers it, if one is due. */
	function take(whisper: Whisper): Element | undefined {
		const { stanza, muc, sender, to: ours } = whisper;
		const room = roomOf(muc, sender, ours);
		signals.take(room, whisper);
		const place = here(room);
		const where = { ...participantsOf(place), author: sender.id, opens: () => true };
		const says = guard.handle(stanzaItem(stanza), () => parseMessage(stanza, where));
		if (!says) return undefined;
		if (says.unreadable) return errorReply(stanza, "modify", "not-acceptable", phrases.encryptedRefused);
		ends.wrote(room);
		signals.wrote(room);
		const { at, unique } = now();
		deps.tell([fromChat(stanza, says, { room, to: ours, at, missing: unique(), sender })]);
		return undefined;
	}

	/** Takes an error for one of our lines. Returns false for any other stanza. */
	function failed(stanza: Element): boolean {
		const { id = "", from = "" } = stanza.attrs;
		const line = open.get(id);
		const place = line && placeOf(line.room);
		// RFC 6120 §8.3.1: the error comes from the MUC. Others are forged.
		if (!line || place?.muc !== bare(from)) return false;
		open.end(id);
		taken.delete(id as OperationId);
		const now = venueAt(place)?.nick(place.muc, place.person);
		// The person took another nick while the message was on its way.
		const isRenamed = now !== undefined && now !== resource(from);
		const error = isRenamed ? new TemporaryError("the nick has changed") : neutral(stanzaError(stanza));
		if (line.state === "unconfirmed") line.reject(error);
		else
			void guard.run("error of a private chat", () =>
				ends.tell(line.room as RoomId, phrases.xmppNoDelivery(error.message)),
			);
		return true;
	}

	const conversation = {
		owns: (room) => placeOf(room) !== undefined,
		async attach(portal, { room }) {
			const theirs = portal.between?.find(({ network }) => network === xmppNetwork);
			if (room && theirs) ends.follow(room, theirs);
		},
		async detach({ room }) {
			if (room) ends.forget(room);
		},
		capabilities: () => capabilities.direct(() => "mixed"),
		show: (room) => here(room).muc,
		members: () => [],
		send,
		signal: (out) => signals.show(out, here(out.room)),
		hears(kind, room) {
			const place = placeOf(room);
			const nick = place && venueAt(place)?.nick(place.muc, place.person);
			return nick !== undefined && (kind === "typing" || kind === "read");
		},
		async delivered(room, all) {
			const { ghost } = here(room);
			return all.map(({ operation }) => [messageId("msg", operation), spokenBy(operation, ghost)]);
		},
		async refuse(event, error, target) {
			// RFC 6120 §8.3.1: a notice is our own report of an error, which no error may answer.
			if (!event.to || (event.kind === "message" && event.style === "notice")) return;
			const ours = event.to;
			const [type, condition] = conditionOf(error.reason);
			const place = here(event.room);
			const within = place.muc;
			await venueOf(place, within).write({ ...place, within }, ours, (from, target_) =>
				errorReply(
					xml("message", { from: target_, to: from, id: stanzaOf(event.id) }),
					type,
					condition,
					phrases.deliveryReport(error, target),
				),
			);
		},
		// Each MUC takes its own stanzas, and hands on those that are private.
		claims: () => false,
		stanza: () => undefined,
	} satisfies Conversation;

	return {
		conversation,
		take,
		failed,
		/** Ends the chats of people who have left their MUC, and tells their partners. */
		left: ends.left,
		/** Returns the room of a person of another network with an occupant. @throws PermanentError */
		room(occupant: Person, ours: Person): RoomId {
			const [muc = "", nick] = occupant.address;
			if (nick === undefined || !deps.venues().some((one) => one.has(muc)))
				throw new PermanentError("invalid", phrases.privateNoRoom(muc));
			const room = roomOf(muc, occupant, ours);
			ends.wrote(room);
			return room;
		},
	};
}
export type PrivateChats = ReturnType<typeof createPrivateChats>;
