import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { MessageId, NetworkName, RoomId, UserId } from "../../src/core/ids.ts";
import type { ByteRange, Opened } from "../../src/core/media.ts";
import * as phrases from "../../src/core/phrases.ts";
import { publicListener } from "../../src/http/public.ts";
import { createMediaLinks, mediaPath } from "../../src/media/links.ts";
import { partOf, slice } from "../../src/media/range.ts";
import { createMediaServer, type Serving } from "../../src/media/serve.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { eventually } from "../eventually.ts";
import { quiet, until } from "../fakes.ts";
import { patience } from "../patience.ts";

const network = "matrix" as NetworkName;
const message = {
	network,
	room: "!room" as RoomId,
	id: "$event" as MessageId,
	person: "@alice:hs.test" as UserId,
};
const MB = 1_048_576;

type Source = (range?: ByteRange) => Promise<Opened>;
/** A file whose network serves ranges. */
const file =
	(bytes: Buffer, mime?: string): Source =>
	async (range) => {
		const part = range && partOf(range, bytes.length);
		const body = Readable.from([bytes], { objectMode: false });
		return {
			body: part ? slice(body, part.start, part.end) : body,
			size: bytes.length,
			...(mime && { mime }),
			...(part && { part }),
		};
	};

let links: ReturnType<typeof createMediaLinks>;
let listener: Awaited<ReturnType<typeof publicListener>>;
let source: Source;
let base: string;
const opened: Opened[] = [];

async function listen(shares: Partial<Serving> = {}): Promise<void> {
	opened.length = 0;
	links = createMediaLinks({ mapping: createMemoryMapping(), url: "http://bridge.test" });
	await links.start();
	const open = async (_source: unknown, range?: ByteRange) => {
		const one = await source(range);
		opened.push(one);
		return one;
	};
	const media = createMediaServer(links, {
		open,
		largest: 200 * MB,
		log: quiet,
		atOnce: 3,
		atOnceOfOne: 2,
		idle: patience,
		...shares,
	});
	listener = await publicListener({ host: "127.0.0.1", port: 0 }, { [mediaPath]: media });
	base = `http://127.0.0.1:${listener.address.port}`;
}
beforeEach(() => listen());
afterEach(() => listener.close());

const urlOf = (mime: string | undefined, name = "cat.png", ref = "mxc://hs/1") =>
	links.link({ source: { network, ref }, name, mime }, message).replace("http://bridge.test", base);
const png = (ref?: string) => urlOf("image/png", "cat.png", ref);

