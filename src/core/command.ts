import { type Parameter, parse, targetOf, type Values } from "./command-parameters.ts";
import type { Media } from "./event.ts";
import type { MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Level } from "./permissions.ts";
import type { Person } from "./person.ts";

/** A command as a person typed it, without its prefix (`!bridge`). */
export type CommandCall = Readonly<{
	/** The id of the command's message: core runs a command once, however often the server repeats the message. */
	id: MessageId;
	network: NetworkName;
	room: RoomId;
	/** The sender has named `room`, because people there give commands elsewhere. */
	named?: true;
	sender: Person;
	/** The command's name and its arguments, such as "pub home/lamp on". */
	text: string;
	/** The text that a command begins with in this room: "!bridge ", or "" in a chat of the sender with the bot. */
	prefix: string;
	/** Nobody but the sender reads the answer. */
	private: boolean;
	/** Resolves with true if the sender may change the settings of this room. */
	mayChangeRoom(): Promise<boolean>;
	/** `file`: a file of any network that belongs to the answer. */
	reply(text: string, file?: Media): Promise<void>;
}>;

/** The answer of a command: words, and with them a file where it has one. */
export type Answer = string | Readonly<{ text: string; file: Media }>;

/** The parts of a network that decide which commands its people can use. */
export type Offers = Readonly<{ createRoom?: unknown; openDirect?: unknown }>;

/** One command: `!bridge <name> …`. */
export type Command = Readonly<{
	name: string;
	help: string;
	level: Level;
	parameters: readonly Parameter[];
	/** Returns true for a network whose people can use the command. Absent: all can. */
	offered?(to: Offers): boolean;
	/** It changes the room where it is given. People who give commands elsewhere name the room, which takes a form. */
	ofRoom?: true;
	/** Returns true for a command that the bot names when it greets people. */
	greets?: true;
	/** The answer names people or rooms beyond the room where it is asked, so it is given to the sender alone. */
	private?: true;
	/** Returns the addresses and choices among the typed parameters, for the log: no text that a person wrote. */
	target?(typed: string): string | undefined;
	/**
	 * Runs the command with `typed`, the raw text after its name. Resolves with the answer. @throws PermanentError with
	 * the cause.
	 */
	run(call: CommandCall, typed: string): Promise<Answer>;
}>;

/** Returns a command whose `run` gets its parameters parsed. */
export function defineCommand<const All extends readonly Parameter[]>(
	command: Readonly<{
		name: string;
		help: string;
		level: Level;
		parameters: All;
		offered?(to: Offers): boolean;
		ofRoom?: true;
		greets?: true;
		private?: true;
		run(call: CommandCall, values: Values<All>): Promise<Answer>;
	}>,
): Command {
	const { name, parameters } = command;
	return {
		...command,
		target: (typed) => targetOf(parameters, typed),
		run: async (call, typed) => command.run(call, parse(call.prefix + name, parameters, typed)),
	};
}
