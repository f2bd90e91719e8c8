import { beforeEach, describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { Media, Message } from "../../src/core/event.ts";
import type { MessageId, NetworkName, OperationId, RoomId, UserId } from "../../src/core/ids.ts";
import type { Outbound } from "../../src/core/network.ts";
import type { Person } from "../../src/core/person.ts";
import { createPartSender } from "../../src/xmpp/attachments.ts";
import { fromGroupchat, nowhere, occupant, parseMessage } from "../../src/xmpp/from-xmpp.ts";
import { fileElements } from "../../src/xmpp/message/files.ts";
import { serialize } from "../../src/xmpp/stream/xml.ts";
import { processorTime } from "../processor-time.ts";
import { files as kinds, vectors } from "../vectors.ts";
import { stanza } from "./stanza.ts";

describe("files of a message from XMPP", () => {
	type File = Partial<Media> & { url?: string };
	type Case = { in: string; url?: string; media?: Partial<Media>; more?: File[]; caption?: string };
	const file = ({ url, ...said }: File) => ({ ...said, source: { network: "xmpp", ref: url }, link: url });
	for (const kind of kinds)
		test.each(vectors<Case>("from-xmpp", kind))(
			`${kind}: $name`,
			({ in: inside, url, media, more, caption }) => {
				const seen = parseMessage(stanza(`<message>${inside}</message>`), nowhere);
				expect(seen?.media).toEqual(media && file({ ...media, ...(url && { url }) }));
				expect(seen?.more).toEqual(more?.map(file));
				if (media) expect(seen?.text).toBe(caption ?? "");
				else expect(seen?.text).not.toBe("");
			},
		);

	test("of 1,500 files in one hostile message twenty cross, and the others stay URLs, within 10 s", () => {
		const urls = Array.from({ length: 1_500 }, (_, index) => `https://x.test/${index}.png`);
		const told = urls.map((url) => `<x xmlns='jabber:x:oob'><url>${url}</url></x>`).join("");
		const line = stanza(`<message><body>${"🎉".repeat(50_000)} ${urls.join(" ")}</body>${told}</message>`);
		const before = processorTime();
		const seen = parseMessage(line, nowhere);
		expect(processorTime() - before).toBeLessThan(10_000);
		expect(seen?.more).toHaveLength(19);
		expect(seen?.text.match(/https:/g)).toHaveLength(1_480);
		expect(seen?.text).toMatch(/^🎉+\s+https:\/\/x\.test\/20\.png /u);
	});

	test("two files that a client sends under the same id are two messages", () => {
		const id = (file: string) => {
			const url = `https://x.test/${file}`;
			const line = `<message id='1'><body>${url}</body><x xmlns='jabber:x:oob'><url>${url}</url></x></message>`;
			const where = {
				room: "r@muc.test",
				sender: occupant("r@muc.test", "Romeo"),
				stanzaIds: false,
				now: 5,
				place: nowhere,
			};
			return fromGroupchat(stanza(line), where)?.id;
		};
		expect(id("a.png")).toBe(id("a.png"));
		expect(id("a.png")).not.toBe(id("b.png"));
	});
});

describe("elements of a file to XMPP", () => {
	for (const kind of kinds)
		test.each(vectors<{ in: Media; out: string }>("to-xmpp", kind))(`${kind}: $name`, ({ in: file, out }) =>
			expect(fileElements(file, "URL").map(serialize).join("")).toBe(out),
		);
});

describe("createPartSender: a message with a file", () => {
	const alice = { network: "matrix" as NetworkName, id: "@alice:hs.test" as UserId, name: "Alice" } as Person;
	const media: Media = {
		kind: "image",
		source: { network: "matrix" as NetworkName, ref: "mxc://hs/cat" },
		name: "cat.png",
		size: 100,
	};
	const event = (more: Partial<Message>): Message => ({
		kind: "message",
		id: "$1" as MessageId,
		room: "!r" as RoomId,
		sender: alice,
		at: 1,
		style: "text",
		text: "",
		...more,
	});
	const once: Outbound["once"] = (_name, make) => make();
	const outbound = (more: Partial<Message>) =>
		({ operation: "op" as OperationId, refs: {}, event: event(more), once }) as unknown as Outbound;
	const files = {
		url: (target: { name: string }, of: { id: string; person: string }) =>
			`https://b.test/${of.person}/${of.id}/${target.name}`,
		type: async (): Promise<string | undefined> => undefined,
		largest: 1000,
	};
	const url = "https://b.test/@alice:hs.test/$1/cat.png";

	const sent: Outbound[] = [];
	let fail: string | undefined;
	let told: string[];
	const tell = (_event: unknown, error: Error) => void told.push(error.message);
	const send = async (out: Outbound) => {
		if (out.operation === fail) throw new TemporaryError("away");
		sent.push(out);
		return [`id of ${out.operation}` as MessageId];
	};
	beforeEach(() => {
		sent.length = 0;
		fail = undefined;
		told = [];
	});

	test("becomes a message with the URL as its body, and a reply to it with the caption", async () => {
		const replyTo = { id: "$0" as MessageId };
		expect(
			await createPartSender(
				send,
				() => files,
				tell,
			)(outbound({ media, text: "my cat", style: "emote", replyTo })),
		).toEqual(["id of op", "id of op.caption"]);
		expect(sent.map((out) => out.event)).toEqual([
			event({ media, text: url, replyTo }),
			event({ text: "my cat", style: "emote", replyTo: { id: "$1" as MessageId, author: alice } }),
		]);
		expect(sent[1]?.refs).toEqual({ $1: ["id of op"] });
	});

	test("takes its type from the file itself if the sender declared none, once for all attempts", async () => {
		const kept = new Map<string, unknown>();
		const keeping: Outbound["once"] = async (name, make) => {
			if (!kept.has(name)) kept.set(name, await make());
			return kept.get(name) as Awaited<ReturnType<typeof make>>;
		};
		const found = ["audio/ogg", "text/plain"];
		const typed = { ...files, type: async () => found.shift() };
		const note = { ...media, kind: "file" as const, name: "note" };
		for (let attempt = 0; attempt < 2; attempt++)
			await createPartSender(send, () => typed, tell)({ ...outbound({ media: note }), once: keeping });
		const { mime: _, ...declared } = { ...note, mime: "" };
		await createPartSender(send, () => typed, tell)(outbound({ media: { ...declared, mime: "a/b" } }));
		const mimes = sent.map(({ event: one }) => "media" in one && one.media?.mime);
		expect(mimes).toEqual(["audio/ogg", "audio/ogg", "a/b"]);
	});

	test("sends the further files of the message after the first, then the caption", async () => {
		const more = ["b", "c"].map((name) => ({ ...media, name: `${name}.png` }));
		const replyTo = { id: "$0" as MessageId };
		const ids = await createPartSender(
			send,
			() => files,
			tell,
		)(outbound({ media, more, text: "pets", replyTo }));
		expect(ids).toEqual(["id of op", "id of op.1", "id of op.2", "id of op.caption"]);
		expect(sent.map(({ event }) => event)).toEqual([
			event({ media, text: url, replyTo }),
			...more.map((media) => event({ media, text: url.replace("cat.png", media.name) })),
			event({ text: "pets", replyTo: { id: "$1" as MessageId, author: alice } }),
		]);
	});

	test("links the thumbnail as well, and omits the link where none can be made", async () => {
		const thumbnail = { source: { ...media.source, ref: "mxc://hs/small" }, mime: "image/png" };
		const linked = async (of: typeof files) => {
			sent.length = 0;
			await createPartSender(send, () => of, tell)(outbound({ media: { ...media, thumbnail } }));
			const [out] = sent;
			return out?.event.kind === "message" ? out.event.media?.thumbnail : undefined;
		};
		expect(await linked(files)).toEqual({ ...thumbnail, link: url.replace("cat.png", "thumbnail") });
		const none = (target: { name: string }, of: { id: string; person: string }) => {
			if (target.name === "thumbnail") throw new TemporaryError("away");
			return files.url(target, of);
		};
		expect(await linked({ ...files, url: none })).toEqual(thumbnail);
		expect(told).toEqual([]);
	});

	test("sends the file once, even if the caption has to be retried", async () => {
		const say = createPartSender(send, () => files, tell);
		fail = "op.caption";
		await expect(say(outbound({ media, text: "my cat" }))).rejects.toThrow("away");
		fail = undefined;
		expect(await say(outbound({ media, text: "my cat" }))).toEqual(["id of op", "id of op.caption"]);
		expect(sent.map((out) => out.operation)).toEqual(["op", "op.caption"]);
	});

	test("keeps file and caption together: the room's next message is sent after both", async () => {
		const wire: string[] = [];
		const slow = async (out: Outbound) => {
			wire.push(out.operation);
			await new Promise((resolve) => setTimeout(resolve, 5));
			if (out.operation === fail) throw new TemporaryError("away");
			return [];
		};
		const op = (operation: string, more: Partial<Message>, room = "r") =>
			({ ...outbound(more), operation, room }) as unknown as Outbound;
		const say = createPartSender(slow, () => files, tell);
		const told = Promise.allSettled([
			say(op("1", { media, text: "cat" })),
			say(op("2", { text: "next" })),
			say(op("3", { media, text: "dog" })),
			say(op("4", { text: "last" })),
			say(op("5", { text: "elsewhere" }, "other room")),
		]);
		await told;
		expect(wire.slice(0, 2).sort()).toEqual(["1", "5"]);
		expect(wire.slice(2)).toEqual(["1.caption", "2", "3", "3.caption", "4"]);
		fail = "6.caption";
		wire.length = 0;
		const results = await Promise.allSettled([
			say(op("6", { media, text: "cat" })),
			say(op("7", { text: "next" })),
		]);
		expect([wire, results.map(({ status }) => status)]).toEqual([
			["6", "6.caption"],
			["rejected", "rejected"],
		]);
		fail = undefined;
		await say(op("8", { text: "again" }));
		expect(wire.at(-1)).toBe("8");
	});

	describe("edited or redacted after it was sent", () => {
		const ids = (...parts: string[]) =>
			parts.flatMap((one) => [`msg ${one}`, `from ${one} a@b`] as MessageId[]);
		const target = { id: "$1" as MessageId, own: "own $1" as MessageId };
		const change = (what: object, known: readonly MessageId[], role = "direct") =>
			createPartSender(
				send,
				() => files,
				tell,
			)({
				operation: "op2" as OperationId,
				once,
				link: { role },
				refs: { $1: known, "own $1": known },
				event: { id: "$2", room: "!r", sender: alice, at: 1, target, ...what },
			} as unknown as Outbound);
		const edit = (text: string, known: readonly MessageId[], more: object = {}) =>
			change({ kind: "edit", style: "text", text, media, ...more }, known);

		test("edits, adds or retracts the caption without sending the file again", async () => {
			await edit("new", ids("op", "op.caption"));
			// The edited caption replies to the file, as the first one did.
			const replyTo = { id: "$2" as MessageId, author: alice };
			expect(sent[0]?.event).toEqual({ ...event({}), id: "$2", kind: "edit", text: "new", target, replyTo });
			expect(sent[0]?.refs).toMatchObject({ "own $1": ids("op.caption"), $2: ids("op") });
			await edit("first", ids("op"));
			expect(sent[1]?.event).toEqual({
				...event({ text: "first", replyTo: { id: "$1" as MessageId, author: alice } }),
				id: "$2",
			});
			expect(sent[1]?.refs.$1).toEqual(ids("op"));
			await edit("", ids("op", "op.caption"));
			expect(sent[2]?.event.kind).toBe("redaction");
			expect(sent[2]?.refs.$1).toEqual(ids("op.caption"));
			await edit("", ids("op"));
			expect(sent).toHaveLength(3);
		});

		test("edits the file first, then the caption", async () => {
			const dog = { newMedia: true, media: { ...media, name: "dog.png" } };
			const words = () =>
				sent.map(({ operation, event }) => [operation, event.kind, "text" in event && event.text]);
			// The id in the URL is the edited message's, so the link lasts as long as the message.
			const there = url.replace("cat.png", "dog.png");
			await edit("", ids("op"), dog);
			expect(words()).toEqual([["op2", "edit", there]]);
			expect(sent[0]?.refs).toEqual({ $1: ids("op"), "own $1": ids("op") });
			expect(sent[0]?.event).toMatchObject({ media: { name: "dog.png" }, target });
			sent.length = 0;
			await edit("woof", ids("op", "op.caption"), dog);
			expect(words()).toEqual([
				["op2", "edit", there],
				["op2.caption", "edit", "woof"],
			]);
			expect(sent.map(({ refs }) => refs["own $1"])).toEqual([ids("op"), ids("op.caption")]);
			sent.length = 0;
			await edit("woof", ids("op"), dog);
			expect(words()[1]).toEqual(["op2.caption", "message", "woof"]);
			sent.length = 0;
			await edit("", ids("op", "op.caption"), dog);
			expect(words()[1]).toEqual(["op2.caption", "redaction", false]);
		});

		test("edits the file into text if the new file is unavailable", async () => {
			await edit("", ids("op"), { newMedia: true, media: { ...media, name: "dog.png", size: 1001 } });
			expect(sent.map(({ event }) => event)).toMatchObject([
				{ kind: "edit", text: "sent an image: dog.png", target },
			]);
			expect(sent[0]?.event).not.toHaveProperty("media");
			expect(told).toEqual([expect.stringContaining("too large")]);
		});

		test("edits the caption alone, even after an earlier edit of the file", async () => {
			const [file, changed, caption] = ["op", "op2", "op3"].map((one) => [
				`sid ${one}`,
				`msg ${one}`,
			]) as string[][];
			const known = [...file!, "from op a@b", ...changed!, ...caption!, "from op3 a@b"] as MessageId[];
			await edit("new", known);
			expect(sent[0]?.refs["own $1"]).toEqual([...caption!, "from op3 a@b"]);
		});

		test("retracts the file and its caption", async () => {
			await change({ kind: "redaction" }, ids("op", "op.caption"));
			expect(sent.map((out) => [out.operation, out.refs.$1])).toEqual([
				["op2", ids("op")],
				["op2.1", ids("op.caption")],
			]);
			sent.length = 0;
			await change({ kind: "redaction" }, ids("op", "op.caption"), "joined");
			expect(sent.map((out) => out.refs.$1)).toEqual([ids("op", "op.caption")]);
		});
	});

	describe("with an unavailable file", () => {
		const gone = { ...files, url: () => Promise.reject(new PermanentError("not-found", "it is gone.")) };
		const replyTo = { id: "$0" as MessageId };

		test("notifies the sender of a file above the limit, and sends its name with the caption", async () => {
			const large = { ...media, size: 1001 };
			const ids = await createPartSender(
				send,
				() => files,
				tell,
			)(outbound({ media: large, text: "my cat", replyTo }));
			expect(ids).toEqual(["id of op"]);
			expect(sent.map((out) => out.event)).toEqual([
				event({ text: "sent an image: cat.png\nmy cat", replyTo }),
			]);
			expect(told).toEqual([expect.stringContaining("too large")]);
		});

		test("sends the file's name as text, and the other files of the message as files", async () => {
			await createPartSender(send, () => gone, tell)(outbound({ media }));
			expect(sent.map(({ event }) => event)).toEqual([event({ text: "sent an image: cat.png" })]);
			sent.length = 0;
			const more = [{ ...media, name: "dog.png", size: 1001 }];
			await createPartSender(send, () => files, tell)(outbound({ media, more, text: "pets", replyTo }));
			expect(sent.map(({ event }) => event)).toEqual([
				event({ media, text: url, replyTo }),
				event({
					text: "sent an image: dog.png\npets",
					replyTo: { id: "$1" as MessageId, author: alice },
				}),
			]);
			expect(told).toEqual([expect.stringContaining("it is gone."), expect.stringContaining("too large")]);
		});

		test("retries after a temporary error, and sends only the file's name in the end", async () => {
			const away = { ...files, url: () => Promise.reject(new TemporaryError("away")) };
			const say = createPartSender(send, () => away, tell);
			await expect(say({ ...outbound({ media, text: "my cat" }), attempt: 1 })).rejects.toThrow("away");
			expect([sent, told]).toEqual([[], []]);
			await say({ ...outbound({ media, text: "my cat" }), attempt: 8 });
			expect(sent.map(({ event }) => event)).toEqual([event({ text: "sent an image: cat.png\nmy cat" })]);
			expect(told).toHaveLength(1);
		});
	});

	test("sends a message without a file, or with links switched off, unchanged", async () => {
		await createPartSender(send, () => undefined, tell)(outbound({ media }));
		await createPartSender(send, () => files, tell)(outbound({ text: "hi" }));
		expect(sent.map((out) => out.event)).toEqual([event({ media }), event({ text: "hi" })]);
	});
});
