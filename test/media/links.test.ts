import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { MessageId, NetworkName, RoomId, UserId } from "../../src/core/ids.ts";
import { createMediaLinks } from "../../src/media/links.ts";
import { createSeal } from "../../src/media/seal.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";

const network = "matrix" as NetworkName;
const cat = { source: { network, ref: "mxc://hs.test/cat" }, name: "cat.png", mime: "image/png" };
const message = {
	network,
	room: "!room" as RoomId,
	id: "$event" as MessageId,
	person: "@alice:hs.test" as UserId,
};
const never = () => Promise.reject(new Error("opened"));
const token = (url: string) => url.split("/").at(-2) as string;
const end = (url: string) => url.split("/").at(-1) as string;
const known = ["matrix mxc://hs.test/", "matrix mxc://"];

let links: ReturnType<typeof createMediaLinks>;
let mapping: ReturnType<typeof createMemoryMapping>;
beforeEach(async () => {
	mapping = createMemoryMapping();
	await mapping.open();
	links = createMediaLinks({ mapping, url: "https://bridge.test/", known });
	await links.start();
});

describe("a link", () => {
	test("leads to its file, and ends in the file's name", () => {
		const url = links.link(cat, message);
		expect(url).toMatch(/^https:\/\/bridge\.test\/media\/[\w-]+\/cat\.png$/);
		expect(links.read(token(url), end(url))).toMatchObject(cat);
	});

	test("has few characters: what is in the URL besides the token takes no room in the token", () => {
		const photo = { ...cat, source: { network, ref: "mxc://hs.test/GCmhgzMPRjqgpODLsNQzVuHZ" } };
		const url = links.link({ ...photo, name: "IMG_20260101_120000.jpg", mime: "image/jpeg" }, message);
		expect(token(url).length).toBeLessThan(75);
		const other = links.link({ ...photo, name: "Отчёт за 2026 год, итоговый вариант.pdf" }, message);
		expect(end(other)).toMatch(/^(%D0%..|%D1%..){3}\.pdf$/);
		expect(other.length).toBeLessThan(230);
		expect(links.read(token(other), "x.pdf")?.name).toBe("Отчёт за 2026 год, итоговый вариант.pdf");
	});

	test("leads to the same file, whatever its network, its reference, its name and its type", async () => {
		const word = fc.oneof(
			fc.string({ unit: "binary", maxLength: 80 }),
			fc.stringMatching(/^[\w-]{0,60}$/),
			fc.base64String({ maxLength: 60 }),
			fc.constantFrom(
				"mxc://hs.test/",
				"mxc://other.test/abcdefgh",
				"=",
				"+/+/",
				"AAAA",
				"A",
				"é".repeat(300),
				"b".repeat(70_000),
			),
		);
		const ref = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join(" ").toWellFormed());
		const mime = fc.constantFrom(undefined, "image/png", "text/plain", "application/x-own");
		const name = fc.string({ unit: "grapheme", maxLength: 60 });
		await fc.assert(
			fc.asyncProperty(ref, name, mime, fc.constantFrom("matrix", "x"), async (ref, name, mime, of) => {
				const source = { network: of as NetworkName, ref };
				const url = links.link({ source, name, mime }, message);
				const linked = links.read(token(url), end(url));
				expect([linked?.source, linked?.mime]).toEqual([source, mime]);
				expect(links.read(token(url), "%")?.source).toEqual(source);
			}),
		);
	});

	test("of version 0.1.0 still leads to its file, and can be revoked", async () => {
		await mapping.close();
		mapping = createMemoryMapping();
		await mapping.open();
		await mapping.once("secret media links", () => Buffer.alloc(32, 7).toString("base64url"));
		links = createMediaLinks({ mapping, url: "https://bridge.test/", known });
		await links.start();
		const old =
			"YODpfWc96U0hOLXUw6JpysKTiCBA6Kii8GiDhgemJpEDcXRxcOMQYOtMDArfnth6uP6-6jI60nvxXYMCr2IKPv1EwbrsKFMKFwq81uPiRlM1JEGRhUGS3Wg2391dybj5RUkXARjKhbKuocTLlBaI2pmIcVcXfw";
		const linked = links.read(old, "else.png");
		expect(linked).toMatchObject(cat);
		if (!linked) throw new Error("no link");
		expect(await links.revoked(linked, never)).toBe(false);
		await links.revoke({ url: links.link(cat, message) });
		expect(await links.revoked(linked, never)).toBe(true);
	});

	test("a link that the bridge did not make reads as undefined, and never throws", async () => {
		const [good = ""] = [token(links.link(cat, message))];
		const changed = fc
			.tuple(fc.nat(good.length - 1), fc.base64String({ minLength: 4, maxLength: 4 }))
			.map(([at, by]) => good.slice(0, at) + by + good.slice(at + 1));
		const odd = fc.oneof(fc.string({ unit: "binary" }), fc.base64String(), changed);
		await fc.assert(
			fc.asyncProperty(odd, async (text) => {
				fc.pre(text !== good);
				expect(links.read(text)).toBeUndefined();
				for (const url of [text, `https://bridge.test/media/${text}`, `https://bridge.test/media/${text}/x`])
					await expect(links.revoke({ url })).rejects.toThrow("not a link to a file of this bridge");
			}),
		);
	});

	test("is the same after a restart, so that a retry sends the same message", async () => {
		const again = createMediaLinks({ mapping, url: "https://bridge.test", known });
		await again.start();
		expect(again.link(cat, message)).toBe(links.link(cat, message));
	});

	test("shows neither the sender nor the source of its file", () => {
		const bytes = Buffer.from(token(links.link(cat, message)), "base64url").toString("latin1");
		expect(bytes).not.toContain("alice");
		expect(bytes).not.toContain("mxc");
	});

	test("with one bit changed leads nowhere", () => {
		const bytes = Buffer.from(token(links.link(cat, message)), "base64url");
		for (let bit = 0; bit < bytes.length * 8; bit++) {
			const forged = Buffer.from(bytes);
			forged[bit >> 3] = (forged[bit >> 3] as number) ^ (1 << (bit & 7));
			expect(links.read(forged.toString("base64url"))).toBeUndefined();
		}
		for (const other of ["", "AAAA", bytes.toString("base64"), `${bytes.toString("base64url")}=`, "ü"])
			expect(links.read(other)).toBeUndefined();
	});

	test("of another bridge, or with a token of another purpose, leads nowhere", async () => {
		const other = createMediaLinks({ mapping: createMemoryMapping(), url: "https://bridge.test" });
		await other.start();
		expect(links.read(token(other.link(cat, message)))).toBeUndefined();
		const secret = Buffer.alloc(32).toString("base64url");
		expect(createSeal(secret, "a").open(createSeal(secret, "b").close("text"))).toBeUndefined();
		expect(createSeal(secret, "a", 12).open(createSeal(secret, "a").close("text"))).toBeUndefined();
	});

	test.each([
		["cat", "image/png", "cat.png"],
		["../../etc/passwd", undefined, ".._.._etc_passwd"],
		["..", undefined, "file"],
		["", "audio/ogg", "file.ogg"],
		["Bericht ü.pdf", "application/pdf", "Bericht%20%C3%BC.pdf"],
		["a?b#c%d", "text/plain; charset=utf-8", "a%3Fb%23c%25d.txt"],
		["x\ud800y\u0000\n.gif", "image/gif", "x_y__.gif"],
		[`${"a".repeat(300)}.png`, "image/png", `${"a".repeat(200)}.png`],
	])("to a file with the name %j ends in a name that clients can use", (name, mime, last) => {
		const url = links.link({ ...cat, name, mime }, message);
		expect(new URL(url).pathname.split("/").slice(3)).toEqual([last]);
		expect(links.read(token(url), last)?.name).toBe(decodeURIComponent(last));
	});
});

