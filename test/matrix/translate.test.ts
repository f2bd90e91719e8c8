import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Message } from "../../src/core/event.ts";
import type { NetworkName, OperationId, UserId } from "../../src/core/ids.ts";
import type { Person } from "../../src/core/person.ts";
import { isEvent, type MatrixEvent, type Phase, type ReadContext } from "../../src/matrix/event.ts";
import { fromMatrix } from "../../src/matrix/from-matrix.ts";
import { asEdit, asFile, fits, type Sayable, toMatrix } from "../../src/matrix/to-matrix.ts";
import { files, kindsOf, vectors } from "../vectors.ts";
import { sampleEvent, samplePerson } from "./samples.ts";

type Out = Readonly<Record<string, unknown>>;

const xmpp = "xmpp" as NetworkName;
const romeo: Person = {
	network: xmpp,
	id: "romeo@montague.lit" as UserId,
	address: ["romeo@montague.lit"],
	name: "Romeo",
	handles: [],
	domain: "montague.lit",
};
const person = (mxid: string): Person => (mxid === "@_xmpp_romeo:hs.test" ? romeo : samplePerson(mxid));
const strangers: ReadContext = {
	person,
	before: () => undefined,
	event: () => undefined,
	votes: [],
	isOurs: (mxid) => mxid.startsWith("@_xmpp_"),
};
/** Returns an event as the vectors write it, with people by network and id. */
const brief = (value: unknown) =>
	JSON.parse(
		JSON.stringify(value, (_key, one) => (one?.address && one.network ? `${one.network}:${one.id}` : one)),
	);

