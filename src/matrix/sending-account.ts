import type { BridgeEvent } from "../core/event.ts";
import type { Outbound } from "../core/network.ts";
import { relayed as inNameOf } from "../core/relayed.ts";
import { type Ghosts, NoGhost } from "./ghosts.ts";
import type { Rooms } from "./rooms.ts";

/** Chooses the account that shows an outbound event. */
export function createSendingAccount(deps: { ghosts: Ghosts; rooms: Rooms; bot: string }) {
	const { ghosts, rooms, bot } = deps;
	/**
	 * The sender's ghost, or the bot where they have none and none may be made. A retry goes by what the first attempt
	 * found: the event may be there already. @throws NoGhost where the bot is not in the room.
	 */
	return async function accountFor({ event, operation, attempt, room, once }: Outbound): Promise<string> {
		const { sender } = event;
		const lacks = async () => {
			try {
				await ghosts.ensure(sender);
				return false;
			} catch (error) {
				if (!(error instanceof NoGhost && rooms.withBot.has(room))) throw error;
				return true;
			}
		};
		const unsettled = attempt > 0 || (await ghosts.known(sender)) === undefined;
		if (unsettled && (await once(`relay of ${operation}`, lacks))) return bot;
		return ghosts.ensure(sender);
	};
}

/** The event as the bot says it: the sender's name before the words. @throws NoGhost for what the bot cannot do for others. */
export function relayed(event: BridgeEvent): BridgeEvent {
	// The bot has one reaction and one vote, which cannot stand for those of many people.
	if (event.kind === "reaction" || event.kind === "vote") throw new NoGhost();
	if (event.kind !== "message" && event.kind !== "edit") return event;
	return inNameOf(event, event.sender.name ?? event.sender.address.at(-1) ?? "?");
}
