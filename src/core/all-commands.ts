import { createBlockCommands } from "./block-commands.ts";
import type { createBlocks } from "./blocks.ts";
import type { Command } from "./command.ts";
import { createCommandRunner } from "./command-runner.ts";
import { createLinkCommands } from "./commands.ts";
import { createDeadLetterCommands } from "./dead-letter-commands.ts";
import { createFollowCommand } from "./follow-command.ts";
import { createHelp } from "./help.ts";
import type { NetworkName } from "./ids.ts";
import type { Journal, Row } from "./journal.ts";
import type { Log } from "./log.ts";
import type { Mapping } from "./mapping.ts";
import type { Bridge, Network } from "./network.ts";
import { createOpenCommands } from "./open-commands.ts";
import type { Level } from "./permissions.ts";
import type { Person } from "./person.ts";
import type { Policies } from "./policies.ts";
import { createPortalList } from "./portal-list.ts";
import type { Portals } from "./portals.ts";
import type { Rules } from "./route.ts";
import { createSettingsCommand } from "./settings-command.ts";
import { createShowOut } from "./show-out.ts";
import { createShowRanks } from "./show-ranks.ts";

/** Puts the commands of core, of each network and of the program together, and returns the runner of them all. */
export function createAllCommands(deps: {
	networks: readonly Network[];
	network(name: NetworkName): Network;
	byName(name: string): Network | undefined;
	mapping: Mapping;
	journal: Journal;
	portals: Portals;
	bridge: Bridge;
	blocks: ReturnType<typeof createBlocks>;
	policies: Policies;
	allowed(person: Person): boolean;
	rules: Rules;
	/** The level that the config alone gives a person. */
	config(person: Person): Level;
	hear: Parameters<typeof createCommandRunner>[0]["hear"];
	mayOpen(person: Person): void;
	held: Parameters<typeof createLinkCommands>[0]["held"];
	/** Queues rows in their lanes. */
	deliverAll(rows: readonly Row[]): Promise<void>;
	version: string;
	/** Commands that belong neither to a network nor to core. */
	further: readonly Command[];
	log: Log;
}) {
	const { networks, network, mapping, journal, portals, bridge, blocks, allowed, rules, log } = deps;
	const run = createCommandRunner({
		journal,
		all: () => commands,
		hear: deps.hear,
		allows: bridge.allows,
		log,
	});
	const help = createHelp({ networks, network, bridge, version: deps.version, all: () => commands });
	const commands: readonly Command[] = [
		...help.commands,
		...createOpenCommands({ networks, network, mapping, portals, bridge, mayOpen: deps.mayOpen }),
		...createLinkCommands({ networks, network, journal, portals, bridge, held: deps.held, log }),
		createFollowCommand({ network, portals, bridge }),
		createSettingsCommand({
			networks,
			network,
			portals,
			policies: deps.policies,
			bridge,
			showRanks: createShowRanks({ journal, bridge }),
		}),
		createPortalList({ mapping, journal, network }),
		...createBlockCommands({
			networks,
			network,
			blocks,
			config: deps.config,
			configured: rules.blocked ?? [],
			showOut: createShowOut({ mapping, journal, network, allowed, bridge, log }),
		}),
		...createDeadLetterCommands({
			mapping,
			journal,
			portals,
			network: deps.byName,
			async revive(which) {
				const rows = await journal.revive(which);
				await deps.deliverAll(rows);
				return rows.length;
			},
		}),
		...networks.flatMap((one) => one.commands ?? []),
		...deps.further,
	];
	return { run, usable: help.usable, greeting: help.greeting };
}
