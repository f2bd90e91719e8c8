import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createListener, listening } from "../../src/http/listener.ts";
import { publicListener } from "../../src/http/public.ts";
import { quiet, until } from "../fakes.ts";

let listener: Awaited<ReturnType<typeof publicListener>>;
const sockets: Socket[] = [];
afterEach(async () => {
	for (const socket of sockets.splice(0)) socket.destroy();
	await listener.close();
});

const serve = async (limits: Parameters<typeof publicListener>[3]) => {
	const handler = async (_: unknown, response: { end(text: string): void }) => response.end("there");
	listener = await publicListener({ host: "127.0.0.1", port: 0 }, { "/x": handler }, quiet, limits);
};
/** Opens a connection; tells whether the listener closed it. */
function dial(): { socket: Socket; ended: boolean } {
	const socket = connect(listener.address.port, "127.0.0.1");
	sockets.push(socket);
	const one = { socket, ended: false };
	socket.resume();
	socket.on("error", () => undefined);
	socket.on("close", () => {
		one.ended = true;
	});
	return one;
}

test("every listener answers 408 to a client that sends its headers too slowly, by default after 10 seconds", async () => {
	const times = { headersTimeout: 200, requestTimeout: 400, connectionsCheckingInterval: 50 };
	const server = createListener("test", quiet, () => undefined, times);
	await listening(server, quiet, () => server.listen(0, "127.0.0.1"));
	const { port } = server.address() as AddressInfo;
	listener = { address: { address: "127.0.0.1", port }, close: async () => void server.close() };
	const { socket } = dial();
	let answer = "";
	socket.on("data", (chunk) => {
		answer += chunk;
	});
	socket.write("GET / HTTP/1.1\r\nx: ");
	await until(
		() => answer.startsWith("HTTP/1.1 408"),
		() => answer,
	);
	const usual = createListener("test", quiet, () => undefined);
	expect([usual.headersTimeout, usual.requestTimeout, usual.keepAliveTimeout]).toEqual([
		10_000, 60_000, 5_000,
	]);
});

describe("the public listener", () => {
	test.each([
		["nothing", ""],
		["its headers byte by byte", "GET /x HTTP/1.1\r\nHost: x\r\nx: "],
		["its body byte by byte", "POST /y HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"],
	])("hangs up on a client that sends %s", async (_what, begin) => {
		await serve({ requestTimeout: 300 });
		const one = dial();
		one.socket.write(begin);
		const drip = begin ? setInterval(() => one.socket.write("y"), 30) : undefined;
		await until(
			() => one.ended,
			() => "still connected",
		);
		clearInterval(drip);
	});

	test("accepts 50 connections of one address, and a further one when one of them has ended", async () => {
		await serve({ counted: () => true });
		const some = Array.from({ length: 50 }, dial);
		for (const { socket } of some) socket.write("GET /x HTTP/1.1\r\n");
		const one = dial();
		await until(
			() => one.ended,
			() => "the 51st is connected",
		);
		expect(some.filter(({ ended }) => ended)).toEqual([]);
		some[0]?.socket.destroy();
		await new Promise((resolve) => setTimeout(resolve, 100));
		expect(await fetch(`http://127.0.0.1:${listener.address.port}/x`).then((it) => it.text())).toBe("there");
	});

	test("does not limit the connections of an address that may be a reverse proxy's", async () => {
		await serve({ counted: () => false });
		for (const { socket } of Array.from({ length: 60 }, dial)) socket.write("GET /x HTTP/1.1\r\n");
		expect(await fetch(`http://127.0.0.1:${listener.address.port}/x`).then((it) => it.text())).toBe("there");
	});
});
