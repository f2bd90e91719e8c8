import { createHash } from "node:crypto";
import type { Mapping, Portal } from "../core/mapping.ts";
import type { Client } from "./client.ts";
import { matrixNetwork } from "./mxid.ts";

/** Returns the function that states in a room what it is bridged to, once for each change. // MSC2346 */
export function createBridgeInfo(deps: { client: Client; mapping: Mapping; bot: string }) {
	const { client, mapping, bot } = deps;
	return async function describe(room: string, portal: Portal, as: string | undefined): Promise<void> {
		for (const link of portal.links) {
			if (link.network === matrixNetwork || !link.room) continue;
			const other = portal.between?.find((person) => person.network === link.network);
			const channel = other ? { id: other.id, displayname: other.name ?? other.id } : { id: link.room };
			const content = {
				bridgebot: bot,
				protocol: { id: link.network, displayname: link.network.toUpperCase() },
				channel,
				...(other && { "com.beeper.room_type.v2": "dm" }),
			};
			const key = `trivium://${link.network}/${encodeURIComponent(channel.id)}`.slice(0, 255);
			const hash = createHash("sha256").update(JSON.stringify(content)).digest("base64url");
			const setting = `matrix bridge info ${room} ${link.network}`;
			if ((await mapping.setting(setting)) === hash) continue;
			for (const type of ["m.bridge", "uk.half-shot.bridge"])
				await client.setState(room, type, key, content, as);
			await mapping.saveSetting(setting, hash);
		}
	};
}
