import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
import { MatrixClient } from "../testbed/matrix-client.ts";

let bed: Testbed;
let folder: string;
let good: Config;

/** Returns the config that an admin of these servers would write. */
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
		contact: [],
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
	rooms: { membersMirrored: 50, readReceipts: 50 },
	gateway: { direct: "known", rooms: "local", create: [] },
	media: { largest: 1_048_576, privateHosts: [] },
	health: { listen: { host: "127.0.0.1", port: ports.health } },
	store: { directory: join(folder, "data") },
	permissions: { "*": "use" },
	limits: {
		sender: { perMinute: 1, burst: 1 },
		domain: { perMinute: 1, burst: 1 },
		newChats: { perMinute: 1, burst: 1 },
		newChatsOfDomain: { perMinute: 1, burst: 1 },
		createdRooms: { perMinute: 1, burst: 1 },
		requests: { perMinute: 1, burst: 1 },
		requestsOfDomain: { perMinute: 1, burst: 1 },
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
	const juliet = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("juliet"));
	for (const [alias, preset] of [
		["climate", "public_chat"],
		["closet", "private_chat"],
	])
		await juliet.request("POST", "v3/createRoom", { room_alias_name: alias, preset });
	await juliet.close();
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
const mirror = { broker: "home", topic: "home/+/temperature" };
function broker(over: object, topic = "home/#"): Config {
	const home = { ...good.mqtt?.brokers.home, ...over } as NonNullable<Config["mqtt"]>["brokers"][string];
	return {
		...good,
		mqtt: { brokers: { home }, mirrors: [{ broker: "home", topic, room: "#climate:hs.test" }] },
	};
}
/** Writes a changed copy of the registration, and returns a config with it. */
function registration(change: (text: string) => string): Config {
	const file = join(folder, "changed.yaml");
	writeFileSync(file, change(readFileSync(good.matrix.appservice.registration, "utf8")), { mode: 0o600 });
	return appservice({ registration: file });
}
const ofServer = (server: XmppServerName) => {
	const { component, componentService: service, secret } = bed.xmpp(server);
	return { component, service, secret };
};
/** Fails unless exactly one line of `check` fails and contains `text`. */
async function failsWith(config: Config, line: RegExp): Promise<void> {
	const { ok, failed } = await run(config);
	expect(failed).toEqual([expect.stringMatching(line)]);
	expect(ok).toBe(false);
}

test.each(["prosody", "ejabberd"] as const)(
	"check passes with %s and leaves nothing behind on the servers",
	async (server) => {
		const { ok, lines } = await run(xmpp(ofServer(server)));
		expect(lines).toEqual([
			"✓ config: config.yaml",
			`✓ store: ${folder}/data is not there yet: the first start makes it`,
			expect.stringMatching(/^✓ homeserver: .*, Matrix v1\./),
			`✓ registration: ${folder}/registration.yaml`,
			"✓ as_token: @trivium:hs.test",
			"✓ namespace xmpp",
			"✓ namespace mqtt",
			`✓ appservice path: ${good.matrix.appservice.url}`,
			"✓ mirror room #climate:hs.test",
			expect.stringMatching(`^✓ component: bridge\\.`),
			"✓ component path",
			expect.stringMatching(/^✓ rooms: muc\./),
			"✓ files: files go to the upload service of the XMPP server",
			"✓ stanza size",
			expect.stringMatching(/^✓ broker home: mqtt:.*receive maximum \d+/),
			"✓ mirror home/+/temperature",
			`✓ health: 127.0.0.1:${bed.ports.health}`,
		]);
		expect(ok).toBe(true);
		expect(existsSync(join(folder, "data/mapping.db.lock"))).toBe(false);
	},
);

