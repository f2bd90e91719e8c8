import type { BridgeEvent, Edit } from "../core/event.ts";
import type { Outbound } from "../core/network.ts";
import * as phrases from "../core/phrases.ts";
import { relayed as inNameOf } from "../core/relayed.ts";
import type { EventCache } from "./event-cache.ts";
import { type Ghosts, NoGhost } from "./ghosts.ts";
import { isOfView, type Rooms } from "./rooms.ts";

/** Chooses the account that shows an outbound event, and returns it with the event as that account writes it. */
export function createSendingAccount(deps: {
	ghosts: Ghosts;
	rooms: Rooms;
	eventCache: Pick<EventCache, "find">;
	bot: string;
}) {
	const { ghosts, rooms, eventCache, bot } = deps;
	/**
	 * The sender's ghost, or the bot where they have none and none may be made. A retry goes by what the first attempt
	 * found: the event may be there already. @throws NoGhost where the bot is not in the room.
	 */
	async function accountFor(out: Outbound): Promise<string> {
		const { event, operation, attempt, room, once } = out;
		const { sender } = event;
		// In a view the sender's name is the one in this room, which their ghost got when it came in.
		if (isOfView(out)) return ghosts.account(sender);
		const lacks = async () => {
			try {
				await ghosts.ensure(sender, room);
				return false;
			} catch (error) {
				if (!(error instanceof NoGhost && rooms.withBot.has(room))) throw error;
				return true;
			}
		};
		const unsettled = attempt > 0 || (await ghosts.known(sender)) === undefined;
		if (unsettled && (await once(`relay of ${operation}`, lacks))) return bot;
		return ghosts.ensure(sender, room);
	}

	/** Returns the account that sent the message which an edit changes; undefined when the homeserver does not tell. */
	async function author({ target }: Edit, { refs, room }: Outbound, account: string) {
		const [id] = refs[target.own ?? target.id] ?? [];
		if (id === undefined) return undefined;
		return (await eventCache.find(room, id, rooms.withBot.has(room) ? undefined : account))?.sender;
	}

	return async function sendingAccount(
		out: Outbound,
	): Promise<Readonly<{ ghost: string; event: BridgeEvent }>> {
		const { event, room } = out;
		const account = await accountFor(out);
		const as = (ghost: string, shown: BridgeEvent = event) => ({
			ghost,
			event: ghost === bot ? relayed(shown) : shown,
		});
		if (event.kind !== "edit") return as(account);
		// Matrix spec, "Event replacements": clients ignore an edit whose sender is not the sender of the original.
		const first = await author(event, out, account);
		if (first === undefined || first === account) return as(account);
		if (first === bot && rooms.withBot.has(room)) return as(bot);
		if (first === (await ghosts.known(event.sender))) return as(first);
		return as(account, asMessage(event));
	};
}

/** Returns a new message with the words of an edit, for an account that cannot edit the original. */
function asMessage(edit: Edit): BridgeEvent {
	const { kind: _kind, target: _target, rich: _rich, newMedia: _new, ...said } = edit;
	return { ...said, kind: "message", text: phrases.correction(edit.text) };
}

/** Returns the event as the bot sends it, with the sender's name before the text. @throws NoGhost for a reaction or vote. */
function relayed(event: BridgeEvent): BridgeEvent {
	const name = event.sender.name ?? event.sender.address.at(-1) ?? "?";
	switch (event.kind) {
		// The bot has one reaction and one vote, which cannot stand for those of many people.
		case "reaction":
		case "vote":
			throw new NoGhost();
		case "message":
		case "edit":
			return inNameOf(event, name);
		case "poll":
			return { ...event, question: phrases.relayed(name, event.question) };
		case "poll-end":
			return { ...event, text: phrases.relayed(name, event.text) };
		default:
			return event;
	}
}
