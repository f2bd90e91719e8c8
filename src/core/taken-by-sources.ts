import type { BridgeEvent } from "./event.ts";
import type { NetworkName } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Link, Portal } from "./mapping.ts";
import type { Network } from "./network.ts";
import { answers } from "./references.ts";

/** Resolves with the links of a portal that bring nothing out in general, and whose networks take this event. */
export async function takenBySources(
	event: BridgeEvent,
	{ links }: Portal,
	deps: Readonly<{
		network(name: NetworkName): Pick<Network, "takes">;
		journal: Pick<Journal, "copies">;
	}>,
): Promise<readonly Link[]> {
	const found: Link[] = [];
	for (const link of links) {
		const { network, room } = link;
		if (link.out || room === undefined || network === event.sender.network) continue;
		const takes = deps.network(network).takes?.(room, event);
		if (takes === "all" || (takes === "answers" && (await answers(event, { network, room }, deps.journal))))
			found.push(link);
	}
	return found;
}
