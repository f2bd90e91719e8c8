import { beforeEach, expect, test } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { createGuard } from "../../../src/core/guard.ts";
import { MatrixError } from "../../../src/matrix/client.ts";
import { createRoomEnds } from "../../../src/matrix/hosting/room-ends.ts";
import { createMemoryMapping } from "../../../src/store/memory.ts";
import { quiet, until } from "../../fakes.ts";

const [room, bot] = ["!r:hs.test", "@bot:hs.test"];
const mapping = createMemoryMapping();
let done: string[];
/** The homeserver does not tell who is in the room. */
let away: boolean;
/** The homeserver does not take aliases away. */
let keeps: boolean;
/** The requests that failed. */
let failed: number;

/** The ends of rooms in one run of the bridge. */
function run() {
	const client = {
		async call(method: string, path: string) {
			if (path.endsWith("/aliases")) return { aliases: ["#r:hs.test"] };
			if (method === "PUT") return {};
			if (away) {
				failed++;
				throw new TemporaryError("the homeserver is away");
			}
			const member = (state_key: string, membership: string) => ({ state_key, content: { membership } });
			return {
				chunk: [member(bot, "join"), member("@alice:hs.test", "join"), member("@eve:hs.test", "ban")],
			};
		},
		setState: async () => ({}),
		moderate: async (_room: string, act: string, mxid: string, { reason }: { reason: string }) =>
			void done.push(`${act} ${mxid}: ${reason}`),
		leave: async () => void done.push("the bot leaves"),
	};
	return createRoomEnds({
		...{ client, mapping, bot, guard: createGuard(quiet), log: quiet },
		aliases: {
			async remove(alias: string) {
				if (keeps) throw new TemporaryError("the homeserver is away");
				if (done.includes(alias)) throw new MatrixError(404, "M_NOT_FOUND", "no such alias");
				done.push(alias);
			},
		},
		rooms: { botWent: () => undefined },
		members: { forget: () => undefined },
	} as unknown as Parameters<typeof createRoomEnds>[0]);
}
beforeEach(() => {
	[done, away, keeps, failed] = [[], false, false, 0];
});
const ended = () =>
	until(
		() => done.includes("the bot leaves"),
		() => done.join("\n"),
	);
const all = ["#r:hs.test", "kick @alice:hs.test: closed", "the bot leaves"];

test("the end of a room frees its aliases first, and then puts its members out, the bot at last", async () => {
	const ends = run();
	await ends.begin(room, "closed");
	expect(done[0]).toBe("#r:hs.test");
	await ended();
	expect(done).toEqual(all);
	await run().resume();
	expect(done).toEqual(all);
});

test("an end that a run did not finish is finished by the next one", async () => {
	away = true;
	const ends = run();
	await ends.begin(room, "closed");
	ends.stop();
	await until(
		() => failed === 1,
		() => `${failed} failed`,
	);
	expect(done).toEqual(["#r:hs.test"]);
	away = false;
	await run().resume();
	await ended();
	expect(done).toEqual(all);
});

test("an end that could not begin is none, also for the next run", async () => {
	keeps = true;
	const ends = run();
	await expect(ends.begin(room, "closed")).rejects.toThrow("away");
	keeps = false;
	await run().resume();
	await ends.begin("!other:hs.test", "closed");
	await ended();
	expect(done).toEqual(all);
});
