import type { BridgeEvent, Redaction, Reference } from "./event.ts";
import type { Seen } from "./hosting.ts";
import type { MessageId, NetworkName, RoomId, UserId } from "./ids.ts";
import type { Journal, Reaction } from "./journal.ts";
import type { Person } from "./person.ts";
import { changed } from "./reactions.ts";

type View = Readonly<{ network: NetworkName; room: RoomId }>;
type Sets = Pick<Journal, "reactions" | "reactionAt" | "setReactions">;

const said = (seen: Seen) => (seen.what.kind === "said" ? seen.what.event : undefined);

/** The emoji of a deletion, which is kept in the set that it changed, so that the archive knows later what it did. */
const takenBack = "";
/** Deletions that are kept of one set, the latest. */
const mostTakenBack = 20;

const emojiOf = (set: readonly Reaction[]) =>
	changed(
		[],
		"add",
		set.map((one) => one.emoji).filter((emoji) => emoji !== takenBack),
	);

/** Returns the set after the deletion `by` of one of its reactions. */
function without(set: readonly Reaction[], reaction: MessageId, by: MessageId): readonly Reaction[] {
	const left = set.filter(({ id, emoji }) => id !== reaction && emoji !== takenBack);
	const deletions = set.filter(({ emoji }) => emoji === takenBack);
	return [...left, ...[...deletions, { emoji: takenBack, id: by }].slice(-mostTakenBack)];
}

/** Returns the person whose reaction is deleted. A moderator can delete that of somebody else. */
const reactorOf = ({ sender, target }: Redaction, id: UserId) =>
	[sender, target.author].find((one) => one?.id === id);

/** Returns the event as one that shows all reactions of `by` to a message. */
function asSet(seen: Seen, target: Reference, by: Person, emoji: readonly string[]): Seen {
	if (seen.what.kind !== "said") return seen;
	const { id, room, at, late } = seen.what.event;
	const base = { id, room, at, sender: by, ...(late && { late }) };
	const event: BridgeEvent = { ...base, kind: "reaction", mode: "set", target, emoji };
	return { ...seen, sender: by, what: { ...seen.what, event } };
}

/**
 * Creates the record of the reactions that a view shows. In a source each reaction is an event, which a deletion takes
 * back; the view shows all reactions of one person to one message at a time. The returned function has to be called in the
 * order of the timeline. It resolves with undefined for an event that the view does not show: the deletion of what no view
 * ever showed.
 */
export function createViewReactions(journal: Sets) {
	return async (seen: Seen, { network, room }: View): Promise<Seen | undefined> => {
		const event = said(seen);
		if (event?.kind === "reaction") {
			const on = event.target.id;
			const shown = await journal.reactions(network, room, on, event.sender.id);
			const added = event.emoji.map((emoji) => ({ emoji, id: seen.id }));
			const now = [...shown.filter((one) => one.id !== seen.id), ...added];
			await journal.setReactions(network, room, on, event.sender.id, now);
			return asSet(seen, event.target, event.sender, emojiOf(now));
		}
		if (event?.kind !== "redaction") return seen;
		const taken = await journal.reactionAt(network, room, event.target.id);
		if (!taken) return event.unsure ? undefined : seen;
		const shown = await journal.reactions(network, room, taken.message, taken.sender);
		const left = without(shown, event.target.id, seen.id);
		await journal.setReactions(network, room, taken.message, taken.sender, left);
		const by = reactorOf(event, taken.sender);
		return by && asSet(seen, { id: taken.message }, by, emojiOf(left));
	};
}

/**
 * Resolves with an event of the archive as one that shows all reactions that its sender has now: people read the archive
 * to learn what they missed, and the last set that they read counts. Resolves with undefined for the deletion of a
 * reaction whose sender is unknown.
 */
export async function withCurrentSet(
	journal: Sets,
	seen: Seen,
	{ network, room }: View,
): Promise<Seen | undefined> {
	const event = said(seen);
	if (event?.kind === "redaction") {
		const taken = await journal.reactionAt(network, room, seen.id);
		if (!taken) return seen;
		const by = reactorOf(event, taken.sender);
		const now = await journal.reactions(network, room, taken.message, taken.sender);
		return by && asSet(seen, { id: taken.message }, by, emojiOf(now));
	}
	if (event?.kind !== "reaction") return seen;
	const now = await journal.reactions(network, room, event.target.id, event.sender.id);
	return asSet(seen, event.target, event.sender, now.length > 0 ? emojiOf(now) : event.emoji);
}
