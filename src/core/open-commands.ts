import { type Command, type CommandCall, defineCommand } from "./command.ts";
import { PermanentError } from "./errors.ts";
import type { NetworkName, RoomId } from "./ids.ts";
import type { Mapping } from "./mapping.ts";
import type { Bridge, Network, RoomInfo } from "./network.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";
import type { Portals } from "./portals.ts";
import { letIn, requireAdmission } from "./room-invites.ts";

/** Creates the commands that open a chat with a person, or a room, of another network. */
export function createOpenCommands(deps: {
	networks: readonly Network[];
	network(name: NetworkName): Network;
	mapping: Mapping;
	portals: Portals;
	bridge: Pick<Bridge, "openRoom" | "openDirect" | "mayReach">;
	/** @throws PermanentError when the person opens too many chats and rooms. */
	mayOpen(by: Person): void;
}): readonly Command[] {
	const { networks, network, mapping, portals, bridge } = deps;

	/**
	 * Asks each other network in turn; the address of a ghost or a room of ours on the caller's network is asked for on its own.
	 * @throws PermanentError with the most telling reason: "invalid" gives way to all others.
	 */
	async function ask<T>(
		call: CommandCall,
		typed: string,
		question: (one: Network, address: readonly string[]) => Promise<T | undefined> | undefined,
	) {
		const meant = network(call.network).standsFor?.([typed]);
		const address = meant?.address ?? [typed];
		let no: PermanentError | undefined;
		for (const one of networks) {
			if (one.name === call.network || (meant && meant.network !== one.name)) continue;
			try {
				const answer = await question(one, address);
				if (answer) return { network: one, answer, address };
			} catch (error) {
				if (!(error instanceof PermanentError)) throw error;
				if (!no || no.reason === "invalid") no = error;
			}
		}
		throw no ?? new PermanentError("not-found", phrases.nobody(address.join(" ")));
	}

	/** Invites the sender to a room of theirs, unless they are in it. Resolves with the sentence of the answer. */
	async function bringIn(call: CommandCall, room: RoomId, name: string, what: phrases.Opened) {
		const here = network(call.network);
		return phrases.opened(what, name, await letIn(here, room, call.sender), here.url?.(room));
	}

	const chat = defineCommand({
		name: "chat",
		parameters: [{ name: "address", kind: "address" }],
		help: "open a direct chat with somebody of another network",
		level: "use",
		greets: true,
		offered: (to) => to.openDirect !== undefined,
		run: async (call, { address }) => {
			const { answer: theirs } = await ask<Person>(call, address, (one, wanted) => one.findPerson?.(wanted));
			// On a network whose people need no invitation to write, a command must not reach further than a message.
			if (network(call.network).commandsAlone && !(await bridge.mayReach(call.sender, theirs)))
				throw new PermanentError("forbidden", phrases.onlyKnown);
			const known = await mapping.portalBetween(call.sender, theirs);
			const standing = known?.links.find((link) => link.network === call.network)?.room;
			const room = standing ?? (await portals.directRoom(call.sender, theirs));
			await bridge.openDirect(call.sender, theirs, room);
			const name = theirs.name ?? address;
			// The network has invited the sender to the room that it just made.
			const here = network(call.network);
			if (!standing) return phrases.opened("chat", name, here.invite ? "invited" : "open", here.url?.(room));
			return bringIn(call, room, name, "chat");
		},
	});

	const join = defineCommand({
		name: "join",
		parameters: [
			{ name: "room", kind: "address" },
			{ name: "password", kind: "text", optional: true },
		],
		help: "open a room of another network, and invite you to it; a password only in a chat of two with the bot",
		level: "use",
		greets: true,
		offered: (to) => to.createRoom !== undefined,
		run: async (call, { room: typed, password }) => {
			if (password !== undefined) {
				if (!call.private) throw new PermanentError("invalid", phrases.passwordInRoom);
				// Each guess is a join of the bridge.
				deps.mayOpen(call.sender);
			}
			const found = await ask<RoomInfo>(call, typed, async (one, wanted) => {
				if (one.privateRooms) return undefined;
				return password === undefined ? one.findRoom(wanted) : one.unlock?.(wanted, password);
			});
			if (password === undefined) deps.mayOpen(call.sender);
			const room = await bridge.openRoom(
				call.network,
				found.network.name,
				found.address,
				password === undefined ? undefined : found.answer,
			);
			const here = network(call.network);
			await requireAdmission([here, room], [found.network, found.answer.room], call.sender);
			return bringIn(call, room, found.answer.name ?? typed, "room");
		},
	});

	return [chat, join];
}
