import { type Blocks, longestGlob, mostBlocks } from "./blocks.ts";
import { type Command, type CommandCall, defineCommand } from "./command.ts";
import { PermanentError } from "./errors.ts";
import type { NetworkName } from "./ids.ts";
import type { Network } from "./network.ts";
import { pageOf } from "./page.ts";
import { unwrapped } from "./pasted.ts";
import type { Level } from "./permissions.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";

/** Creates the commands that block people without a restart, and list the blocks. */
export function createBlockCommands(deps: {
	networks: readonly Network[];
	network(name: NetworkName): Network;
	blocks: Blocks;
	/** The level of a person by the config alone. */
	config(person: Person): Level;
	/** The globs that the config blocks. */
	configured: readonly string[];
	/** Has blocked people leave the rooms in which they are shown. Resolves with their number. */
	showOut(): Promise<number>;
	now?: () => number;
}): readonly Command[] {
	const { networks, network, blocks, configured, now = Date.now } = deps;

	/** Returns the glob in a typed text: an address in any form that people paste, a pattern with stars, or a domain. */
	async function globIn(call: CommandCall, typed: string): Promise<string> {
		const text = unwrapped(typed);
		if (text.length > longestGlob) throw new PermanentError("invalid", phrases.noGlob(text));
		const meant = network(call.network).standsFor?.([typed]);
		if (meant) {
			const person = await network(meant.network).findPerson?.(meant.address);
			const handle = person?.handles[0];
			if (!handle) throw new PermanentError("not-found", phrases.nobody(text));
			return handle.toLowerCase();
		}
		const handles = text.includes("*") ? [] : networks.flatMap((one) => one.handle?.(text) ?? []);
		if (handles[0]) return handles[0].toLowerCase();
		// A text that is neither a pattern nor a domain blocks nobody, and a typo would look like a block.
		if (/\s/.test(text) || !/\*|^[^\s@:/]+\.[^\s@:/.]+$/.test(text))
			throw new PermanentError("invalid", phrases.noGlob(text));
		return text.toLowerCase();
	}

	const block = defineCommand({
		name: "block",
		parameters: [{ name: "address", kind: "address" }],
		help: "keep somebody out at once: an address, a server's domain, or a pattern such as *@spam.example",
		level: "admin",
		run: async (call, { address }) => {
			const glob = await globIn(call, address);
			const somebody = { ...call.sender, handles: [glob], domain: "" };
			if (deps.config(somebody) === "admin")
				throw new PermanentError("forbidden", phrases.adminNotBlocked(glob));
			if (blocks.list().length >= mostBlocks)
				throw new PermanentError("busy", phrases.tooManyBlocks(mostBlocks));
			if (!(await blocks.add(glob, now()))) return phrases.blockedAlready(glob);
			const count = await deps.showOut();
			const limits = networks.flatMap((one) => one.hides?.(glob) ?? []);
			return [phrases.blockedNow(glob, count), ...limits].join(" ");
		},
	});

	const unblock = defineCommand({
		name: "unblock",
		parameters: [{ name: "address", kind: "address" }],
		help: "end a block that was made by command",
		level: "admin",
		run: async (call, { address }) => {
			const glob = await globIn(call, address);
			if (await blocks.remove(glob)) {
				const others = blocks.of(glob);
				return others.length > 0 ? phrases.stillBlocked(glob, others) : phrases.unblocked(glob);
			}
			const others = blocks.of(glob);
			if (others.length > 0) return phrases.stillBlocked(glob, others);
			const somebody = { ...call.sender, handles: [glob], domain: glob.split(/[@:]/).at(-1) ?? "" };
			return deps.config(somebody) === "block" ? phrases.blockedByConfig(glob) : phrases.notBlocked(glob);
		},
	});

	const list = defineCommand({
		name: "blocks",
		parameters: [{ name: "page", kind: "number", optional: true }],
		help: "list the people who are blocked by command, and by the config",
		level: "admin",
		private: true,
		run: async (call, { page: asked }) => {
			const ours = blocks
				.list()
				.map(({ glob, at }) => phrases.blockLine(glob, new Date(at).toISOString().slice(0, 10)));
			const all = [...ours, ...configured.map((glob) => phrases.blockLine(glob, undefined))];
			if (all.length === 0) return phrases.noBlocks;
			const { entries, page, pages } = pageOf(all, asked);
			return [...entries, phrases.pageLine(page, pages, `${call.prefix}blocks`)].filter(Boolean).join("\n");
		},
	});

	return [block, unblock, list];
}
