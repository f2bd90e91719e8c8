import { expect, test } from "vitest";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { Copy } from "../../src/core/ids.ts";
import { answers, resolve, resolved, withKnownTarget, withoutDeleted } from "../../src/core/references.ts";
import { id, message, muc } from "../store/sample.ts";

const there = (name: string): Copy => ({ ...muc, id: id(name) });
const target = { id: id("$1"), own: id("own $1"), copies: [there("S1")] };
const redaction: BridgeEvent = { ...message("$2"), kind: "redaction", target };
const knowing = (family: Record<string, readonly Copy[]>) => ({
	copies: async (of: Copy) => family[of.id] ?? [],
});

test("a forgotten message is found by the copies that it names, which prove no authorship", async () => {
	const other = { ...muc, id: id("S3"), room: message("").room };
	const said = { ...redaction, target: { ...target, copies: [other, there("S1")] } };
	expect(await resolve(said, knowing({}), muc)).toEqual({ $1: ["S1"], "own $1": [] });
});

test("a reply or reaction of a view, which names the message of its source, finds the copies of that; an edit does not", async () => {
	const source = { ...message("").sender, room: message("").room };
	const named: Copy = { network: source.network, room: "!source" as typeof source.room, id: id("$value") };
	const known = { copies: async (of: Copy) => (of.room === named.room ? [named, there("S1")] : []) };
	const reply: BridgeEvent = { ...message("$2"), replyTo: { id: id("sid $value"), copies: [named] } };
	expect(await resolve(reply, known, muc)).toEqual({ "sid $value": ["S1"] });
	expect(await answers(reply, muc, known)).toBe(true);
	expect(await answers({ ...message("$3") }, muc, known)).toBe(false);
	expect(await answers(reply, { ...muc, room: source.room }, known)).toBe(false);
	const edit: BridgeEvent = {
		...message("$2"),
		kind: "edit",
		target: { id: id("sid $value"), copies: [named] },
	};
	expect(await resolve(edit, known, muc)).toEqual({ "sid $value": [] });
});

test("the journal's ids count before the copies that the target names", async () => {
	const known = knowing({ $1: [there("S9")], "own $1": [there("S9")] });
	expect(await resolve(redaction, known, muc)).toEqual({ $1: ["S9"], "own $1": ["S9"] });
	// The journal knows that the message never went to that room.
	expect(
		await resolve(redaction, knowing({ $1: [{ ...there("S9"), network: message("").sender.network }] }), muc),
	).toEqual({ $1: [], "own $1": [] });
});

test("a further id that may be meant counts if no message is known by those before it", async () => {
	const said = (...or: string[]): BridgeEvent => ({
		...redaction,
		target: { id: id("sid 1"), own: id("sid 1"), or: or.map(id) },
	});
	const known = knowing({ "msg 1": [there("S1")] });
	expect(await resolve(said("msg 1"), known, muc)).toEqual({ "sid 1": ["S1"] });
	expect(await withKnownTarget(said("msg 1"), known)).toMatchObject({
		target: { id: "msg 1", own: "msg 1" },
	});
	const both = knowing({ "msg 1": [there("S1")], "sid 1": [there("S2")] });
	expect(await resolve(said("msg 1"), both, muc)).toEqual({ "sid 1": ["S2"] });
	expect(await withKnownTarget(said("msg 1"), both)).toMatchObject({ target: { id: "sid 1", own: "sid 1" } });
	// The latest messages of the room are asked about each id, once the journal knows none.
	const asked: string[] = [];
	const recover = async (one: string) => {
		asked.push(one);
		return one === "msg 2" ? [id("S3")] : [];
	};
	expect(await resolve(said("msg 2", "msg 3"), knowing({}), muc, recover)).toEqual({ "sid 1": ["S3"] });
	expect(asked).toEqual(["sid 1", "msg 2"]);
	expect(await withKnownTarget(said("msg 2"), knowing({}))).toEqual(said("msg 2"));
});

test.each(["__proto__", "constructor"])(
	"a message with the id %s is found like any other, also in a stored delivery plan",
	async (name) => {
		const about = { ...redaction, target: { id: id(name) } };
		const refs = await resolve(about, { copies: async () => [there("S1")] }, muc);
		expect(Object.entries(refs)).toEqual([[name, ["S1"]]]);
		expect(JSON.parse(JSON.stringify(refs))[name]).toEqual(["S1"]);
		expect(resolved(about, await resolve(about, { copies: async () => [] }, muc))).toBe(false);
	},
);

test("a message that was deleted before its delivery gets no reaction, and no reply quotes it", async () => {
	const journal = { gone: async (of: Copy) => of.id === id("$1") };
	const reaction: BridgeEvent = { ...message("$2"), kind: "reaction", mode: "set", emoji: ["👍"], target };
	expect(await withoutDeleted(reaction, journal, {})).toBeUndefined();
	// The room got the message although it was in doubt.
	expect(await withoutDeleted(reaction, journal, { $1: [id("S1")] })).toBe(reaction);
	const answer: BridgeEvent = { ...message("$3"), replyTo: { id: id("$1"), text: "secret" } };
	expect(await withoutDeleted(answer, journal, {})).toEqual(message("$3"));
	const other: BridgeEvent = { ...message("$3"), replyTo: { id: id("$9"), text: "known" } };
	expect(await withoutDeleted(other, journal, {})).toBe(other);
});
