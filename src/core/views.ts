import { PermanentError } from "./errors.ts";
import {
	type Hosting,
	type Looked,
	personKey,
	type RoomAddress,
	type RoomFacts,
	type Seen,
} from "./hosting.ts";
import type { NetworkName, RoomId } from "./ids.ts";
import { createRateLimit } from "./limits.ts";
import type { Portal } from "./mapping.ts";
import { withName, withNamesSeen } from "./names.ts";
import type { Network } from "./network.ts";
import { createGlob } from "./permissions.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";
import type { Portals } from "./portals.ts";
import type { createRoomMaking } from "./room-making.ts";
import type { Rules } from "./route.ts";
import { withCurrentSet } from "./view-reactions.ts";

/** Leaves and new names of one person in one room. */
const changesOfPerson = { perMinute: 2, burst: 30 };

/** Creates the methods for networks that show rooms of others, within the policy of the config. */
export function createViews(deps: {
	network(name: NetworkName): Network;
	journal: Parameters<typeof withCurrentSet>[0];
	portals: Portals;
	rules: Pick<Rules, "rooms">;
	allowed(person: Person): boolean;
	/** See {@link Views.makesRooms}. */
	making: ReturnType<typeof createRoomMaking>;
	/** Returns true for a person whom the list of a portal bans. */
	bans(portal: Portal, person: Person): boolean;
	/** Counts one more room of the person. @throws PermanentError if the person opens too many. */
	mayOpen(by: Person): void;
	/** Makes space for one more view. @throws PermanentError if there is none */
	makeSpace(): Promise<void>;
}) {
	const { network, journal, portals, allowed, mayOpen, makeSpace } = deps;
	const { rooms = "local" } = deps.rules;
	const globs = typeof rooms === "string" ? [] : rooms.map(createGlob);
	/** People in the source see each leave and each new name of a ghost, so nobody may cause many. */
	const changes = createRateLimit(changesOfPerson);
	const changeKey = (room: RoomId, person: Person) => `${room} ${personKey(person)}`;
	const matches = (address: string) => globs.some((glob) => glob(address));

	function hostingOf(of: NetworkName): Hosting {
		const { hosting, title } = network(of);
		if (!hosting) throw new PermanentError("failed", phrases.noViews(title));
		return hosting;
	}

	/**
	 * Resolves with true if the policy lets people in. The people of a room name its main alias, and could name one of
	 * another server: it counts only if that server leads from it to the room.
	 */
	async function admits(
		hosting: Hosting,
		address: RoomAddress,
		facts: RoomFacts,
		by: Person,
	): Promise<boolean> {
		if (typeof rooms === "string") return rooms === "any" || facts.local;
		if (matches(hosting.spell(address))) return true;
		if (!facts.alias) return false;
		const main = { kind: "alias", parts: facts.alias } as const;
		return matches(hosting.spell(main)) && (await hosting.look(main, by))?.room === facts.room;
	}

	const refused = (why: "unknown" | "policy" | "unfit", text: string): Looked => {
		return { kind: "refused", why, text };
	};

	async function look(of: NetworkName, address: RoomAddress, by: Person): Promise<Looked> {
		const hosting = hostingOf(of);
		if (!allowed(by)) return refused("policy", phrases.blocked);
		const facts = await hosting.look(address, by);
		if (!facts) return refused("unknown", phrases.noSuchRoom(hosting.spell(address)));
		const portal = await portals.only(of, facts.room);
		const linked = portal?.links.find((link) => link.network === by.network && link.role === "joined");
		if (linked?.room) return { kind: "linked", to: linked.room };
		if (!(await admits(hosting, address, facts, by)))
			return refused("policy", rooms === "local" ? phrases.roomElsewhere : phrases.roomNotAdmitted);
		if (portal?.between) return refused("unfit", phrases.chatNotShown);
		if (facts.unfit) return refused("unfit", phrases.unfit[facts.unfit]);
		return { kind: "room", facts };
	}

	/** Nothing that a blocked person says or does is shown, but that they leave; the topic is the room's own. */
	const isShown = ({ sender, what }: Seen): boolean => {
		if (what.kind === "member") return what.now === "out" || what.now === "banned" || allowed(what.person);
		return what.kind === "topic" || what.kind === "facts" || what.kind === "domain" || allowed(sender);
	};

	return {
		look,
		isShown,
		source(of: NetworkName): Hosting {
			const hosting = hostingOf(of);
			return {
				...hosting,
				async listed(limit, after, words) {
					const page = await hosting.listed(limit, after, words);
					const open = ({ alias, unfit }: RoomFacts) =>
						!unfit &&
						(typeof rooms === "string" || (alias && matches(hosting.spell({ kind: "alias", parts: alias }))));
					return { ...page, rooms: page.rooms.filter(open) };
				},
				async enter(room, person, knows) {
					const portal = await portals.only(of, room);
					if (portal && deps.bans(portal, person))
						return { kind: "refused", why: "blocked", text: phrases.bannedByList };
					if (!allowed(person)) return { kind: "refused", why: "blocked", text: phrases.blocked };
					if (changes.wait(changeKey(room, person)) > 0)
						throw new PermanentError("busy", phrases.tooManyChanges);
					return hosting.enter(room, person, knows);
				},
				async leave(room, person, reason) {
					await hosting.leave(room, person, reason);
					changes(changeKey(room, person));
				},
				async rename(room, person) {
					if (!changes(changeKey(room, person))) throw new PermanentError("busy", phrases.tooManyChanges);
					await hosting.rename(room, person);
				},
				async view(room) {
					const { facts, members } = await hosting.view(room);
					return { facts, members: members.filter(allowed).map(withName) };
				},
				async events(room, ids, reader) {
					const found = [...(await hosting.events(room, ids, reader))].flatMap(([id, seen]) =>
						isShown(seen) ? [[id, withNamesSeen(seen)] as const] : [],
					);
					const links = (await portals.only(of, room))?.links ?? [];
					const view = links.find(
						({ network, role }) => network === reader.network && role === "hosted",
					)?.room;
					if (!view) return new Map(found);
					const place = { network: reader.network, room: view };
					const withSets = found.map(async ([id, seen]) => {
						const shown = await withCurrentSet(journal, seen, place);
						return shown ? [[id, shown] as const] : [];
					});
					return new Map((await Promise.all(withSets)).flat());
				},
			};
		},
		async open(of: NetworkName, source: RoomId, view: RoomId, by: Person): Promise<Portal> {
			if (!allowed(by)) throw new PermanentError("forbidden", phrases.blocked);
			const there = { network: by.network, room: view };
			if (!(await portals.only(of, source))) await makeSpace();
			return portals.openHosted({ network: of, room: source }, there, () => mayOpen(by));
		},
		...deps.making,
		async close(of: NetworkName, source: RoomId, view: RoomId): Promise<void> {
			const shown = (await portals.only(of, source))?.links.filter(({ room }) => room === view) ?? [];
			if (shown.length > 0) await portals.unlink(of, source, shown);
		},
		async invited(facts: RoomFacts, person: Person, by: Person, reason?: string): Promise<boolean> {
			const { inviteToView } = network(person.network);
			if (!inviteToView || ![person, by].every(allowed)) return false;
			await inviteToView(facts, person, by, reason);
			return true;
		},
	};
}
