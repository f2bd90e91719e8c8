import type { BridgeEvent } from "./event.ts";
import type { MessageId } from "./ids.ts";
import type { Entry, Journal, Reaction, ReactionSet } from "./journal.ts";

/** The event for the other rooms, and the reactions that its own room shows after it. */
type Noted = Readonly<{ event: BridgeEvent; reaction?: NonNullable<Entry["reaction"]> }>;

/**
 * Creates the record of reactions for networks on which each is an event with an id (`reactionsHaveIds`), for one batch of
 * events: it turns the redaction of a reaction into a reaction of mode "remove". The batch keeps its own changes, which
 * are not in the journal yet.
 */
export function createReactionState(journal: Pick<Journal, "reactions" | "reactionAt">) {
	const sets = new Map<string, ReactionSet>();
	const key = (set: Omit<ReactionSet, "now">) => `${set.network} ${set.room} ${set.message} ${set.sender}`;

	async function shown(of: Omit<ReactionSet, "now">): Promise<readonly Reaction[]> {
		return sets.get(key(of))?.now ?? (await journal.reactions(of.network, of.room, of.message, of.sender));
	}
	function becomes(of: Omit<ReactionSet, "now">, now: readonly Reaction[]): ReactionSet {
		const set = { ...of, now };
		sets.set(key(of), set);
		return set;
	}
	async function at(event: BridgeEvent, id: MessageId) {
		for (const { network, room, message, sender, now } of sets.values()) {
			const found =
				network === event.sender.network && room === event.room && now.find((one) => one.id === id);
			if (found) return { message, sender, emoji: found.emoji };
		}
		return journal.reactionAt(event.sender.network, event.room, id);
	}

	/** Resolves with undefined if a person redacts another person's reaction: no other network lets us take that back. */
	return async function note(event: BridgeEvent): Promise<Noted | undefined> {
		const of = { network: event.sender.network, room: event.room, sender: event.sender.id };
		if (event.kind === "reaction" && event.mode === "add") {
			const set = { ...of, message: event.target.id };
			const added = event.emoji.map((emoji) => ({ emoji, id: event.id }));
			return { event, reaction: becomes(set, [...(await shown(set)), ...added]) };
		}
		if (event.kind !== "redaction") return { event };
		const taken = await at(event, event.target.id);
		if (!taken) return { event };
		if (taken.sender !== of.sender) return undefined;
		const { kind: _kind, target, reason: _reason, ...base } = event;
		const set = { ...of, message: taken.message };
		const left = (await shown(set)).filter((one) => one.id !== target.id);
		return {
			event: {
				...base,
				kind: "reaction",
				mode: "remove",
				emoji: [taken.emoji],
				target: { id: taken.message },
			},
			reaction: becomes(set, left),
		};
	};
}
