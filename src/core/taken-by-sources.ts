import type { BridgeEvent } from "./event.ts";
import type { NetworkName } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Link, Portal } from "./mapping.ts";
import type { Network } from "./network.ts";

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
		if (takes === "all" || (takes === "answers" && (await answers(event, link, deps.journal))))
			found.push(link);
	}
	return found;
}

/** Resolves with true if the event answers a message that came from the link's room. */
async function answers(
	event: BridgeEvent,
	{ network, room }: Link,
	journal: Pick<Journal, "copies">,
): Promise<boolean> {
	const target = event.kind === "message" ? event.replyTo : "target" in event ? event.target : undefined;
	if (!target) return false;
	const copies = await journal.copies({ network: event.sender.network, room: event.room, id: target.id });
	return copies.some((copy) => copy.network === network && copy.room === room);
}
