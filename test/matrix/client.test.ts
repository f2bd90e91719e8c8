import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import { at, type Client, createMatrixClient, MatrixError } from "../../src/matrix/client.ts";
import { freePort } from "../free-port.ts";
import { type FakeHomeserver, type Fault, fakeHomeserver } from "./fake-homeserver.ts";

let hs: FakeHomeserver;
let client: Client;
beforeEach(async () => {
	hs = await fakeHomeserver();
	client = createMatrixClient({ homeserver: `${hs.url}/`, token: "as-test" });
});
afterEach(async () => {
	client.close();
	await hs.close();
});

const failure = (work: Promise<unknown>) =>
	work.then(
		() => expect.fail("it worked"),
		(error: unknown) => error,
	);
const answering = async (fault: Fault) => {
	hs.fail(() => fault);
	return failure(client.whoami());
};

describe("createMatrixClient: requests", () => {
	test("escapes each value of a path to one segment", () => {
		expect(at`/rooms/${"!a/b:hs"}/send/${"m.x"}/${"1?2#3"}`).toBe("/rooms/!a%2Fb%3Ahs/send/m.x/1%3F2%233");
	});

	test("names the ghost in the query, and leaves out undefined values", async () => {
		hs.users.set("@g:hs.test", "G");
		const room = hs.room("@g:hs.test");
		await client.send(room.id, "m.x", "t1", { as: "@g:hs.test", body: {}, query: { ts: undefined } });
		await client.send(room.id, "m.x", "t2", { as: "@g:hs.test", body: {}, query: { ts: 5 } });
		expect(hs.seen.map(({ query }) => query.toString())).toEqual([
			"user_id=%40g%3Ahs.test",
			"user_id=%40g%3Ahs.test&ts=5",
		]);
	});
});

describe("throws a TemporaryError for", () => {
	test.each<[string, Fault]>([
		["a cut connection", "cut"],
		["an answer that is lost", "drop"],
		["a proxy's page", { status: 502, body: "<html>" }],
		["a proxy that knows no such path", { status: 404, body: "<html>not found" }],
		["a broken homeserver", { status: 500, body: '{"errcode":"M_UNKNOWN"}' }],
		["a success that is no JSON", { status: 200, body: "" }],
		["a null", { status: 200, body: "null" }],
		["a homeserver that does not know us", { status: 401, body: '{"errcode":"M_UNKNOWN_TOKEN"}' }],
	])("%s", async (_, fault) => {
		expect(await answering(fault)).toBeInstanceOf(TemporaryError);
	});
	test("a homeserver that cannot be reached", async () => {
		const nobody = createMatrixClient({ homeserver: `http://127.0.0.1:${await freePort()}`, token: "x" });
		expect(await failure(nobody.whoami())).toBeInstanceOf(TemporaryError);
	});
	test("no answer within the timeout", async () => {
		hs.fail(() => "hang");
		expect(await failure(client.call("GET", "/x", { timeout: 50 }))).toMatchObject({
			message: expect.stringMatching(/in time/),
		});
	});
	test.each<[string, Fault, number | undefined]>([
		["the body says", { status: 429, body: '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":1234}' }, 1234],
		["the header says", { status: 429, body: "{}", headers: { "retry-after": "2" } }, 2000],
		["nobody says", { status: 429, body: "slow down" }, undefined],
	])("too much, after as long as %s", async (_, fault, retryAfter) => {
		expect(await answering(fault)).toMatchObject({ name: "TemporaryError", retryAfter });
	});
});

test("tells once of a connection that the homeserver closes, in use or not", async () => {
	let closed = 0;
	const one = createMatrixClient({ homeserver: hs.url, token: "as-test", closed: () => closed++ });
	for (let n = 0; n < 3; n++) await one.whoami();
	expect(closed).toBe(0);
	hs.cut();
	await expect.poll(() => closed).toBe(1);
	await one.whoami();
	one.close();
	await expect.poll(() => closed).toBe(2);
});

test("tells of each answer that limits the rate", async () => {
	let limits = 0;
	const one = createMatrixClient({ homeserver: hs.url, token: "as-test", limited: () => limits++ });
	hs.fail(() => ({ status: 429, body: '{"errcode":"M_LIMIT_EXCEEDED"}' }));
	await one.whoami().catch(() => undefined);
	hs.fail(() => undefined);
	await one.whoami().catch(() => undefined);
	one.close();
	expect(limits).toBe(1);
});

describe("throws a MatrixError for", () => {
	test("an answer with an errcode", async () => {
		const no = await answering({ status: 403, body: '{"errcode":"M_FORBIDDEN","error":"You may not"}' });
		expect(no).toMatchObject({
			name: "MatrixError",
			status: 403,
			errcode: "M_FORBIDDEN",
			message: "You may not",
		});
	});
	test("a proxy's 413", async () => {
		expect(await answering({ status: 413, body: "<html>" })).toMatchObject({ errcode: "M_TOO_LARGE" });
		expect(await answering({ status: 413, body: "<html>" })).toBeInstanceOf(MatrixError);
	});
});

describe("createMatrixClient: repeated requests", () => {
	test("repeats a request at once when the server closed the idle connection", async () => {
		await client.whoami();
		let cuts = 0;
		hs.fail(() => (cuts++ === 0 ? "cut" : undefined));
		await client.whoami();
		expect(cuts).toBe(2);
	});

	test("never repeats a POST by itself", async () => {
		await client.whoami();
		let asked = 0;
		hs.fail(() => {
			asked++;
			return "cut";
		});
		expect(await failure(client.createRoom({}))).toBeInstanceOf(TemporaryError);
		expect(asked).toBe(1);
	});

	test("register resolves with false for an existing account", async () => {
		expect(await client.register("ghost")).toBe(true);
		expect(await client.register("ghost")).toBe(false);
	});
});
