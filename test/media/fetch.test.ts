import type { LookupAddress } from "node:dns";
import http, { type RequestListener } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import { createFetch, type FetchLimits } from "../../src/media/fetch.ts";
import { eventually } from "../eventually.ts";
import { patience } from "../patience.ts";

const open: { close(): unknown }[] = [];
afterEach(() => {
	for (const one of open.splice(0)) one.close();
});

async function listening(server: Server): Promise<number> {
	const sockets = new Set<Socket>();
	server.on("connection", (socket: Socket) => sockets.add(socket));
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	open.push({
		close() {
			server.close();
			for (const socket of sockets) socket.destroy();
		},
	});
	return (server.address() as AddressInfo).port;
}
const serving = (answer: RequestListener) => listening(http.createServer(answer));
/** Starts a server that answers in raw bytes. Resolves with its port. */
const raw = (answer: (socket: Socket) => void) =>
	listening(
		createServer((socket) => {
			socket.on("error", () => undefined);
			socket.once("data", () => answer(socket));
		}),
	);

/** A fetcher that may connect to the test's servers on 127.0.0.1, by default with limits that a busy machine keeps. */
const fetcher = (port: number, more: Partial<FetchLimits> = {}) =>
	createFetch({
		largest: 1000,
		privateHosts: [`127.0.0.1:${port}`],
		headers: patience,
		idle: patience,
		total: patience,
		...more,
	});
const strict = (more: Partial<FetchLimits> = {}) => createFetch({ largest: 1000, privateHosts: [], ...more });
const lookup =
	(...addresses: string[]) =>
	async (): Promise<LookupAddress[]> =>
		addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

/** Resolves with the text of the whole file, or with the class or reason of the error. */
const outcome = async (work: Promise<{ body: NodeJS.ReadableStream }>) =>
	work.then(({ body }) => text(body)).catch(why);
const why = (error: unknown) => {
	if (error instanceof PermanentError) return error.reason;
	return error instanceof TemporaryError ? "temporary" : "broken off";
};

test("a file arrives with its size and type", async () => {
	const port = await serving((_request, response) => {
		response.writeHead(200, { "content-type": "image/png", "content-length": 6 }).end("pixels");
	});
	const file = await fetcher(port)(`http://127.0.0.1:${port}/cat.png`);
	expect([file.size, file.mime, await text(file.body)]).toEqual([6, "image/png", "pixels"]);
});

test("a range arrives as a range, or as the whole file from a server without ranges", async () => {
	const port = await serving((request, response) => {
		if (request.url === "/parts" && request.headers.range === "bytes=2-3")
			response.writeHead(206, { "content-range": "bytes 2-3/6", "content-length": 2 }).end("xe");
		else response.end("pixels");
	});
	const part = await fetcher(port)(`http://127.0.0.1:${port}/parts`, { start: 2, end: 3 });
	expect([part.part, part.size, await text(part.body)]).toEqual([{ start: 2, end: 3 }, 6, "xe"]);
	const whole = await fetcher(port)(`http://127.0.0.1:${port}/whole`, { start: 2, end: 3 });
	expect([whole.part, await text(whole.body)]).toEqual([undefined, "pixels"]);
});

