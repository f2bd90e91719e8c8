import { type Command, type CommandCall, defineCommand } from "../core/command.ts";
import { PermanentError } from "../core/errors.ts";
import type { MessageId } from "../core/ids.ts";
import type { Bridge } from "../core/network.ts";
import * as phrases from "../core/phrases.ts";
import type { Links } from "./links.ts";

const what = {
	link: { name: "URL", kind: "word" },
	message: { name: "ID", kind: "word" },
	person: { name: "ADDRESS", kind: "address" },
	file: { name: "SHA256", kind: "word", pattern: /^[0-9a-f]{64}$/i },
} as const;

/** Creates the admin command `revoke`, which ends links to files for good. Its answer tells what it found. */
export function revoke(deps: {
	links: Pick<Links, "revoke">;
	/** Returns the bridge, which exists before the first command comes in. */
	bridge(): Pick<Bridge, "findPerson" | "acquaintance" | "hasMessage">;
}): Command {
	const { links, bridge } = deps;

	async function ofPerson({ network }: CommandCall, typed: string): Promise<string> {
		const person = await bridge().findPerson(network, [typed]);
		const { known, near } = await bridge().acquaintance(network, typed, person);
		const others = near.length > 0 ? phrases.didYouMean(near.map(phrases.personLine)) : "";
		if (!person)
			throw new PermanentError("not-found", [phrases.nobodyRevoked(typed), others].filter(Boolean).join(" "));
		await links.revoke({ person });
		const done = phrases.linksRevoked(phrases.ofPerson(phrases.personLine(person)));
		return known ? done : [done, phrases.neverMet, others].filter(Boolean).join(" ");
	}

	async function ofMessage({ network, room }: CommandCall, id: MessageId): Promise<string> {
		if (!(await bridge().hasMessage(network, room, id)))
			throw new PermanentError("not-found", phrases.noMessage(id));
		await links.revoke({ event: { network, room, id } });
		return phrases.linksRevoked(phrases.ofThatMessage);
	}

	return defineCommand({
		name: "revoke",
		parameters: [{ name: "what", kind: "either", of: what }],
		help: "end links to files: of a message, of everything somebody sent, or to a file wherever it turns up",
		level: "admin",
		async run(call, { what: { key, value } }) {
			switch (key) {
				case "link":
					await links.revoke({ url: value });
					return phrases.linksRevoked(phrases.ofThatMessage);
				case "file":
					await links.revoke({ hash: value });
					return phrases.linksRevoked(phrases.ofFile(value.toLowerCase()));
				case "message":
					return ofMessage(call, value as MessageId);
				case "person":
					return ofPerson(call, value);
				default:
					return key satisfies never;
			}
		},
	});
}
