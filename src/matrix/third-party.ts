import type { NetworkName } from "../core/ids.ts";
import type { Bridge } from "../core/network.ts";
import { isId } from "./event.ts";
import type { Ghosts } from "./ghosts.ts";
import type { Limited } from "./lookup.ts";
import { aliasAddress, ghostAddress, ghostMxid, portalAlias } from "./mxid.ts";

/**
 * Answers the homeserver when a Matrix client looks for people and rooms of other networks: the networks (protocols), their
 * people (users) and their rooms (locations). Looking makes nothing: a ghost and a portal are made when they are used.
 * // Matrix spec, application services "Third-party networks"
 */

/** A query of the homeserver; `protocol` is missing where the address on Matrix is given. */
export type ThirdPartyQuery = Readonly<{
	kind: "protocol" | "user" | "location";
	protocol?: string | undefined;
	fields: ReadonlyMap<string, string>;
}>;

export function createThirdParty(deps: {
	bridge: Pick<Bridge, "allows" | "findPerson" | "findRoom" | "lookups" | "personAt">;
	ghosts: Pick<Ghosts, "known" | "person">;
	limited: Limited;
	domain: string;
	/** The networks that have a namespace in the registration, and are its protocols. */
	networks: readonly string[];
	/** Resolves with the icon of the bridge, an mxc URI; "" for none. */
	icon(): Promise<string>;
}) {
	const { bridge, ghosts, limited, domain, networks, icon } = deps;

	async function protocolOf(network: NetworkName): Promise<object> {
		const lookups = bridge.lookups(network);
		const { person, room, title } = lookups ?? {};
		const fields = [person, room].flatMap((one) => (one ? [one] : []));
		const picture = await icon();
		return {
			user_fields: person ? [person.name] : [],
			location_fields: room ? [room.name] : [],
			icon: picture,
			field_types: Object.fromEntries(
				fields.map(({ name, pattern, example }) => [name, { regexp: pattern, placeholder: example }]),
			),
			// Clients show an instance in the directory of rooms.
			instances:
				title === undefined
					? []
					: [{ desc: title, network_id: network, fields: {}, ...(picture && { icon: picture }) }],
		};
	}

	async function users(network: NetworkName, typed: string | undefined): Promise<readonly object[]> {
		const field = bridge.lookups(network)?.person.name;
		if (field === undefined || !typed) return [];
		const person = await limited({ kind: "person", network, address: [typed] }, (of) =>
			bridge.findPerson(of, [typed]),
		);
		if (!person || !bridge.allows(person, "use")) return [];
		const userid = (await ghosts.known(person)) ?? ghostMxid(network, person.address, domain);
		return [{ userid, protocol: network, fields: { [field]: person.handles[0] ?? typed } }];
	}

	async function locations(network: NetworkName, typed: string | undefined): Promise<readonly object[]> {
		const field = bridge.lookups(network)?.room.name;
		if (field === undefined || !typed) return [];
		const room = await limited({ kind: "room", network, address: [typed] }, (of) =>
			bridge.findRoom(of, [typed]),
		);
		if (!room) return [];
		const address = room.address ?? [typed];
		return [
			{
				alias: portalAlias(network, address, domain),
				protocol: network,
				fields: { [field]: address[0] ?? "" },
			},
		];
	}

	/** Returns the person of another network who has a ghost, or would have it. */
	async function ofGhost(mxid: string): Promise<readonly object[]> {
		const found = isId(mxid) ? ghostAddress(mxid, domain) : undefined;
		const person =
			(await ghosts.person(mxid)) ?? (found && bridge.personAt(found.network as NetworkName, found.address));
		const field = person && bridge.lookups(person.network)?.person.name;
		const [handle] = person?.handles ?? [];
		if (!person || field === undefined || handle === undefined) return [];
		return [{ userid: mxid, protocol: person.network, fields: { [field]: handle } }];
	}

	function ofAlias(alias: string): readonly object[] {
		const found = isId(alias) ? aliasAddress(alias, domain) : undefined;
		const field = found && bridge.lookups(found.network as NetworkName)?.room.name;
		const [address, ...more] = found?.address ?? [];
		if (!found || field === undefined || address === undefined || more.length > 0) return [];
		return [{ alias, protocol: found.network, fields: { [field]: address } }];
	}

	/** Resolves with the answer; undefined for a protocol that is none of ours. @throws TemporaryError */
	return async ({ kind, protocol, fields }: ThirdPartyQuery): Promise<object | undefined> => {
		if (protocol === undefined) {
			if (kind === "user") return ofGhost(fields.get("userid") ?? "");
			return kind === "location" ? ofAlias(fields.get("alias") ?? "") : undefined;
		}
		if (!networks.includes(protocol)) return undefined;
		const network = protocol as NetworkName;
		const { person, room } = bridge.lookups(network) ?? {};
		if (kind === "user") return users(network, person && fields.get(person.name));
		if (kind === "location") return locations(network, room && fields.get(room.name));
		return protocolOf(network);
	};
}
