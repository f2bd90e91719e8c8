import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PermanentError } from "../../src/core/errors.ts";
import type { Media } from "../../src/core/event.ts";
import type { MessageId, NetworkName, RoomId } from "../../src/core/ids.ts";
import { type Fake, fakeNetwork, until } from "../fakes.ts";
import type { FakeHomeserver } from "./fake-homeserver.ts";
import { type MatrixWorld, matrixWorld } from "./world.ts";

const romeo = "@_xmpp_romeo:hs.test";

let world: MatrixWorld;
let hs: FakeHomeserver;
let xmpp: Fake;
type Room = NonNullable<ReturnType<FakeHomeserver["find"]>>;
let room: Room;
/** The files that can be fetched, by their URL. */
let kept: Map<string, Buffer>;

beforeEach(async () => {
	kept = new Map();
	xmpp = fakeNetwork("xmpp", {
		open: async (ref) => {
			const bytes = kept.get(ref);
			if (!bytes) throw new PermanentError("not-found", "it is gone");
			return { body: Readable.from([bytes], { objectMode: false }), size: bytes.length };
		},
	});
	world = await matrixWorld({ xmpp });
	({ hs } = world);
	await hs.ask("GET", `/_matrix/app/v1/rooms/${encodeURIComponent("#_xmpp_verona:hs.test")}`);
	room = hs.find("#_xmpp_verona:hs.test") as Room;
	await hs.push([hs.member(room, world.alice, "join")]);
});
afterEach(() => world.stop());

const file = (name: string, more: Partial<Media> = {}): Media => ({
	kind: "file",
	source: { network: "xmpp" as NetworkName, ref: name },
	name,
	link: `https://x.test/${name}`,
	...more,
});
/** Adds a file that can be fetched. */
function there(name: string, more: Partial<Media> = {}): Media {
	kept.set(name, Buffer.from(`bytes of ${name}`));
	return file(name, more);
}
const heard = () => room.timeline.filter(({ sender, type }) => sender === romeo && type !== "m.room.member");
const shown = () =>
	heard().map(({ content }) => `${content.msgtype} ${content.filename ?? ""}: ${content.body}`);
const come = (count: number) =>
	until(
		() => heard().length >= count,
		() => JSON.stringify(shown()),
	);
const uploads = () => hs.uploads.map(({ bytes }) => bytes.toString());

describe("several files of one message", () => {
	const several = () => [there("b.txt"), file("gone.txt"), there("c.txt")];

	test("become one event each, by the same ghost and in order, with the text as the first one's caption", async () => {
		await xmpp.say("verona", "romeo", "look", { media: there("a.txt"), more: several() });
		await xmpp.say("verona", "romeo", "after");
		await come(5);
		expect(shown()).toEqual([
			"m.file a.txt: look",
			"m.file b.txt: b.txt",
			"m.text : https://x.test/gone.txt",
			"m.file c.txt: c.txt",
			"m.text : after",
		]);
	});

	test("are in the room once, whichever request fails", async () => {
		for (const lost of [0, 1, 3]) {
			const before = heard().length;
			let sent = 0;
			hs.fail(({ path }) =>
				path.includes("/send/") && sent++ === lost ? { status: 502, body: "<html>" } : undefined,
			);
			await xmpp.say("verona", "romeo", "", { media: there("a.txt"), more: several() });
			await come(before + 4);
			await xmpp.say("verona", "romeo", "after");
			await come(before + 5);
			expect(shown().slice(before)).toEqual([
				"m.file a.txt: a.txt",
				"m.file b.txt: b.txt",
				"m.text : https://x.test/gone.txt",
				"m.file c.txt: c.txt",
				"m.text : after",
			]);
		}
		expect(uploads()).toHaveLength(9);
	});

	test("get a reply at the first event, and are redacted together", async () => {
		const id = "pets" as MessageId;
		await xmpp.say("verona", "romeo", "pets", { id, media: there("a.txt"), more: [there("b.txt")] });
		await xmpp.say("verona", "romeo", "nice", { replyTo: { id } });
		await come(3);
		const [first, second, answer] = heard();
		expect(answer?.content["m.relates_to"]).toEqual({ "m.in_reply_to": { event_id: first?.event_id } });
		await xmpp.bridge.receive([
			{
				kind: "redaction",
				id: "no pets" as MessageId,
				room: "verona" as RoomId,
				sender: xmpp.person("romeo"),
				at: Date.now(),
				target: { id, own: id },
			},
		]);
		const redacted = () =>
			room.timeline.flatMap(({ type, content }) => (type === "m.room.redaction" ? [content.redacts] : []));
		await until(
			() => redacted().length === 2,
			() => "nothing is taken back",
		);
		expect(redacted()).toEqual([first?.event_id, second?.event_id]);
	});

	test("are the same message for a reply to any of their events", async () => {
		const id = "pets" as MessageId;
		await xmpp.say("verona", "romeo", "pets", { id, media: there("a.txt"), more: [there("b.txt")] });
		await come(2);
		const about = { "m.relates_to": { "m.in_reply_to": { event_id: heard()[1]?.event_id } } };
		await hs.push([
			hs.emit(room, "@alice:hs.test", "m.room.message", { msgtype: "m.text", body: "which?", ...about }),
		]);
		await until(
			() => xmpp.sent.some(({ event }) => event.kind === "message"),
			() => "no answer",
		);
		const out = xmpp.sent.find(({ event }) => event.kind === "message");
		const answered = out?.event.kind === "message" ? out.event.replyTo : undefined;
		expect(out?.refs[answered?.id ?? ""]).toEqual([id]);
	});
});

