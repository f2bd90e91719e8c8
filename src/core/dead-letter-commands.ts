import { type Command, defineCommand } from "./command.ts";
import type { DeadLetter, Journal, Lane } from "./journal.ts";
import type { Mapping } from "./mapping.ts";
import type { Network } from "./network.ts";
import * as phrases from "./phrases.ts";
import type { Portals } from "./portals.ts";

/** The most dead letters that `dead` lists, and that `retry` revives at once. */
const [listed, revived] = [20, 1_000];

/** Creates the commands that list dead letters and retry them. */
export function createDeadLetterCommands(deps: {
	mapping: Mapping;
	journal: Journal;
	portals: Portals;
	network(name: string): Network | undefined;
	/** Queues dead letters for delivery again. Resolves with their number. */
	revive(which: Readonly<{ lane?: Lane; limit: number }>): Promise<number>;
}): readonly Command[] {
	const { mapping, journal, portals, network, revive } = deps;

	async function line({ lane, event, reason, diedAt }: DeadLetter): Promise<string> {
		const link = (await mapping.portal(lane.portal))?.links.find((one) => one.id === lane.link);
		const to = link && network(link.network);
		const where = to && link ? phrases.sideOf(to.title, to.show(link)) : phrases.unlinkedTarget;
		const from = phrases.personLine(event.sender);
		return phrases.deadLine(new Date(diedAt).toISOString(), from, where, reason);
	}

	const dead = defineCommand({
		name: "dead",
		parameters: [],
		help: "list the undeliverable messages of this room, or in a chat with me of all rooms, the latest first",
		level: "admin",
		run: async (call) => {
			// Others read the answer in a room, and it would tell them who writes to whom.
			const portal = call.private ? undefined : await portals.only(call.network, call.room);
			if (!call.private && !portal) return phrases.noPortal;
			const [found, { dead: all }] = await Promise.all([journal.dead(listed, portal?.id), journal.stats()]);
			if (found.length === 0) return portal ? phrases.noneDeadHere : phrases.noneDead;
			const intro = portal ? phrases.deadHere : phrases.deadIntro(all);
			return [intro, ...(await Promise.all(found.map(line)))].join("\n");
		},
	});

	const retry = defineCommand({
		name: "retry",
		parameters: [{ name: "which", kind: "choice", choices: ["all"], optional: true }],
		help: "deliver the undeliverable messages of this room, or of all rooms, again",
		level: "admin",
		run: async (call, { which }) => {
			if (which === "all") return phrases.revived(await revive({ limit: revived }));
			const portal = await portals.only(call.network, call.room);
			if (!portal) return phrases.noPortal;
			let count = 0;
			for (const { id } of portal.links)
				count += await revive({ lane: { portal: portal.id, link: id }, limit: revived });
			return phrases.revived(count);
		},
	});

	return [dead, retry];
}
