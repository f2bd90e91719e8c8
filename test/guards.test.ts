import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

/** Matches a call that registers a callback of Node: an error that the callback throws or rejects with ends the process. */
const registration =
	/\b(?:setTimeout|setInterval|setImmediate|createServer)\(|\.(?:on|once|addListener)\("|\bvoid \w[\w.?]*\(/;
/** Match callbacks that run in the guard, only settle a promise, or only delete a key. */
const harmless = [
	/guard(?:ed)?\??\.run\(/,
	/\(\) => undefined\)/,
	/setTimeout\((?:resolve|done|late|flush)\b/,
	/\.on(?:ce)?\("\w+", (?:reject|resolve|fail|fault)\)/,
	/void [\w.?()]+\.(?:delete|push|set)\(/,
	/\b(?:reject|destroy)\([^;]*\)\)?,?;?$/,
	/\bend\(/,
	/\.catch\(/,
	/mapping\.once\(/,
	// xmpp/hosted/sessions.ts writes in the guard.
	/void (?:context\.)?store\.\w+\(/,
];

/** Files with callbacks outside the guard: their number, and the reason why foreign input cannot make them throw. */
const outside: Readonly<Record<string, readonly [count: number, reason: string]>> = {
	"src/core/deliver.ts": [2, "tells a sender, which never rejects (core/sender-notices.ts)"],
	"src/core/moved-rooms.ts": [1, "runs a guarded function"],
	"src/core/route.ts": [2, "tells a sender, which never rejects (core/sender-notices.ts)"],
	"src/http/check.ts": [2, "`check` alone, which takes no request"],
	"src/matrix/check.ts": [1, "`check` alone, which is no bridge that runs"],
	"src/heap.ts": [1, "reads figures of our own process"],
	"src/http/control.ts": [2, "the side of the command line, which may end"],
	"src/http/listener.ts": [4, "is the guard of all listeners: writes a constant answer, or logs"],
	"src/http/metrics.ts": [1, "runs the guarded function made in the line before it"],
	"src/http/public.ts": [2, "counts connections by address"],
	"src/main.ts": [4, "the end of the process itself"],
	"src/matrix/appservice.ts": [4, "settles the reading of a body, answers a constant, or deletes a key"],
	"src/matrix/backfill/appservice-ping.ts": [2, "catches all within its loop"],
	"src/matrix/backfill/homeserver-health.ts": [1, "hands every failure of its one request on as a value"],
	"src/matrix/backfill/catch-up.ts": [1, "runs guarded functions"],
	"src/matrix/client.ts": [
		6,
		"gathers the bytes of an answer, settles a promise, and sets a timer at the end of a connection",
	],
	"src/matrix/media.ts": [2, "settles a promise"],
	"src/matrix/time-limit.ts": [1, "counts down after work whose errors are logged"],
	"src/media/fetch.ts": [2, "ends a connection"],
	"src/media/slots.ts": [1, "cuts connections that take nothing"],
	"src/media/stream.ts": [2, "ends a stream that takes too long"],
	"src/mqtt/index.ts": [1, "runs a guarded function"],
	"src/mqtt/client-thread.ts": [
		4,
		"messages between our own two threads, handed on to the session, whose handlers are guarded",
	],
	"src/mqtt/client-worker.ts": [3, "messages between our own two threads, and the times of their batches"],
	"src/mqtt/client.ts": [7, "hands on to the session, whose handlers are guarded, or counts bytes"],
	"src/store/item-in-hand.ts": [1, "writes a note in the journal's thread; an error of the disk is logged"],
	"src/store/sqlite.ts": [
		8,
		"messages between our own two threads; a failure there is the store's, which ends the process",
	],
	"src/store/sqlite-worker.ts": [
		2,
		"messages between our own two threads, and the watch of the item in hand, which never rejects",
	],
	"src/xmpp/direct/index.ts": [1, "sends an answer, which never rejects (xmpp/answers.ts)"],
	"src/xmpp/index.ts": [1, "settles a promise"],
	"src/xmpp/joined/join.ts": [1, "settles a promise"],
	"src/xmpp/joined/listener.ts": [1, "runs a guarded function"],
	"src/xmpp/joined/confirmations.ts": [1, "settles a promise and begins a guarded check"],
	"src/xmpp/stream/connection-conflict.ts": [1, "runs guarded functions"],
	"src/xmpp/stream/connection.ts": [
		9,
		"hands on to the component, whose handlers are guarded, or counts down to the end of the connection",
	],
	"src/xmpp/stream/parser.ts": [5, "handlers of the parser, which catches all that they throw"],
	"src/xmpp/stream/path-watch.ts": [1, "runs guarded functions"],
	"src/xmpp/visit.ts": [2, "`check` alone, which is no bridge that runs"],
	"src/xmpp/uploads.ts": [2, "settles a promise"],
};

const found = new Map<string, string[]>();
for (const file of globSync("src/**/*.ts"))
	for (const line of readFileSync(file, "utf8").split("\n"))
		if (
			registration.test(line) &&
			!/^\s*(?:\*|\/\/|import)/.test(line) &&
			!harmless.some((one) => one.test(line))
		)
			found.set(file, [...(found.get(file) ?? []), line.trim()]);

describe("callbacks of Node", () => {
	test("run in the guard of core/guard.ts, or are in the table above with the reason", () => {
		const unguarded = [...found].filter(([file, lines]) => lines.length > (outside[file]?.[0] ?? 0));
		expect(Object.fromEntries(unguarded)).toEqual({});
	});
});
