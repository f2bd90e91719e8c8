import { messageId, pick } from "../message-ids.ts";
import { child, xml } from "../stream/xml.ts";
import { along, type MessageFeature } from "./feature.ts";

/** Before the id of the message a thread of ours is about. */
const about = "re ";

/**
 * Threads (RFC 6121 §5.2.5). Each has one stable id: that which a client here gave it, else it names the message that
 * it began with, so that nothing has to be remembered.
 */
export const threads: MessageFeature = {
	vars: [],
	read(stanza, heard, { named, muc, opens }) {
		const element = child(stanza, "thread");
		const id = element?.attrs.parent || element?.getText().trim();
		if (!id) return heard;
		if (id.startsWith(about)) return { ...heard, thread: { id: messageId(named, id.slice(about.length)) } };
		// COMPAT Gajim, Psi, Pidgin: in chats of two the element names a session, and all of it would be one thread.
		if (muc === undefined) return heard;
		const thread = messageId("thread", id);
		const also = opens(thread) ? [thread] : [];
		return { ...heard, aka: [...heard.aka, ...also], thread: { id: thread } };
	},
	write(event, draft, { refs, named }) {
		const target = event.kind === "message" || event.kind === "edit" ? event.thread : undefined;
		if (!target) return draft;
		const root = pick(refs[target.id], named);
		const id = pick(refs[target.id], "thread") ?? (root === undefined ? undefined : about + root);
		return along(draft, id && xml("thread", {}, id));
	},
};
