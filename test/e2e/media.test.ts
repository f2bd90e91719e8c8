import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient, type SeenEvent } from "../testbed/matrix-client.ts";
import { type Heard, Slixmpp } from "../testbed/slixmpp.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";

/** Returns a complete image of `size` bytes that viewers open, with random bytes as its content. */
function png(width: number, height: number): Buffer {
	const crcOf = (bytes: Buffer) => {
		let crc = 0xffffffff;
		for (const byte of bytes) {
			crc ^= byte;
			for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
		}
		return (crc ^ 0xffffffff) >>> 0;
	};
	const chunk = (type: string, data: Buffer) => {
		const typed = Buffer.concat([Buffer.from(type), data]);
		const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
		length.writeUInt32BE(data.length);
		crc.writeUInt32BE(crcOf(typed));
		return Buffer.concat([length, typed, crc]);
	};
	const header = Buffer.alloc(13);
	header.writeUInt32BE(width, 0);
	header.writeUInt32BE(height, 4);
	header.set([8, 0, 0, 0, 0], 8);
	const rows = Buffer.concat(
		Array.from({ length: height }, () => Buffer.concat([Buffer.alloc(1), randomBytes(width)])),
	);
	return Buffer.concat([
		Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
		chunk("IHDR", header),
		chunk("IDAT", deflateSync(rows)),
		chunk("IEND", Buffer.alloc(0)),
	]);
}

const sfs = "urn:xmpp:sfs:0";
const oob = "jabber:x:oob";