describe("a link is revoked", () => {
	const read = (of = message, target = cat) => {
		const linked = links.read(token(links.link(target, of)));
		if (!linked) throw new Error("not a link");
		return linked;
	};

	test("with its message, and no other of the same person", async () => {
		await links.revoke({ event: message });
		expect(await links.revoked(read(), never)).toBe(true);
		expect(await links.revoked(read({ ...message, id: "$other" as MessageId }), never)).toBe(false);
		expect(await links.revoked(read({ ...message, room: "!other" as RoomId }), never)).toBe(false);
	});

	test("by its URL; a URL of no link of the bridge is refused", async () => {
		await links.revoke({ url: links.link(cat, message) });
		expect(await links.revoked(read(), never)).toBe(true);
		expect(await links.revoked(read({ ...message, id: "$other" as MessageId }), never)).toBe(false);
		for (const url of ["https://elsewhere.test/media/AAAA/cat.png", "https://bridge.test/", "cat"])
			await expect(links.revoke({ url })).rejects.toThrow("not a link to a file of this bridge");
	});

	test("with everything a person sent, and nothing of others", async () => {
		await links.revoke({ person: { network, id: message.person } });
		expect(await links.revoked(read({ ...message, id: "$other" as MessageId }), never)).toBe(true);
		expect(await links.revoked(read({ ...message, person: "@bob:hs.test" as UserId }), never)).toBe(false);
	});

	test("with every link to a file with the same hash, and reads each file once for its hash", async () => {
		const files: Record<string, string> = { one: "evil", two: "evil", three: "good" };
		const at = (ref: string) => read(message, { ...cat, source: { network, ref } });
		let opened = 0;
		const open = (ref: string) => async () => {
			opened += 1;
			return { body: Readable.from([Buffer.from(files[ref] as string)]) };
		};
		expect(await links.revoked(at("one"), open("one"))).toBe(false);
		expect(opened).toBe(0);
		await links.revoke({ hash: createHash("sha256").update("evil").digest("hex").toUpperCase() });
		expect(await links.revoked(at("one"), open("one"))).toBe(true);
		expect(await links.revoked(at("two"), open("two"))).toBe(true);
		expect(await links.revoked(at("three"), open("three"))).toBe(false);
		expect(await links.revoked(at("three"), open("three"))).toBe(false);
		expect(opened).toBe(3);
	});

	describe("by its file's hash, which reads", () => {
		const endless = (pause: number) =>
			Readable.from(
				(async function* () {
					for (;;) {
						yield Buffer.alloc(100);
						await new Promise((resolve) => setTimeout(resolve, pause));
					}
				})(),
				{ objectMode: false },
			);
		beforeEach(async () => {
			links = createMediaLinks({ mapping, url: "https://bridge.test", largest: 1_000, hashWithin: 200 });
			await links.start();
			await links.revoke({ hash: createHash("sha256").update("evil").digest("hex") });
		});

		test.each<[string, () => { body: Readable; size?: number }]>([
			["says that it is too large", () => ({ body: endless(0), size: 1_001 })],
			["never ends", () => ({ body: endless(0) })],
			["comes too slowly", () => ({ body: endless(50) })],
			["stalls", () => ({ body: new Readable({ read() {} }) })],
		])("no more than the size limit of a file that %s", async (_how, make) => {
			const file = make();
			await expect(links.revoked(read(), async () => file)).rejects.toThrow();
			expect(file.body.destroyed).toBe(true);
		});

		test("the file once for concurrent requests", async () => {
			let opened = 0;
			const open = async () => {
				opened += 1;
				await new Promise((resolve) => setTimeout(resolve, 20));
				return { body: Readable.from([Buffer.from("evil")]) };
			};
			const asked = await Promise.all([1, 2, 3].map(() => links.revoked(read(), open)));
			expect([asked, opened]).toEqual([[true, true, true], 1]);
		});
	});

	test("for good, also after a restart", async () => {
		await links.revoke({ event: message });
		const again = createMediaLinks({ mapping, url: "https://bridge.test" });
		await again.start();
		expect(await again.revoked(read(), never)).toBe(true);
	});
});
