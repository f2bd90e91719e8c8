import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import { createAppservice, type Handlers, type Transaction } from "../../src/matrix/appservice.ts";
import { readRegistration, writeRegistration } from "../../src/matrix/registration.ts";
import { quiet } from "../fakes.ts";
import { freePort } from "../free-port.ts";

const domain = "hs.test";
const made = { url: "http://127.0.0.1:1", domain, bot: "trivium", networks: ["xmpp", "mqtt"] };
const registration = readRegistration(writeRegistration(made));
let url: string;
let service: ReturnType<typeof createAppservice>;
let taken: Transaction[];
let handlers: { -readonly [name in keyof Handlers]: Handlers[name] };

beforeEach(async () => {
	const port = await freePort();
	url = `http://127.0.0.1:${port}`;
	taken = [];
	handlers = {
		transaction: async (transaction) => void taken.push(transaction),
		user: async (mxid) => mxid === "@_xmpp_romeo:hs.test",
		alias: async (alias) => alias === "#_xmpp_verona:hs.test",
		thirdParty: async ({ kind, protocol, fields }) =>
			protocol === "other" ? undefined : [kind, protocol ?? "", ...fields],
	};
	service = createAppservice(
		{ homeserver: "http://127.0.0.1:1", domain, listen: { host: "127.0.0.1", port }, registration },
		{
			transaction: (transaction) => handlers.transaction(transaction),
			user: (mxid) => handlers.user(mxid),
			alias: (alias) => handlers.alias(alias),
			thirdParty: (query) => handlers.thirdParty(query),
		},
		quiet,
	);
	await service.start();
});
afterEach(() => service.stop());

const ask = (method: string, path: string, body?: unknown, token = registration.hs_token) =>
	fetch(url + path, {
		method,
		headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
		...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
	});
const put = (body: unknown, token?: string) => ask("PUT", "/_matrix/app/v1/transactions/1", body, token);

const errcode = async (response: Response) => ((await response.json()) as { errcode: string }).errcode;

describe("createAppservice: transactions", () => {
	test("are acknowledged once they are on disk, not before", async () => {
		const [asked, saved] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		let acknowledged = false;
		handlers.transaction = () => {
			asked.resolve();
			return saved.promise;
		};
		const answer = put({ events: [{ event_id: "$1" }] }).then((response) => {
			acknowledged = true;
			return response;
		});
		await asked.promise;
		await new Promise((resolve) => setTimeout(resolve, 50));
		expect(acknowledged).toBe(false);
		saved.resolve();
		const response = await answer;
		expect(response.status).toBe(200);
		expect(await response.json()).toEqual({});
	});
	test("are handed on again under any transaction id, since duplicates are recognized by event id", async () => {
		for (let i = 0; i < 2; i++) expect((await put({ events: [{ event_id: "$1" }] })).status).toBe(200);
		expect(taken).toHaveLength(2);
	});
	test("are answered with an error when they fail, and the bridge lives on", async () => {
		handlers.transaction = () => Promise.reject(new Error("disk full"));
		const failed = await put({ events: [] });
		expect([failed.status, await errcode(failed)]).toEqual([500, "M_UNKNOWN"]);
		handlers.transaction = () => Promise.reject(new TemporaryError("later"));
		expect((await put({ events: [] })).status).toBe(503);
		handlers.transaction = async () => undefined;
		expect((await put({ events: [] })).status).toBe(200);
	});
	test("without a list of events are not acknowledged", async () => {
		expect((await put({})).status).toBe(400);
		const broken = await put("{");
		expect([broken.status, await errcode(broken)]).toEqual([400, "M_NOT_JSON"]);
	});
	test("are taken up to the largest legal size", async () => {
		const events = Array.from({ length: 200 }, () => ({ content: { body: "x".repeat(64_000) } }));
		expect((await put({ events })).status).toBe(200);
		const much = await put({ events: [{ body: "x".repeat(33 * 1024 * 1024) }] });
		expect([much.status, await errcode(much)]).toEqual([413, "M_TOO_LARGE"]);
	});
	test("are taken at the legacy path, and at no other", async () => {
		const events = [{ event_id: "$1" }];
		expect((await ask("PUT", "/transactions/1", { events })).status).toBe(200);
		expect(taken.map(({ id }) => id)).toEqual(["1"]);
		const other = await ask("PUT", "/_matrix/app/v1/Transactions/1/", { events });
		expect([other.status, await errcode(other)]).toEqual([404, "M_UNRECOGNIZED"]);
		expect(taken).toHaveLength(1);
	});
});