describe("fromMatrix", () => {
	test.each([2 ** 53, -(2 ** 53)])("limits the time %d, which a Date cannot hold", (origin_server_ts) => {
		const content = { msgtype: "m.text", body: "x" };
		const found = fromMatrix(sampleEvent({ type: "m.room.message", content, origin_server_ts }), strangers);
		expect(() => new Date(found?.at ?? Number.NaN).toISOString()).not.toThrow();
	});

	type Member = { by?: string; before?: string; in: MatrixEvent["content"]; out?: Out };
	test.each(vectors<Member>("from-matrix", "member"))("member: $name", (one) => {
		const { by = "@alice:hs.test", before, in: content, out } = one;
		const state = { type: "m.room.member", state_key: "@alice:hs.test", sender: by, content };
		const found = fromMatrix(sampleEvent(state), { ...strangers, before: () => before });
		const { kind, change, sender, by: who, reason } = (found ?? {}) as Record<string, unknown>;
		const seen = { kind, change, sender: (sender as Person | undefined)?.name, by: who, reason };
		expect(found && JSON.parse(JSON.stringify(seen))).toEqual(out);
	});

	test.each([
		["a new picture", "mxc://hs.test/a", "mxc://hs.test/b", "profile mxc://hs.test/b face"],
		["the same picture", "mxc://hs.test/a", "mxc://hs.test/a", undefined],
		["a removed picture", "mxc://hs.test/a", undefined, "profile none"],
		["a picture of a foreign place", undefined, "https://evil.test/a", undefined],
	])("member: %s", (_, before, now, out) => {
		const content = (avatar_url?: string) => ({ membership: "join", displayname: "Alice", avatar_url });
		const state = { type: "m.room.member", state_key: "@alice:hs.test", sender: "@alice:hs.test" };
		const unsigned = { prev_content: content(before) };
		const event = sampleEvent({ ...state, content: content(now), unsigned } as never);
		const found = fromMatrix(event, { ...strangers, before: () => "Alice" });
		expect(found && `${found.kind} ${found.sender.avatar?.ref ?? "none"}`).toBe(out);
	});

	test.each([
		[
			"a member who leaves a chat of two is told of",
			"join",
			"@alice:hs.test",
			"has left this chat. Your next message invites them again.",
		],
		["who declines one is told of", "invite", "@alice:hs.test", "has declined the invitation to this chat."],
		["who is removed from one has said nothing", "join", "@_xmpp_romeo:hs.test", undefined],
		["who was never asked has said nothing", "knock", "@alice:hs.test", undefined],
	])("a person %s", (_, membership, by, words) => {
		const content = { membership: "leave" };
		const state = { type: "m.room.member", state_key: "@alice:hs.test", sender: by, content };
		const event = sampleEvent({ ...state, unsigned: { prev_content: { membership } } });
		expect((fromMatrix(event, { ...strangers, chat: true }) as Message | undefined)?.text).toBe(words);
	});

	type Case = {
		type?: string;
		sender?: string;
		redacts?: string;
		age?: number;
		state?: string;
		before?: MatrixEvent["content"];
		phase?: Phase;
		known?: Record<string, Partial<MatrixEvent>>;
		votes?: Partial<MatrixEvent>[];
		in: MatrixEvent["content"];
		out?: Out;
	};
	for (const kind of kindsOf("from-matrix").filter((one) => ![...files, "member"].includes(one)))
		test.each(vectors<Case>("from-matrix", kind))(`${kind}: $name`, (one) => {
			const { type, sender, redacts, age, in: content, known = {}, votes = [], out } = one;
			const { state, before, phase } = one;
			const said = sampleEvent({
				content,
				...(type && { type }),
				...(sender && { sender }),
				...(redacts && { redacts }),
				...(age !== undefined && { unsigned: { age } }),
				...(state !== undefined && { state_key: state, unsigned: { prev_content: before } }),
			});
			const seen = fromMatrix(said, {
				...strangers,
				event: (id) => known[id] && sampleEvent({ event_id: id, ...known[id] }),
				votes: votes.map((vote) => sampleEvent(vote)),
				phase,
			});
			if (!out) return expect(seen).toBeUndefined();
			const { id: _id, room: _room, at: _at, sender: who, aka: _aka, ...rest } = brief(seen);
			expect({ ...rest, ...(who !== "matrix:@alice:hs.test" && { sender: who }) }).toEqual(out);
		});

	test("gives a message a further id that only its sender can spell", () => {
		const seen = fromMatrix(sampleEvent({ content: { msgtype: "m.text", body: "x" } }), strangers);
		expect(seen?.aka).toEqual(["own:$e:@alice:hs.test"]);
	});

	test("translates no unknown state event, also one with words", () => {
		const state = sampleEvent({ type: "org.example.x", state_key: "", content: { topic: "x", body: "x" } });
		expect(fromMatrix(state, strangers)).toBeUndefined();
	});

	test("names the author of each quoted line in messages, replies and edits", () => {
		const line = fc.constantFrom(
			"> <@bob:hs.test> hi\n",
			"> * <@bob:hs.test> waves\n",
			"> > <@_xmpp_romeo:hs.test> yes\n",
			">> <@bob:hs.test> hi\n",
			"> more\n",
			"\n",
			"own words\n",
		);
		const relation = fc.constantFrom(
			undefined,
			{ "m.in_reply_to": { event_id: "$1" } },
			{ rel_type: "m.thread", event_id: "$1" },
			{ rel_type: "m.replace", event_id: "$1" },
		);
		fc.assert(
			fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), relation, (lines, related) => {
				const now = { msgtype: "m.text", body: lines.join("") };
				const content = { ...now, ...(related && { "m.relates_to": related }), "m.new_content": now };
				const seen = fromMatrix(sampleEvent({ content }), strangers);
				const texts = seen && "text" in seen ? [seen.text, "rich" in seen && seen.rich] : [];
				expect(JSON.stringify(texts)).not.toMatch(/<@|:hs\.test/);
			}),
		);
	});

	test("translates any content without an error", () => {
		const types = fc.constantFrom(
			"m.room.message",
			"m.room.member",
			"m.sticker",
			"m.reaction",
			"m.poll.start",
			"m.poll.response",
			"m.poll.end",
			"m.room.redaction",
			"x",
		);
		const keys = fc.constantFrom(
			"msgtype",
			"body",
			"m.relates_to",
			"m.new_content",
			"membership",
			"m.poll",
			"m.text",
			"answers",
			"question",
			"rel_type",
			"key",
			"m.in_reply_to",
			"event_id",
			"formatted_body",
			"format",
			"m.mentions",
			"user_ids",
			"redacts",
			"org.matrix.msc3381.poll.start",
			"m.selections",
			"geo_uri",
			"trivium.bridge",
		);
		const words = fc.constantFrom(
			"m.text",
			"m.image",
			"m.replace",
			"m.thread",
			"m.annotation",
			"$e",
			"org.matrix.custom.html",
			"join",
			"leave",
		);
		const content = fc.letrec((tie) => ({
			value: fc.oneof(
				{ maxDepth: 4 },
				words,
				fc.jsonValue({ maxDepth: 1 }),
				tie("object"),
				fc.array(tie("value"), { maxLength: 2 }),
			),
			object: fc.dictionary(keys, tie("value"), { maxKeys: 5 }),
		})).object;
		fc.assert(
			fc.property(types, fc.option(fc.string(), { nil: undefined }), content, (type, state_key, content) => {
				const any = {
					...sampleEvent({ type, content: content as MatrixEvent["content"] }),
					...(state_key !== undefined && { state_key }),
				};
				if (isEvent(any))
					fromMatrix(any, { ...strangers, before: () => "x", event: () => any, votes: [any] });
			}),
			{ numRuns: 500 },
		);
	});

	test("takes a msgtype that no text can be made of as text", () => {
		for (const msgtype of [{ toString: "x", valueOf: 1 }, [{ toString: null }], 1, null]) {
			const event = sampleEvent({ content: { msgtype, body: "words" } as never });
			expect(fromMatrix(event, strangers)).toMatchObject({ style: "text", text: "words" });
		}
	});

	test("isEvent recognizes invalid events", () => {
		for (const wrong of [
			null,
			1,
			{},
			{ ...sampleEvent({}), content: [] },
			{ ...sampleEvent({}), sender: 1 },
			{ ...sampleEvent({}), state_key: {} },
		])
			expect(isEvent(wrong)).toBe(false);
		expect(isEvent(sampleEvent({}))).toBe(true);
	});
});

