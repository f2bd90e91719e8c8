import type { MessageId, NetworkName, RoomId } from "./ids.ts";
import { type Parameter, parse, type Values } from "./parameters.ts";
import type { Level } from "./permissions.ts";
import type { Person } from "./person.ts";

/** A command as a person typed it, `!bridge` or its like already taken off. */
export type CommandCall = Readonly<{
	/** The id of the message that holds the command: a command is carried out once, however often the server repeats it. */
	id: MessageId;
	network: NetworkName;
	room: RoomId;
	sender: Person;
	/** "pub home/lamp on": name first. */
	text: string;
	/** Whether the sender may change the settings of the room it was typed in. */
	mayChangeRoom(): Promise<boolean>;
	reply(text: string): Promise<void>;
}>;

/** One command: `!bridge <name> …`. */
export type Command = Readonly<{
	name: string;
	help: string;
	level: Level;
	parameters: readonly Parameter[];
	/** `typed` is what follows the name, untouched. Resolves with the answer. @throws PermanentError with the cause. */
	run(call: CommandCall, typed: string): Promise<string>;
}>;

/** Returns the command whose `run` gets the values that were typed for its parameters. */
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
