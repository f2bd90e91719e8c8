import type { Capabilities } from "./capabilities.ts";
import type { BridgeEvent, Poll, PollAnswer, Vote } from "./event.ts";
import type { Copy, NetworkName, PortalId, RoomId } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Portal } from "./mapping.ts";
import { day } from "./time.ts";

/** How far, in ms, the clock of a poll's server may be ahead of ours. */
const ahead = 60_000;
/** The most open polls of a portal, and the most characters that are kept of the text of an answer. */
const [most, longest] = [10, 100];
/** The most bytes of an answer's id; a poll with a longer one takes no bare numbers. */
const longestId = 255;

/** A poll as the journal keeps it while it is open. */
type Open = Copy & Pick<Poll, "at" | "answers" | "undisclosed">;

/** Returns the key of the cursor that has the open polls of a portal. */
export const pollsKey = (portal: PortalId): string => `open polls ${portal}`;

/** Returns the number that a text is: "2", "2.", "2)" or 2️⃣; undefined for any other text. */
export function numberIn(text: string): number | undefined {
	const digits = /^(\d{1,2})(?:\uFE0F?\u20E3)?[.)]?$/.exec(text.trim())?.[1];
	return digits === undefined ? undefined : Number(digits);
}

/**
 * Creates the record of the open polls of each portal, in the journal. By it, a message that is just the number of an
 * answer becomes a vote, if it comes from a room that shows polls as text: clients there may have neither replies nor
 * reactions.
 */
export function createOpenPolls(
	journal: Pick<Journal, "cursor" | "saveCursor" | "copies">,
	capabilities: (network: NetworkName, room: RoomId, event: BridgeEvent) => Partial<Capabilities> | undefined,
) {
	const read = async (portal: PortalId): Promise<readonly Open[]> =>
		JSON.parse((await journal.cursor(pollsKey(portal))) ?? "[]") as readonly Open[];

	async function change(portal: PortalId, next: (polls: readonly Open[]) => readonly Open[]): Promise<void> {
		const before = await read(portal);
		const after = next(before);
		if (after.length !== before.length || after.at(-1)?.id !== before.at(-1)?.id)
			await journal.saveCursor(pollsKey(portal), JSON.stringify(after));
	}

	/** Returns the poll as the journal keeps it; undefined if it is too large for that. */
	function kept({ id, room, sender, at, answers, undisclosed }: Poll): Open | undefined {
		if (answers.some((one) => Buffer.byteLength(one.id) > longestId)) return undefined;
		const short = answers.map(({ id: answer, text }): PollAnswer => ({ id: answer, text: shortened(text) }));
		return { network: sender.network, room, id, at, answers: short, ...(undisclosed && { undisclosed }) };
	}

	/** Resolves with the vote of `event` in the newest poll of a portal that its room has seen, with this answer. */
	async function voteIn(event: BridgeEvent, number: number, { id: portal, links }: Portal) {
		const inView = links.some((link) => link.role === "hosted" && link.room === event.room);
		for (const poll of (await read(portal)).toReversed()) {
			// A message that is just a number votes in a poll of the last day.
			if (event.at - poll.at > day || poll.at - event.at > ahead) continue;
			const copies = await journal.copies(poll);
			const there = copies.find((one) => one.network === event.sender.network && one.room === event.room);
			const { network, room, id } = poll;
			// A view has no copies: it shows the poll itself.
			const target = there ? { id: there.id } : inView && { id, copies: [{ network, room, id }] };
			if (!target) continue;
			const answer = poll.answers[number - 1];
			return answer && { target, answers: [answer], undisclosed: poll.undisclosed };
		}
		return undefined;
	}

	return {
		/** Notes a poll, its end, or its deletion. Idempotent, so a repeated event does no harm. */
		async note(event: BridgeEvent, portals: readonly Portal[]): Promise<void> {
			if (event.kind !== "poll" && event.kind !== "poll-end" && event.kind !== "redaction") return;
			const begun = event.kind === "poll" ? kept(event) : undefined;
			const about = { network: event.sender.network, room: event.room };
			const ended = event.kind === "poll" ? [event.id] : [event.target.id];
			// A moderator elsewhere deletes the words of the poll.
			if (event.kind === "redaction")
				ended.push(...(await journal.copies({ ...about, id: event.target.id })).map((one) => one.id));
			const stays = (one: Open) => !ended.includes(one.id) && event.at - one.at <= day;
			for (const { id } of portals)
				await change(id, (polls) => [...polls.filter(stays), ...(begun ? [begun] : [])].slice(-most));
		},

		/** Resolves with the vote that an event is, or with the event itself. */
		async read(event: BridgeEvent, portals: readonly Portal[]): Promise<BridgeEvent> {
			const number = isBare(event) ? numberIn(event.text) : undefined;
			if (number === undefined || !isBare(event)) return event;
			if (capabilities(event.sender.network, event.room, event)?.poll !== "text") return event;
			// A vote has no further ids, so the correction of a vote has an unknown target: it is the next vote.
			if (event.kind === "edit" && (await isKnown(event))) return event;
			for (const portal of portals) {
				const vote = await voteIn(event, number, portal);
				if (!vote) continue;
				const { id, room, sender, at, late, to } = event;
				const { undisclosed, ...what } = vote;
				const base = { id, room, sender, at, ...(late && { late }), ...(to && { to }) };
				return { ...base, ...what, kind: "vote", ...(undisclosed && { undisclosed }) } satisfies Vote;
			}
			return event;
		},
	};

	async function isKnown({ sender, room, target }: BridgeEvent & { kind: "edit" }): Promise<boolean> {
		return (await journal.copies({ network: sender.network, room, id: target.own ?? target.id })).length > 0;
	}
}

/** Returns true for words that are nothing but text: no reply, no file, no place. */
function isBare(event: BridgeEvent): event is Extract<BridgeEvent, { kind: "message" | "edit" }> {
	if (event.kind !== "message" && event.kind !== "edit") return false;
	return event.style === "text" && !event.media && !event.location && !event.replyTo && !event.thread;
}

const shortened = (text: string) => {
	const points = [...text.slice(0, 2 * longest)];
	return points.length > longest ? `${points.slice(0, longest - 1).join("")}…` : points.join("");
};
