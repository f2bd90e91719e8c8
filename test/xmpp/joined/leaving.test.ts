import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { alice, person, withhold, world } from "./muc-world.ts";

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

test("the lines that a MUC without an archive sends until it answers the goodbye of a stop are taken, each once", async () => {
	const w = world({ noArchive: true, noStanzaIds: true });
	w.muc.come("Romeo");
	await w.attach(alice);
	await w.done(w.move("join"));
	w.muc.say("Romeo", "before", "1");
	const release = withhold(w);
	await w.done(w.rooms.leaveAll());
	w.muc.say("Romeo", "meanwhile", "2");
	await w.settle();
	await release();
	w.muc.say("Romeo", "after", "3");
	await w.settle();
	expect(w.lines()).toEqual(["Romeo: before", "Romeo: meanwhile"]);
	expect([...w.muc.occupants.keys()]).toEqual(["Romeo"]);
	expect(w.answers).toEqual([]);
});

test("a person who leaves while the occupant joins is not in the MUC afterwards, and may come again", async () => {
	const w = world();
	await w.attach();
	const release = withhold(w);
	const rows = [w.move("join"), w.move("leave")];
	await w.settle();
	await release();
	await w.settle();
	await Promise.all(rows);
	expect([...w.muc.occupants.keys()]).toEqual(["Trivium"]);
	await w.done(w.move("join"));
	expect([...w.muc.occupants.keys()]).toEqual(["Trivium", "Alice"]);
});

test("a person who leaves before the turn of the join is not in the MUC afterwards", async () => {
	const w = world();
	await w.attach();
	const people = Array.from({ length: 60 }, (_, n) => person(`guest${n}`, `Guest ${n}`));
	const rows = people.flatMap((one) => [w.move("join", one), w.move("leave", one)]);
	await w.pass(60_000);
	await Promise.all(rows);
	expect([...w.muc.occupants.keys()]).toEqual(["Trivium"]);
});
