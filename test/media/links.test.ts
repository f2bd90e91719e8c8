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

let links: ReturnType<typeof createMediaLinks>;
let mapping: ReturnType<typeof createMemoryMapping>;
beforeEach(async () => {
	mapping = createMemoryMapping();
	await mapping.open();
	links = createMediaLinks({ mapping, url: "https://bridge.test/" });
	await links.start();
});

describe("a link", () => {
	test("leads to its file, and ends in the file's name", () => {
		const url = links.link(cat, message);
		expect(url).toMatch(/^https:\/\/bridge\.test\/media\/[\w-]+\/cat\.png$/);
		expect(links.read(token(url))).toMatchObject(cat);
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
					await expect(links.revoke({ url })).rejects.toThrow("no link to a file of this bridge");
			}),
		);
	});

	test("is the same after a restart, so that a retry sends the same message", async () => {
		const again = createMediaLinks({ mapping, url: "https://bridge.test" });
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
	});

	test.each([
		["cat", "image/png", "cat.png"],
		["../../etc/passwd", undefined, ".._.._etc_passwd"],
		["..", undefined, "file"],
		["", "audio/ogg", "file.ogg"],
		["Bericht ü.pdf", "application/pdf", "Bericht%20%C3%BC.pdf"],
		["a?b#c%d", "text/plain; charset=utf-8", "a%3Fb%23c%25d.txt"],
		["x\ud800y\u0000\n.gif", "image/gif", "x_y__.gif"],
	])("to a file with the name %j ends in a name that clients can use", (name, mime, end) => {
		const url = links.link({ ...cat, name, mime }, message);
		expect(new URL(url).pathname.split("/").slice(3)).toEqual([end]);
		expect(links.read(token(url))?.name).toBe(name);
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
			await expect(links.revoke({ url })).rejects.toThrow("no link to a file of this bridge");
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
			const start = Date.now();
			await expect(links.revoked(read(), async () => file)).rejects.toThrow();
			expect([file.body.destroyed, Date.now() - start < 1_000]).toEqual([true, true]);
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
