import { describe, expect, test } from "vitest";
import { TemporaryError } from "../src/core/errors.ts";
import { logger } from "../src/log.ts";

function lines(write: (log: ReturnType<typeof logger>) => void): Record<string, unknown>[] {
	const out: string[] = [];
	write(logger("info", { write: (line) => void out.push(line) }));
	return out.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("logger", () => {
	test("writes a line of JSON with time, level, message and the fields, the child's included", () => {
		const [line] = lines((log) => log.child({ trace: "abc" }).info({ room: "r" }, "delivered"));
		expect(line).toMatchObject({
			level: "info",
			msg: "delivered",
			trace: "abc",
			room: "r",
			time: expect.any(String),
		});
	});

	test("writes nothing below its level", () => {
		expect(lines((log) => log.debug({}, "quiet"))).toEqual([]);
	});

	test("redacts secrets in fields and in the texts of errors", () => {
		const cause = new Error("Authorization: Bearer TOKEN was refused");
		const error = Object.assign(
			new Error("GET http://hs/x?access_token=TOKEN&y and mqtt://u:TOKEN@h", { cause }),
			{
				config: { headers: { token: "TOKEN" } },
			},
		);
		const out = lines((log) => {
			log.error({ err: error }, "failed");
			log.info({ as_token: "TOKEN", options: { secret: "TOKEN", password: "TOKEN" } }, "starting");
		});
		expect(JSON.stringify(out)).not.toContain("TOKEN");
		expect(out[0]).toMatchObject({ err: { message: expect.stringContaining("[redacted]&y") } });
	});

	test("writes a TemporaryError without its stack, and a TypeError with it", () => {
		const answer = new TemporaryError("no such server", { cause: new Error("connect ECONNREFUSED") });
		const [one, other] = lines((log) => {
			log.warn({ err: answer }, "waiting");
			log.error({ err: new TypeError("x is no function") }, "failed");
		});
		expect(one?.err).toEqual({
			type: "TemporaryError",
			message: "no such server",
			cause: { type: "Error", message: "connect ECONNREFUSED" },
		});
		expect(other?.err).toMatchObject({ stack: expect.stringContaining("log.test.ts") });
	});
});
