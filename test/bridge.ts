import { createBridge, type Running } from "../src/core/bridge.ts";
import type { MessageId, RoomId } from "../src/core/ids.ts";
import type { Limits } from "../src/core/limits.ts";
import type { Network } from "../src/core/network.ts";
import { createPermissions, type Permissions } from "../src/core/permissions.ts";
import type { Rules } from "../src/core/route.ts";
import { createMemoryJournal, createMemoryMapping } from "../src/store/memory.ts";
import { type Fake, quiet } from "./fakes.ts";

const many = { perMinute: 1e9, burst: 1e9 };
/** Limits that no test reaches. */
export const noLimits: Limits = {
	sender: many,
	domain: many,
	newChats: many,
	newChatsOfDomain: many,
	createdRooms: many,
	requests: many,
	requestsOfDomain: many,
	joins: many,
	joinsOfDomain: many,
	newGhosts: many,
	newGhostsOfDomain: many,
};

/** The rules of a bridge whose people may do what `globs` say, without limits. */
export const rulesFor = (globs: Permissions, over: Partial<Rules> = {}): Rules => ({
	level: createPermissions(globs),
	limits: noLimits,
	direct: "known",
	membersMirrored: 3,
	...over,
});

type Deps = Parameters<typeof createBridge>[0];

/** A bridge of these networks, not started yet. Its stores are in memory, unless `over` has others. */
export const bridgeOf = (
	networks: readonly Network[],
	rules: Rules,
	over: Partial<Omit<Deps, "networks" | "rules">> = {},
): Running =>
	createBridge({
		networks,
		rules,
		mapping: createMemoryMapping(),
		journal: createMemoryJournal(),
		log: quiet,
		...over,
	});

let count = 0;
/** A person of `from` types a command; resolves with the answer. Each command is a message of its own, unless `id` names it. */
export async function command(
	bridge: Running,
	from: Fake,
	text: string,
	{
		who = "ann",
		room = "plaza",
		id = `command ${++count}`,
		mayChangeRoom = true,
		alone = false,
	}: { who?: string; room?: string; id?: string; mayChangeRoom?: boolean; alone?: boolean } = {},
): Promise<string> {
	let answer = "";
	await bridge.command({
		id: id as MessageId,
		network: from.name,
		room: room as RoomId,
		sender: from.person(who),
		text,
		prefix: alone ? "" : "!bridge ",
		private: alone,
		mayChangeRoom: async () => mayChangeRoom,
		reply: async (words) => {
			answer += words;
		},
	});
	return answer;
}