describe("a person who opens a link", () => {
	test("gets the file with its name and type, with headers that let a browser run nothing", async () => {
		source = file(Buffer.from("pixels"));
		const answer = await fetch(png());
		expect(answer.status).toBe(200);
		expect(await answer.text()).toBe("pixels");
		const { headers } = answer;
		expect(headers.get("content-type")).toBe("image/png");
		expect(headers.get("content-length")).toBe("6");
		expect(headers.get("content-disposition")).toBe("inline; filename*=UTF-8''cat.png");
		expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*sandbox$/);
		expect(headers.get("x-content-type-options")).toBe("nosniff");
		expect(headers.get("referrer-policy")).toBe("no-referrer");
		expect(headers.get("cache-control")).toMatch(/^private, max-age=\d+$/);
	});

	test.each([
		["image/svg+xml", "application/octet-stream", "attachment"],
		["text/html", "application/octet-stream", "attachment"],
		["application/xhtml+xml", "application/octet-stream", "attachment"],
		["application/pdf", "application/octet-stream", "attachment"],
		["image/png\r\nset-cookie: a=b", "application/octet-stream", "attachment"],
		[undefined, "application/octet-stream", "attachment"],
		["text/plain; charset=iso-8859-1", "text/plain; charset=utf-8", "inline"],
		["VIDEO/MP4", "video/mp4", "inline"],
		["audio/ogg; codecs=opus", "audio/ogg", "inline"],
	])("to a file of the type %s gets the type %s", async (mime, type, disposition) => {
		source = file(Buffer.from("x"));
		const answer = await fetch(urlOf(mime, `it's a "ü".bin`));
		await answer.text();
		expect(answer.headers.get("content-type")).toBe(type);
		expect(answer.headers.get("content-disposition")).toBe(
			`${disposition}; filename*=UTF-8''it%27s%20a%20%22%C3%BC%22.bin`,
		);
	});

	test.each([
		["breaks lines", "a\r\nset-cookie: b=c\r\n\r\n<script>"],
		["is not in Latin-1", "猫\u{1f408}.png"],
		["is half a character", "\ud83d.png"],
		["has control characters", "\0\x1b\x7f\u202e"],
		["is 60 000 characters long", "n".repeat(60_000)],
		["is 60 000 characters long, each of nine characters in a header", "猫".repeat(60_000)],
		["is empty", ""],
		["steps up", "../../x"],
	])("gets the file if its name %s", async (_what, name) => {
		source = file(Buffer.from("pixels"));
		const url = urlOf(`image/png; x=${name}`, name);
		expect(url.length).toBeLessThan(8_000);
		const answer = await fetch(url);
		expect([answer.status, await answer.text()]).toEqual([200, "pixels"]);
		expect(answer.headers.get("content-type")).toBe("image/png");
		expect(answer.headers.get("content-disposition")).toMatch(/^inline; filename\*=UTF-8''[\w%.~!-]*$/);
		expect(answer.headers.has("set-cookie")).toBe(false);
	});

	test("gets no body for a HEAD request", async () => {
		source = file(Buffer.from("pixels"));
		const answer = await fetch(png(), { method: "HEAD" });
		expect([answer.status, answer.headers.get("content-length"), await answer.text()]).toEqual([
			200,
			"6",
			"",
		]);
		expect(opened[0]?.body.destroyed).toBe(true);
	});

	test.each([
		["bytes=2-3", 206, "xe", "bytes 2-3/6"],
		["bytes=4-", 206, "ls", "bytes 4-5/6"],
		["bytes=-1", 206, "s", "bytes 5-5/6"],
		["bytes=0-99", 206, "pixels", "bytes 0-5/6"],
		["bytes=6-", 416, "", "bytes */6"],
		["bytes=0-0,2-3", 200, "pixels", null],
		["nonsense", 200, "pixels", null],
	])("gets the range %s", async (range, status, text, contentRange) => {
		source = file(Buffer.from("pixels"));
		const answer = await fetch(png(), { headers: { range } });
		expect([answer.status, await answer.text(), answer.headers.get("content-range")]).toEqual([
			status,
			text,
			contentRange,
		]);
		expect(opened[0]?.body.destroyed).toBe(true);
	});

	test("gets the whole file from a network without ranges, or with an If-Range", async () => {
		source = () => file(Buffer.from("pixels"))();
		expect((await fetch(png(), { headers: { range: "bytes=2-3" } })).status).toBe(200);
		source = file(Buffer.from("pixels"));
		expect((await fetch(png(), { headers: { range: "bytes=2-3", "if-range": '"x"' } })).status).toBe(200);
	});

	test("may change the file name in the URL, and gets the file under no name that its sender did not give it", async () => {
		source = file(Buffer.alloc(0));
		const answer = await fetch(`${png().replace("cat.png", "other.exe")}?download=1`);
		expect([answer.status, await answer.text(), answer.headers.get("content-disposition")]).toEqual([
			200,
			"",
			"inline; filename*=UTF-8''file.png",
		]);
	});
});

