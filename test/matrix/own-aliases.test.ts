import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createMatrixClient } from "../../src/matrix/client.ts";
import { createOwnAliases } from "../../src/matrix/own-aliases.ts";

let server: Server;
let asked: string[];
/** The token of the session; each login makes a new one. */
let token: string;
let aliases: ReturnType<typeof createOwnAliases>;
let strict: boolean;

beforeEach(async () => {
	[asked, token, strict] = [[], "", true];
	server = createServer((request, response) => {
		const by = request.headers.authorization?.replace("Bearer ", "") ?? "";
		const path = decodeURIComponent(request.url?.split("/").at(-1) ?? "");
		asked.push(`${request.method} ${path} by ${by}`);
		const answer = (status: number, body: object) => {
			response.writeHead(status, { "content-type": "application/json" });
			response.end(JSON.stringify(body));
		};
		request.resume().on("end", () => {
			if (path === "login") {
				token = `session ${asked.length}`;
				answer(200, { access_token: token });
			} else if (by === "service" && strict) answer(400, { errcode: "M_EXCLUSIVE", error: "not reserved" });
			else if (by !== "service" && by !== token) answer(401, { errcode: "M_UNKNOWN_TOKEN", error: "ended" });
			else answer(200, {});
		});
	}).listen(0, "127.0.0.1");
	await new Promise((resolve) => server.once("listening", resolve));
	const homeserver = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const client = createMatrixClient({ homeserver, token: "service" });
	aliases = createOwnAliases({ client, homeserver, localpart: "bot" });
});
afterEach(async () => {
	await aliases.stop();
	server.closeAllConnections();
	server.close();
});

test("the bot opens a session of its own where the service may name no room, and once only", async () => {
	await aliases.set("#a:hs.test", "!a");
	await aliases.remove("#a:hs.test");
	expect(asked).toEqual([
		"PUT #a:hs.test by service",
		"POST login by service",
		"PUT #a:hs.test by session 2",
		"DELETE #a:hs.test by session 2",
	]);
});

test("the bot opens another session when an admin has ended its own", async () => {
	await aliases.set("#a:hs.test", "!a");
	token = "none";
	await aliases.remove("#a:hs.test");
	expect(asked.slice(-3)).toEqual([
		"DELETE #a:hs.test by session 2",
		"POST login by service",
		"DELETE #a:hs.test by session 5",
	]);
});

test("the bot opens no session where the service may name rooms", async () => {
	strict = false;
	await aliases.set("#a:hs.test", "!a");
	expect(asked).toEqual(["PUT #a:hs.test by service"]);
});

test("works that are refused at the same time share one session", async () => {
	await Promise.all(["#a:hs.test", "#b:hs.test", "#c:hs.test"].map((alias) => aliases.set(alias, "!a")));
	token = "none";
	await Promise.all(["#a:hs.test", "#b:hs.test", "#c:hs.test"].map((alias) => aliases.remove(alias)));
	expect(asked.filter((one) => one.includes("login"))).toHaveLength(2);
});