describe("createAppservice: other networks", () => {
	const answer = async (path: string) => {
		const response = await ask("GET", path);
		return [response.status, await response.json()];
	};
	test("are asked about with the fields of the query, without the token", async () => {
		const of = "/_matrix/app/v1/thirdparty";
		expect(await answer(`${of}/user/xmpp?jid=a%40b&access_token=x`)).toEqual([
			200,
			["user", "xmpp", ["jid", "a@b"]],
		]);
		expect(await answer(`${of}/location?alias=%23a`)).toEqual([200, ["location", "", ["alias", "#a"]]]);
		expect(await answer("/_matrix/app/unstable/thirdparty/protocol/xmpp")).toEqual([
			200,
			["protocol", "xmpp"],
		]);
	});
	test("are unknown or not, as the bridge says", async () => {
		expect(await answer("/_matrix/app/v1/thirdparty/protocol/other")).toEqual([
			404,
			expect.objectContaining({ errcode: "M_NOT_FOUND" }),
		]);
		expect((await ask("GET", "/_matrix/app/v1/thirdparty/else/xmpp")).status).toBe(404);
		expect((await ask("GET", "/_matrix/app/v1/thirdparty/user/xmpp", undefined, "wrong")).status).toBe(403);
		handlers.thirdParty = () => Promise.reject(new TemporaryError("busy"));
		expect((await ask("GET", "/_matrix/app/v1/thirdparty/user/xmpp")).status).toBe(503);
	});
});

describe("createAppservice: authorization", () => {
	test("refuses any request without the hs_token before its body is read", async () => {
		for (const [method, path] of [
			["PUT", "/_matrix/app/v1/transactions/1"],
			["GET", "/_matrix/app/v1/users/@a:b"],
			["POST", "/_matrix/app/v1/ping"],
			["GET", "/nonsense"],
		] as const) {
			const answer = await ask(method, path, method === "GET" ? undefined : { events: [] }, "wrong");
			expect([answer.status, await errcode(answer)]).toEqual([403, "M_FORBIDDEN"]);
		}
		expect((await fetch(`${url}/_matrix/app/v1/ping`, { method: "POST" })).status).toBe(403);
		expect(taken).toEqual([]);
	});
	test("accepts the token in the query", async () => {
		const path = `/_matrix/app/v1/ping?access_token=${registration.hs_token}`;
		expect((await fetch(url + path, { method: "POST" })).status).toBe(200);
	});
});

describe("createAppservice: queries", () => {
	test("answers a ping", async () => {
		expect((await ask("POST", "/_matrix/app/v1/ping", { transaction_id: "x" })).status).toBe(200);
	});
	test.each([
		["users/@_xmpp_romeo:hs.test", 200],
		["users/@_xmpp_nobody:hs.test", 404],
		[`rooms/${encodeURIComponent("#_xmpp_verona:hs.test")}`, 200],
		[`rooms/${encodeURIComponent("#_xmpp_nowhere:hs.test")}`, 404],
	])("%s: %i", async (path, status) => {
		const answer = await ask("GET", `/_matrix/app/v1/${path}`);
		expect(answer.status).toBe(status);
		if (status === 404) expect(await errcode(answer)).toBe("M_NOT_FOUND");
	});
	test("answers a failing query with an error, not with 200", async () => {
		handlers.alias = () => Promise.reject(new Error("broken"));
		expect((await ask("GET", "/_matrix/app/v1/rooms/x")).status).toBe(500);
	});
	test("answers an unknown path in JSON", async () => {
		const answer = await ask("GET", "/_matrix/app/v1/nonsense");
		expect([answer.status, await errcode(answer)]).toEqual([404, "M_UNRECOGNIZED"]);
	});
});

test("createAppservice rejects when the port is in use", async () => {
	const listen = { host: "127.0.0.1", port: Number(new URL(url).port) };
	const second = createAppservice(
		{ homeserver: "http://127.0.0.1:1", domain, listen, registration },
		handlers,
		quiet,
	);
	await expect(second.start()).rejects.toThrow(/EADDRINUSE/);
	await second.stop();
});
