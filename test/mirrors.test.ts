import { expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../src/core/errors.ts";
import type { NetworkName, RoomId } from "../src/core/ids.ts";
import type { Log } from "../src/core/log.ts";
import { makeMirrors } from "../src/mirrors.ts";
import { quiet } from "./fakes.ts";

const [here, there] = ["here" as NetworkName, "there" as NetworkName];
const gone = new PermanentError("not-found", "there is no such room");
const away = new TemporaryError("refused");

/** Makes one mirror; each attempt has the outcome of finding its room and of making it. Resolves with the log. */
async function attempts(...outcomes: readonly [find?: Error | undefined, make?: Error][]) {
	const lines: object[] = [];
	const at = (level: string) => (fields: object, msg: string) => void lines.push({ level, ...fields, msg });
	const log: Log = { ...quiet, debug: at("debug"), info: at("info"), warn: at("warn") };
	let tried = -1;
	const wanted = [{ room: "#climate:hs.test", topic: "home: home/#" as never }];
	await makeMirrors(wanted, {
		here: {
			name: here,
			async findRoom() {
				const [error] = outcomes[++tried] ?? [];
				if (error) throw error;
				return { room: "!climate" as RoomId };
			},
		},
		there: { name: there },
		bridge: {
			async mirror() {
				const [, error] = outcomes[tried] ?? [];
				if (error) throw error;
			},
		},
		log,
		wait: async () => undefined,
	});
	return lines;
}

test("a mirror waits for a server that is away, and its room is not called missing", async () => {
	expect(await attempts([away], [undefined, away])).toMatchObject([
		{ level: "warn", attempt: 1, msg: "a mirror has to wait", room: "#climate:hs.test" },
		{ level: "debug", attempt: 2, msg: "a mirror has to wait" },
		{ level: "info", msg: "all mirrors are up" },
	]);
});

test("the log says that a room does not exist, or is refused, and ever more rarely", async () => {
	const lines = await attempts([gone], [gone], [gone], [gone], [undefined, gone]);
	expect(lines).toMatchObject([
		...["warn", "debug", "debug", "warn"].map((level, index) => ({
			level,
			attempt: index + 1,
			msg: "the room of a mirror does not exist yet",
		})),
		{ level: "debug", msg: "a mirror is refused" },
		{ level: "info", msg: "all mirrors are up" },
	]);
});

test("a fault of our own code ends the attempts", async () => {
	await expect(attempts([new TypeError("x is undefined")])).rejects.toThrow(TypeError);
});
