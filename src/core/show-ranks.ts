import { randomBytes } from "node:crypto";
import type { MessageId } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Portal } from "./mapping.ts";
import type { Bridge } from "./network.ts";

/** Returns the function that has the other rooms of a portal show its people's ranks anew, after its settings changed. */
export function createShowRanks(deps: {
	journal: Pick<Journal, "members">;
	bridge: Pick<Bridge, "receive">;
}): (portal: Portal) => Promise<void> {
	const { journal, bridge } = deps;
	return async ({ links }) => {
		for (const { network, room } of links) {
			if (!room) continue;
			const ranked = (await journal.members(network, room)).filter(
				({ rank, hats }) => rank !== undefined || hats !== undefined,
			);
			await bridge.receive(
				ranked.map((sender) => {
					const id = `rank ${randomBytes(9).toString("base64url")}` as MessageId;
					return { kind: "profile", id, room, sender, at: Date.now() };
				}),
			);
		}
	};
}
