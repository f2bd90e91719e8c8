import { join } from "node:path";
import { parseArgs } from "node:util";

export const usage = `Trivium, the bridge where Matrix, XMPP and MQTT meet.

  node src/main.ts run              runs the bridge
  node src/main.ts check            asks every side, also of a running bridge, and names the cure of what fails
  node src/main.ts register         writes the appservice registration, and prints what to add to the servers
  node src/main.ts backup FOLDER    puts all that a bridge is into a new folder, also while it runs
  node src/main.ts restore FOLDER   puts it back, where nothing is yet
  node src/main.ts version          prints the version, as --version does
  node src/main.ts help             prints this text, as --help and -h do

  --config FILE   the configuration (default: data/config.yaml)
  --json          the results of check as one JSON object, for programs
`;

/** The commands, with the name of their argument where they take one. */
const commands: ReadonlyMap<string, string | undefined> = new Map([
	["run", undefined],
	["check", undefined],
	["register", undefined],
	["backup", "FOLDER"],
	["restore", "FOLDER"],
	["version", undefined],
	["help", undefined],
]);

export type CommandLine = Readonly<{
	/** One of the commands in the usage text. */
	command: string;
	/** The path of the config file. */
	file: string;
	/** The argument of `backup` and `restore`, else empty. */
	folder: string;
	json: boolean;
}>;

/** Reads the arguments of the process. Returns the mistake as one sentence if they make no command. */
export function readCommandLine(args: readonly string[]): CommandLine | string {
	let parsed: ReturnType<typeof parse>;
	try {
		parsed = parse(args);
	} catch (error) {
		return (error as Error).message;
	}
	const { values, positionals } = parsed;
	const [command, folder = "", ...more] = positionals;
	const file = values.config ?? join("data", "config.yaml");
	const line = (name: string) => ({ command: name, file, folder, json: values.json ?? false });
	if (values.help) return line("help");
	if (values.version) return line("version");
	if (command === undefined) return "Which command? They are these.";
	if (!commands.has(command)) return `There is no command “${command}”.`;
	const argument = commands.get(command);
	if (argument && folder === "") return `“${command}” needs the name of a folder: ${command} ${argument}`;
	const [surplus] = argument ? more : [folder, ...more];
	if (surplus) return `“${command}” does not take “${surplus}”.`;
	if (values.json && command !== "check") return `“${command}” has no --json, only “check” has.`;
	return line(command);
}

const parse = (args: readonly string[]) =>
	parseArgs({
		args: [...args],
		options: {
			config: { type: "string" },
			json: { type: "boolean" },
			help: { type: "boolean", short: "h" },
			version: { type: "boolean" },
		},
		allowPositionals: true,
	});
