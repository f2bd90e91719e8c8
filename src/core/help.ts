import { type Command, type CommandCall, defineCommand } from "./command.ts";
import { usage } from "./command-parameters.ts";
import type { NetworkName } from "./ids.ts";
import type { Bridge, Network } from "./network.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";

/** Creates the commands that tell about the bridge itself, and its greeting. */
export function createHelp(deps: {
	networks: readonly Network[];
	network(name: NetworkName): Network;
	bridge: Pick<Bridge, "allows">;
	version: string;
	all(): readonly Command[];
}) {
	const { networks, network, bridge, version } = deps;
	const { title: me } = phrases;

	/** Returns the commands that a person may use and can use. */
	const usable = (to: Person): readonly Command[] =>
		deps
			.all()
			.filter(({ level, offered: on }) => bridge.allows(to, level) && (on?.(network(to.network)) ?? true));
	/** The same, but for those that cannot be typed: nothing in a chat with the bot alone names the room. */
	const offered = (to: Person): readonly Command[] => {
		const { commandsAlone } = network(to.network);
		return usable(to).filter(({ ofRoom }) => !(ofRoom && commandsAlone));
	};

	/** Returns the help of one command for people of `on`: they do not choose their own network. */
	const line = (prefix: string, { name, parameters, help: does }: Command, on: NetworkName) => {
		const choosable = parameters.map((one) =>
			one.kind === "choice" ? { ...one, choices: one.choices.filter((choice) => choice !== on) } : one,
		);
		return phrases.helpLine(prefix + name, usage(choosable), does);
	};

	const help = defineCommand({
		name: "help",
		parameters: [],
		help: "show this list",
		level: "use",
		run: async ({ sender, prefix }) =>
			[phrases.helpIntro, ...offered(sender).map((one) => line(prefix, one, sender.network))].join("\n"),
	});

	const started = Date.now();
	const versions = defineCommand({
		name: "version",
		parameters: [],
		help: "show the version of this bridge, and how long it has been running",
		level: "use",
		run: async () => phrases.versionLine(me, version, phrases.duration(Date.now() - started)),
	});

	return {
		commands: [help, versions] as readonly Command[],
		usable,
		/** Returns the words with which the bot greets a person who invited it. */
		greeting(to: Person, { prefix }: Pick<CommandCall, "prefix">): string {
			const first = offered(to).filter(({ greets }) => greets);
			const titles = networks.map(({ title }) => title);
			return [
				phrases.greeting(me, to.name, titles),
				...first.map((one) => line(prefix, one, to.network)),
				phrases.greetingEnd(prefix),
			].join("\n");
		},
	};
}
