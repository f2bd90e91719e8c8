import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { check } from "../../src/check.ts";
import type { Config } from "../../src/config.ts";
import { register } from "../../src/register.ts";
import { createNedbMapping } from "../../src/store/nedb.ts";
import { dial } from "../../src/xmpp/stream/connection.ts";
import { quiet } from "../fakes.ts";
import { type Ports, startTestbed, type Testbed, type XmppServerName } from "../testbed/index.ts";

let bed: Testbed;
let folder: string;
let good: Config;

/** What an admin with these servers would have configured. */
const configured = (ports: Ports): Config => ({
	matrix: {
		homeserver: `http://127.0.0.1:${ports.synapse}`,
		domain: "hs.test",
		bot: "trivium",
		prefix: "!bridge",
		appservice: {
			listen: { host: "127.0.0.1", port: ports.appservice },
			url: `http://127.0.0.1:${ports.appservice}`,
			registration: join(folder, "registration.yaml"),
		},
	},
	xmpp: {
		component: "bridge.xmpp.test",
		service: `xmpp://127.0.0.1:${ports.prosodyComponent}`,
		secret: "bridge-secret",
	},
	mqtt: {
		brokers: {
			home: {
				url: `mqtt://127.0.0.1:${ports.mqtt}`,
				username: "bridge",
				password: "pw-bridge",
				clientId: "trivium-check-test",
				protocol: "5",
			},
		},
		mirrors: [{ broker: "home", topic: "home/+/temperature", room: "#climate:hs.test" }],
	},
	rooms: { membersMirrored: 50 },
	gateway: { direct: "known" },
	media: { largest: 1_048_576, privateHosts: [] },
	health: { listen: { host: "127.0.0.1", port: ports.health } },
	store: { directory: join(folder, "data") },
	permissions: { "*": "use" },
	limits: {
		sender: { perMinute: 1, burst: 1 },
		domain: { perMinute: 1, burst: 1 },
		newChats: { perMinute: 1, burst: 1 },
		newChatsOfDomain: { perMinute: 1, burst: 1 },
		joins: { perMinute: 1, burst: 1 },
		joinsOfDomain: { perMinute: 1, burst: 1 },
		newGhosts: { perMinute: 1, burst: 1 },
		newGhostsOfDomain: { perMinute: 1, burst: 1 },
	},
	log: { level: "info" },
});

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), "trivium-check-"));
	bed = await startTestbed({
		async registrations(ports) {
			good = configured(ports);
			await register(good, "config.yaml", () => undefined);
			return [readFileSync(good.matrix.appservice.registration, "utf8")];
		},
	});
});
afterAll(async () => {
	await bed?.down();
	if (folder) rmSync(folder, { recursive: true });
});

async function run(config: Config) {
	const lines: string[] = [];
	const ok = await check(config, "config.yaml", (line) => void lines.push(line));
	return { ok, lines, failed: lines.filter((line) => line.startsWith("✗")) };
}
const matrix = (over: Partial<Config["matrix"]>): Config => ({
	...good,
	matrix: { ...good.matrix, ...over },
});
const appservice = (over: Partial<Config["matrix"]["appservice"]>) =>
	matrix({ appservice: { ...good.matrix.appservice, ...over } });
const xmpp = (over: Partial<Config["xmpp"]>): Config => ({ ...good, xmpp: { ...good.xmpp, ...over } });
function broker(over: object, topic = "home/#"): Config {
	const home = { ...good.mqtt?.brokers.home, ...over } as NonNullable<Config["mqtt"]>["brokers"][string];
	return { ...good, mqtt: { brokers: { home }, mirrors: [{ broker: "home", topic, room: "#r:hs.test" }] } };
}
/** A changed copy of the registration. */
function registration(change: (text: string) => string): Config {
	const file = join(folder, "changed.yaml");
	writeFileSync(file, change(readFileSync(good.matrix.appservice.registration, "utf8")));
	return appservice({ registration: file });
}
const ofServer = (server: XmppServerName) => {
	const { component, componentService: service, secret } = bed.xmpp(server);
	return { component, service, secret };
};
/** Exactly one thing fails, and its line says so. */
async function failsWith(config: Config, line: RegExp): Promise<void> {
	const { ok, failed } = await run(config);
	expect(failed).toEqual([expect.stringMatching(line)]);
	expect(ok).toBe(false);
}