describe("toMatrix", () => {
	const base = { id: "S1", room: "r@muc.x", sender: romeo, at: 1 };
	type Case = {
		in: Sayable;
		refs?: Record<string, string[]>;
		known?: Record<string, MatrixEvent["content"]>;
	};
	const write = ({ in: part, refs = {}, known = {} }: Case) => {
		const people = JSON.stringify(part, (key, one) => {
			if (typeof one !== "string" || (key !== "person" && key !== "author")) return one;
			return one.startsWith("@") ? person(one) : { ...romeo, id: one };
		});
		return toMatrix(
			{
				event: { ...base, ...JSON.parse(people) },
				operation: "op1" as OperationId,
				passed: ["m1"],
				refs: refs as never,
			},
			{
				mxid: ({ network, id }) =>
					network !== xmpp ? id : id === "juliet" ? "@_xmpp_juliet:hs.test" : undefined,
				event: (id) =>
					known[id] && sampleEvent({ event_id: id, content: known[id], type: typeOf(known[id]) }),
			},
		);
	};
	const typeOf = (content: object) =>
		Object.keys(content).find((key) => key.endsWith(".poll.start")) ?? "m.room.message";
	const unmarked = ({ "trivium.bridge": _mark, ...content }: MatrixEvent["content"]) => content;
	for (const kind of kindsOf("to-matrix").filter((one) => ![...files, "reaction", "redaction"].includes(one)))
		test.each(vectors<Case & { out: Out }>("to-matrix", kind))(`${kind}: $name`, (one) => {
			const { content, ...rest } = write(one);
			expect({ ...rest, content: unmarked(content) }).toEqual({ type: "m.room.message", ...one.out });
		});

	test("marks an event with its operation id, the rooms it passed and its message's ids, up to a bound", () => {
		const from = { network: "xmpp", room: "r@muc.x", ids: ["S1", "M1"] };
		const mark = { op: "op1", passed: ["m1"], from };
		const part = { kind: "message", style: "text", text: "x", aka: ["M1"] } as unknown as Sayable;
		expect(write({ in: part }).content["trivium.bridge"]).toEqual(mark);
		const long = { ...part, aka: ["x".repeat(2_000), "M1"] } as unknown as Sayable;
		expect(write({ in: long }).content["trivium.bridge"]).toEqual(mark);
		const edit = { ...part, kind: "edit", target: { id: "S0" } } as unknown as Sayable;
		expect(write({ in: edit }).content["trivium.bridge"]).toEqual(mark);
	});

	test("writes an edit with “* ” for clients without edits, and without mentions", () => {
		const content = {
			...{ msgtype: "m.text", body: "a", formatted_body: "<b>a</b>", "trivium.bridge": { op: "op1" } },
			...{ "m.mentions": { user_ids: ["@alice:hs.test"] } },
		};
		const { "trivium.bridge": _mark, ...inner } = content;
		expect(asEdit(content, "$1")).toEqual({
			...content,
			body: "* a",
			formatted_body: "* <b>a</b>",
			"m.mentions": {},
			"m.new_content": inner,
			"m.relates_to": { rel_type: "m.replace", event_id: "$1" },
		});
	});

	const said = (text: string) => write({ in: { kind: "message", style: "text", text } as Message }).content;

	test("fits counts the encoded content: a quote counts twice", () => {
		expect(fits(said("x".repeat(59_000)))).toBe(true);
		expect(fits(said('"'.repeat(31_000)))).toBe(false);
		expect(fits(said("ü".repeat(31_000)))).toBe(false);
	});

	test("asFile makes a long text a file whose caption is its beginning, in whole characters", () => {
		const content = asFile(said("🎉".repeat(20_000)), "mxc://hs.test/1", 80_000);
		expect(content).toMatchObject({
			msgtype: "m.file",
			filename: "message.txt",
			url: "mxc://hs.test/1",
			info: { mimetype: "text/plain", size: 80_000 },
			"trivium.bridge": { op: "op1" },
		});
		expect(content).not.toHaveProperty("formatted_body");
		expect(content.body).toMatch(/^(🎉){500}\n… /u);
		expect(fits(content)).toBe(true);
	});
});
