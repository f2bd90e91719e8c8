import { expect, test } from "vitest";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { Seen } from "../../src/core/hosting.ts";
import type { MessageId, NetworkName, RoomId } from "../../src/core/ids.ts";
import { createViewReactions, withCurrentSet } from "../../src/core/view-reactions.ts";
import { createMemoryJournal } from "../../src/store/memory.ts";
import { fakeNetwork } from "../fakes.ts";

const [ann, mod] = ["ann", "mod"].map((name) => fakeNetwork("alpha").person(name)) as [
	ReturnType<ReturnType<typeof fakeNetwork>["person"]>,
	ReturnType<ReturnType<typeof fakeNetwork>["person"]>,
];
const view = { network: "beta" as NetworkName, room: "view" as RoomId };

function seen(id: string, event: object, sender = ann): Seen {
	const base = { id: id as MessageId, room: "!a" as RoomId, at: 1, sender };
	return { ...base, what: { kind: "said", event: { ...base, ...event } as BridgeEvent, origin: [] } };
}
const reacts = (id: string, emoji: string) =>
	seen(id, { kind: "reaction", mode: "add", emoji: [emoji], target: { id: "m" } });
const deletes = (id: string, target: object, by = ann) => seen(id, { kind: "redaction", target }, by);
const emoji = (one: Seen | undefined) =>
	one?.what.kind === "said" && one.what.event.kind === "reaction" ? one.what.event : undefined;

test("each reaction shows all that its sender has, also after a restart", async () => {
	const journal = createMemoryJournal();
	expect(emoji(await createViewReactions(journal)(reacts("r1", "👍"), view))).toMatchObject({
		mode: "set",
		emoji: ["👍"],
	});
	const restarted = createViewReactions(journal);
	expect(emoji(await restarted(reacts("r2", "🎉"), view))?.emoji).toEqual(["👍", "🎉"]);
	expect(emoji(await restarted(deletes("d1", { id: "r1" }), view))).toMatchObject({
		emoji: ["🎉"],
		target: { id: "m" },
	});
	expect(emoji(await restarted(deletes("d2", { id: "r2" }), view))?.emoji).toEqual([]);
});

test("a repeated reaction counts once", async () => {
	const journal = createMemoryJournal();
	const note = createViewReactions(journal);
	await note(reacts("r1", "👍"), view);
	await note(reacts("r1", "👍"), view);
	expect(emoji(await note(deletes("d1", { id: "r1" }), view))?.emoji).toEqual([]);
});

test("a reaction that a moderator deletes leaves the set of its own sender", async () => {
	const note = createViewReactions(createMemoryJournal());
	await note(reacts("r1", "👍"), view);
	const after = await note(deletes("d1", { id: "r1", author: ann }, mod), view);
	expect(after?.sender).toBe(ann);
	expect(emoji(after)?.emoji).toEqual([]);
});

test("the deletion of a message passes, and that of what was never shown does not", async () => {
	const note = createViewReactions(createMemoryJournal());
	const deletion = deletes("d1", { id: "m" });
	expect(await note(deletion, view)).toBe(deletion);
	expect(await note(seen("d2", { kind: "redaction", target: { id: "x" }, unsure: true }), view)).toBe(
		undefined,
	);
});

test("an archive shows the set of now with each reaction", async () => {
	const journal = createMemoryJournal();
	const note = createViewReactions(journal);
	expect(emoji(await withCurrentSet(journal, reacts("r0", "👍"), view))?.emoji).toEqual(["👍"]);
	await note(reacts("r1", "👍"), view);
	await note(reacts("r2", "🎉"), view);
	expect(emoji(await withCurrentSet(journal, reacts("r1", "👍"), view))?.emoji).toEqual(["👍", "🎉"]);
});

test("an archive shows the set of now where a reaction was taken back, and not the deletion of an unknown message", async () => {
	const journal = createMemoryJournal();
	const note = createViewReactions(journal);
	await note(reacts("r1", "👍"), view);
	await note(reacts("r2", "🎉"), view);
	await note(deletes("d1", { id: "r1" }), view);
	expect(emoji(await withCurrentSet(journal, deletes("d1", { id: "r1" }), view))).toMatchObject({
		target: { id: "m" },
		emoji: ["🎉"],
	});
	await note(deletes("d2", { id: "r2", author: ann }, mod), view);
	const all = [deletes("d1", { id: "r1" }), deletes("d2", { id: "r2", author: ann }, mod)];
	for (const deletion of all) expect(emoji(await withCurrentSet(journal, deletion, view))?.emoji).toEqual([]);
	expect(emoji(await withCurrentSet(journal, reacts("r1", "👍"), view))?.emoji).toEqual([]);
	expect(emoji(await note(reacts("r3", "❤️"), view))?.emoji).toEqual(["❤️"]);
	const ofMessage = deletes("d3", { id: "m" });
	expect(await withCurrentSet(journal, ofMessage, view)).toBe(ofMessage);
});

test("a set remembers the latest twenty deletions", async () => {
	const journal = createMemoryJournal();
	const note = createViewReactions(journal);
	for (let n = 0; n < 30; n++) {
		await note(reacts(`r${n}`, "👍"), view);
		await note(deletes(`d${n}`, { id: `r${n}` }), view);
	}
	expect(await journal.reactions(view.network, view.room, "m" as MessageId, ann.id)).toHaveLength(20);
});
