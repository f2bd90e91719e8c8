import { type Command, defineCommand } from "./command.ts";
import type { NetworkName } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Link, Mapping, Portal } from "./mapping.ts";
import type { Network } from "./network.ts";
import { pageOf } from "./page.ts";
import * as phrases from "./phrases.ts";

/** Creates the admin's list of all portals: its entries name both sides as people know them. */
export function createPortalList(deps: {
	mapping: Pick<Mapping, "portals">;
	journal: Pick<Journal, "lanes">;
	network(name: NetworkName): Network;
}): Command {
	const { mapping, journal, network } = deps;

	async function side(link: Link, { between }: Portal): Promise<string> {
		const there = network(link.network);
		const person = between?.find((one) => one.network === link.network);
		if (person) return phrases.sideOf(there.title, phrases.personLine(person));
		// A server that is away, or refuses, does not keep the list back.
		const label = await there.label?.(link).catch(() => undefined);
		return phrases.sideOf(there.title, label ?? there.show(link));
	}

	async function line(portal: Portal, waiting: number): Promise<string> {
		const [first, ...others] = await Promise.all(portal.links.map((link) => side(link, portal)));
		// A view takes no rows, and shows the whole timeline all the same.
		const mutual = portal.links.slice(1).every(({ out, role }) => out || role === "hosted");
		const [hindrance] = portal.links.flatMap((link) => network(link.network).hindrance?.(link) ?? []);
		return phrases.portalLine(first ?? "", others, mutual, portal.between !== undefined, waiting, hindrance);
	}

	/** The order of the list: rooms before chats, each by the address of their first room. */
	const orderOf = ({ between, links: [link] }: Portal): string =>
		`${between ? "chat" : "a room"} ${link ? network(link.network).show(link) : ""}`;
	const inOrder = (one: Portal, other: Portal): number => (orderOf(one) < orderOf(other) ? -1 : 1);

	return defineCommand({
		name: "rooms",
		parameters: [{ name: "page", kind: "number", optional: true }],
		help: "list all rooms and chats that are bridged, and what waits for them",
		level: "admin",
		private: true,
		run: async (call, { page: asked }) => {
			const [all, lanes] = await Promise.all([mapping.portals(), journal.lanes()]);
			if (all.length === 0) return phrases.noRooms;
			const { entries, page, pages } = pageOf(all.toSorted(inOrder), asked);
			const waiting = ({ id }: Portal) =>
				lanes.filter((lane) => lane.portal === id).reduce((sum, { depth }) => sum + depth, 0);
			const lines = await Promise.all(entries.map((portal) => line(portal, waiting(portal))));
			const end = phrases.pageLine(page, pages, `${call.prefix}rooms`);
			return [phrases.roomsIntro(all.length), ...lines, end].filter(Boolean).join("\n");
		},
	});
}