test.each(["prosody", "ejabberd"] as const)(
	"all is well with %s, and nothing is left behind",
	async (server) => {
		const { ok, lines } = await run(xmpp(ofServer(server)));
		expect(lines).toEqual([
			"✓ config: config.yaml",
			`✓ store: ${folder}/data`,
			expect.stringMatching(/^✓ homeserver: .*, Matrix v1\./),
			`✓ registration: ${folder}/registration.yaml`,
			"✓ as_token: @trivium:hs.test",
			"✓ namespace xmpp",
			"✓ namespace mqtt",
			`✓ appservice path: ${good.matrix.appservice.url}`,
			expect.stringMatching(`^✓ component: bridge\\.`),
			expect.stringMatching(/^✓ broker home: mqtt:.*receive maximum \d+/),
			"✓ mirror home/+/temperature",
			`✓ health: 127.0.0.1:${bed.ports.health}`,
		]);
		expect(ok).toBe(true);
		expect(existsSync(join(folder, "data/mapping.db.lock"))).toBe(false);
	},
);

describe("on the Matrix side", () => {
	test("a homeserver that is not there", () =>
		failsWith(
			matrix({ homeserver: `http://127.0.0.1:${bed.ports.public}` }),
			/homeserver: .* cannot be reached: .*ECONNREFUSED/,
		));
	test("something else that answers", () =>
		failsWith(matrix({ homeserver: bed.xmpp("prosody").http }), /homeserver: .*not as a Matrix server/));
	test("no registration", () =>
		failsWith(
			appservice({ registration: join(folder, "none.yaml") }),
			/registration: .*Write it with “register”/,
		));
	test("the example as the registration", () =>
		failsWith(
			appservice({ registration: "registration.yaml" }),
			/registration: .*is the example.*`register`/,
		));
	test("a token the homeserver does not know", () =>
		failsWith(
			registration((text) => text.replace(/as_token: .*/, "as_token: quite-another-one")),
			/as_token: .*does not know our as_token. Add .* app_service_config_files/,
		));
	test("a registration that is not that of the configuration", () =>
		failsWith(
			registration((text) => text.replace(/url: .*/, "url: http://127.0.0.1:2")),
			/registration: url is http:\/\/127.0.0.1:2 in the registration but .* Run “register”/,
		));
	test("another program in our place", async () => {
		const taken = createServer().listen(bed.ports.appservice, "127.0.0.1");
		await new Promise((resolve) => taken.once("listening", resolve));
		await failsWith(good, /appservice path: another program listens on 127.0.0.1:\d+/);
		await new Promise((resolve) => taken.close(resolve));
	});
	test("another program where the health is told", async () => {
		const taken = createServer().listen(bed.ports.health, "127.0.0.1");
		await new Promise((resolve) => taken.once("listening", resolve));
		await failsWith(good, /health: Another program listens on 127.0.0.1:\d+/);
		await new Promise((resolve) => taken.close(resolve));
	});
	test("an address that is not ours to listen on", () =>
		failsWith(
			appservice({ listen: { host: "192.0.2.1", port: 9993 } }),
			/appservice path: we cannot listen on 192.0.2.1:9993 \(EADDRNOTAVAIL\)/,
		));
	test("a homeserver that knocks elsewhere", () =>
		failsWith(
			appservice({ listen: { host: "127.0.0.1", port: bed.ports.public } }),
			/appservice path: the homeserver cannot reach us at .*M_CONNECTION_FAILED.*matrix.appservice.url/,
		));
	test("a homeserver that was not restarted since the registration changed", async () => {
		const [text = ""] = bed.options.registrations;
		const old = text.replace(/hs_token: .*/, "hs_token: of-last-year").replaceAll("_mqtt_", "_other_");
		Object.assign(bed.options, { registrations: [old] });
		await bed.restart("synapse");
		const { failed } = await run(good);
		Object.assign(bed.options, { registrations: [text] });
		await bed.restart("synapse");
		expect(failed).toEqual([
			expect.stringMatching(/namespace mqtt: .*does not let us act as people like @_mqtt_.*restart it/),
			expect.stringMatching(/appservice path: .*with another hs_token/),
		]);
	});
});

