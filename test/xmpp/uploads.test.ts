import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { Media } from "../../src/core/event.ts";
import type { NetworkName } from "../../src/core/ids.ts";
import type { Opened } from "../../src/core/media.ts";
import { StanzaError } from "../../src/xmpp/stanza-error.ts";
import type { Element } from "../../src/xmpp/stream/xml.ts";
import { createUploads } from "../../src/xmpp/uploads.ts";
import { quiet } from "../fakes.ts";
import { stanza } from "./stanza.ts";

const media: Media = {
	kind: "image",
	source: { network: "matrix" as NetworkName, ref: "mxc://hs/1" },
	name: "cat",
	mime: "image/png",
};

/** Works like {@link Outbound.once} at the first attempt of a delivery. */
const once = <T>(_name: string, make: () => Promise<T>) => make();

let server: Server;
let base: string;
let put: { request: IncomingMessage; body: string }[];
let status: number;
let asked: Element[];
let granted: boolean;
/** The service that does not answer. */
let silent: string | undefined;
/** The largest file that the service takes, in bytes. */
let most: number;

beforeEach(async () => {
	[put, status, asked, granted, most, silent] = [[], 201, [], true, 100, undefined];
	server = createServer(async (request, response) => {
		const body = await text(request).catch(() => undefined);
		if (body === undefined) return;
		put.push({ request, body });
		response.writeHead(status).end();
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => server.close());

/** Returns the server's answer to an IQ. */
function answer(request: Element): Element {
	const { to } = request.attrs;
	const query = request.getChild("query");
	if (query?.attrs.xmlns === "http://jabber.org/protocol/disco#items")
		return stanza(
			`<iq><query xmlns='${query.attrs.xmlns}'><item jid='muc.test'/><item jid='b.test'/><item jid='up.test'/></query></iq>`,
		);
	if (query && to === "muc.test")
		return stanza(`<iq><query xmlns='${query.attrs.xmlns}'><feature var='x'/></query></iq>`);
	if (query)
		return stanza(
			`<iq><query xmlns='${query.attrs.xmlns}'><feature var='urn:xmpp:http:upload:0'/><x xmlns='jabber:x:data' type='result'>
			<field var='FORM_TYPE'><value>urn:xmpp:http:upload:0</value></field><field var='max-file-size'><value>${most}</value></field></x></query></iq>`,
		);
	if (!granted) throw new StanzaError("forbidden", "auth");
	return stanza(
		`<iq><slot xmlns='urn:xmpp:http:upload:0'><put url='${base}/put'><header name='Authorization'>Basic x</header>
		<header name='X-Evil'>y</header></put><get url='${base}/get/cat.png'/></slot></iq>`,
	);
}
const pixels: () => Promise<Opened> = async () => ({
	body: Readable.from([Buffer.from("pixels")]),
	size: 6,
});
const service = (open = pixels, leastRate?: { grace: number; perSecond: number }) =>
	createUploads({
		...(leastRate && { leastRate }),
		link: {
			iq: async (request) => {
				asked.push(request);
				if (request.attrs.to === silent) return new Promise(() => undefined);
				return answer(request);
			},
		},
		component: "b.test",
		open,
		log: quiet,
	});

describe("createUploads", () => {
	test("finds the upload service among the server's items, with its size limit", async () => {
		const found = service();
		expect(found.largest()).toBeUndefined();
		await found.look();
		expect(found.largest()).toBe(100);
		expect(asked.map((one) => one.attrs.to)).toEqual(["test", "muc.test", "up.test", "up.test"]);
	});

	test("finds the upload service behind one that does not answer", async () => {
		silent = "muc.test";
		const found = service();
		await found.look();
		expect(found.largest()).toBe(100);
	});

	test("has no service if that refuses components", async () => {
		granted = false;
		const found = service();
		await found.look();
		expect(found.largest()).toBeUndefined();
		await expect(found.put(media, once)).rejects.toThrow(PermanentError);
	});

	test("uploads a file under its name, with the allowed headers only", async () => {
		const found = service();
		await found.look();
		expect(await found.put(media, once)).toBe(`${base}/get/cat.png`);
		const { request, body } = put[0] ?? {};
		expect([request?.method, request?.url, body, put.length]).toEqual(["PUT", "/put", "pixels", 1]);
		expect(request?.headers).toMatchObject({
			authorization: "Basic x",
			"content-type": "image/png",
			"content-length": "6",
		});
		expect(request?.headers["x-evil"]).toBeUndefined();
		const wanted = asked.at(-1)?.getChild("request")?.attrs;
		expect(wanted).toMatchObject({ filename: "cat.png", size: "6", "content-type": "image/png" });
	});

	test("uploads a file once for each message, however often the message is retried", async () => {
		const found = service();
		await found.look();
		const kept = new Map<string, unknown>();
		const delivery = async <T>(name: string, make: () => Promise<T>) => {
			if (!kept.has(name)) kept.set(name, await make());
			return kept.get(name) as T;
		};
		for (let n = 0; n < 3; n++) expect(await found.put(media, delivery)).toBe(`${base}/get/cat.png`);
		expect(put).toHaveLength(1);
		await found.put({ ...media, source: { ...media.source, ref: "mxc://hs/2" } }, delivery);
		expect(put).toHaveLength(2);
	});

	test("rejects with the file's own error if the file proves damaged during the upload", async () => {
		const damaged = async function* () {
			yield Buffer.from("pix");
			await new Promise((resolve) => setTimeout(resolve, 50));
			throw new PermanentError("failed", "the file is damaged");
		};
		const found = service(async () => ({ body: Readable.from(damaged(), { objectMode: false }), size: 6 }));
		await found.look();
		await expect(found.put(media, once)).rejects.toThrow("the file is damaged");
	});

	test("stops reading a file of 100 MB while the service does not read, and then uploads all of it", async () => {
		const piece = Buffer.alloc(1_048_576, "x");
		most = 100 * piece.length;
		let [given, arrived] = [0, 0];
		const { promise: reads, resolve: read } = Promise.withResolvers<void>();
		server.removeAllListeners("request").on("request", async (request, response) => {
			await reads;
			for await (const chunk of request) arrived += (chunk as Buffer).length;
			response.writeHead(201).end();
		});
		const pieces = async function* () {
			for (; given < 100; given++) yield piece;
		};
		const body = Readable.from(pieces(), { objectMode: false });
		const found = service(async () => ({ body, size: most }));
		await found.look();
		const done = found.put(media, once);
		await new Promise((resolve) => setTimeout(resolve, 500));
		expect(given).toBeLessThan(20);
		read();
		await done;
		expect(arrived).toBe(most);
	});

	test.each([
		["with its size told", 6_000],
		["with no size told", undefined],
	])("gets no file whose source drips a byte at a time without end: %s", async (_name, size) => {
		let dripped = 0;
		const drips = async function* () {
			for (; dripped < 6_000; dripped++) {
				yield Buffer.from("x");
				await new Promise((resolve) => setTimeout(resolve, 10));
			}
		};
		const body = Readable.from(drips(), { objectMode: false });
		most = 6_000;
		const found = service(async () => ({ body, ...(size && { size }) }), { grace: 200, perSecond: 16_384 });
		await found.look();
		await expect(found.put(media, once)).rejects.toBeInstanceOf(TemporaryError);
		expect(body.destroyed).toBe(true);
		expect(dripped).toBeLessThan(3_000);
		expect(put).toEqual([]);
	});

	test.each([
		[503, TemporaryError],
		[413, PermanentError],
	])("rejects after the status %i with an error that core retries only for 5xx", async (code, error) => {
		const found = service();
		await found.look();
		status = code;
		await expect(found.put(media, once)).rejects.toThrow(error);
		status = 201;
		expect(await found.put(media, once)).toBe(`${base}/get/cat.png`);
	});
});