describe.each(["prosody", "ejabberd"] as const)("files between Synapse and %s", (server) => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	let romeo: XmppClient;
	/** A slixmpp client: it understands the same XEPs about files as the bridge, and shares no code with it. */
	let mercutio: Slixmpp;
	let muc: string;
	let portal: string;
	let files: Server;
	const elsewhere = new Map<string, { bytes: Buffer; type?: string; size?: false }>();
	let elsewhereUrl: string;

	async function begin(): Promise<void> {
		const juliets = `${muc}/Juliet`;
		await romeo.waitFor("Juliet", (one) => one.is("presence") && one.attrs.from === juliets, 20_000);
		await romeo.sendMessage(muc, "ready", "groupchat");
		await juliet.waitForMessage("ready", portal, 20_000);
		await juliet.send(portal, "ready too");
		await romeo.waitForMessage("ready too", `${muc}/Juliet`, 20_000);
	}

	beforeAll(async () => {
		files = createServer((request, response) => {
			const file = elsewhere.get(request.url ?? "");
			if (!file) return void response.writeHead(404).end();
			if (file.type) response.setHeader("content-type", file.type);
			if (file.size !== false) response.setHeader("content-length", file.bytes.length);
			response.write(file.bytes.subarray(0, 10));
			response.end(file.bytes.subarray(10));
		});
		await new Promise<void>((resolve) => files.listen(0, "127.0.0.1", resolve));
		const { port } = files.address() as AddressInfo;
		elsewhereUrl = `http://127.0.0.1:${port}`;
		bridged = await startBridged({
			xmpp: server,
			config: ({ ports }) => ({
				public: { listen: `127.0.0.1:${ports.public}`, url: `http://127.0.0.1:${ports.public}` },
				media: {
					largest: 1,
					private_hosts: [`127.0.0.1:${ports[`${server}Http`]}`, `127.0.0.1:${port}`],
				},
			}),
		});
		juliet = await MatrixClient.connect(bridged.bed.matrix.url, await bridged.bed.matrixUser("juliet"));
		await juliet.displayName("Juliet");
		romeo = await XmppClient.connect(await bridged.bed.xmppUser(server, "romeo"));
		mercutio = await Slixmpp.connect(await bridged.bed.xmppUser(server, "mercutio"));
		muc = `verona@${bridged.xmpp.muc}`;
		await romeo.joinRoom(muc, "Romeo");
		await mercutio.does({ do: "join", to: muc, nick: "Mercutio" }, "joined");
		portal = await juliet.join(`#_xmpp_verona=40${bridged.xmpp.muc}:hs.test`);
		await begin();
	});
	afterAll(async () => {
		await Promise.all([juliet?.close(), romeo?.close(), mercutio?.close()]);
		files?.close();
		await bridged?.down();
	});

	/** Uploads the file as a Matrix client does. */
	async function stored(bytes: Buffer, type: string): Promise<string> {
		const answer = await fetch(`${bridged.bed.matrix.url}/_matrix/media/v3/upload`, {
			method: "POST",
			headers: { authorization: `Bearer ${juliet.accessToken}`, "content-type": type },
			body: new Uint8Array(bytes),
		});
		return ((await answer.json()) as { content_uri: string }).content_uri;
	}
	/** Downloads the file as a client does. */
	async function fetched(mxc: unknown): Promise<Response> {
		const path = String(mxc).slice("mxc://".length);
		return fetch(`${bridged.bed.matrix.url}/_matrix/client/v1/media/download/${path}`, {
			headers: { authorization: `Bearer ${juliet.accessToken}` },
		});
	}
	const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());
	const urlIn = (stanza: Element) => stanza.getChild("x", oob)?.getChild("url")?.getText() ?? "";
	/** Resolves with the stanza that shows a file of this name. */
	const shown = (name: string) =>
		romeo.waitFor(
			name,
			(stanza) =>
				stanza.is("message") &&
				stanza.getChild("file-sharing", sfs)?.getChild("file")?.getChild("name")?.getText() === name,
			20_000,
		);
	const about = (stanza: Element, field: string) =>
		stanza.getChild("file-sharing", sfs)?.getChild("file")?.getChild(field)?.getText();

	test("an image with a caption is an image for each XMPP client, and the caption refers to it", async () => {
		const bytes = png(37, 23);
		await juliet.send(portal, {
			msgtype: "m.image",
			body: "my cat",
			filename: "cat ü.png",
			url: await stored(bytes, "image/png"),
			info: {
				mimetype: "image/png",
				size: bytes.length,
				w: 37,
				h: 23,
				"xyz.amorgan.blurhash": "LKO2:N%2Tw=w",
			},
		});
		const stanza = await shown("cat ü.png");
		expect(stanza.attrs.from).toBe(`${muc}/Juliet`);
		const url = urlIn(stanza);
		expect(stanza.getChild("body")?.getText()).toBe(url);
		const sources = stanza.getChild("file-sharing", sfs)?.getChild("sources");
		expect(sources?.getChild("url-data")?.attrs.target).toBe(url);
		expect(url).toMatch(/\/cat%20%C3%BC\.png$/);
		expect(["media-type", "size", "width", "height"].map((field) => about(stanza, field))).toEqual([
			"image/png",
			String(bytes.length),
			"37",
			"23",
		]);
		const answer = await fetch(url);
		expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/png"]);
		expect(await bytesOf(answer)).toEqual(bytes);
		const head = await fetch(url, { method: "HEAD" });
		expect([head.status, head.headers.get("content-length")]).toEqual([200, String(bytes.length)]);
		const part = await fetch(url, { headers: { range: "bytes=10-19" } });
		expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 10-19/${bytes.length}`]);
		expect(await bytesOf(part)).toEqual(bytes.subarray(10, 20));
		const caption = await romeo.waitFor(
			"the caption",
			(one) => one.is("message") && (one.getChild("body")?.getText() ?? "").endsWith("my cat"),
		);
		const reply = caption.getChild("reply", "urn:xmpp:reply:0");
		const id = stanza.getChildren("stanza-id", "urn:xmpp:sid:0").find((one) => one.attrs.by === muc)
			?.attrs.id;
		expect(reply?.attrs.id).toBe(id);
		expect(romeo.inbox.items.filter((one) => urlIn(one) === url)).toHaveLength(1);
	});

	test("an edited caption is corrected and leaves the file unchanged", async () => {
		const content = { msgtype: "m.image", filename: "e.png", url: await stored(png(2, 2), "image/png") };
		const event = await juliet.send(portal, { ...content, body: "a dog" });
		await shown("e.png");
		const said = (end: string) =>
			romeo.waitFor(end, (one) => one.is("message") && !!one.getChild("body")?.getText().endsWith(end));
		const caption = await said("a dog");
		await juliet.send(portal, {
			...content,
			body: "* a cat",
			"m.new_content": { ...content, body: "a cat" },
			"m.relates_to": { rel_type: "m.replace", event_id: event },
		});
		const edit = await said("a cat");
		expect(edit.getChild("replace", "urn:xmpp:message-correct:0")?.attrs.id).toBe(caption.attrs.id);
	});

	test("an edit that replaces an image replaces it each time, and a deletion removes it", async () => {
		const picture = async (body: string, bytes: Buffer) => ({
			msgtype: "m.image",
			body,
			url: await stored(bytes, "image/png"),
		});
		const event = await juliet.send(portal, await picture("first.png", png(2, 2)));
		const first = await shown("first.png");
		const replace = async (name: string, bytes: Buffer) => {
			const content = await picture(name, bytes);
			await juliet.send(portal, {
				...content,
				body: `* ${name}`,
				"m.new_content": content,
				"m.relates_to": { rel_type: "m.replace", event_id: event },
			});
			return shown(name);
		};
		const links: string[] = [];
		for (const name of ["second.png", "third.png"]) {
			const bytes = png(3, 3);
			const stanza = await replace(name, bytes);
			expect(stanza.getChild("replace", "urn:xmpp:message-correct:0")?.attrs.id).toBe(first.attrs.id);
			expect(stanza.getChild("body")?.getText()).toBe(urlIn(stanza));
			expect(await bytesOf(await fetch(urlIn(stanza)))).toEqual(bytes);
			links.push(urlIn(stanza));
		}
		await juliet.request("PUT", `v3/rooms/${encodeURIComponent(portal)}/redact/${event}/3`, {});
		for (const url of links) {
			for (let tries = 50; tries > 0 && (await fetch(url)).status !== 410; tries--)
				await new Promise((resolve) => setTimeout(resolve, 100));
			expect((await fetch(url)).status).toBe(410);
		}
	});

	test.each([
		["a document", { msgtype: "m.file", body: "a.pdf" }, "application/pdf", "application/octet-stream"],
		["a video", { msgtype: "m.video", body: "v.mp4", info: { duration: 5000 } }, "video/mp4", "video/mp4"],
		["a page", { msgtype: "m.file", body: "evil.html" }, "text/html", "application/octet-stream"],
	])("%s arrives under its name", async (_what, content, type, served) => {
		const bytes = randomBytes(3000);
		const info = { ...("info" in content ? content.info : {}), mimetype: type, size: bytes.length };
		await juliet.send(portal, { ...content, url: await stored(bytes, type), info });
		const stanza = await shown(content.body);
		expect(about(stanza, "media-type")).toBe(type);
		const answer = await fetch(urlIn(stanza));
		expect(answer.headers.get("content-type")).toBe(served);
		expect(await bytesOf(answer)).toEqual(bytes);
	});

	test("a voice message is marked as one", async () => {
		await juliet.send(portal, {
			msgtype: "m.audio",
			body: "Voice message.ogg",
			url: await stored(randomBytes(100), "audio/ogg"),
			info: { mimetype: "audio/ogg", size: 100 },
			"org.matrix.msc1767.audio": { duration: 3000, waveform: [] },
			"org.matrix.msc3245.voice": {},
		});
		const stanza = await shown("Voice message.ogg");
		expect(["media-type", "length", "desc"].map((field) => about(stanza, field))).toEqual([
			"audio/ogg",
			"3000",
			"voice message",
		]);
	});

	test("a sticker is an image with its description", async () => {
		const content = {
			body: "a cat waves",
			url: await stored(png(8, 8), "image/png"),
			info: { mimetype: "image/png" },
		};
		await juliet.send(portal, content, "m.sticker");
		const stanza = await shown("sticker");
		expect(about(stanza, "desc")).toBe("a cat waves");
		expect(urlIn(stanza)).toMatch(/\/sticker\.png$/);
	});

	test("an encrypted attachment is served decrypted, and a damaged one is never served whole", async () => {
		const [key, iv] = [randomBytes(32), Buffer.concat([randomBytes(8), Buffer.alloc(8)])];
		const bytes = randomBytes(200_000);
		const cipher = createCipheriv("aes-256-ctr", key, iv).update(bytes);
		const url = await stored(cipher, "application/octet-stream");
		const file = (sha256: Buffer) => ({
			v: "v2",
			url,
			key: {
				kty: "oct",
				key_ops: ["encrypt", "decrypt"],
				alg: "A256CTR",
				k: key.toString("base64url"),
				ext: true,
			},
			iv: iv.toString("base64").replace(/=+$/, ""),
			hashes: { sha256: sha256.toString("base64").replace(/=+$/, "") },
		});
		const hash = createHash("sha256").update(cipher).digest();
		const image = { msgtype: "m.image", info: { mimetype: "image/png", size: bytes.length } };
		await juliet.send(portal, { ...image, body: "secret.png", file: file(hash) });
		await juliet.send(portal, { ...image, body: "damaged.png", file: file(randomBytes(32)) });
		const answer = await fetch(urlIn(await shown("secret.png")));
		expect(answer.headers.get("content-type")).toBe("image/png");
		expect(await bytesOf(answer)).toEqual(bytes);
		const broken = fetch(urlIn(await shown("damaged.png"))).then((one) => one.arrayBuffer());
		await expect(broken).rejects.toThrow();
	});

	test("a file deleted on Matrix cannot be fetched any more", async () => {
		const content = { msgtype: "m.image", body: "oops.png", url: await stored(png(2, 2), "image/png") };
		const event = await juliet.send(portal, content);
		const url = urlIn(await shown("oops.png"));
		expect((await fetch(url)).status).toBe(200);
		await juliet.request("PUT", `v3/rooms/${encodeURIComponent(portal)}/redact/${event}/1`, {});
		for (let tries = 50; tries > 0 && (await fetch(url)).status !== 410; tries--)
			await new Promise((resolve) => setTimeout(resolve, 100));
		expect((await fetch(url)).status).toBe(410);
	});

	/** Uploads a file as an XMPP client does before it sends the message. */
	async function uploaded(name: string, bytes: Buffer, type: string): Promise<string> {
		const ns = "urn:xmpp:http:upload:0";
		const asked = { xmlns: ns, filename: name, size: String(bytes.length), "content-type": type };
		const answer = await romeo.iq(bridged.xmpp.upload, "get", xml("request", asked));
		const slot = answer.getChild("slot", ns) ?? answer;
		const put = slot.getChild("put");
		const headers = Object.fromEntries(
			(put?.getChildren("header") ?? []).map((one) => [one.attrs.name, one.getText()]),
		);
		const done = await fetch(put?.attrs.url ?? "", {
			method: "PUT",
			headers: { "content-type": type, ...headers },
			body: new Uint8Array(bytes),
		});
		expect(done.status).toBe(201);
		return slot.getChild("get")?.attrs.url ?? "";
	}
	const share = (url: string, ...more: Element[]) =>
		romeo.send(
			xml(
				"message",
				{ to: muc, type: "groupchat", id: randomBytes(6).toString("hex") },
				xml("body", {}, url),
				xml("x", { xmlns: oob }, xml("url", {}, url)),
				...more,
			),
		);
	const arrived = (filename: string): Promise<SeenEvent> =>
		juliet.waitFor(
			filename,
			(event) => event.content.filename === filename && event.room_id === portal,
			20_000,
		);

	test("an image uploaded by an XMPP client is stored on the homeserver with its media type", async () => {
		const bytes = png(31, 17);
		await share(await uploaded("dog.png", bytes, "image/png"));
		const event = await arrived("dog.png");
		expect(event.content).toMatchObject({
			msgtype: "m.image",
			body: "dog.png",
			info: { mimetype: "image/png", size: bytes.length, w: 31, h: 17 },
		});
		const members = await juliet.members(portal);
		expect(members.get(event.sender ?? "")).toBe("Romeo (owner)");
		const answer = await fetched(event.content.url);
		expect(answer.headers.get("content-type")).toBe("image/png");
		expect(await bytesOf(answer)).toEqual(bytes);
		expect(juliet.inbox.items.filter((one) => one.content.filename === "dog.png")).toHaveLength(1);
	});

	test("files that the upload service calls unknown keep their name, and are shown as what they are", async () => {
		const unknown = "application/octet-stream";
		const opus = Buffer.concat([
			Buffer.from("4f67675300020000000000000000010000000000000000000000011b", "hex"),
			Buffer.from("OpusHead\x01\x01"),
			randomBytes(500),
		]);
		await share(await uploaded("voice.ogg", randomBytes(500), unknown));
		await share(await uploaded("untitled", opus, unknown));
		await share(await uploaded("minutes.docx", randomBytes(500), unknown));
		expect((await arrived("voice.ogg")).content).toMatchObject({
			msgtype: "m.audio",
			body: "voice.ogg",
			info: { mimetype: "audio/ogg" },
		});
		expect((await arrived("untitled.ogg")).content).toMatchObject({
			msgtype: "m.audio",
			info: { mimetype: "audio/ogg" },
		});
		const { content } = await arrived("minutes.docx");
		expect(content).toMatchObject({ msgtype: "m.file" });
		expect(String((content.info as { mimetype?: unknown }).mimetype)).toMatch(/wordprocessingml/);
		// The other way, a Matrix client declares no type, and the name has no ending.
		await juliet.send(portal, { msgtype: "m.file", body: "memo", url: await stored(opus, unknown) });
		const stanza = await shown("memo");
		expect(about(stanza, "media-type")).toBe("audio/ogg");
		expect(urlIn(stanza)).toMatch(/\/memo\.ogg$/);
		expect((await fetch(urlIn(stanza))).headers.get("content-type")).toBe("audio/ogg");
	});

	const sharing = (url: string, disposition: string, ...fields: Element[]) =>
		xml(
			"file-sharing",
			{ xmlns: sfs, disposition },
			xml("file", { xmlns: "urn:xmpp:file:metadata:0" }, ...fields),
			xml("sources", {}, xml("url-data", { xmlns: "http://jabber.org/protocol/url-data", target: url })),
		);

	test("a voice message arrives although its server gives no Content-Length", async () => {
		const bytes = randomBytes(5000);
		elsewhere.set("/v", { bytes, type: "audio/ogg", size: false });
		const url = `${elsewhereUrl}/v`;
		await share(url, sharing(url, "voice", xml("name", {}, "v.ogg"), xml("length", {}, "3000")));
		const { content } = await arrived("v.ogg");
		expect(content).toMatchObject({
			msgtype: "m.audio",
			info: { mimetype: "audio/ogg", size: 5000, duration: 3000 },
			"org.matrix.msc3245.voice": {},
		});
		expect(await bytesOf(await fetched(content.url))).toEqual(bytes);
	});

	test("a video arrives with its description, and a sticker as a sticker", async () => {
		elsewhere.set("/a.mp4", { bytes: randomBytes(50), type: "video/mp4" });
		elsewhere.set("/s", { bytes: png(64, 48) });
		const video = `${elsewhereUrl}/a.mp4`;
		await share(video, sharing(video, "inline", xml("name", {}, "a.mp4"), xml("desc", {}, "waves at night")));
		expect((await arrived("a.mp4")).content).toMatchObject({ msgtype: "m.video", body: "waves at night" });
		const sticker = `${elsewhereUrl}/s`;
		await share(
			sticker,
			xml("sticker", { xmlns: "urn:xmpp:stickers:0", pack: "p" }),
			sharing(sticker, "inline", xml("desc", {}, ":wave:")),
		);
		const event = await juliet.waitFor(
			"the sticker",
			(one) => one.type === "m.sticker" && one.content.body === ":wave:",
		);
		expect(event.content).toMatchObject({ info: { mimetype: "image/png", w: 64, h: 48 } });
	});

	describe("a client with XEP-0447 and XEP-0385", () => {
		/** Serves a file on the client's own web server, and returns its description for the `share` command. */
		function kept(name: string, bytes: Buffer, type: string, more: object = {}) {
			const url = `${elsewhereUrl}/${name}`;
			elsewhere.set(`/${name}`, { bytes, type });
			return { name, url, type, data: bytes.toString("base64"), ...more };
		}
		const shares = (how: "sfs" | "sims", shared: { url: string }[], words = "") =>
			mercutio.does(
				{
					do: "share",
					to: muc,
					room: true,
					how,
					files: shared,
					body: [...shared.map(({ url }) => url), words].join("\n").trim(),
				},
				"said",
			);
		const hears = (what: string, fits: (file: NonNullable<Heard["file"]>) => boolean) =>
			mercutio.hears(what, ({ from, file }) => from === `${muc}/Juliet` && !!file && fits(file));

		test("shares several files in one message: each arrives once and in order, and a deletion removes all", async () => {
			const [cat, pages] = [png(11, 7), randomBytes(500)];
			await shares(
				"sfs",
				[
					kept("cats.png", cat, "image/png", { desc: "two cats" }),
					kept("pages.pdf", pages, "application/pdf"),
					kept("gone.pdf", pages, "application/pdf", { url: `${elsewhereUrl}/none/gone.pdf` }),
				],
				"see page 2",
			);
			const first = await arrived("cats.png");
			const second = await arrived("pages.pdf");
			const third = await juliet.waitForMessage(`${elsewhereUrl}/none/gone.pdf`, portal);
			expect(first.content).toMatchObject({
				msgtype: "m.image",
				info: { mimetype: "image/png", w: 11, h: 7 },
			});
			expect(first.content.body).toBe("see page 2\n(it shows: two cats)");
			expect(second.content).toMatchObject({ msgtype: "m.file", body: "pages.pdf" });
			expect(await bytesOf(await fetched(first.content.url))).toEqual(cat);
			expect(await bytesOf(await fetched(second.content.url))).toEqual(pages);
			const events = [first, second, third];
			expect(new Set(events.map(({ sender }) => sender)).size).toBe(1);
			const { items } = juliet.inbox;
			expect(events.map((event) => items.indexOf(event))).toEqual(
				events.map((event) => items.indexOf(event)).toSorted((one, other) => one - other),
			);
			const line = await mercutio.hears(
				"its own line",
				({ from, body }) => from === `${muc}/Mercutio` && body.endsWith("see page 2"),
			);
			await mercutio.does({ do: "retract", to: muc, room: true, id: line.stanza_id });
			for (const { event_id = "?" } of events)
				await juliet.waitFor(
					`the end of ${event_id}`,
					(one) => one.type === "m.room.redaction" && JSON.stringify(one).includes(event_id),
				);
			expect(items.filter(({ content }) => content.filename === "pages.pdf")).toHaveLength(1);
		});

		test("shares media by XEP-0385, with text", async () => {
			const bytes = png(3, 5);
			const shared = [
				kept("older.png", bytes, "image/png", { desc: "a pier" }),
				kept("old.gif", Buffer.from("GIF89a\x02\0\x03\0", "latin1"), "image/gif"),
			];
			await shares("sims", shared);
			expect((await arrived("older.png")).content).toMatchObject({ body: "a pier", info: { w: 3, h: 5 } });
			expect((await arrived("old.gif")).content).toMatchObject({
				info: { mimetype: "image/gif", w: 2, h: 3 },
			});
		});

		test("gives the thumbnail of its video when the bridge requests it", async () => {
			const small = png(4, 3);
			const video = kept("play.mp4", randomBytes(80), "video/mp4", { thumbnail: small.toString("base64") });
			await shares("sfs", [video]);
			const { content } = await arrived("play.mp4");
			const info = content.info as Record<string, unknown>;
			expect(info.thumbnail_info).toEqual({ mimetype: "image/png", size: small.length, w: 4, h: 3 });
			expect(await bytesOf(await fetched(info.thumbnail_url))).toEqual(small);
		});

		test("gives the animated sticker of its own when the bridge requests it", async () => {
			const bytes = Buffer.from("GIF89a\x05\0\x06\0 moves", "latin1");
			const data = bytes.toString("base64");
			await mercutio.does(
				{ do: "show", to: muc, room: true, body: ":dance:", data, type: "image/gif" },
				"said",
			);
			const { type, content } = await juliet.waitFor("the sticker", (one) => one.content.body === ":dance:");
			expect(type).toBe("m.sticker");
			expect(content.info).toEqual({ mimetype: "image/gif", size: bytes.length, w: 5, h: 6 });
			expect(await bytesOf(await fetched(content.url))).toEqual(bytes);
		});

		test("announces a file under a wrong hash: the file is not shown", async () => {
			const file = kept("swapped.pdf", randomBytes(40), "application/pdf");
			await shares("sfs", [{ ...file, data: randomBytes(40).toString("base64") } as typeof file]);
			await juliet.waitForMessage(file.url, portal);
		});

		test("reads the metadata of a file from Matrix, the thumbnail included", async () => {
			const small = png(6, 2);
			const info = {
				mimetype: "video/mp4",
				size: 60,
				w: 640,
				h: 200,
				thumbnail_url: await stored(small, "image/png"),
				thumbnail_info: { mimetype: "image/png", size: small.length, w: 6, h: 2 },
			};
			const url = await stored(randomBytes(60), "video/mp4");
			await juliet.send(portal, { msgtype: "m.video", body: "waves.mp4", url, info });
			const { file } = await hears("waves.mp4", ({ name }) => name === "waves.mp4");
			expect(file).toMatchObject({ "media-type": "video/mp4", size: 60, width: 640, height: 200 });
			expect(file?.oob).toBe(file?.url);
			const [thumbnail] = file?.thumbnails ?? [];
			expect(thumbnail).toMatchObject({ "media-type": "image/png", width: "6", height: "2" });
			expect(await bytesOf(await fetch(thumbnail?.uri ?? ""))).toEqual(small);
		});

		test("recognises a sticker from Matrix as a sticker", async () => {
			const url = await stored(png(8, 8), "image/png");
			await juliet.send(portal, { body: "a dog waves", url, info: { mimetype: "image/png" } }, "m.sticker");
			const { file } = await hears("the sticker", ({ desc }) => desc === "a dog waves");
			expect(file?.sticker).toMatch(/.{24}/);
		});
	});

	test("a file above media.largest leaves its text intact, and the sender reads the reason", async () => {
		elsewhere.set("/huge.png", { bytes: Buffer.alloc(1_100_000), type: "image/png" });
		await share(`${elsewhereUrl}/huge.png`);
		await juliet.waitForMessage(`${elsewhereUrl}/huge.png`, portal);
		const info = { mimetype: "image/png", size: 1_100_000 };
		const url = await stored(png(2, 2), "image/png");
		await juliet.send(portal, { msgtype: "m.image", body: "my huge cat", filename: "huge.png", url, info });
		await romeo.waitForMessage("sent an image: huge.png\nmy huge cat", `${muc}/Juliet`);
		await juliet.waitFor("the reason", ({ content }) =>
			/^Delivered to XMPP in another form: only the name .* too large: 1 MB/.test(String(content.body)),
		);
	});

	test("a file that cannot be fetched crosses as its link, and delays no later message", async () => {
		const private_ = `http://127.0.0.1:${bridged.bed.ports.synapse}/secret.png`;
		await share(`${elsewhereUrl}/gone.png`);
		await share(private_);
		await romeo.sendMessage(muc, "after the files", "groupchat");
		await juliet.waitForMessage(`${elsewhereUrl}/gone.png`, portal);
		await juliet.waitForMessage(private_, portal);
		await juliet.waitForMessage("after the files", portal);
	});

	test("files cross both ways in a chat of two", async () => {
		const jid = `juliet@${bridged.xmpp.component}`;
		const url = await uploaded("two.png", png(5, 4), "image/png");
		await romeo.send(
			xml(
				"message",
				{ to: jid, type: "chat", id: "two" },
				xml("body", {}, url),
				xml("x", { xmlns: oob }, xml("url", {}, url)),
			),
		);
		const invite = await juliet.waitFor("the invitation", (one) => one.from === "invite", 20_000);
		const room = await juliet.join(invite.room_id);
		const event = await juliet.waitFor("two.png", (one) => one.content.filename === "two.png", 20_000);
		expect(event.content.info).toMatchObject({ w: 5, h: 4 });
		const bytes = png(3, 3);
		const picture = async (body: string) => ({
			msgtype: "m.image",
			body,
			url: await stored(bytes, "image/png"),
		});
		const back = await juliet.send(room, await picture("back.png"));
		const stanza = await shown("back.png");
		await juliet.send(room, {
			msgtype: "m.image",
			body: "* other.png",
			"m.new_content": await picture("other.png"),
			"m.relates_to": { rel_type: "m.replace", event_id: back },
		});
		const other = await shown("other.png");
		expect(other.getChild("replace", "urn:xmpp:message-correct:0")?.attrs.id).toBe(stanza.attrs.id);
		expect(stanza.attrs.from?.split("/")[0]).toBe(jid);
		expect(await bytesOf(await fetch(urlIn(stanza)))).toEqual(bytes);
		const content = { msgtype: "m.image", body: "with words", filename: "both.png" };
		const huge = `${elsewhereUrl}/huge2.png`;
		elsewhere.set("/huge2.png", { bytes: Buffer.alloc(1_100_000), type: "image/png" });
		await romeo.send(
			xml(
				"message",
				{ to: jid, type: "chat", id: "huge" },
				xml("body", {}, huge),
				xml("x", { xmlns: oob }, xml("url", {}, huge)),
			),
		);
		await juliet.waitForMessage(huge, room);
		const why = await romeo.waitFor(
			"the reason",
			(one) => one.attrs.type === "error" && one.attrs.id === "huge",
		);
		expect(why.getChild("error")?.getChild("text")?.getText()).toMatch(/only a link .* too large: 1 MB/);
		const info = { mimetype: "image/png", size: 1_100_000 };
		await juliet.send(room, { ...content, body: "so huge", info, url: await stored(bytes, "image/png") });
		await romeo.waitForMessage("sent an image: both.png\nso huge", jid);
		for (const name of ["1.png", "2.png"]) elsewhere.set(`/pair/${name}`, { bytes: png(2, 2) });
		const pair = ["1.png", "2.png"].map((name) => `${elsewhereUrl}/pair/${name}`);
		await romeo.send(
			xml(
				"message",
				{ to: jid, type: "chat", id: "pair" },
				xml("body", {}, pair.join(" ")),
				...pair.map((url) => xml("x", { xmlns: oob }, xml("url", {}, url))),
			),
		);
		const events = await Promise.all(
			["1.png", "2.png"].map((name) => juliet.waitFor(name, (one) => one.content.filename === name)),
		);
		await romeo.send(
			xml(
				"message",
				{ to: jid, type: "chat", id: "no pair" },
				xml("retract", { xmlns: "urn:xmpp:message-retract:1", id: "pair" }),
			),
		);
		for (const { event_id = "?" } of events)
			await juliet.waitFor(
				`the end of ${event_id}`,
				(one) => one.type === "m.room.redaction" && JSON.stringify(one).includes(event_id),
			);
		const both = await juliet.send(room, { ...content, url: await stored(bytes, "image/png") });
		const ids = [
			(await shown("both.png")).attrs.id,
			(await romeo.waitForMessage("with words", jid)).attrs.id,
		];
		await juliet.request("PUT", `v3/rooms/${encodeURIComponent(room)}/redact/${both}/2`, {});
		for (const id of ids)
			await romeo.waitFor(
				`the end of ${id}`,
				(one) => one.getChild("retract", "urn:xmpp:message-retract:1")?.attrs.id === id,
			);
	});

	test("a link to a file works after a restart", async () => {
		const bytes = png(9, 9);
		const url = await stored(bytes, "image/png");
		await juliet.send(portal, { msgtype: "m.image", body: "stays.png", url });
		const link = urlIn(await shown("stays.png"));
		await bridged.stop();
		await bridged.start();
		expect(await bytesOf(await fetch(link))).toEqual(bytes);
	});

	test("an admin revokes the link to a file, and all links to the files of one person", async () => {
		const image = (body: string, url: string) => ({ msgtype: "m.image", body, url });
		const send = async (body: string) =>
			juliet.send(portal, image(body, await stored(png(2, 2), "image/png")));
		await send("bad.png");
		await send("fine.png");
		const [bad, fine] = [urlIn(await shown("bad.png")), urlIn(await shown("fine.png"))];
		const admin = await MatrixClient.connect(bridged.bed.matrix.url, await bridged.bed.matrixUser("admin"));
		const room = await admin.createRoom({ invite: ["@trivium:hs.test"], is_direct: true });
		await admin.waitFor("the bot", (one) => one.room_id === room && one.content.membership === "join");
		const ask = async (text: string) => {
			await admin.send(room, text);
			await admin.waitFor(`an answer to ${text}`, (one) => /^Done/.test(String(one.content.body)), 20_000);
			admin.inbox.items.length = 0;
		};
		await ask(`revoke link ${bad}`);
		expect([(await fetch(bad)).status, (await fetch(fine)).status]).toEqual([410, 200]);
		await ask(`revoke person ${juliet.userId}`);
		expect((await fetch(fine)).status).toBe(410);
		await admin.close();
	});

	test("a file goes to the XMPP server's own upload service where no public address is configured", async () => {
		await bridged.stop();
		const config = parse(readFileSync(bridged.configFile, "utf8")) as Record<string, unknown>;
		delete config.public;
		writeFileSync(bridged.configFile, stringify(config));
		await bridged.start();
		await juliet.send(portal, "back again");
		await romeo.waitForMessage("back again", `${muc}/Juliet`, 20_000);
		const bytes = png(2, 2);
		const content = { msgtype: "m.image", body: "up ü.png", info: { mimetype: "image/png" } };
		await juliet.send(portal, { ...content, url: await stored(bytes, "image/png") });
		await juliet.send(portal, "after the upload");
		const stanza = await shown("up ü.png");
		expect(urlIn(stanza)).toContain(`:${bridged.bed.ports[`${server}Http`]}/`);
		const answer = await fetch(urlIn(stanza));
		expect(answer.headers.get("content-type")).toBe("image/png");
		expect(await bytesOf(answer)).toEqual(bytes);
		const after = await romeo.waitForMessage("after the upload", muc);
		expect(romeo.inbox.items.indexOf(after)).toBeGreaterThan(romeo.inbox.items.indexOf(stanza));
	});
});
