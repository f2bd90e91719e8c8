import { type Command, type CommandCall, defineCommand } from "../core/command.ts";
import { PermanentError } from "../core/errors.ts";
import type { MessageId } from "../core/ids.ts";
import type { Bridge } from "../core/network.ts";
import * as phrases from "../core/phrases.ts";
import type { Links, Revoked } from "./links.ts";

const what = {
	link: { name: "URL", kind: "word" },
	message: { name: "ID", kind: "word" },
	person: { name: "ADDRESS", kind: "address" },
	file: { name: "SHA256", kind: "word", pattern: /^[0-9a-f]{64}$/i },
} as const;

/** Creates the admin command `revoke`, which ends links to files for good. */
export function revoke(deps: {
	links: Pick<Links, "revoke">;
	/** Returns the bridge, which exists before the first command comes in. */
	bridge(): Pick<Bridge, "findPerson">;
}): Command {
	async function asked(
		{ network, room }: CommandCall,
		{ key, value }: Readonly<{ key: keyof typeof what; value: string }>,
	): Promise<Revoked> {
		switch (key) {
			case "link":
				return { url: value };
			case "message":
				return { event: { network, room, id: value as MessageId } };
			case "file":
				return { hash: value };
			case "person": {
				const person = await deps.bridge().findPerson(network, [value]);
				if (!person) throw new PermanentError("not-found", phrases.nobody(value));
				return { person };
			}
			default:
				return key satisfies never;
		}
	}

	return defineCommand({
		name: "revoke",
		parameters: [{ name: "what", kind: "either", of: what }],
		help: "end links to files: of a message, of everything somebody sent, or to a file wherever it turns up",
		level: "admin",
		async run(call, values) {
			await deps.links.revoke(await asked(call, values.what));
			return phrases.linksRevoked;
		},
	});
}
