import type { MessageId } from "../../core/ids.ts";
import { messageId, pick } from "../message-ids.ts";
import { child, type Element, xml } from "../stream/xml.ts";
import { along, type MessageFeature } from "./feature.ts";

/** The prefix of thread ids that the bridge makes; the id of the thread's first message follows. */
const about = "re ";

function threadName(stanza: Element): string | undefined {
	const element = child(stanza, "thread");
	return element?.attrs.parent || element?.getText().trim() || undefined;
}

/**
 * Returns the id of the thread that an XMPP client put the stanza in; undefined for a thread from elsewhere. The reader of
 * a MUC notes it, so that {@link ReadContext.opens} is true for the first stanza of a thread only.
 */
export function threadOf(stanza: Element): MessageId | undefined {
	const id = threadName(stanza);
	return id === undefined || id.startsWith(about) ? undefined : messageId("thread", id);
}

/**
 * Threads (RFC 6121 §5.2.5). A thread keeps the id that an XMPP client gave it. For a thread from elsewhere the id is
 * derived from its first message, so that no table of threads is needed.
 */
export const threads: MessageFeature = {
	vars: [],
	read(stanza, parsed, { named, muc, opens }) {
		const id = threadName(stanza);
		if (id?.startsWith(about)) return { ...parsed, thread: { id: messageId(named, id.slice(about.length)) } };
		const thread = threadOf(stanza);
		// COMPAT Gajim, Psi, Pidgin: in 1:1 chats the element names a session, so the whole chat would be one thread.
		if (!thread || muc === undefined) return parsed;
		const also = opens(thread) ? [thread] : [];
		return { ...parsed, aka: [...parsed.aka, ...also], thread: { id: thread } };
	},
	write(event, draft, { refs, named }) {
		const target = event.kind === "message" || event.kind === "edit" ? event.thread : undefined;
		if (!target) return draft;
		const root = pick(refs[target.id], named);
		const id = pick(refs[target.id], "thread") ?? (root === undefined ? undefined : about + root);
		return along(draft, id && xml("thread", {}, id));
	},
};
