/** Takes the pictures of docs/mqtt.md from two real clients: `script/pictures` runs this file. */
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { MqttClient } from "../testbed/mqtt-client.ts";

/** The folder with the clients, and the browser that shows them. */
const [folder = "", chromium = ""] = process.argv.slice(2);

/** The part of puppeteer-core that the script uses. */
type Page = Readonly<{
	goto(url: string): Promise<unknown>;
	setContent(html: string): Promise<unknown>;
	setViewport(size: Readonly<{ width: number; height: number }>): Promise<unknown>;
	waitForFunction(source: string, options: Readonly<{ timeout: number }>): Promise<unknown>;
	screenshot(how: Readonly<Record<string, unknown>>): Promise<Uint8Array>;
}>;
type Browser = Readonly<{
	newPage(): Promise<Page>;
	createBrowserContext(): Promise<Browser>;
	close(): Promise<void>;
}>;

type Example = Readonly<{
	/** The localpart of the room's alias, and the end of the names of its pictures. */
	name: string;
	/** The name of the room for people. */
	room: string;
	mirror: Readonly<Record<string, unknown>> & Readonly<{ topic: string; publish?: object }>;
	lines: readonly string[];
}>;

/** The sections of the page with a mirror and publications. */
const examples: readonly Example[] = readFileSync("docs/mqtt.md", "utf8")
	.split(/^## /m)
	.flatMap((section): readonly Example[] => {
		const [, yaml] = /```yaml\n(.*?)```/s.exec(section) ?? [];
		const [, lines] = /```sh\n(.*?)```/s.exec(section) ?? [];
		if (yaml === undefined || lines === undefined) return [];
		const [mirror] = (parse(yaml.replaceAll("example.org", "hs.test")) as { mirrors: Example["mirror"][] })
			.mirrors;
		const title = section.split("\n")[0] ?? "";
		const name = title.toLowerCase().replaceAll(" ", "-");
		return mirror ? [{ name, room: title, mirror, lines: lines.trim().split("\n") }] : [];
	});

/** Serves the pages and the clients. Resolves with the address. */
function serve(): Promise<string> {
	const { promise, resolve } = Promise.withResolvers<string>();
	const roots: Readonly<Record<string, string>> = {
		converse: join(folder, "node_modules/converse.js/dist"),
		matrix: join(folder, "built"),
	};
	const types: Readonly<Record<string, string>> = {
		...{ html: "text/html", js: "text/javascript", css: "text/css", wasm: "application/wasm" },
		...{ json: "application/json", svg: "image/svg+xml" },
	};
	const server = createServer((request, response) => {
		const [, root = "", ...path] = (request.url ?? "").split("?")[0]?.split("/") ?? [];
		const file = roots[root] ? join(roots[root], ...path) : join(import.meta.dirname, root);
		if (!existsSync(file)) return void response.writeHead(404).end();
		response.writeHead(200, {
			"content-type": types[file.split(".").at(-1) ?? ""] ?? "application/octet-stream",
		});
		createReadStream(file).pipe(response);
	});
	server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
	server.unref();
	return promise;
}

/** The yard that the camera of an example shows. */
const yard = `<body style="margin:0"><svg width="320" height="180" viewBox="0 0 320 180">
<rect width="320" height="90" fill="#a9cbe8"/><rect y="90" width="320" height="90" fill="#7d9a5b"/>
<path d="M40 110V60l45-30 45 30v50z" fill="#c8785a"/><rect x="75" y="75" width="22" height="35" fill="#5a3a28"/>
<path d="M150 180l30-80h20l60 80z" fill="#b8b0a0"/><circle cx="270" cy="35" r="16" fill="#fff2b0"/>
<rect x="236" y="70" width="8" height="40" fill="#6b4a30"/><circle cx="240" cy="60" r="26" fill="#4f7a3f"/></svg>`;

/** The size of a picture in pixels. */
const wide = { width: 640, height: 420 };
const start = (): Promise<Bridged> =>
	startBridged({
		xmpp: "prosody",
		mirrors: examples.map(({ name, mirror }) => ({ ...mirror, broker: "home", room: `#${name}:hs.test` })),
		config: ({ ports }) => ({
			public: { listen: `127.0.0.1:${ports.public}`, url: `http://127.0.0.1:${ports.public}` },
			limits: { new_chats: { per_minute: 60, burst: 100 } },
		}),
	});

const { default: puppeteer } = (await import(
	pathToFileURL(join(folder, "node_modules/puppeteer-core/lib/puppeteer/puppeteer-core.js")).href
)) as { default: { launch(how: Readonly<Record<string, unknown>>): Promise<Browser> } };
const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--lang=en-GB"] });
const address = await serve();
const canvas = await browser.newPage();
await canvas.setViewport({ width: 320, height: 180 });
await canvas.setContent(yard);
const photo = await canvas.screenshot({ type: "jpeg", quality: 80 });
const bridged = await start();
const { bed } = bridged;
try {
	const account = await bed.matrixUser("juliet");
	const juliet = await MatrixClient.connect(bed.matrix.url, account);
	await juliet.displayName("Juliet");
	const romeo = await bed.xmppUser("prosody", "romeo");
	const thing = await MqttClient.connect({ ...bed.mqtt, username: "bridge", password: "pw-bridge" });
	for (const { name, room, lines, mirror } of examples) {
		const id = await juliet.createRoom({ preset: "public_chat", room_alias_name: name, name: room });
		// The bridge looks for the room of a mirror again and again.
		while (!(await juliet.members(id)).has("@trivium:hs.test")) await sleep(500);
		// Each client forgets its login with its context.
		const contexts = await Promise.all([browser.createBrowserContext(), browser.createBrowserContext()]);
		const [matrix, xmpp] = (await Promise.all(contexts.map((one) => one.newPage()))) as [Page, Page];
		for (const page of [matrix, xmpp]) await page.setViewport(wide);
		const fragment = (of: Readonly<Record<string, string>>) => String(new URLSearchParams(of));
		await matrix.goto(
			`${address}/matrix/index.html#${fragment({ homeserver: bed.matrix.url, user: "juliet", password: account.password, room: id })}`,
		);
		await matrix.waitForFunction('document.title === "shown"', { timeout: 30_000 });
		const seat = { jid: romeo.jid, password: romeo.password, nick: "Romeo" };
		const service = `${bridged.xmpp.http.replace("http", "ws")}/xmpp-websocket`;
		await xmpp.goto(
			`${address}/xmpp.html#${fragment({ ...seat, service, room: `#${name}@${bridged.xmpp.component}` })}`,
		);
		// The text field is there once Converse is in the room.
		await xmpp.waitForFunction('document.querySelector(".chat-textarea")', { timeout: 30_000 });
		await sleep(3_000);
		if (mirror.publish) await thing.subscribe(`${mirror.topic}/set`);
		for (const line of lines) {
			const [, reply] = /^# Juliet replies: (.*)$/.exec(line) ?? [];
			if (reply !== undefined) {
				const { chunk } = await juliet.request<{
					chunk: { event_id: string; type: string; sender: string }[];
				}>("GET", `v3/rooms/${encodeURIComponent(id)}/messages?dir=b&limit=10`);
				const last = chunk.find(
					({ type, sender }) => type === "m.room.message" && sender.startsWith("@_mqtt_"),
				);
				await juliet.send(id, {
					msgtype: "m.text",
					body: reply,
					"m.relates_to": { "m.in_reply_to": { event_id: last?.event_id } },
				});
			} else {
				const [, topic = "", option, given = ""] =
					/^mosquitto_pub -t (\S+) -(m|f) (?:'(.*)'|\S+)$/.exec(line) ?? [];
				await thing.publish(
					topic,
					option === "f" ? Buffer.from(photo) : given || (line.split(" ").at(-1) ?? ""),
				);
			}
			// A message in place is edited once a second at most.
			await sleep(2_000);
		}
		await sleep(3_000);
		for (const [on, page] of [
			["matrix", matrix],
			["xmpp", xmpp],
		] as const)
			await page.screenshot({ path: `docs/pictures/mqtt-${name}-${on}.png` });
		for (const one of contexts) await one.close();
		console.log(`pictures: ${name}`);
	}
	await Promise.all([thing.close(), juliet.close()]);
} finally {
	await browser.close();
	await bridged.down();
}