describe("a fetch connects to no address of our own network", () => {
	let asked = 0;
	const inside = () =>
		serving((_request, response) => {
			asked += 1;
			response.end("secret");
		});

	test.each([
		"http://127.0.0.1:PORT/",
		"http://127.1:PORT/",
		"http://2130706433:PORT/",
		"http://0x7f.0.0.1:PORT/",
		"http://0:PORT/",
		"http://[::1]:PORT/",
		"http://[::ffff:127.0.0.1]:PORT/",
		"http://[::ffff:7f00:1]:PORT/",
		"http://[64:ff9b::7f00:1]:PORT/",
		"http://localhost:PORT/",
		"http://user:password@example.org/",
		"http://8.8.8.8:25/",
		"https://8.8.8.8:22/",
		"ftp://8.8.8.8/",
		"file:///etc/passwd",
		"data:text/plain,x",
		"javascript:1",
		"//example.org/x",
		"",
	])("%s", async (url) => {
		asked = 0;
		const port = await inside();
		expect(await outcome(strict()(url.replace("PORT", String(port))))).toBe("forbidden");
		expect(asked).toBe(0);
	});

	test("by a name that resolves to one", async () => {
		asked = 0;
		const port = await inside();
		for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "fe80::1"])
			expect(await outcome(strict({ lookup: lookup(address) })(`http://evil.test:${port}/`))).toBe(
				"forbidden",
			);
		expect(asked).toBe(0);
	});

	test("by a name that resolves to one only at a second lookup: the name is looked up once", async () => {
		asked = 0;
		const port = await inside();
		let lookups = 0;
		const rebinding = async (): Promise<LookupAddress[]> => {
			lookups += 1;
			return [{ address: lookups === 1 ? "203.0.112.1" : "127.0.0.1", family: 4 }];
		};
		const got = await outcome(strict({ lookup: rebinding, headers: 300 })(`http://evil.test:${port}/`));
		expect(got).toBe("temporary");
		expect([lookups, asked]).toEqual([1, 0]);
	});

	test("by a redirect", async () => {
		asked = 0;
		const port = await inside();
		const outside = await serving((request, response) => {
			const to = decodeURIComponent((request.url ?? "").slice(1));
			response.writeHead(302, { location: to }).end();
		});
		for (const to of [`http://127.0.0.1:${port}/`, `//localhost:${port}/`, "file:///etc/passwd", "http://["])
			expect(
				await outcome(fetcher(outside)(`http://127.0.0.1:${outside}/${encodeURIComponent(to)}`)),
			).toMatch(/forbidden|failed/);
		expect(asked).toBe(0);
	});

	test("by any spelling of the machine's present public addresses", async () => {
		// The machine gets another address while the bridge runs.
		const own = ["203.0.112.2"];
		const ownAddresses = () => own;
		const ask = (address: string, privateHosts: string[] = []) =>
			outcome(
				strict({ lookup: lookup(address), ownAddresses, privateHosts, headers: 100 })("http://us.test/"),
			);
		for (const address of ["203.0.112.2", "::ffff:203.0.112.2", "64:ff9b::cb00:7002"])
			expect(await ask(address), address).toBe("forbidden");
		expect(await outcome(strict({ ownAddresses })("http://203.0.112.2:5347/"))).toBe("forbidden");
		expect(await ask("203.0.112.1")).not.toBe("forbidden");
		own.push("203.0.112.1");
		expect(await ask("203.0.112.1")).toBe("forbidden");
		for (const host of ["us.test", "us.test:80"])
			expect(await ask("203.0.112.1", [host])).not.toBe("forbidden");
		expect(await ask("203.0.112.1", ["us.test:443"])).toBe("forbidden");
	});

	test("for a name that has a public address, too: it connects to the public one only", async () => {
		asked = 0;
		const port = await inside();
		const both = lookup("127.0.0.1", "203.0.112.1");
		expect(await outcome(strict({ lookup: both, headers: 200 })(`http://both.test:${port}/`))).toBe(
			"temporary",
		);
		expect(asked).toBe(0);
	});

	test("connects to a private host that the admin allows, with or without its port", async () => {
		asked = 0;
		const port = await inside();
		const to = lookup("127.0.0.1");
		const get = (...privateHosts: string[]) =>
			outcome(strict({ lookup: to, privateHosts })(`http://files.intranet.test:${port}/`));
		expect(await get("files.intranet.test")).toBe("secret");
		expect(await get(`files.intranet.test:${port}`)).toBe("secret");
		expect(await get(`files.intranet.test:${port + 1}`, "intranet.test")).toBe("forbidden");
		expect(asked).toBe(2);
	});
});

