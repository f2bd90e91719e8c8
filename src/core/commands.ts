import { supports } from "./capabilities.ts";
import { type Command, type CommandCall, defineCommand } from "./command.ts";
import { usage } from "./command-parameters.ts";
import { PermanentError } from "./errors.ts";
import type { NetworkName } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Link, Mapping } from "./mapping.ts";
import type { Bridge, Network, RoomInfo } from "./network.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";
import type { Portals } from "./portals.ts";

/** Creates the commands that concern all networks. Commands of one network are in its folder. */
export function createCoreCommands(deps: {
	networks: readonly Network[];
	network(name: NetworkName): Network;
	mapping: Mapping;
	journal: Journal;
	portals: Portals;
	bridge: Pick<Bridge, "openRoom" | "openDirect" | "allows" | "sync">;
	/** @throws PermanentError when the person opens too many chats and rooms. */
	mayOpen(by: Person): void;
	all(): readonly Command[];
}): readonly Command[] {
	const { networks, network, mapping, journal, portals, bridge } = deps;
	const others = (call: CommandCall) => networks.filter((one) => one.name !== call.network);

	function named(call: CommandCall, text: string): Network {
		const found = others(call).find((one) => one.name === text.toLowerCase());
		if (found) return found;
		const known = others(call).map((one) => one.name);
		throw new PermanentError("invalid", phrases.unknownNetwork(text, known.join(", ")));
	}

	/** Asks each other network in turn. @throws PermanentError with the most telling reason: "invalid" gives way to all others. */
	async function ask<T>(
		call: CommandCall,
		question: (one: Network) => Promise<T | undefined> | undefined,
		address: string,
	) {
		let no: PermanentError | undefined;
		for (const one of others(call)) {
			try {
				const answer = await question(one);
				if (answer) return { network: one, answer };
			} catch (error) {
				if (!(error instanceof PermanentError)) throw error;
				if (!no || no.reason === "invalid") no = error;
			}
		}
		throw no ?? new PermanentError("not-found", phrases.nobody(address));
	}

	async function mustOwnRoom(call: CommandCall): Promise<void> {
		if (!(await call.mayChangeRoom())) throw new PermanentError("forbidden", phrases.noPower);
	}

	const help = defineCommand({
		name: "help",
		parameters: [],
		help: "this list",
		level: "use",
		run: async (call) => {
			const allowed = deps.all().filter((command) => bridge.allows(call.sender, command.level));
			const lines = allowed.map((command) =>
				phrases.helpLine(command.name, usage(command.parameters), command.help),
			);
			return [phrases.helpIntro, ...lines].join("\n");
		},
	});

	const chat = defineCommand({
		name: "chat",
		parameters: [{ name: "address", kind: "address" }],
		help: "open a direct chat with somebody",
		level: "use",
		run: async (call, { address }) => {
			const { answer: theirs } = await ask<Person>(call, (one) => one.findPerson?.([address]), address);
			const here = network(call.network);
			const known = await mapping.portalBetween(call.sender, theirs);
			const standing = known?.links.find((link) => link.network === call.network)?.room;
			const room = standing ?? (await portals.directRoom(call.sender, theirs));
			await bridge.openDirect(call.sender, theirs, room);
			if (standing) await here.invite?.(standing, call.sender);
			return phrases.chatOpened(theirs.name ?? address);
		},
	});

	const join = defineCommand({
		name: "join",
		parameters: [{ name: "room", kind: "address" }],
		help: "bring a room of another network here and invite you to it",
		level: "use",
		run: async (call, { room: address }) => {
			const open = async (one: Network) => (one.privateRooms ? undefined : one.findRoom([address]));
			const found = await ask<RoomInfo>(call, open, address);
			deps.mayOpen(call.sender);
			const room = await bridge.openRoom(call.network, found.network.name, [address]);
			await network(call.network).invite?.(room, call.sender);
			return phrases.joined(found.answer.name ?? address);
		},
	});

	const link = defineCommand({
		name: "link",
		parameters: [
			{ name: "network", kind: "word" },
			{ name: "room", kind: "address" },
		],
		help: "join this room with a room of another network",
		level: "link",
		run: async (call, { network: name, room: address }) => {
			const there = named(call, name);
			if (there.privateRooms && !bridge.allows(call.sender, "admin"))
				throw new PermanentError("forbidden", phrases.guardedRooms(there.title));
			await mustOwnRoom(call);
			const title = await portals.link(call.network, call.room, there.name, [address]);
			await bridge.sync(call.network, call.room, await network(call.network).members(call.room));
			return there.sources ? phrases.shownHere(title) : phrases.linked(title);
		},
	});

	const unlink = defineCommand({
		name: "unlink",
		parameters: [
			{ name: "network", kind: "word" },
			{ name: "room", kind: "address", optional: true },
		],
		help: "end the link of this room to another network, or to one room there",
		level: "link",
		run: async (call, { network: name, room: address }) => {
			const there = named(call, name);
			await mustOwnRoom(call);
			const portal = await portals.only(call.network, call.room);
			const meant = (one: Link) => address === undefined || there.show(one) === address;
			const known = portal?.links.filter((one) => one.network === there.name && one.room && meant(one)) ?? [];
			const gone = known.filter((one) => one.role !== "mirror");
			if (gone.length === 0 && known.length > 0)
				throw new PermanentError("forbidden", phrases.mirrorOfConfig);
			// The remaining rooms see the people of this link leave.
			for (const one of gone) if (one.room) await bridge.sync(there.name, one.room, []);
			const had = await portals.unlink(call.network, call.room, gone);
			if (!had) return phrases.notLinked(address ?? there.title);
			if (!there.sources) return phrases.unlinkedNow(there.title);
			const stays = portal?.links.some((one) => one.network === there.name && one.role === "mirror") ?? false;
			return phrases.noLongerShown(gone.map(there.show), stays);
		},
	});

	const status = defineCommand({
		name: "status",
		parameters: [],
		help: "the links of this room, and the number of waiting messages",
		level: "use",
		run: async (call) => {
			const portal = await portals.only(call.network, call.room);
			if (!portal) return phrases.noPortal;
			const lanes = (await journal.lanes()).filter((lane) => lane.portal === portal.id);
			const waiting = lanes.reduce((sum, lane) => sum + lane.depth, 0);
			const lines = portal.links
				.filter((one) => one.network !== call.network)
				.map((one) =>
					phrases.statusLine(network(one.network).title, network(one.network).show(one), one.role),
				);
			return [...lines, phrases.waitingLine(waiting)].join("\n");
		},
	});

	const settings = defineCommand({
		name: "settings",
		parameters: [
			{
				name: "setting",
				kind: "either",
				of: { reactions: { name: "value", kind: "choice", choices: [...supports, "default"] } },
				optional: true,
			},
		],
		help: "how this room is bridged; reactions: as reactions, with words besides, in words, not at all, or by default",
		level: "link",
		run: async (call, { setting }) => {
			if (setting) await mustOwnRoom(call);
			const portal = setting
				? await portals.choose(call.network, call.room, {
						[setting.key]: setting.value === "default" ? undefined : setting.value,
					})
				: await portals.only(call.network, call.room);
			return portal ? phrases.settingLine("reactions", portal.settings?.reactions) : phrases.noPortal;
		},
	});

	return [help, chat, join, link, unlink, status, settings];
}
