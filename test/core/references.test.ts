import { expect, test } from "vitest";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { Copy } from "../../src/core/ids.ts";
import { resolve, resolved, withoutDeleted } from "../../src/core/references.ts";
import { id, message, muc } from "../store/sample.ts";

const there = (name: string): Copy => ({ ...muc, id: id(name) });
const target = { id: id("$1"), own: id("own $1"), copies: [there("S1")] };
const redaction: BridgeEvent = { ...message("$2"), kind: "redaction", target };
const knowing = (family: Record<string, readonly Copy[]>) => ({
	copies: async (of: Copy) => family[of.id] ?? [],
});

test("what the journal has forgotten is found by what the target says of itself, but not who wrote it", async () => {
	const other = { ...muc, id: id("S3"), room: message("").room };
	const said = { ...redaction, target: { ...target, copies: [other, there("S1")] } };
	expect(await resolve(said, knowing({}), muc)).toEqual({ $1: ["S1"], "own $1": [] });
});

test("what the journal knows counts, whatever the target says", async () => {
	const known = knowing({ $1: [there("S9")], "own $1": [there("S9")] });
	expect(await resolve(redaction, known, muc)).toEqual({ $1: ["S9"], "own $1": ["S9"] });
	// It never went to that room: then it is not there.
	expect(
		await resolve(redaction, knowing({ $1: [{ ...there("S9"), network: message("").sender.network }] }), muc),
	).toEqual({ $1: [], "own $1": [] });
});

test.each(["__proto__", "constructor"])(
	"a message called %s is found like any other, also in a plan that was stored",
	async (name) => {
		const about = { ...redaction, target: { id: id(name) } };
		const refs = await resolve(about, { copies: async () => [there("S1")] }, muc);
		expect(Object.entries(refs)).toEqual([[name, ["S1"]]]);
		expect(JSON.parse(JSON.stringify(refs))[name]).toEqual(["S1"]);
		expect(resolved(about, await resolve(about, { copies: async () => [] }, muc))).toBe(false);
	},
);

test("what was deleted before it came is not spoken of: no reaction to it, no answer that quotes it", async () => {
	const journal = { gone: async (of: Copy) => of.id === id("$1") };
	const reaction: BridgeEvent = { ...message("$2"), kind: "reaction", mode: "set", emoji: ["👍"], target };
	expect(await withoutDeleted(reaction, journal, {})).toBeUndefined();
	// It came there, from where it was in doubt.
	expect(await withoutDeleted(reaction, journal, { $1: [id("S1")] })).toBe(reaction);
	const answer: BridgeEvent = { ...message("$3"), replyTo: { id: id("$1"), text: "secret" } };
	expect(await withoutDeleted(answer, journal, {})).toEqual(message("$3"));
	const other: BridgeEvent = { ...message("$3"), replyTo: { id: id("$9"), text: "known" } };
	expect(await withoutDeleted(other, journal, {})).toBe(other);
});
