import { once } from "node:events";
import { component, type Element, xml } from "@xmpp/component";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "../../eventually.ts";
import { patience } from "../../patience.ts";
import { domain, type FakeServer, fakeServer, secret } from "../fake-server.ts";

// The faults of @xmpp/component that src/xmpp/stream/connection.ts works around. If a test fails after an upgrade, the
// library has mended that fault, and its workaround may be removable.

let server: FakeServer;
afterEach(() => server?.stop());

/** Returns a connection of the unmodified library, without its reconnecting, which would outlive the test. */
async function dialled(password: string) {
	server = await fakeServer();
	const entity = component({ service: server.service, domain, password });
	entity.reconnect.stop();
	entity.timeout = patience;
	const errors: unknown[] = [];
	entity.on("error", (error) => errors.push(error));
	const order: string[] = [];
	entity.on("online", () => order.push("online"));
	entity.on("stanza", (stanza: Element) => order.push(stanza.getChild("body")?.getText() ?? ""));
	return { entity, errors, order };
}
const asBytes = Buffer.from(secret).toString("latin1");
const open = async (entity: ReturnType<typeof component>) => {
	await entity.connect(server.service);
	await entity.open({ domain });
};
const message = (body: string) => `<message from='a@b.test' to='c@${domain}'><body>${body}</body></message>`;

describe("@xmpp/component", () => {
	test("still breaks a character that is split over two packets", async () => {
		const { entity, order } = await dialled(asBytes);
		const online = once(entity, "online");
		await open(entity);
		await online;
		const raw = Buffer.from(message("é"));
		const middle = raw.indexOf("é") + 1;
		const { socket } = entity;
		const before = socket?.bytesRead ?? 0;
		server.write(raw.subarray(0, middle));
		await eventually(() => expect(socket?.bytesRead).toBe(before + middle));
		server.write(raw.subarray(middle));
		await once(entity, "stanza");
		expect(order.at(-1)).toBe("\ufffd\ufffd");
	});

	test("still hashes a non-ASCII secret wrongly", async () => {
		const { entity, errors } = await dialled(secret);
		const ended = new Promise((done) => entity.on("disconnect", done));
		await open(entity);
		await ended;
		expect(String(errors[0])).toContain("not-authorized");
	});

	test("still emits online after the stanzas that arrived with the handshake's answer", async () => {
		const { entity, order } = await dialled(asBytes);
		server.faults.greeting = message("early");
		const online = once(entity, "online");
		await open(entity);
		await online;
		expect(order).toEqual(["early", "online"]);
	});

	test("still has a parser that throws on an unknown entity and accepts control characters", async () => {
		const { entity } = await dialled(asBytes);
		expect(() => new entity.Parser().write("<a><b>&foo;</b>")).toThrow();
		expect(() => new entity.Parser().write("<a><b>\u0001</b>")).not.toThrow();
	});

	test("still has middleware that throws on a malformed sender", async () => {
		const { entity } = await dialled(asBytes);
		const stanza = new xml.Element("message", { from: "@", to: domain });
		expect(() => entity.emit("element", stanza)).toThrow();
	});

	test("still leaves the socket open if the stream is not opened in time", async () => {
		const { entity } = await dialled(asBytes);
		server.faults.mute = true;
		entity.timeout = 30;
		await expect(open(entity)).rejects.toThrow();
		await new Promise((done) => setTimeout(done, 100));
		expect([entity.status, server.connections.open]).toEqual(["opening", 1]);
	});

	test("still serialises control characters", async () => {
		expect(new xml.Element("a", { b: "\u0001\n" }).toString()).toBe('<a b="\u0001\n"/>');
	});
});