describe("a server that", () => {
	test("redirects is followed five times and no further", async () => {
		const port = await serving((request, response) => {
			const left = Number((request.url ?? "").slice(1));
			if (left === 0) response.end("there");
			else response.writeHead(307, { location: `/${left - 1}` }).end();
		});
		expect(await outcome(fetcher(port)(`http://127.0.0.1:${port}/5`))).toBe("there");
		expect(await outcome(fetcher(port)(`http://127.0.0.1:${port}/6`))).toBe("failed");
	});

	test.each([
		[404, "not-found"],
		[410, "not-found"],
		[403, "failed"],
		[204, "failed"],
		[206, "failed"],
		[304, "failed"],
		[500, "temporary"],
		[429, "temporary"],
	])("answers %i causes the error %s", async (status, reason) => {
		const port = await serving((_request, response) => response.writeHead(status).end());
		expect(await outcome(fetcher(port)(`http://127.0.0.1:${port}/`))).toBe(reason);
	});

	test("is absent or speaks no HTTP causes an error", async () => {
		const port = await raw((socket) => socket.end("SSH-2.0-x\r\n"));
		expect(await outcome(fetcher(port)(`http://127.0.0.1:${port}/`))).toBe("temporary");
		expect(await outcome(fetcher(1)("http://127.0.0.1:1/"))).toBe("forbidden");
		expect(
			await outcome(strict({ lookup: () => Promise.reject(new Error("NXDOMAIN")) })("http://no.test/")),
		).toBe("temporary");
	});

	test("compresses the file is refused", async () => {
		const port = await serving((_request, response) =>
			response.writeHead(200, { "content-encoding": "gzip" }).end("?"),
		);
		expect(await outcome(fetcher(port)(`http://127.0.0.1:${port}/`))).toBe("failed");
	});

	test("announces a file above the limit is not read", async () => {
		const port = await serving((_request, response) =>
			response.writeHead(200, { "content-length": 1001 }).flushHeaders(),
		);
		await expect(fetcher(port)(`http://127.0.0.1:${port}/`)).rejects.toThrow("the most");
	});

	test("sends more than the limit, or another length than it announced, causes an error", async () => {
		const endless = await serving((_request, response) => {
			const piece = Buffer.alloc(100);
			const more = () => {
				while (response.writable && response.write(piece));
				response.once("drain", more);
			};
			more();
		});
		expect(await outcome(fetcher(endless)(`http://127.0.0.1:${endless}/`))).toBe("invalid");
		const short = await raw((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"));
		expect(await outcome(fetcher(short)(`http://127.0.0.1:${short}/`))).toBe("broken off");
		const long = await raw((socket) =>
			socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nlong and more"),
		);
		expect(await outcome(fetcher(long)(`http://127.0.0.1:${long}/`))).toMatch(/^long |temporary|broken off/);
		const negative = await raw((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nx"));
		expect(await outcome(fetcher(negative)(`http://127.0.0.1:${negative}/`))).toBe("temporary");
	});

	const drip = (socket: Socket, ms: number, piece: string) => {
		const timer = setInterval(() => socket.write(piece), ms);
		socket.on("close", () => clearInterval(timer));
	};
	const soon = { headers: 300, idle: 300, total: 600 };
	const took = async (work: Promise<unknown>) => {
		const start = Date.now();
		return [await work, Date.now() - start] as const;
	};

	test.each([
		["never answers", () => undefined, "temporary", 300],
		[
			"sends its headers byte by byte",
			(socket: Socket) => {
				socket.write("HTTP/1.1 200 OK\r\nx: ");
				drip(socket, 20, "y");
			},
			"temporary",
			300,
		],
		[
			"stalls in the middle",
			(socket: Socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx"),
			"broken off",
			300,
		],
		[
			"sends a byte now and then",
			(socket: Socket) => {
				socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n");
				drip(socket, 50, "x");
			},
			"broken off",
			600,
		],
	])("%s is given up within its time limit", async (_name, answer, expected, limit) => {
		const port = await raw(answer);
		const [got, ms] = await took(outcome(fetcher(port, soon)(`http://127.0.0.1:${port}/`)));
		expect(got).toMatch(expected === "temporary" ? /temporary/ : /broken off/);
		expect(ms).toBeGreaterThan(limit * 0.8);
		expect(ms).toBeLessThan(limit + 10_000);
	});

	test("has a name whose lookup gets no answer is given up within the time limit", async () => {
		const never = () => new Promise<never>(() => undefined);
		expect(await outcome(strict({ lookup: never, headers: 200 })("http://slow.test/"))).toBe("temporary");
	});

	test("has a slow name server has at most two lookups in flight, and abandoned ones do not start", async () => {
		const asked: string[] = [];
		const answers: (() => void)[] = [];
		const slow = (host: string) =>
			new Promise<LookupAddress[]>((resolve) => {
				asked.push(host);
				answers.push(() => resolve([{ address: "127.0.0.1", family: 4 }]));
			});
		const fetch = strict({ lookup: slow, headers: 300 });
		const early = ["a", "b", "c", "d"].map((name) => outcome(fetch(`http://${name}.test/`)));
		expect(await Promise.all(early)).toEqual(Array(4).fill("temporary"));
		expect(asked).toEqual(["a.test", "b.test"]);
		const late = outcome(fetch("http://e.test/"));
		for (const answer of answers.splice(0)) answer();
		await eventually(() => expect(asked).toEqual(["a.test", "b.test", "e.test"]));
		answers[0]?.();
		expect(await late).toBe("forbidden");
	});

	test("sees its connection closed if the reader stops early", async () => {
		const closed = Promise.withResolvers<void>();
		const port = await raw((socket) => {
			socket.write("HTTP/1.1 200 OK\r\n\r\n");
			const timer = setInterval(() => socket.write("x"), 10);
			socket.on("close", () => {
				clearInterval(timer);
				closed.resolve();
			});
		});
		const { body } = await fetcher(port, { total: 60_000 })(`http://127.0.0.1:${port}/`);
		body.destroy();
		await closed.promise;
	});
});

test("an empty file arrives with the size 0", async () => {
	const port = await serving((_request, response) => response.end());
	const { body, size } = await fetcher(port)(`http://127.0.0.1:${port}/`);
	expect([size, await buffer(body)]).toEqual([0, Buffer.alloc(0)]);
});
