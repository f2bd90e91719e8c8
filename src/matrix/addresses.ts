import type { NetworkName } from "../core/ids.ts";
import type { Network } from "../core/network.ts";
import { aliasAddress, ghostAddress, matrixTo, personMxid } from "./mxid.ts";
import type { RoomAliases } from "./room-aliases.ts";
import { typedId } from "./typed-id.ts";

/** Returns the methods of core's Network about the addresses of people and rooms; none of them asks the homeserver. */
export const createAddresses = (aliases: Pick<RoomAliases, "show">, domain: string) =>
	({
		show: ({ room = "?" }) => aliases.show(room),
		url: (room) => matrixTo(aliases.show(room), domain),
		personUrl: ({ id }) => matrixTo(id),
		standsFor: ([typed = ""]) => {
			const id = typedId(typed);
			const found = ghostAddress(id, domain) ?? aliasAddress(id, domain);
			return found && { network: found.network as NetworkName, address: found.address };
		},
		handle: (typed) => {
			const id = typedId(typed);
			return id.startsWith("@") ? personMxid([id], domain) : undefined;
		},
	}) satisfies Partial<Network>;
