import type { Seen } from "../../../core/hosting.ts";
import { child, type Element } from "../../stream/xml.ts";
import { createVoice, isVoiceRequest } from "../administration/voice-requests.ts";
import type { HostedContext } from "../context.ts";
import type { HostedRoom, Joined } from "../room.ts";
import { createFileLinks } from "./file-links.ts";
import { createKnownLines } from "./known-lines.ts";
import { createMessages } from "./messages.ts";
import { createModeration } from "./moderation.ts";
import { createPrivateMessages } from "./private-messages.ts";
import { createReflection } from "./reflection.ts";
import * as refusals from "./refusals.ts";
import { createSubjects, isSubject } from "./subject.ts";

/**
 * The lines of hosted rooms: the messages of sessions on their way to the source,
 * and those of the source on their way to sessions.
 */
export function createLines(context: HostedContext) {
	const { pending } = context;
	const files = createFileLinks(context);
	const reflection = createReflection(context, { pending, files });
	const known = createKnownLines(context, reflection.knows);
	const messages = createMessages(context, { pending, reflection, known });
	const subjects = createSubjects(context);
	const takeVoiceRequest = createVoice(context);

	return {
		/** Takes a message to the room itself. Returns the answer, if one is due. */
		message(joined: Joined | undefined, stanza: Element): Element | undefined {
			const { type } = stanza.attrs;
			if (type === "error") return undefined;
			if (type === "groupchat")
				return isSubject(stanza) ? subjects.take(joined, stanza) : messages.take(joined, stanza);
			if (isVoiceRequest(stanza)) return takeVoiceRequest(joined, stanza);
			// XEP-0045 §7.4: a message that the room is to show has the type groupchat.
			return child(stanza, "body") && (joined ? refusals.toRoom : refusals.notInRoom)(stanza);
		},
		/** Takes a message to one occupant. Returns the answer, if one is due. */
		privateMessage: createPrivateMessages(context),
		/** Resolves with the answer to the request of a moderator to delete a message. */
		moderate: createModeration(context, { pending, known }),
		/** As {@link Network.refuse}. */
		refuse: messages.refuse,
		/** Begins to look at the files of a message, before it is its turn to be shown. */
		begin(seen: Seen): void {
			if (seen.what.kind === "said" && seen.what.origin.length === 0) files.withLinks(seen, true);
		},
		/** Shows a message of the source, or a change of one. Returns a promise where later events have to wait. */
		show(room: HostedRoom, seen: Seen): void | Promise<void> {
			const { what } = seen;
			if (what.kind === "topic") return subjects.show(room, seen, what.topic);
			if (what.kind === "said" || what.kind === "deleted") return reflection.show(room, { ...seen, what });
			return undefined;
		},
		/** Resolves with an event as the archive shows it: with the URLs of its files. Never rejects. */
		complete: (seen: Seen): Seen | Promise<Seen> => files.withLinks(seen, false),
		/** Returns the room as the stanzas of one address name it. */
		place: reflection.place,
		/** Resolves when all lines that came in so far are with core. */
		settled: messages.settled,
	};
}
export type Lines = ReturnType<typeof createLines>;