describe("an error without detail", () => {
	const status = async (url: string, init?: RequestInit) => {
		const answer = await fetch(url, init);
		expect(await answer.text()).toBe(phrases.noFileBecause(answer.status));
		expect(answer.headers.get("content-security-policy")).toContain("sandbox");
		return answer.status;
	};

	test("is 404 for a link that the bridge did not make, or whose file is gone", async () => {
		source = () => Promise.reject(new PermanentError("not-found", "secret detail"));
		expect(await status(`${base}/media/`)).toBe(404);
		expect(await status(`${base}/media/AAAAAAAAAAAAAAAAAAAAAAAAAAAA/x`)).toBe(404);
		expect(opened).toEqual([]);
		expect(await status(png())).toBe(404);
		expect((await fetch(`${base}/elsewhere`)).status).toBe(404);
	});

	test("has a sentence that says what is wrong, and no detail", async () => {
		source = file(Buffer.from("pixels"));
		await links.revoke({ event: message });
		const answer = await fetch(png());
		expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
		expect(await answer.text()).toMatch(/^This link leads nowhere any more: /);
		const head = await fetch(png(), { method: "HEAD" });
		expect([head.status, await head.text()]).toEqual([410, ""]);
	});

	test("is 405 for all methods but GET and HEAD", async () => {
		expect(await status(png(), { method: "POST", body: "x" })).toBe(405);
	});

	test("is 410 for a revoked link", async () => {
		source = file(Buffer.from("pixels"));
		await links.revoke({ event: message });
		expect(await status(png())).toBe(410);
		expect(await status(png(), { headers: { range: "bytes=0-0" } })).toBe(410);
		expect(opened).toEqual([]);
	});

	test("is 502 if the network refuses the file, or the file is too large", async () => {
		for (const error of [
			new TemporaryError("secret"),
			new TypeError("bug"),
			new PermanentError("failed", "s"),
		]) {
			source = () => Promise.reject(error);
			expect(await status(png())).toBe(502);
		}
		source = async () => ({ body: Readable.from([]), size: 201 * MB });
		expect(await status(png())).toBe(502);
	});
});

describe("a source that", () => {
	const outcome = (url: string) =>
		fetch(url)
			.then((answer) => answer.arrayBuffer())
			.then(
				(bytes) => bytes.byteLength,
				() => "cut off",
			);

	test("fails midway or ends early leaves no file that looks complete", async () => {
		source = async () => ({
			size: 6,
			body: Readable.from(
				(async function* () {
					yield Buffer.from("pix");
					throw new Error("reset");
				})(),
				{ objectMode: false },
			),
		});
		expect(await outcome(png())).toBe("cut off");
		source = async () => ({ body: Readable.from([Buffer.from("pix")]), size: 6 });
		expect(await outcome(png())).toBe("cut off");
		source = async () => ({ body: Readable.from([Buffer.from("pixels and more")]), size: 6 });
		expect(await outcome(png())).toBe(6);
		source = file(Buffer.from("pixels"));
		expect(await outcome(png())).toBe(6);
	});

	test("fails before it is read does not end the process", async () => {
		source = async () => {
			const body = new Readable({ read() {} });
			body.destroy(new Error("reset"));
			return { body, size: 6 };
		};
		expect(await outcome(png())).toBe("cut off");
	});

	test("never ends is cut off at the limit", async () => {
		const piece = Buffer.alloc(MB);
		source = async () => ({ body: endless(piece) });
		expect(await outcome(png())).toBe("cut off");
	});
});

function endless(piece: Buffer) {
	return Readable.from(
		(async function* () {
			for (;;) yield piece;
		})(),
		{ objectMode: false },
	);
}

