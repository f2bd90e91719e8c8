import { execFile } from "node:child_process";
import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { Media } from "../../src/core/event.ts";
import type { NetworkName } from "../../src/core/ids.ts";
import type { ByteRange } from "../../src/core/media.ts";
import { createMatrixClient, MatrixError } from "../../src/matrix/client.ts";
import { createMediaStore, HomeserverAway, type MediaStore } from "../../src/matrix/media.ts";

const MB = 1_048_576;
type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

let server: Server;
let base: string;
let files: MediaStore;
let client: ReturnType<typeof createMatrixClient>;
/** The answers, by path without query. */
let routes: Record<string, Handler>;
let asked: string[];
let redirected: { url: string; range: ByteRange | undefined }[];

const v1 = "/_matrix/client/v1/media";
const json = (response: ServerResponse, status: number, body: object) =>
	response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

beforeEach(async () => {
	asked = [];
	redirected = [];
	routes = { [`${v1}/config`]: (_request, response) => json(response, 200, { "m.upload.size": 5 * MB }) };
	server = createServer((request, response) => {
		const path = (request.url ?? "").split("?")[0] ?? "";
		asked.push(`${request.method} ${path}`);
		if (request.headers.authorization !== "Bearer as-token") return json(response, 401, {});
		const route = routes[path];
		if (route) return route(request, response);
		return json(response, 404, { errcode: "M_UNRECOGNIZED", error: "?" });
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	client = createMatrixClient({ homeserver: base, token: "as-token" });
	const fetch = async (url: string, range?: ByteRange) => {
		redirected.push({ url, range });
		return { body: Readable.from([Buffer.from("from the CDN")]) };
	};
	files = createMediaStore({ homeserver: base, token: "as-token", client, fetch });
});
afterEach(() => {
	client.close();
	server.close();
	server.closeAllConnections();
});

const kind = (error: unknown) => {
	if (error instanceof PermanentError) return error.reason;
	if (error instanceof MatrixError) return error.errcode;
	if (error instanceof HomeserverAway) return "homeserver away";
	return error instanceof TemporaryError ? "temporary" : (error as Error).message;
};
const outcome = (work: Promise<unknown>) => work.then(() => "fine", kind);

describe("createMediaStore, open: a file", () => {
	const download = `${v1}/download/hs.test/cat`;
	const giving =
		(bytes: Buffer): Handler =>
		(_request, response) =>
			response.writeHead(200, { "content-type": "image/png", "content-length": bytes.length }).end(bytes);
	const read = async (ref: string, range?: ByteRange) => {
		const { body, ...rest } = await files.open(ref, range);
		return { ...rest, text: (await buffer(body)).toString() };
	};

	test("is read with the as_token, with its size and type", async () => {
		routes[download] = giving(Buffer.from("pixels"));
		expect(await read("mxc://hs.test/cat")).toEqual({ mime: "image/png", size: 6, text: "pixels" });
	});

	test("is read in part, from a homeserver with and without ranges", async () => {
		routes[download] = giving(Buffer.from("pixels"));
		const part = { part: { start: 2, end: 3 }, size: 6, mime: "image/png", text: "xe" };
		expect(await read("mxc://hs.test/cat", { start: 2, end: 3 })).toEqual(part);
		routes[download] = (request, response) => {
			if (request.headers.range !== "bytes=2-3") return response.writeHead(416).end();
			return response
				.writeHead(206, { "content-type": "image/png", "content-range": "bytes 2-3/6", "content-length": 2 })
				.end("xe");
		};
		expect(await read("mxc://hs.test/cat", { start: 2, end: 3 })).toEqual(part);
	});

	test("is returned whole for a range past its end", async () => {
		routes[download] = (request, response) =>
			request.headers.range
				? response.writeHead(416).end()
				: giving(Buffer.from("pixels"))(request, response);
		expect(await read("mxc://hs.test/cat", { start: 9 })).toEqual({
			mime: "image/png",
			size: 6,
			text: "pixels",
		});
	});

	test.each([307, 308])(
		"is fetched from the target of a redirect (%i), without the token",
		async (status) => {
			routes[download] = (_request, response) =>
				response.writeHead(status, { location: "https://cdn.test/cat?signed" }).end();
			expect((await read("mxc://hs.test/cat", { last: 3 })).text).toBe("from the CDN");
			expect(redirected).toEqual([{ url: "https://cdn.test/cat?signed", range: { last: 3 } }]);
		},
	);

	test("is read in a small version where that is asked for and there is one, else as it is", async () => {
		routes[download] = giving(Buffer.from("pixels"));
		const small = `${v1}/thumbnail/hs.test/cat`;
		expect((await read("mxc://hs.test/cat small")).text).toBe("pixels");
		routes[small] = (_request, response) =>
			response.writeHead(400).end(JSON.stringify({ errcode: "M_UNKNOWN", error: "no image" }));
		expect((await read("mxc://hs.test/cat small")).text).toBe("pixels");
		routes[small] = (request, response) => {
			expect(request.url).toBe(`${small}?width=320&height=240&method=scale`);
			return giving(Buffer.from("dots"))(request, response);
		};
		expect((await read("mxc://hs.test/cat small")).text).toBe("dots");
		expect((await read("mxc://hs.test/cat")).text).toBe("pixels");
	});

	test("is read by the legacy path from an old homeserver", async () => {
		routes["/_matrix/media/v3/download/hs.test/cat"] = giving(Buffer.from("old"));
		expect((await read("mxc://hs.test/cat")).text).toBe("old");
	});

	test.each([
		[404, { errcode: "M_NOT_FOUND", error: "gone" }, "not-found"],
		[403, { errcode: "M_FORBIDDEN", error: "no" }, "failed"],
		[504, { errcode: "M_NOT_YET_UPLOADED", error: "wait" }, "temporary"],
		[429, { errcode: "M_LIMIT_EXCEEDED" }, "temporary"],
		[502, "<html>", "temporary"],
	])("is refused with the matching error after the answer %i %j", async (status, body, expected) => {
		routes[download] = (_request, response) => response.writeHead(status).end(JSON.stringify(body));
		expect(await outcome(files.open("mxc://hs.test/cat"))).toBe(expected);
	});

	test("is requested only at a valid mxc: URI", async () => {
		for (const ref of ["mxc://hs.test/../../config", "https://hs.test/cat", "", "mxc://hs.test/"])
			expect(await outcome(files.open(ref))).toBe("not-found");
		expect(asked).toEqual([]);
	});

	test("is not requested from a server named “..”, nor with an invalid key", async () => {
		for (const ref of ["mxc://../config", "mxc://./config"])
			expect(await outcome(files.open(ref))).toBe("not-found");
		const [key, iv, hash] = [32, 16, 32].map((length) => randomBytes(length).toString("base64"));
		for (const secret of [
			`AAAA ${iv} ${hash}`,
			`${key} AAAA ${hash}`,
			`${key} ${iv} AAAA`,
			`AA ${key} ${iv}`,
		])
			expect(await outcome(files.open(`mxc://hs.test/cat ${secret}`)), secret).toBe("failed");
		expect(asked).toEqual([]);
	});

	test("is requested whole once after a refused range, and then given up", async () => {
		routes[download] = (_request, response) => response.writeHead(416).end();
		expect(await outcome(files.open("mxc://hs.test/cat", { start: 2 }))).toBe("temporary");
		expect(asked).toHaveLength(2);
	});

	test("is decrypted if it is encrypted, and breaks off before its end if its hash is wrong", async () => {
		const [key, iv, plain] = [randomBytes(32), randomBytes(16), randomBytes(300_000)];
		const cipher = createCipheriv("aes-256-ctr", key, iv).update(plain);
		const ref = (hash: Buffer) =>
			`mxc://hs.test/cat ${key.toString("base64url")} ${iv.toString("base64")} ${hash.toString("base64")}`;
		const hash = createHash("sha256").update(cipher).digest();
		routes[download] = giving(cipher);
		const opened = await files.open(ref(hash), { start: 5 });
		expect([opened.size, opened.part, opened.mime]).toEqual([plain.length, undefined, undefined]);
		expect(await buffer(opened.body)).toEqual(plain);
		const { body } = await files.open(ref(randomBytes(32)));
		let got = 0;
		const reading = (async () => {
			for await (const chunk of body) got += (chunk as Buffer).length;
		})();
		await expect(reading).rejects.toThrow("damaged");
		expect(got).toBeLessThan(plain.length);
	});
});

describe("createMediaStore, store: a file", () => {
	const media: Media = {
		kind: "image",
		source: { network: "xmpp" as NetworkName, ref: "https://x.test/1" },
		name: "my cat ü.png",
	};
	const ghost = "@_xmpp_romeo:hs.test";
	const png = Buffer.concat([
		Buffer.from("89504e470d0a1a0a0000000d494844520000002800000 01e0806000000".replace(" ", ""), "hex"),
		randomBytes(200_000),
	]);
	let got: { type: string; query: URLSearchParams; length: string; bytes: Buffer }[];
	const upload = "/_matrix/media/v3/upload";
	const office = "application/vnd.openxmlformats-officedocument";

	beforeEach(() => {
		got = [];
		routes[upload] = async (request, response) => {
			const { headers } = request;
			const query = new URL(request.url ?? "", base).searchParams;
			const bytes = await buffer(request).catch(() => undefined);
			if (!bytes) return;
			got.push({
				type: headers["content-type"] ?? "",
				query,
				length: headers["content-length"] ?? "",
				bytes,
			});
			json(response, 200, { content_uri: "mxc://hs.test/new" });
		};
	});
	const stream = (bytes: Buffer) =>
		Readable.from([bytes.subarray(0, 50), bytes.subarray(50)], { objectMode: false });
	const spools = () =>
		readdirSync(tmpdir()).filter((name) => /^trivium-[0-9a-f]{8}-[0-9a-f-]{27}$/.test(name));

	test("is uploaded as the ghost, with its name and the type of its bytes", async () => {
		const stored = await files.store(
			{ body: stream(png), size: png.length, mime: "text/plain" },
			media,
			ghost,
		);
		expect(stored).toEqual({
			url: "mxc://hs.test/new",
			mime: "image/png",
			size: png.length,
			width: 40,
			height: 30,
		});
		const [one] = got;
		expect([one?.type, one?.length, one?.query.get("user_id"), one?.query.get("filename")]).toEqual([
			"image/png",
			String(png.length),
			ghost,
			media.name,
		]);
		expect(one?.bytes.equals(png)).toBe(true);
	});

	test("a file that its sender declared as a voice message is sound, also in a container of videos", async () => {
		const webm = Buffer.from(
			"1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104428581 02".replace(" ", ""),
			"hex",
		);
		for (const [name, kind, type, mime] of [
			["a.webm", "voice", "audio/webm", undefined],
			["a", "voice", "audio/webm", undefined],
			["a", "voice", "audio/mp4", "video/mp4"],
			["a", "file", "video/webm", undefined],
		] as const) {
			const opened = { body: stream(webm), size: webm.length, ...(mime && { mime }) };
			const { mime: _, ...rest } = media;
			expect((await files.store(opened, { ...rest, kind, name }, ghost)).mime).toBe(type);
		}
	});

	test("of unknown size is spooled on disk, and leaves no file there", async () => {
		const { size } = await files.store({ body: stream(png) }, media, ghost);
		expect([size, got[0]?.length]).toEqual([png.length, String(png.length)]);
		expect(got[0]?.bytes.equals(png)).toBe(true);
		expect(spools()).toEqual([]);
	});

	test.each([
		["image/webp; x=y", undefined, "a.png", "image/webp"],
		["application/octet-stream", "video/mp4", "a", "video/mp4"],
		[undefined, undefined, "a.pdf", "application/pdf"],
		["nonsense\r\nx: y", undefined, "a", "application/octet-stream"],
		["application/octet-stream", undefined, "voice.ogg", "audio/ogg"],
		["application/force-download", undefined, "a.docx", `${office}.wordprocessingml.document`],
		["application/zip", undefined, "a.xlsx", `${office}.spreadsheetml.sheet`],
		["application/octet-stream", undefined, "a", "audio/flac", "fLaC\0\0\0\x22"],
		["application/octet-stream", undefined, "a", "application/pdf", "%PDF-1.7\n"],
		["text/plain", undefined, "a", "audio/flac", "fLaC\0\0\0\x22"],
		["text/plain", undefined, "a", "text/plain", "%PDF is how it begins"],
		["audio/ogg", "video/mp4", "a.png", "audio/ogg", "%PDF-1.7\n"],
	])("served as %s, called %s, named %s is %s", async (served, said, name, mime, bytes = "?") => {
		const all = Buffer.from(bytes, "latin1");
		const opened = { body: stream(all), size: all.length, ...(served && { mime: served }) };
		const { mime: _, ...rest } = media;
		const stored = await files.store(opened, { ...rest, name, ...(said && { mime: said }) }, ghost);
		expect([stored.mime, got[0]?.type]).toEqual([mime, mime]);
	});

	test("of 0 bytes is uploaded", async () => {
		expect((await files.store({ body: Readable.from([]), size: 0 }, media, ghost)).size).toBe(0);
	});

	test("above the homeserver's limit is not uploaded, whether its stated size is right, missing or wrong", async () => {
		const large = () =>
			Readable.from(
				Array.from({ length: 6 }, () => Buffer.alloc(MB)),
				{ objectMode: false },
			);
		for (const size of [6 * MB, undefined, 5 * MB + 1]) {
			const body = large();
			const opened = { body, ...(size !== undefined && { size }) };
			expect(await outcome(files.store(opened, media, ghost))).toBe("invalid");
			expect(body.destroyed).toBe(true);
		}
		expect(got).toEqual([]);
		expect(spools()).toEqual([]);
		expect(asked.filter((one) => one.endsWith("/config"))).toHaveLength(1);
	});

	test("is not stored when its download breaks, and fails with the download's error", async () => {
		const breaking = Readable.from(
			(async function* () {
				yield Buffer.alloc(300_000);
				await new Promise((resolve) => setTimeout(resolve, 50));
				throw new PermanentError("failed", "broke");
			})(),
			{ objectMode: false },
		);
		expect(await outcome(files.store({ body: breaking, size: 400_000 }, media, ghost))).toBe("failed");
		expect(await outcome(files.store({ body: stream(png), size: png.length + 1 }, media, ghost))).toMatch(
			/early/,
		);
		expect(got).toEqual([]);
	});

	test("fails with a TemporaryError while the homeserver is away or busy, and with a MatrixError when it refuses", async () => {
		const store = () => outcome(files.store({ body: stream(png), size: png.length }, media, ghost));
		routes[upload] = (_request, response) => response.destroy();
		expect(await store()).toBe("homeserver away");
		routes[upload] = (_request, response) =>
			json(response, 429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 5 });
		expect(await store()).toBe("homeserver away");
		routes[upload] = (_request, response) => json(response, 413, { errcode: "M_TOO_LARGE", error: "no" });
		expect(await store()).toBe("M_TOO_LARGE");
		routes[upload] = (_request, response) => {
			const more = () => {
				while (response.writable && response.write("x".repeat(65_536)));
				response.once("drain", more);
			};
			more();
		};
		expect(await store()).toBe("homeserver away");
		routes[`${v1}/config`] = (_request, response) => response.destroy();
		const other = createMediaStore({
			homeserver: base,
			token: "as-token",
			client,
			fetch: () => Promise.reject(),
		});
		expect(await outcome(other.store({ body: stream(png), size: 5 }, media, ghost))).toBe("homeserver away");
	});

	test.each(["told", "not told"])(
		"of 200 MB, its size %s, is uploaded in little memory",
		async (how) => {
			routes[`${v1}/config`] = (_request, response) => json(response, 200, { "m.upload.size": 200 * MB });
			let arrived = 0;
			routes[upload] = (request, response) => {
				request.on("data", (chunk: Buffer) => {
					arrived += chunk.length;
				});
				request.on("end", () => json(response, 200, { content_uri: "mxc://hs.test/new" }));
			};
			const piece = randomBytes(MB);
			const source = createServer((_request, response) => {
				if (how === "told") response.setHeader("content-length", 200 * MB);
				Readable.from(Array(200).fill(piece), { objectMode: false }).pipe(response);
			});
			await new Promise<void>((resolve) => source.listen(0, "127.0.0.1", resolve));
			const url = `http://127.0.0.1:${(source.address() as AddressInfo).port}/`;
			const program = join(import.meta.dirname, "upload.ts");
			// The process ends with the test; left behind, it would collect garbage for ever.
			const { stdout } = await promisify(execFile)(
				process.execPath,
				["--expose-gc", program, base, "as-token", url],
				{ timeout: 170_000, killSignal: "SIGKILL" },
			);
			source.close();
			expect(arrived).toBe(200 * MB);
			// The remaining memory of the process varies.
			expect(Number(stdout)).toBeLessThan(100);
		},
		180_000,
	);
});
