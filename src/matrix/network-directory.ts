import type { Link, Mapping, Portal } from "../core/mapping.ts";
import type { Client } from "./client.ts";
import { matrixNetwork } from "./mxid.ts";

/**
 * Lists the rooms of public MUCs in the homeserver's room directory, in the part of their network. Only rooms that the
 * bridge has made are listed: a room that people linked may be none that they want to be found.
 * // Matrix spec, application services "Published room directory"
 */
export function createNetworkDirectory(deps: {
	client: Pick<Client, "listOnNetwork">;
	mapping: Pick<Mapping, "setting" | "saveSetting">;
	/** Returns true if everybody may find and enter the room of a link; undefined while that is not known. */
	isPublic(link: Link): boolean | undefined;
}) {
	const { client, mapping, isPublic } = deps;
	const settingOf = (room: string, { network }: Link) => `matrix listed ${room} ${network}`;
	const others = ({ links }: Portal) => links.filter(({ network }) => network !== matrixNetwork);

	async function list(room: string, link: Link, wanted: boolean): Promise<void> {
		const setting = settingOf(room, link);
		if (((await mapping.setting(setting)) === "public") === wanted) return;
		await client.listOnNetwork(link.network, room, wanted);
		await mapping.saveSetting(setting, wanted ? "public" : "");
	}

	return {
		/** Lists the room of a link, or takes it off the list, once for each change. */
		async state({ room, ours }: Link, portal: Portal): Promise<void> {
			if (!room || !ours || portal.between) return;
			for (const link of others(portal)) {
				const wanted = isPublic(link);
				if (wanted !== undefined) await list(room, link, wanted);
			}
		},
		/** Takes the room of a portal that ends off the list. */
		async retract({ room }: Link, portal: Portal): Promise<void> {
			if (room) for (const link of others(portal)) await list(room, link, false);
		},
	};
}