describe("a client that", () => {
	/** Sends a request and never reads the answer. */
	const deaf = (url: string) => {
		const socket = connect(listener.address.port, "127.0.0.1");
		socket.pause();
		socket.on("error", () => undefined);
		socket.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nHost: x\r\n\r\n`);
		return socket;
	};

	test("disconnects midway has its source destroyed", async () => {
		source = async () => ({ body: endless(Buffer.alloc(1000)) });
		const socket = deaf(png());
		await until(
			() => opened.length === 1,
			() => "not opened",
		);
		socket.destroy();
		await until(
			() => opened[0]?.body.destroyed === true,
			() => "still open",
		);
	});

	test("disconnects before the source answers has its source destroyed, too", async () => {
		const late = Promise.withResolvers<Opened>();
		source = () => late.promise;
		const socket = deaf(png());
		await new Promise((resolve) => setTimeout(resolve, 50));
		socket.destroy();
		await new Promise((resolve) => setTimeout(resolve, 50));
		late.resolve({ body: endless(Buffer.alloc(1000)) });
		await until(
			() => opened[0]?.body.destroyed === true,
			() => "still open",
		);
	});

	test("reads nothing gets no more than the buffers hold, and is disconnected", async () => {
		await listener.close();
		await listen({ idle: 300 });
		let given = 0;
		const body = Readable.from(
			(async function* () {
				for (;;) {
					given += MB;
					yield Buffer.alloc(MB);
				}
			})(),
			{ objectMode: false },
		);
		source = async () => ({ body });
		deaf(png());
		await until(
			() => body.destroyed,
			() => `still open after ${given} bytes`,
		);
		expect(given).toBeLessThan(30 * MB);
	});

	test("opens the same link too often gets 503, and so do all clients above the total limit", async () => {
		source = async () => ({ body: endless(Buffer.alloc(1000)) });
		const one = [deaf(png()), deaf(png())];
		await until(
			() => opened.length === 2,
			() => "not opened",
		);
		const answer = await fetch(png());
		expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
		const other = deaf(png("mxc://hs/2"));
		await until(
			() => opened.length === 3,
			() => "not opened",
		);
		expect((await fetch(png("mxc://hs/3"))).status).toBe(503);
		for (const socket of [...one, other]) socket.destroy();
		await until(
			() => opened.every(({ body }) => body.destroyed),
			() => "still open",
		);
		source = file(Buffer.from("pixels"));
		expect((await fetch(png())).status).toBe(200);
	});
});

describe("the slots for answers", () => {
	beforeEach(() => listener.close());
	/** Sends a request with an `X-Forwarded-For` as of a proxy, and never reads the answer. */
	const deaf = (url: string, forwarded?: string) => {
		const socket = connect(listener.address.port, "127.0.0.1");
		socket.pause();
		socket.on("error", () => undefined);
		const header = forwarded ? `X-Forwarded-For: ${forwarded}\r\n` : "";
		socket.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nHost: x\r\n${header}\r\n`);
		return socket;
	};
	const status = async (url: string, forwarded?: string) => {
		const answer = await fetch(url, forwarded ? { headers: { "x-forwarded-for": forwarded } } : {});
		await answer.body?.cancel();
		return answer.status;
	};
	const opens = (count: number) =>
		until(
			() => opened.length === count,
			() => `${opened.length} opened`,
		);
	const forever: Source = async () => ({ body: endless(Buffer.alloc(65_536)) });

	test("give one IPv4 address or IPv6 network no more than its share, and the rest to other clients", async () => {
		await listen({ atOnce: 100, atOnceOfOne: 100, atOnceToOne: 3, idle: 60_000 });
		source = forever;
		const slow = ["8.8.8.8", "9.9.9.9, 8.8.8.8", "8.8.8.8:1234"].map((from) => deaf(png(), from));
		const six = ["2606:4700::1", "2606:4700:0:0:9::2", "[2606:4700::3]:80"].map((from) => deaf(png(), from));
		await opens(6);
		const refused = await fetch(png(), { headers: { "x-forwarded-for": "8.8.8.8" } });
		expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
		expect(await status(png(), "1.1.1.1, 8.8.8.8")).toBe(503);
		expect(await status(png(), "2606:4700::4")).toBe(503);
		expect(await status(png(), "8.8.8.8, 1.1.1.1")).toBe(200);
		expect(await status(png(), "2606:4700:0:1::1")).toBe(200);
		// A client that the proxy does not name has no share of its own.
		for (const nobody of [undefined, "unknown", "192.168.0.9", "8.8.8.8.8, x"])
			expect(await status(png(), nobody)).toBe(200);
		for (const socket of [...slow, ...six]) socket.destroy();
	});

	test("pass from a reader that reads nothing to the next client", async () => {
		let now = performance.now();
		const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
		onTestFinished(() => clock.mockRestore());
		await listen({ atOnce: 10, atOnceOfOne: 10, idle: 60_000, yields: 2_000 });
		source = forever;
		const slow = Array.from({ length: 10 }, (_, at) => deaf(png(), `8.8.${at}.8`));
		await opens(10);
		expect(await status(png(), "1.1.1.1")).toBe(503);
		for (const from of ["1.1.1.1", "1.1.1.2", undefined])
			await eventually(async () => {
				// The bytes of an answer begin to wait some time after it was opened.
				now += 2_000;
				expect(await status(png(), from)).toBe(200);
			});
		for (const socket of slow) socket.destroy();
	});

	test("stay with a reader that goes on reading", async () => {
		// The test sets the time itself, so that a busy machine does not make the reader slow.
		let now = performance.now();
		const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
		onTestFinished(() => clock.mockRestore());
		await listen({ atOnce: 1, atOnceOfOne: 1, idle: 60_000, yields: 200, largest: Number.MAX_SAFE_INTEGER });
		let given = 0;
		const chunks = async function* () {
			for (;;) {
				given++;
				yield Buffer.alloc(65_536);
			}
		};
		source = async () => ({ body: Readable.from(chunks(), { objectMode: false }) });
		const reader = (await fetch(png())).body?.getReader();
		for (let round = 0; round < 10; round++) {
			now += 150;
			// The source is asked for more only after the server has noted that the reader took a chunk.
			for (const before = given; given < before + 3; ) await reader?.read();
			expect(await status(png("mxc://hs/2"))).toBe(503);
		}
		await reader?.cancel();
	});

	test("are taken from an answer below the minimum rate, although some bytes move all the time", async () => {
		await listen({ grace: 400, leastPerSecond: 100_000, idle: 60_000 });
		source = async () => ({
			size: 1_000_000,
			body: Readable.from(
				(async function* () {
					for (let at = 0; at < 1_000; at++) {
						yield Buffer.alloc(1_000);
						await new Promise((resolve) => setTimeout(resolve, 50));
					}
				})(),
				{ objectMode: false },
			),
		});
		const outcome = await fetch(png()).then((answer) => answer.arrayBuffer().catch(() => "cut off"));
		expect(outcome).toBe("cut off");
		await until(
			() => opened[0]?.body.destroyed === true,
			() => "still open",
		);
	});

	test("are not taken by a request that waits behind another answer on its connection", async () => {
		await listen({});
		source = forever;
		const socket = connect(listener.address.port, "127.0.0.1");
		const closed = new Promise((resolve) => socket.on("close", resolve));
		socket.on("error", () => undefined);
		const request = `GET ${new URL(png()).pathname} HTTP/1.1\r\nHost: x\r\n\r\n`;
		socket.write(request + request);
		socket.resume();
		await closed;
		expect(opened.length).toBeLessThanOrEqual(1);
		await until(
			() => opened.every(({ body }) => body.destroyed),
			() => "still open",
		);
	});
});

test("a file of 200 MB passes unchanged in little memory", async () => {
	const piece = randomBytes(MB);
	const sent = createHash("sha256");
	let [given, taken, most] = [0, 0, 0];
	source = async () => ({
		size: 200 * MB,
		body: Readable.from(
			(async function* () {
				for (let i = 0; i < 200; i++) {
					sent.update(piece);
					given += piece.length;
					most = Math.max(most, given - taken);
					yield piece;
				}
			})(),
			{ objectMode: false },
		),
	});
	const got = createHash("sha256");
	const { promise, resolve } = Promise.withResolvers<void>();
	http.get(png(), (answer) => {
		answer.on("data", (chunk: Buffer) => {
			got.update(chunk);
			taken += chunk.length;
		});
		answer.on("end", resolve);
	});
	await promise;
	expect(got.digest("hex")).toBe(sent.digest("hex"));
	// The bytes that the source gave and the reader has not got are in our buffers, and in those of the kernel.
	expect(most / MB).toBeLessThan(30);
});
