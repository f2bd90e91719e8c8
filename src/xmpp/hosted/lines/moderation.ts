import { mayDo, personKey } from "../../../core/hosting.ts";
import { child, type Element, text, xml } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import type { Joined } from "../room.ts";
import { deletionOf, namedIn } from "./incoming.ts";
import type { KnownLines } from "./known-lines.ts";
import type { PendingLines } from "./pending.ts";
import { wholeId } from "./references.ts";
import * as refusals from "./refusals.ts";

const moderate = "urn:xmpp:message-moderate:1";
const retract = "urn:xmpp:message-retract:1";
/** How long the source may take, in ms, before the client is told that it takes too long. */
const within = 70_000;

export const isModeration = (stanza: Element): boolean =>
	stanza.attrs.type === "set" && child(stanza, "moderate", moderate) !== undefined;

/** Takes requests of moderators to delete a message (XEP-0425): the source deletes it in their name. */
export function createModeration(context: HostedContext, deps: { pending: PendingLines; known: KnownLines }) {
	/** Resolves with the answer when the source has deleted the message, or refuses to. */
	return async function answer(joined: Joined | undefined, stanza: Element): Promise<Element> {
		const request = child(stanza, "moderate", moderate);
		const id = request?.attrs.id;
		if (!joined) return refusals.notInRoom(stanza);
		if (!request || !id || !child(request, "retract", retract)) return refusals.badRequest(stanza);
		const { room, occupant, session } = joined;
		const { person } = occupant;
		const { levels } = room.facts;
		if (levels && !mayDo(levels, person, "redact")) return refusals.noModerator(stanza);
		const { at, unique } = context.now();
		const source = { network: context.of, room: room.source };
		const where = { room: room.id, source, sender: person, at, unique: unique() };
		const event = deletionOf(id, text(request, "reason") || undefined, where);
		const [target = wholeId(id)] = namedIn(event);
		if (!(await deps.known(room, [target], person)).has(target)) return refusals.noSuchLine(stanza);
		const { promise, resolve } = Promise.withResolvers<Element>();
		const late = setTimeout(resolve, within, refusals.slowLine(stanza));
		deps.pending.add({
			...{ id: event.id, room: room.id, session },
			person: personKey(person),
			act: { kind: "redaction", target },
			settle: (refused) => resolve(refused ? refusals.refusalOf(refused)(stanza) : done(stanza)),
			at,
		});
		context.tell([event]);
		return promise.finally(() => clearTimeout(late));
	};
}

const done = ({ attrs: { from, to, id } }: Element): Element =>
	xml("iq", { type: "result", from: to, to: from, id });
