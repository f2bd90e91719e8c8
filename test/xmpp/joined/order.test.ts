import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PermanentError, TemporaryError } from "../../../src/core/errors.ts";
import { alice, bodies, failure, linkedWithLine, person, withhold } from "./muc-world.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000 }));
afterEach(() => void vi.useRealTimers());

const bob = person("bob", "Bob");

test("a line whose occupant still joins does not overtake a line that fails before it", async () => {
	const w = await linkedWithLine();
	const release = withhold(w, (stanza) => stanza.attrs.to?.endsWith("/Bob") === true);
	w.muc.occupants.delete("Alice");
	const [first, second] = [failure(w.say("1")), failure(w.say("2", bob))];
	await w.settle();
	await release();
	expect([await first, await second]).toEqual([expect.any(TemporaryError), expect.any(TemporaryError)]);
	expect(bodies(w)).toEqual(["0"]);
});

test("an occupant that has just joined sends nothing while the MUC may still refuse the line before", async () => {
	const w = await linkedWithLine();
	const release = withhold(w, (stanza) => stanza.getChild("body")?.getText() === "1");
	w.muc.occupants.delete("Alice");
	const [first, second] = [failure(w.say("1")), failure(w.say("2", bob))];
	await w.settle();
	expect(bodies(w)).toEqual(["0"]);
	await release();
	expect([await first, await second]).toEqual([expect.any(TemporaryError), expect.any(TemporaryError)]);
	expect(bodies(w)).toEqual(["0"]);
});

test("an occupant that is put out while its line waits for its turn joins again, and then sends it", async () => {
	const w = await linkedWithLine();
	const again = w.say("1", alice, 1, "line 1");
	const next = w.say("2");
	await w.settle();
	// The MUC does not let Bob in at once, so that he is out when his turn comes.
	w.muc.faults.refuse = () => ["wait", "remote-server-timeout"];
	w.muc.kick("Alice", ["333"]);
	await w.settle();
	delete w.muc.faults.refuse;
	await w.pass(10_000);
	await Promise.all([again, next]);
	expect(bodies(w)).toEqual(["0", "1", "2"]);
});

test("no line is sent after the MUC forgot some of us until all occupants are checked", async () => {
	const w = await linkedWithLine();
	await w.done(w.say("1", bob));
	for (const nick of ["Alice", "Bob"]) w.muc.occupants.delete(nick);
	const { promise, resolve: answer } = Promise.withResolvers<void>();
	w.server.hesitates = promise;
	const refused = failure(w.say("2", alice, 0, "line 2"));
	await w.settle();
	expect(await refused).toBeInstanceOf(TemporaryError);
	const both = Promise.all([w.say("2", alice, 1, "line 2"), w.say("3", bob)]);
	await w.pass(1_000);
	answer();
	await w.pass(15_000);
	await both;
	expect(bodies(w)).toEqual(["0", "1", "2", "3"]);
});

test("an occupant is checked before it speaks after the listener was lost, also while a backfill runs", async () => {
	const w = await linkedWithLine();
	await w.done(w.say("1", bob));
	w.muc.forget();
	w.server.onQuery = () => {
		throw new TemporaryError("no answer");
	};
	// The listener self-pings after two minutes of silence.
	await w.pass(170_000);
	expect([...w.muc.occupants.keys()]).toEqual(["Trivium"]);
	const both = Promise.all([w.say("2"), w.say("3", bob)]);
	await w.pass(5_000);
	await both;
	expect(bodies(w)).toEqual(["0", "1", "2", "3"]);
});

test("the first line after a failure is sent alone, so that none overtakes it while the MUC comes back", async () => {
	const w = await linkedWithLine();
	const written = () => w.bodies().map((line) => line.split(": ")[1]);
	const no = () => ["wait", "remote-server-timeout"] as const;
	w.muc.faults.refuseLine = no;
	expect(await failure(w.done(w.say("1", alice, 0, "line 1")))).toBeInstanceOf(TemporaryError);
	const both = [failure(w.say("1", alice, 1, "line 1")), failure(w.say("2"))];
	await w.pass(5_000);
	expect((await Promise.all(both)).every((error) => error instanceof TemporaryError)).toBe(true);
	expect(written()).toEqual(["0", "1", "1"]);
	// A permanent error fails one line alone.
	w.muc.faults.refuseLine = () => ["auth", "forbidden"];
	const refused = failure(w.say("1", alice, 2, "line 1"));
	await w.pass(5_000);
	expect(await refused).toBeInstanceOf(PermanentError);
	delete w.muc.faults.refuseLine;
	const rest = Promise.all([w.say("2"), w.say("3")]);
	await w.settle();
	await rest;
	expect(bodies(w)).toEqual(["0", "2", "3"]);
});
