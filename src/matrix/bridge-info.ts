import { createHash } from "node:crypto";
import type { Capabilities } from "../core/capabilities.ts";
import type { Link, Mapping, Portal } from "../core/mapping.ts";
import type { Client } from "./client.ts";
import { matrixNetwork } from "./mxid.ts";
import { roomFeatures, roomFeaturesType } from "./room-features.ts";

/** States in rooms what they are bridged to. // MSC2346 */
export function createBridgeInfo(deps: {
	client: Client;
	mapping: Mapping;
	bot: string;
	/** The most people of a room in which read receipts cross; in chats of two they always do. */
	readReceipts: number;
	/** Returns what the room of a link shows. */
	capabilities(portal: Portal, link: Link): Capabilities;
}) {
	const { client, mapping, bot } = deps;
	const settingOf = (room: string, { network }: Link) => `matrix bridge info ${room} ${network}`;
	const featuresOf = (room: string, { network }: Link) => `matrix room features ${room} ${network}`;
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

	const hashOf = (content: object) =>
		createHash("sha256").update(JSON.stringify(content)).digest("base64url");

	const keyOf = ({ network }: Link, channel: string) =>
		`trivium://${network}/${encodeURIComponent(channel)}`.slice(0, 255);

	/** States what the room of a link shows, once for each change. A source shows nothing. */
	async function stateFeatures(
		room: string,
		portal: Portal,
		link: Link,
		as: string | undefined,
	): Promise<void> {
		if (!link.out) return;
		const content = roomFeatures(
			deps.capabilities(portal, link),
			portal.between !== undefined || deps.readReceipts > 0,
		);
		const setting = featuresOf(room, link);
		const hash = hashOf(content);
		if ((await mapping.setting(setting)) === hash) return;
		await client.setState(room, roomFeaturesType, keyOf(link, channelOf(portal, link).id), content, as);
		await mapping.saveSetting(setting, hash);
	}

	async function write(room: string, link: Link, channel: string, content: object, as: string | undefined) {
		for (const type of ["m.bridge", "uk.half-shot.bridge"])
			await client.setState(room, type, keyOf(link, channel), content, as);
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
				const hash = hashOf(content);
				const setting = settingOf(room, link);
				if ((await mapping.setting(setting)) !== hash) {
					await write(room, link, channel.id, content, as);
					await mapping.saveSetting(setting, hash);
				}
				await stateFeatures(room, portal, link, as);
			}
		},

		/** Takes back what it stated of a portal that ends, so that another bridge may link the room. */
		async retract(room: string, portal: Portal, as: string | undefined): Promise<void> {
			for (const link of linked(portal)) {
				const setting = settingOf(room, link);
				if (!(await mapping.setting(setting))) continue;
				await mapping.saveSetting(setting, "");
				const { id } = channelOf(portal, link);
				await write(room, link, id, {}, as);
				const features = featuresOf(room, link);
				if (!(await mapping.setting(features))) continue;
				await mapping.saveSetting(features, "");
				await client.setState(room, roomFeaturesType, keyOf(link, id), {}, as);
			}
		},
	};
}
