import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { publicListener } from "../../src/http/public.ts";
import { checkPublic } from "../../src/media/check.ts";
import { createMediaLinks, mediaPath } from "../../src/media/links.ts";
import { createMediaServer } from "../../src/media/serve.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { quiet } from "../fakes.ts";
import { freePort } from "../free-port.ts";

const servers: Server[] = [];
async function listening(server: Server): Promise<number> {
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return (server.address() as AddressInfo).port;
}
afterEach(() => {
	for (const server of servers.splice(0)) server.close();
});
const at = (port: number, url = `http://127.0.0.1:${port}`) => ({ listen: { host: "127.0.0.1", port }, url });

describe("the public address", () => {
	test("passes if it leads to the bridge, also through a proxy", async () => {
		const port = await freePort();
		expect(await checkPublic(at(port), false)).toMatchObject({ ok: true });
		const proxy = createServer(async (request, response) => {
			const answer = await fetch(`http://127.0.0.1:${port}${request.url?.replace("/bridge", "")}`);
			response.writeHead(answer.status).end(await answer.text());
		});
		const url = `http://127.0.0.1:${await listening(proxy)}/bridge/`;
		expect(await checkPublic(at(port, url), false)).toMatchObject({ ok: true });
	});

	test("passes if the running bridge answers", async () => {
		const links = createMediaLinks({ mapping: createMemoryMapping(), url: "http://b.test" });
		await links.start();
		const open = () => Promise.reject(new Error("nothing there"));
		const serve = createMediaServer(links, { open, largest: 1, log: quiet });
		const listener = await publicListener({ host: "127.0.0.1", port: 0 }, { [mediaPath]: serve });
		expect(await checkPublic(at(listener.address.port), true)).toMatchObject({ ok: true });
		await listener.close();
	});

	test("fails if it leads elsewhere or nowhere, or if its port is taken, with the cure of each", async () => {
		const other = await listening(createServer((_request, response) => response.writeHead(404).end("nginx")));
		const elsewhere = `http://127.0.0.1:${other}`;
		for (const running of [false, true])
			expect(await checkPublic(at(await freePort(), elsewhere), running)).toMatchObject({
				ok: false,
				detail: expect.stringMatching(/something else, which answers 404.*public\.listen/),
			});
		expect(await checkPublic(at(await freePort(), "http://127.0.0.1:1"), false)).toMatchObject({
			ok: false,
			detail: expect.stringContaining("cannot be reached from here"),
		});
		expect(await checkPublic(at(other), false)).toMatchObject({ ok: false });
	});
});