describe("check of the Matrix side", () => {
	test("names a homeserver that does not run", () =>
		failsWith(
			matrix({ homeserver: `http://127.0.0.1:${bed.ports.public}` }),
			/homeserver: .* cannot be reached: .*ECONNREFUSED/,
		));
	test("names a homeserver URL where another program answers", () =>
		failsWith(matrix({ homeserver: bed.xmpp("prosody").http }), /homeserver: .*not as a Matrix server/));
	test("names a missing registration", () =>
		failsWith(
			appservice({ registration: join(folder, "none.yaml") }),
			/registration: .*is not there.*write it with “register”/,
		));
	test("refuses the example file as the registration", () =>
		failsWith(
			appservice({ registration: "registration.yaml" }),
			/registration: .*is the example.*“register”/,
		));
	test("names a token that the homeserver does not know", () =>
		failsWith(
			registration((text) => text.replace(/as_token: .*/, "as_token: quite-another-one")),
			/as_token: .*does not know our as_token. Add .* app_service_config_files/,
		));
	test("names a registration of another configuration", () =>
		failsWith(
			registration((text) => text.replace(/url: .*/, "url: http://127.0.0.1:2")),
			/registration: url is http:\/\/127.0.0.1:2 in the registration but .* Run “register”/,
		));
	test("notes an older registration, which declares no networks to look people and rooms up in", async () => {
		const { ok, lines } = await run(
			registration((text) => text.replace(/^protocols:.*\n(?: +- .*\n)*/m, "")),
		);
		expect(lines).toContainEqual(
			expect.stringMatching(
				/^! registration: everything crosses, but .*lacks xmpp and mqtt.* Run “register”/,
			),
		);
		expect(ok).toBe(true);
	});
	test("names a registration that every user of the machine can read", async () => {
		const config = registration((text) => text);
		chmodSync(config.matrix.appservice.registration, 0o644);
		await failsWith(config, /registration: every user of this machine can read .*changed.yaml.*chmod o-rwx/);
		chmodSync(config.matrix.appservice.registration, 0o600);
	});
	test("notes a homeserver that reaches the bridge by another address than the config's", async () => {
		const { url } = good.matrix.appservice;
		const other = url.replace("127.0.0.1", "localhost");
		const config = registration((text) => text.replace(url, other));
		const { appservice: from } = config.matrix;
		const { lines, ok } = await run({
			...config,
			matrix: { ...config.matrix, appservice: { ...from, url: other } },
		});
		expect(lines).toContainEqual(
			expect.stringMatching(/^! appservice path: .*as 127\.0\.0\.1:\d+, while .*localhost/),
		);
		expect(ok).toBe(true);
	});
	test.each([
		["#nowhere:hs.test", /mirror room #nowhere:hs\.test: there is no such room .*Make a room/],
		["#closet:hs.test", /mirror room #closet:hs\.test: .*Invite @trivium:hs\.test/],
	])("names a mirror whose room %s does not exist or lets nobody in", (room, line) =>
		failsWith({ ...good, mqtt: { brokers: good.mqtt?.brokers ?? {}, mirrors: [{ ...mirror, room }] } }, line),
	);
	test("tells whether rooms that are made from XMPP can have addresses", async () => {
		const { ok, lines } = await run({ ...good, gateway: { ...good.gateway, create: ["*"] } });
		expect(lines).toContain("✓ rooms that others make");
		expect(ok).toBe(true);
	});
	test("names another program on the appservice's port", async () => {
		const taken = createServer().listen(bed.ports.appservice, "127.0.0.1");
		await new Promise((resolve) => taken.once("listening", resolve));
		await failsWith(good, /appservice path: another program listens on 127.0.0.1:\d+/);
		await new Promise((resolve) => taken.close(resolve));
	});
	test("names another program on the health port", async () => {
		const taken = createServer().listen(bed.ports.health, "127.0.0.1");
		await new Promise((resolve) => taken.once("listening", resolve));
		await failsWith(good, /health: Another program listens on 127.0.0.1:\d+/);
		await new Promise((resolve) => taken.close(resolve));
	});
	test("names a listen address that this machine does not have", () =>
		failsWith(
			appservice({ listen: { host: "192.0.2.1", port: 9993 } }),
			/appservice path: we cannot listen on 192.0.2.1:9993 \(EADDRNOTAVAIL\)/,
		));
	test("names a homeserver whose ping goes to another address", () =>
		failsWith(
			appservice({ listen: { host: "127.0.0.1", port: bed.ports.public } }),
			/appservice path: the homeserver cannot reach us at .*M_CONNECTION_FAILED.*matrix.appservice.url/,
		));
	test("names a homeserver that was not restarted after the registration changed", async () => {
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

describe.each(["prosody", "ejabberd"] as const)("check of the XMPP side, with %s", (server) => {
	test("names a server that does not run", () =>
		failsWith(xmpp({ service: "xmpp://127.0.0.1:1" }), /component: .*cannot be reached/));
	test("names a wrong secret", () =>
		failsWith(
			xmpp({ ...ofServer(server), secret: "wrong" }),
			/component: .*refuses our secret.*Set xmpp.secret/,
		));
	test("names a component domain that the server does not know", () =>
		failsWith(
			xmpp({ ...ofServer(server), component: "nobody.test" }),
			server === "prosody" ? /component: .*has no component nobody.test/ : /component: /,
		));
	test("names a service that leads to the port for clients", () =>
		failsWith(
			xmpp({ ...ofServer(server), service: bed.xmpp(server).c2s }),
			/component: .*port for components/,
		));
});

test("names a setting of ejabberd that has it drop our questions, or the stream", async () => {
	const found: string[] = [];
	for (const bad of [
		{ modules: "  mod_privilege: { roster: { both: all } }" },
		{ componentAccess: "admin" },
		{ componentStanzaLimit: 65_536 },
	]) {
		Object.assign(bed.options, { ejabberd: bad });
		await bed.restart("ejabberd");
		found.push(...(await run(xmpp(ofServer("ejabberd")))).failed);
	}
	// No later test of this file uses ejabberd.
	expect(found).toEqual([
		expect.stringMatching(/component path: .*remove mod_privilege from “modules”/),
		expect.stringMatching(/component path: .*“access: all”/),
		expect.stringMatching(/stanza size: .*max_stanza_size/),
	]);
});

test("names a stanza limit of Prosody that would cut the bridge off, and an upload service that refuses it", async () => {
	const { prosody } = bed.options;
	Object.assign(bed.options, {
		prosody: { componentStanzaLimit: 65_536, uploadAccess: "someone.test" },
	});
	await bed.restart("prosody");
	const { lines } = await run(good);
	Object.assign(bed.options, { prosody });
	await bed.restart("prosody");
	expect(lines.filter((line) => !line.startsWith("✓"))).toEqual([
		expect.stringMatching(/^! files: people on XMPP read the names of files only.*http_file_share_access/),
		expect.stringMatching(/^✗ stanza size: .*component_stanza_size_limit/),
	]);
});

test("names a component domain that another connection uses", async () => {
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

describe("check of the MQTT side", () => {
	test("names a broker that does not run", () =>
		failsWith(broker({ url: "mqtt://127.0.0.1:1" }), /broker home: .*cannot be reached/));
	test("names a wrong password", () =>
		failsWith(broker({ password: "wrong" }), /broker home: .*(not authorised|password are wrong)/));
	test("names a certificate that no trusted authority signed", () =>
		failsWith(broker({ url: bed.mqtt.tlsUrl }), /broker home: its certificate is not trusted.*“ca”/));
	test("accepts a certificate of an authority that the config trusts", async () => {
		const { ok } = await run(broker({ url: bed.mqtt.tlsUrl, ca: readFileSync(bed.ca, "utf8") }));
		expect(ok).toBe(true);
	});
	test("names TLS towards a port without TLS", () =>
		failsWith(
			broker({ url: bed.mqtt.url.replace("mqtt:", "mqtts:") }),
			/broker home: it does not speak TLS/,
		));
	test("names a plain connection to a port with TLS", () =>
		failsWith(broker({ url: bed.mqtt.tlsUrl.replace("mqtts:", "mqtt:") }), /broker home: .*use mqtts:/));
	test("accepts a broker with MQTT 3.1.1", async () =>
		expect((await run(broker({ protocol: "3.1.1" }))).ok).toBe(true));
});

describe("check of the stores", () => {
	test("names a folder that cannot be made", async () => {
		writeFileSync(join(folder, "a-file"), "");
		await failsWith(
			{ ...good, store: { directory: join(folder, "a-file/data") } },
			/store: .*cannot be used \(ENOTDIR\): .*a-file is a file, not a folder.*store.directory/,
		);
	});
	test("leaves the component to a bridge that runs, and fails if it cannot be asked", async () => {
		mkdirSync(good.store.directory, { recursive: true });
		const file = join(good.store.directory, "mapping.db");
		const mapping = createNedbMapping({ file, log: quiet, onFailure: () => undefined });
		await mapping.open();
		const { ok, lines, failed } = await run(good);
		await mapping.close();
		expect(lines).toContain(`✓ store: ${good.store.directory} is in use by the running bridge`);
		expect(lines.join("\n")).not.toContain("component");
		expect(failed).toEqual([
			expect.stringMatching(
				/running bridge: a bridge runs on these stores and cannot be asked .*control\.sock/,
			),
			expect.stringMatching(/health: the running bridge does not answer at 127\.0\.0\.1:\d+/),
		]);
		expect(ok).toBe(false);
	});
});
