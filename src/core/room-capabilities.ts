import { type Capabilities, nothingShown, type Support } from "./capabilities.ts";
import type { Guard } from "./guard.ts";
import type { NetworkName, RoomId } from "./ids.ts";
import type { Log } from "./log.ts";
import type { Link, Mapping, Portal } from "./mapping.ts";
import type { Network } from "./network.ts";

/** Returns how reactions are shown: as the room's people chose, limited to what the room is able to show. */
export function chosen(able: Support, wanted: Support | undefined): Support {
	const more = wanted === "native" || wanted === "mixed";
	return wanted === undefined || able === "drop" || (able === "text" && more) ? able : wanted;
}

/** Creates the methods by which one room of a portal can state what another one shows. */
export function createRoomCapabilities(deps: {
	mapping: Pick<Mapping, "portalsOf">;
	network(name: NetworkName): Network;
	/** How reactions are shown in rooms without a setting of their own. */
	reactions?: Support | undefined;
	guard: Guard;
	log: Log;
}) {
	const { mapping, network, guard, log } = deps;

	async function restate(name: NetworkName, room: RoomId): Promise<void> {
		for (const portal of await mapping.portalsOf(name, room))
			for (const link of portal.links)
				if (link.room)
					await network(link.network)
						.restate?.(portal, link)
						.catch((err: unknown) => log.debug({ err }, "a room could not state what others show"));
	}

	return {
		/** As {@link Bridge.capabilities}. */
		of({ settings }: Portal, { network: name, room, out }: Link): Capabilities {
			const to = network(name);
			const able = { ...nothingShown, ...(room && out && to.send && to.capabilities?.(room)) };
			return { ...able, reaction: chosen(able.reaction, settings?.reactions ?? deps.reactions) };
		},
		/** As {@link Bridge.isPublic}. */
		isPublic({ network: name, room }: Link): boolean | undefined {
			const { isPublic } = network(name);
			return room !== undefined && isPublic ? isPublic(room) : false;
		},
		/** As {@link Bridge.changed}. */
		changed: (name: NetworkName, room: RoomId): void =>
			void guard.run("capabilities of a room", () => restate(name, room)),
	};
}