describe.each(["prosody", "ejabberd"] as const)("on the XMPP side, with %s", (server) => {
	test("a server that is not there", () =>
		failsWith(xmpp({ service: "xmpp://127.0.0.1:1" }), /component: .*cannot be reached/));
	test("a wrong secret", () =>
		failsWith(
			xmpp({ ...ofServer(server), secret: "wrong" }),
			/component: .*refuses our secret.*Set xmpp.secret/,
		));
	test("a host the server does not know", () =>
		failsWith(
			xmpp({ ...ofServer(server), component: "nobody.test" }),
			server === "prosody" ? /component: .*has no component nobody.test/ : /component: /,
		));
	test("the port for clients", () =>
		failsWith(
			xmpp({ ...ofServer(server), service: bed.xmpp(server).c2s }),
			/component: .*port for components/,
		));
});

test("a component name that another connection has", async () => {
	const { promise: online, resolve } = Promise.withResolvers<void>();
	const holder = dial(
		{ ...good.xmpp, deadline: 5000, idle: 60_000 },
		{ online: resolve, stanza() {}, truncated() {}, skip: () => false },
	);
	await online;
	const { failed } = await run(good);
	holder.close();
	await holder.ended;
	expect(failed).toEqual([expect.stringMatching(/component: Another connection .*kick_old/)]);
});

describe("on the MQTT side", () => {
	test("a broker that is not there", () =>
		failsWith(broker({ url: "mqtt://127.0.0.1:1" }), /broker home: .*cannot be reached/));
	test("a wrong password", () =>
		failsWith(broker({ password: "wrong" }), /broker home: .*(not authorised|password are wrong)/));
	test("a certificate nobody here trusts", () =>
		failsWith(broker({ url: bed.mqtt.tlsUrl }), /broker home: its certificate is not trusted.*“ca”/));
	test("a certificate of a trusted authority", async () => {
		const { ok } = await run(broker({ url: bed.mqtt.tlsUrl, ca: readFileSync(bed.ca, "utf8") }));
		expect(ok).toBe(true);
	});
	test("TLS where there is none", () =>
		failsWith(
			broker({ url: bed.mqtt.url.replace("mqtt:", "mqtts:") }),
			/broker home: it does not speak TLS/,
		));
	test("no TLS where there is", () =>
		failsWith(broker({ url: bed.mqtt.tlsUrl.replace("mqtts:", "mqtt:") }), /broker home: .*use mqtts:/));
	test("MQTT 3.1.1 too", async () => expect((await run(broker({ protocol: "3.1.1" }))).ok).toBe(true));
});

describe("of the stores", () => {
	test("a folder that cannot be made", async () => {
		writeFileSync(join(folder, "a-file"), "");
		await failsWith(
			{ ...good, store: { directory: join(folder, "a-file/data") } },
			/store: .*cannot be written to \(ENOTDIR\).*store.directory/,
		);
	});
	test("a running bridge is left alone, and seen", async () => {
		mkdirSync(good.store.directory, { recursive: true });
		const file = join(good.store.directory, "mapping.db");
		const mapping = createNedbMapping({ file, log: quiet, onFailure: () => undefined });
		await mapping.open();
		const { ok, lines } = await run(good);
		await mapping.close();
		expect(lines).toContain(`✓ store: ${good.store.directory} is in use by the running bridge`);
		expect(lines).toContain("✓ component: not tried: the bridge is running and holds it");
		expect(ok).toBe(true);
	});
});
