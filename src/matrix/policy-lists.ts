import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import { PermanentError } from "../core/errors.ts";
import type { Guard } from "../core/guard.ts";
import type { RoomId } from "../core/ids.ts";
import type { Person } from "../core/person.ts";
import { type Client, MatrixError } from "./client.ts";
import { type Content, isEvent, type MatrixEvent, text } from "./event.ts";
import { ghostMxid } from "./mxid.ts";
import * as phrases from "./phrases.ts";
import type { Rooms } from "./rooms.ts";

/** The most lists, the most rules of one, and the characters of the longest rule. */
const [mostLists, mostRules, longest] = [100, 10_000, 255];

/** The types of rules that concern people. // Matrix spec, "Moderation policy lists" */
const types: ReadonlyMap<string, "user" | "server"> = new Map([
	["m.policy.rule.user", "user"],
	["m.policy.rule.server", "server"],
	// COMPAT lists from before Matrix v1.2, which bots still keep.
	["m.room.rule.user", "user"],
	["m.room.rule.server", "server"],
	["org.matrix.mjolnir.rule.user", "user"],
	["org.matrix.mjolnir.rule.server", "server"],
]);
const bansBy: ReadonlySet<string> = new Set(["m.ban", "org.matrix.mjolnir.ban"]);

type Rule = Readonly<{ of: "user" | "server"; glob: string }>;

export type PolicyRooms = ReturnType<typeof createPolicyLists>;

/** Keeps the policy lists that portals follow: read once from their rooms, then updated from transactions. */
export function createPolicyLists(deps: {
	client: Pick<Client, "join" | "call">;
	rooms: Pick<Rooms, "botCame">;
	domain: string;
	/** Called after a list has changed. */
	changed(room: RoomId): Promise<void>;
	guard: Guard;
}) {
	const { client, rooms, domain, guard } = deps;
	/** By room: the rules by type and state key. */
	const lists = new Map<string, Map<string, Rule>>();
	/** Counts the changes of the lists, after which no earlier answer holds. */
	let version = 0;
	/** The answers about people, by list and names: a list may have thousands of rules, and is asked for each line. */
	const answers = createBoundedMap<string, boolean>(20_000, {
		bytes: 8 * 1_048_576,
		of: (key) => textBytes(key) + 100,
	});

	async function join(address: string): Promise<RoomId> {
		try {
			return (await client.join(address)).room_id as RoomId;
		} catch (error) {
			if (!(error instanceof MatrixError)) throw error;
			throw new PermanentError("not-found", phrases.noSuchList(address), { cause: error });
		}
	}

	/** Applies a rule. Returns false for an event that is none, or changes nothing. */
	function apply(rules: Map<string, Rule>, { type, state_key, content }: MatrixEvent): boolean {
		const of = types.get(type);
		if (!of || state_key === undefined) return false;
		const key = `${type} ${state_key}`;
		const rule = ruleIn(of, content);
		if (!rule) return rules.delete(key);
		const before = rules.get(key);
		if ((before?.of === of && before.glob === rule.glob) || (!before && rules.size >= mostRules))
			return false;
		rules.set(key, rule);
		return true;
	}

	return {
		/** As {@link PolicyLists.follow}: the bot joins the room, and reads its rules. */
		async follow(address: string): Promise<RoomId> {
			if (!/^[#!][^\s\0]+$/.test(address)) throw new PermanentError("invalid", phrases.noSuchList(address));
			const room = await join(address);
			rooms.botCame(room);
			if (lists.has(room)) return room;
			if (lists.size >= mostLists) throw new PermanentError("busy", phrases.tooManyLists(mostLists));
			const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state`;
			const state = await client.call<unknown>("GET", path);
			const rules = new Map<string, Rule>();
			for (const event of Array.isArray(state) ? state.filter(isEvent) : []) apply(rules, event);
			lists.set(room, rules);
			version++;
			return room;
		},

		/** Takes an event of any room: one of a list that is followed may change it. */
		note(event: MatrixEvent): void {
			const rules = lists.get(event.room_id);
			if (!rules || !apply(rules, event)) return;
			version++;
			void guard.run("change of a policy list", () => deps.changed(event.room_id as RoomId));
		},

		/**
		 * As {@link PolicyLists.bans}. A rule about people is a glob over the MXID of the ghost, or the address on its own
		 * network; one about servers, over the domains of these addresses.
		 */
		bans(list: RoomId, { network, address, handles, domain: server }: Person): boolean {
			const users = [ghostMxid(network, address, domain), ...handles];
			const servers = [server, ...handles.flatMap((one) => /@([^@/]+)(?:\/|$)/.exec(one)?.[1] ?? [])];
			const key = [version, list, ...users, server].join("\0");
			const known = answers.get(key);
			if (known !== undefined) return known;
			const rules = [...(lists.get(list)?.values() ?? [])];
			const banned = rules.some(({ of, glob }) =>
				(of === "user" ? users : servers).some((name) => matches(glob, name)),
			);
			answers.set(key, banned);
			return banned;
		},
	};
}

function ruleIn(of: Rule["of"], { entity, recommendation }: Content): Rule | undefined {
	const glob = text(entity);
	return glob !== "" && glob.length <= longest && bansBy.has(text(recommendation)) ? { of, glob } : undefined;
}

/**
 * Returns whether a glob matches: `*` is any run of characters, `?` any one, letter case aside. The work is at most the
 * product of both lengths. // Matrix spec, appendix "Glob-style matching"
 */
export function matches(glob: string, name: string): boolean {
	const [pattern, subject] = [glob.toLowerCase(), name.toLowerCase()];
	let [at, star, tried] = [0, -1, 0];
	for (let i = 0; i < subject.length; ) {
		if (pattern[at] === "*") {
			[star, tried] = [at++, i];
		} else if (at < pattern.length && (pattern[at] === "?" || pattern[at] === subject[i])) {
			at++;
			i++;
		} else if (star >= 0) {
			at = star + 1;
			i = ++tried;
		} else return false;
	}
	while (pattern[at] === "*") at++;
	return at === pattern.length;
}
