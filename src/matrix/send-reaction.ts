import { createHash } from "node:crypto";
import { emojiForm } from "../core/emoji.ts";
import type { Reaction } from "../core/event.ts";
import type { MessageId } from "../core/ids.ts";
import type { Outbound } from "../core/network.ts";
import { sameEmoji, sameSet } from "../core/reactions.ts";
import { type Client, MatrixError } from "./client.ts";
import { origin } from "./message/origin.ts";
import { pollOf, pollResponse, responseType, votesByNumber } from "./message/polls.ts";
import { reaction, reactionIn } from "./message/reactions.ts";
import { createPages } from "./pages.ts";
import type { Rooms } from "./rooms.ts";
import { original, type WriteContext } from "./to-matrix.ts";

/** Names an emoji in a transaction id, which is part of a path: a hash, since an emoji may be a long text. */
const named = (emoji: string) => createHash("sha256").update(emoji).digest("base64url").slice(0, 16);

/** The most pages of an event's reactions that are searched for one of ours, and the reactions on a page. */
const [pages, pageSize] = [10, 100];

/** Shows a person's whole set of reactions: sends new ones and redacts removed ones. */
export function createReactionSender({ client, rooms }: { client: Client; rooms: Rooms }) {
	/** The id of a ghost's reaction that is in the room already. */
	async function find(room: string, on: string, emoji: string, as: string): Promise<MessageId | undefined> {
		const relations = createPages(pages, (from) =>
			client.relations(room, on, "m.annotation", { as, from, limit: pageSize }),
		);
		for await (const page of relations) {
			const found = page.find(
				({ sender, content }) => sender === as && sameEmoji(reactionIn(content)?.emoji ?? "", emoji),
			);
			if (found) return found.event_id as MessageId;
		}
		return undefined;
	}

	return async function react(
		out: Outbound,
		event: Reaction,
		around: WriteContext,
		ghost: string,
	): Promise<readonly MessageId[]> {
		const { refs, room, shown, operation, passed } = out;
		const on = original(refs[event.target.id]?.[0] ?? "", around);
		const query = { ts: event.late ? event.at : undefined };
		const send = (type: string, content: object, part: string) =>
			rooms.inside(out, ghost, () => {
				const body = { ...content, ...origin({ operation, event, passed }, part) };
				return client.send(room, type, operation + part, { as: ghost, body, query });
			});

		// People whose network has no polls react with the number of an answer, which is a vote; other reactions are shown.
		const poll = pollOf(around.event(on));
		const isNumber = (emoji: string) => poll !== undefined && votesByNumber([emoji], poll) !== undefined;
		const chosen = event.emoji.filter(isNumber);
		const votes = poll && (votesByNumber(chosen, poll) ?? []);
		if (votes && !sameSet(chosen, shown.map((one) => one.emoji).filter(isNumber)))
			await send(responseType, pollResponse(on, votes), ".vote");

		const ids: MessageId[] = [];
		for (const emoji of event.emoji) {
			if (isNumber(emoji)) {
				ids.push("" as MessageId);
				continue;
			}
			const known = shown.find((one) => sameEmoji(one.emoji, emoji))?.id;
			if (known) {
				ids.push(known);
				continue;
			}
			try {
				// The homeserver takes no reaction twice, so a retry needs no look-up before it.
				const { event_id } = await send("m.reaction", reaction(on, emoji), `.${named(emojiForm(emoji))}`);
				ids.push(event_id as MessageId);
			} catch (error) {
				if (!(error instanceof MatrixError && error.errcode === "M_DUPLICATE_ANNOTATION")) throw error;
				ids.push((await find(room, on, emoji, ghost)) ?? ("" as MessageId));
			}
		}
		for (const { emoji, id } of shown) {
			if (isNumber(emoji) || event.emoji.some((one) => sameEmoji(one, emoji))) continue;
			const gone = id ?? (await find(room, on, emoji, ghost));
			if (!gone) continue;
			const body = origin({ operation, event, passed }, `.${gone}`);
			await client.redact(room, gone, `${operation}.${gone}`, { as: ghost, body });
		}
		return ids;
	};
}
