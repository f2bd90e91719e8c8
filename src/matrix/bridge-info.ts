import { createHash } from "node:crypto";
import type { Link, Mapping, Portal } from "../core/mapping.ts";
import type { Client } from "./client.ts";
import { matrixNetwork } from "./mxid.ts";

/** States in rooms what they are bridged to. // MSC2346 */
export function createBridgeInfo(deps: { client: Client; mapping: Mapping; bot: string }) {
	const { client, mapping, bot } = deps;
	const settingOf = (room: string, { network }: Link) => `matrix bridge info ${room} ${network}`;
	const linked = ({ links }: Portal) =>
		links.filter(({ network, room }) => network !== matrixNetwork && room !== undefined);

	/** The account or room at the other end of a link. */
	function channelOf(
		{ between }: Portal,
		{ network, room }: Link,
	): Readonly<{ id: string; displayname?: string }> {
		const other = between?.find((person) => person.network === network);
		return other ? { id: other.id, displayname: other.name ?? other.id } : { id: room ?? "" };
	}

	async function write(room: string, link: Link, channel: string, content: object, as: string | undefined) {
		const key = `trivium://${link.network}/${encodeURIComponent(channel)}`.slice(0, 255);
		for (const type of ["m.bridge", "uk.half-shot.bridge"])
			await client.setState(room, type, key, content, as);
	}

	return {
		/** States the rooms of a portal, once for each change. */
		async state(room: string, portal: Portal, as: string | undefined): Promise<void> {
			for (const link of linked(portal)) {
				const channel = channelOf(portal, link);
				const content = {
					bridgebot: bot,
					protocol: { id: link.network, displayname: link.network.toUpperCase() },
					channel,
					...(portal.between && { "com.beeper.room_type.v2": "dm" }),
				};
				const hash = createHash("sha256").update(JSON.stringify(content)).digest("base64url");
				const setting = settingOf(room, link);
				if ((await mapping.setting(setting)) === hash) continue;
				await write(room, link, channel.id, content, as);
				await mapping.saveSetting(setting, hash);
			}
		},

		/** Takes back what it stated of a portal that ends, so that another bridge may link the room. */
		async retract(room: string, portal: Portal, as: string | undefined): Promise<void> {
			for (const link of linked(portal)) {
				const setting = settingOf(room, link);
				if (!(await mapping.setting(setting))) continue;
				await mapping.saveSetting(setting, "");
				await write(room, link, channelOf(portal, link).id, {}, as);
			}
		},
	};
}
