import type { Answer, Command, CommandCall } from "./command.ts";
import { Misunderstood } from "./command-parameters.ts";
import { commandKey } from "./dedupe.ts";
import { PermanentError, TemporaryError } from "./errors.ts";
import type { Journal } from "./journal.ts";
import { createRateLimit } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Level } from "./permissions.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";

/** How often the log names refused commands of one domain. */
const refusalsLogged = { perMinute: 10, burst: 20 };

/** Returns the function that runs commands, each once for its message: it answers the sender, and logs the outcome. */
export function createCommandRunner(deps: {
	journal: Pick<Journal, "once">;
	all(): readonly Command[];
	/** Counts one more command of a person, which `isNew` notes. Resolves with the refusal if it must not run. */
	hear(by: Person, isNew: () => Promise<boolean>): Promise<"new" | "repeated" | PermanentError>;
	allows(person: Person, level: Level): boolean;
	log: Log;
}): (call: CommandCall) => Promise<void> {
	const { journal, all, hear, allows, log } = deps;
	const mayLogRefusal = createRateLimit(refusalsLogged);

	async function run(call: CommandCall, found: Command | string, args: string): Promise<Answer> {
		if (typeof found === "string") return found;
		if (!allows(call.sender, found.level))
			throw new PermanentError("forbidden", phrases.notAllowed(`use “${found.name}”`));
		if (found.private && !call.private) throw new PermanentError("forbidden", phrases.askAlone);
		return found.run(call, args);
	}

	/** Runs a command, logs it with its outcome, and resolves with the answer. */
	async function logged(
		call: CommandCall,
		known: Command | undefined,
		args: string,
		name: string,
	): Promise<Answer> {
		// The log never gets the typed text, for people type anything to the bot, even passwords. It gets the target of a
		// command that succeeded: that is the address of somebody or something.
		const fields = fieldsOf(call, known);
		try {
			const answer = await run(call, known ?? phrases.unknownCommand(name, `${call.prefix}help`), args);
			const target = known?.target?.(args);
			log.info({ ...fields, ...(target && { target }), outcome: known ? "done" : "unknown" }, "command");
			return answer;
		} catch (error) {
			// A command that was not understood did not fail.
			if (error instanceof Misunderstood) {
				log.info({ ...fields, outcome: "not understood" }, "command");
				return error.message;
			}
			if (error instanceof PermanentError) {
				log.info({ ...fields, outcome: "refused", reason: error.reason }, "command");
				return phrases.commandFailed(error.message);
			}
			const away = error instanceof TemporaryError;
			log[away ? "warn" : "error"]({ ...fields, outcome: "failed", err: error }, "command failed");
			return phrases.commandFailed(away ? phrases.notReachable : phrases.brokenHere);
		}
	}

	return async (call) => {
		const [name = "", args = ""] = call.text.trim().split(/\s+(.*)/s);
		const known = all().find((one) => one.name === (name.toLowerCase() || "help"));
		const { sender, network, room, id } = call;
		const heard = await hear(sender, () => journal.once(commandKey(network, room, id)));
		if (heard === "repeated") return;
		if (heard !== "new") {
			// A flood of commands must not fill the log.
			if (mayLogRefusal(call.sender.domain))
				log.info({ ...fieldsOf(call, known), outcome: "refused", reason: heard.reason }, "command");
			await call.reply(phrases.commandFailed(heard.message));
			return;
		}
		const answer = await logged(call, known, args.trim(), name);
		if (typeof answer === "string") await call.reply(answer);
		else await call.reply(answer.text, answer.file);
	};
}

const fieldsOf = ({ network: net, room, sender }: CommandCall, known: Command | undefined) => ({
	...{ net, room, sender: sender.id },
	command: known?.name ?? "unknown",
});