describe("a file that cannot be fetched or uploaded", () => {
	test("becomes its link below the text, and its sender gets a notice with the cause", async () => {
		await xmpp.say("verona", "romeo", "look", { media: file("gone.txt") });
		await come(1);
		expect(shown()).toEqual(["m.text : look\nhttps://x.test/gone.txt"]);
		expect(xmpp.refused.map(({ sentence, target }) => [sentence, target])).toEqual([
			["only a link to the file is shown there, because it is gone", "Matrix"],
		]);
	});

	test("and has no link becomes its alt text, or a text that names the file", async () => {
		const { link: _, ...bare } = file("wave", { kind: "sticker", alt: ":wave:" });
		const { alt: _alt, ...nameless } = bare;
		for (const media of [bare, nameless]) await xmpp.say("verona", "romeo", "", { media });
		await come(2);
		expect(shown()).toEqual(["m.text : :wave:", "m.text : sent a sticker: wave"]);
	});

	test("because it exceeds the homeserver's limit becomes its text, and its sender gets a notice with the limit", async () => {
		kept.set("large", Buffer.alloc(1_048_577));
		await xmpp.say("verona", "romeo", "huge", { media: file("large") });
		await come(1);
		expect(shown()).toEqual(["m.text : huge\nhttps://x.test/large"]);
		expect(xmpp.refused[0]?.sentence).toMatch(/link .* because the file is too large: 1 MB/);
		expect(uploads()).toEqual([]);
	});

	test("because its hash is wrong is not shown", async () => {
		const sha256 = createHash("sha256").update("bytes of true.txt").digest("base64");
		for (const name of ["true.txt", "false.txt"])
			await xmpp.say("verona", "romeo", "", { media: there(name, { sha256 }) });
		await come(2);
		expect(shown()).toEqual(["m.file true.txt: true.txt", "m.text : https://x.test/false.txt"]);
		expect(uploads()).toEqual(["bytes of true.txt"]);
		expect(xmpp.refused[0]?.sentence).toMatch(/damaged/);
	});

	test("causes one notice, however often the message is retried", async () => {
		let cut = 0;
		hs.fail(({ path }) => (path.includes("/send/m.room.message") && cut++ < 1 ? "cut" : undefined));
		await xmpp.say("verona", "romeo", "look", { media: file("gone.txt") });
		await come(1);
		expect(xmpp.refused).toHaveLength(1);
	});
});

describe("a file with a thumbnail", () => {
	const gif = (width: number) => Buffer.from(`GIF89a${String.fromCharCode(width)}\0\x02\0`, "latin1");
	const picture = (ref: string) => ({ source: file(ref).source });

	test("has its thumbnail uploaded, too", async () => {
		kept.set("small", gif(3));
		await xmpp.say("verona", "romeo", "", { media: there("a.txt", { thumbnail: picture("small") }) });
		await come(1);
		const [{ url, info } = {}] = heard().map(({ content }) => content);
		const small = { mimetype: "image/gif", size: 10, w: 3, h: 2 };
		expect(info).toMatchObject({ thumbnail_info: small, thumbnail_url: expect.stringMatching(/^mxc:/) });
		expect((info as { thumbnail_url: string }).thumbnail_url).not.toBe(url);
		expect(uploads().sort()).toEqual([gif(3).toString(), "bytes of a.txt"]);
	});

	test("is sent without a thumbnail that is gone, too large or no picture", async () => {
		kept.set("large", Buffer.concat([gif(3), Buffer.alloc(1_048_576)]));
		kept.set("text", Buffer.from("no picture"));
		for (const ref of ["gone", "large", "text"])
			await xmpp.say("verona", "romeo", "", { media: there("a.txt", { thumbnail: picture(ref) }) });
		await come(3);
		expect(shown()).toEqual(Array(3).fill("m.file a.txt: a.txt"));
		for (const { content } of heard()) expect(content.info).not.toHaveProperty("thumbnail_url");
		expect(xmpp.refused).toEqual([]);
	});
});

test("an edited caption keeps its file, and has the alt text below", async () => {
	const [id, own] = ["cat" as MessageId, "own cat" as MessageId];
	const media = there("cat.txt", { alt: "fur" });
	await xmpp.say("verona", "romeo", "my dog", { id, aka: [own], media });
	await come(1);
	await xmpp.bridge.receive([
		{
			kind: "edit",
			style: "text",
			text: "my cat",
			media,
			id: "edit" as MessageId,
			room: "verona" as RoomId,
			sender: xmpp.person("romeo"),
			at: Date.now(),
			target: { id: own, own },
		},
	]);
	await come(2);
	const [first, edit] = heard();
	expect(first?.content.body).toBe("my dog\n(it shows: fur)");
	expect(edit?.content["m.new_content"]).toMatchObject({
		msgtype: "m.file",
		filename: "cat.txt",
		body: "my cat\n(it shows: fur)",
		url: expect.stringMatching(/^mxc:/),
	});
	expect(edit?.content["m.relates_to"]).toEqual({ rel_type: "m.replace", event_id: first?.event_id });
});
