import type { Command, CommandCall } from "../core/command.ts";
import { PermanentError } from "../core/errors.ts";
import type { MessageId } from "../core/ids.ts";
import type { Bridge } from "../core/network.ts";
import * as phrases from "../core/phrases.ts";
import type { Links, Revoked } from "./links.ts";

/** `revoke`: an admin has links to files end, for good. */
export function revoke(deps: {
	links: Pick<Links, "revoke">;
	/** There once the command can be given. */
	bridge(): Pick<Bridge, "findPerson">;
}): Command {
	async function asked({ network, room }: CommandCall, kind: string, what: string): Promise<Revoked> {
		if (what && kind === "link") return { url: what };
		if (what && kind === "message") return { event: { network, room, id: what as MessageId } };
		if (kind === "file" && /^[0-9a-f]{64}$/i.test(what)) return { hash: what };
		if (!what || kind !== "person")
			throw new PermanentError("invalid", phrases.commandUsage(command.name, command.usage));
		const person = await deps.bridge().findPerson(network, [what]);
		if (!person) throw new PermanentError("not-found", phrases.nobody(what));
		return { person };
	}

	const command: Command = {
		name: "revoke",
		usage: "link URL | message ID | person ADDRESS | file SHA256",
		help: "end links to files: of a message, of everything somebody sent, or to a file wherever it turns up",
		level: "admin",
		async run(call, args) {
			const [kind = "", what = ""] = args.split(/\s+/);
			await deps.links.revoke(await asked(call, kind.toLowerCase(), what));
			return phrases.linksRevoked;
		},
	};
	return command;
}
