import { type Parameter, parse, type Values } from "./command-parameters.ts";
import type { MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Level } from "./permissions.ts";
import type { Person } from "./person.ts";

/** A command as a person typed it, without its prefix (`!bridge`). */
export type CommandCall = Readonly<{
	/** The id of the command's message: core runs a command once, however often the server repeats the message. */
	id: MessageId;
	network: NetworkName;
	room: RoomId;
	sender: Person;
	/** The command's name and its arguments, such as "pub home/lamp on". */
	text: string;
	/** Resolves with true if the sender may change the settings of this room. */
	mayChangeRoom(): Promise<boolean>;
	reply(text: string): Promise<void>;
}>;

/** One command: `!bridge <name> …`. */
export type Command = Readonly<{
	name: string;
	help: string;
	level: Level;
	parameters: readonly Parameter[];
	/**
	 * Runs the command with `typed`, the raw text after its name. Resolves with the answer. @throws PermanentError with
	 * the cause.
	 */
	run(call: CommandCall, typed: string): Promise<string>;
}>;

/** Returns a command whose `run` gets its parameters parsed. */
export function defineCommand<const All extends readonly Parameter[]>(
	command: Readonly<{
		name: string;
		help: string;
		level: Level;
		parameters: All;
		run(call: CommandCall, values: Values<All>): Promise<string>;
	}>,
): Command {
	const { name, parameters } = command;
	return { ...command, run: async (call, typed) => command.run(call, parse(name, parameters, typed)) };
}
