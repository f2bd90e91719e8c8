import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createSealer } from "../../../src/core/sealer.ts";
import { alice, failure, link, room, type World, world } from "./muc-world.ts";

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

const locked = () => world({ password: "sesame" });
const tell = (w: World, password: string) => w.done(w.rooms.unlock(room, password));
const nicks = (w: World) => [...w.muc.occupants.keys()].sort();
const stored = (w: World) => w.disk.cursors.get(`password of ${room}`);

describe("the password of a MUC", () => {
	test("opens it for the bridge and its people, also after a restart, and is stored sealed", async () => {
		const w = locked();
		const info = await tell(w, "sesame");
		expect([info.room, info.invites]).toEqual([room, []]);
		expect(nicks(w)).toEqual([]);
		expect(stored(w)).toBeTruthy();
		expect(stored(w)).not.toContain("sesame");
		await w.attach(alice);
		expect(nicks(w)).toEqual(["Alice", "Trivium"]);
		w.crash();
		for (const nick of nicks(w)) w.muc.go(nick);
		await w.attach(alice);
		expect(nicks(w)).toEqual(["Alice", "Trivium"]);
	});

	test("is known to the join that the first line of a person begins", async () => {
		const w = locked();
		await tell(w, "sesame");
		const read = Promise.withResolvers<void>();
		w.disk.slow = read.promise;
		const attached = w.rooms.attach(link, []);
		const said = w.say("hi");
		await w.settle();
		read.resolve();
		await w.done(Promise.all([attached, said]));
		expect(nicks(w)).toEqual(["Alice", "Trivium"]);
	});

	test("is refused and not kept where the MUC does not take it", async () => {
		const w = locked();
		expect((await failure(tell(w, "abracadabra")))?.message).toContain("does not take this password");
		expect(stored(w)).toBeUndefined();
		expect((await failure(w.attach()))?.message).toContain(`join ${room} PASSWORD`);
	});

	test("is tried by an occupant that leaves at once, of which the portal reads nothing", async () => {
		const w = locked();
		await tell(w, "sesame");
		w.muc.say("Romeo", "who was that?");
		await w.settle();
		expect(w.told).toEqual([]);
	});

	test("brings the bridge back into a MUC that it is linked to", async () => {
		const w = locked();
		w.rooms.online();
		await failure(w.attach(alice));
		await tell(w, "sesame");
		await w.pass(1_000);
		expect(nicks(w)).toContain("Trivium");
	});

	test("a password other than the known one is refused without a join while the bridge is there", async () => {
		const w = locked();
		await tell(w, "sesame");
		await w.attach(alice);
		const before = w.muc.taken.length;
		expect((await failure(tell(w, "guess")))?.message).toContain("does not take this password");
		await tell(w, "sesame");
		expect(w.muc.taken).toHaveLength(before);
	});

	test("is not looked at for a MUC that asks for none, which stays open to all", async () => {
		const w = world();
		const info = await tell(w, "sesame");
		expect(info.invites).toBeUndefined();
		expect(stored(w)).toBeUndefined();
	});

	test("is refused with the cure where the admin has made no key", async () => {
		const w = locked();
		delete w.keys.sealer;
		w.crash();
		expect((await failure(tell(w, "sesame")))?.message).toContain("store.secrets_key_file");
	});

	test("a password that was sealed with another key is asked for anew", async () => {
		const w = locked();
		await tell(w, "sesame");
		w.keys.sealer = createSealer(Buffer.alloc(32, 2).toString("base64"));
		w.crash();
		expect((await failure(w.attach()))?.message).toContain("asks for a password");
	});

	test("is forgotten with the link", async () => {
		const w = locked();
		await tell(w, "sesame");
		await w.attach(alice);
		await w.done(w.rooms.detach(link));
		expect(stored(w)).toBeUndefined();
	});

	test("is forgotten with the link, also where no join of this run has read it", async () => {
		const w = locked();
		await tell(w, "sesame");
		await w.attach(alice);
		w.crash();
		w.server.online = false;
		await w.attach(alice);
		await w.done(w.rooms.detach(link));
		expect(stored(w)).toBeUndefined();
	});
});
