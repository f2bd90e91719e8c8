import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Element, serialize, xml } from "../../src/xmpp/stream/xml.ts";
import { freePort } from "../free-port.ts";
import { fakeHomeserver } from "../matrix/fake-homeserver.ts";
import { fakeMuc } from "../xmpp/fake-muc.ts";
import { domain as component, fakeServer, secret } from "../xmpp/fake-server.ts";
import { stanza } from "../xmpp/stanza.ts";

export const room = "verona@muc.test";
export const alias = "#_xmpp_verona=40muc.test:hs.test";
export const [alice, bob, romeo] = ["@alice:hs.test", "@bob:hs.test", "romeo@x.test"];

/** The state of both servers, so that a later bridge finds there the state that an earlier one left. */
export type Snapshot = Readonly<{
	/** ms since 1970. */
	at: number;
	users: readonly (readonly [string, string | undefined])[];
	rooms: readonly Record<string, unknown>[];
	archive: readonly (Readonly<{ id: string; from: string; stanza?: string; at: number }> & {
		inside: readonly string[];
	})[];
	/** The stanzas to romeo, outside the room. */
	told: readonly string[];
}>;

type Room = NonNullable<ReturnType<Awaited<ReturnType<typeof fakeHomeserver>>["find"]>>;

/** A homeserver, and an XMPP server with one MUC and one person, on real sockets; and a bridge between them as a process. */
export async function world(folder: string, program: string) {
	const config = join(folder, "config.yaml");
	const registration = join(folder, "registration.yaml");
	const [appservice, health] = [await freePort(), await freePort()];
	/** The stanzas that reach nobody: those from the room; those to it; the server's own answers. */
	const cut = { from: false, to: false, server: false };
	const muc = fakeMuc(room, (one) => {
		if (!cut.from) xmpp.write(serialize(one));
	});
	const told: Element[] = [];
	const xmpp = await fakeServer({}, (one) => {
		const { to = "", from = "", id = "", type } = one.attrs;
		const answer = (inside?: Element) =>
			xmpp.write(
				serialize(xml("iq", { type: "result", from: to, to: from, id }, ...(inside ? [inside] : []))),
			);
		if (to.startsWith(component)) {
			// The server routes what we send ourselves: pings, and our answers to them.
			if (!cut.server) xmpp.write(serialize(one));
		} else if (one.name === "iq") {
			if (type !== "get" && type !== "set") return;
			if (!to.startsWith(room))
				return answer(one.getChild("query") && xml("query", one.getChild("query")!.attrs));
			if (cut.to) return;
			if (one.getChild("query", "urn:xmpp:mam:2")) answer(muc.query(one).getChildElements()[0]);
			else answer(one.getChild("query") && muc.info());
		} else if (to.startsWith(room)) {
			if (!cut.to) muc.take(one);
		} else if (one.name === "message") told.push(one);
	});

	const write = (homeserver: string) =>
		writeFileSync(
			config,
			`matrix:
  homeserver: ${homeserver}
  domain: hs.test
  appservice: { listen: "127.0.0.1:${appservice}", url: "http://127.0.0.1:${appservice}", registration: "${registration}" }
xmpp: { component: ${component}, service: "${xmpp.service}", secret: "${secret}" }
health: { listen: "127.0.0.1:${health}" }
store: { directory: "${join(folder, "data")}" }
permissions: { "*": use, "${alice}": admin }
`,
			{ mode: 0o600 },
		);
	write("http://127.0.0.1:1");
	let hs!: Awaited<ReturnType<typeof fakeHomeserver>>;
	let child: ChildProcess | undefined;

	return {
		config,
		muc,
		told,
		cut,
		get hs() {
			return hs;
		},
		/** Once there is a registration: the homeserver, which goes by it. */
		async open(): Promise<void> {
			const token = (name: string) =>
				new RegExp(`^${name}: "?(.*?)"?$`, "m").exec(readFileSync(registration, "utf8"))?.[1] as string;
			hs = await fakeHomeserver({ token: token("as_token"), hsToken: token("hs_token") });
			hs.serves(`http://127.0.0.1:${appservice}`);
			hs.person("alice", "Alice");
			hs.person("bob", "Bob");
			write(hs.url);
		},
		/** Starts the bridge; `more` are arguments of its node. */
		async start(more: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<void> {
			const args = [...more, program, "run", "--config", config];
			child = spawn("setpriv", ["--pdeathsig", "KILL", process.execPath, ...args], {
				stdio: ["ignore", "pipe", "inherit"],
				env: { ...process.env, ...env },
			});
			let log = "";
			child.stdout?.setEncoding("utf8").on("data", (text: string) => {
				log += text;
				if (process.env.TRIVIUM_TEST_LOG) process.stdout.write(text);
			});
			await until("running", () => {
				if (child?.exitCode !== null) throw new Error(log);
				return log.includes('"msg":"running"');
			});
		},
		async kill(): Promise<void> {
			if (!child) return;
			child.kill("SIGKILL");
			await once(child, "exit");
			child = undefined;
		},
		/** Rows on disk that are not done. */
		async waiting(): Promise<number> {
			const ready = await fetch(`http://127.0.0.1:${health}/ready`);
			return ((await ready.json()) as { store: { waiting: number } }).store.waiting;
		},
		/** Romeo's client writes to alice, outside the room. */
		whisper: (body: string, id: string) =>
			xmpp.write(
				`<message from='${romeo}/r' to='alice@${component}' type='chat' id='${id}'><body>${body}</body></message>`,
			),
		snapshot: (): Snapshot => ({
			at: Date.now(),
			users: [...hs.users],
			rooms: [...hs.rooms.values()].map((one) => ({
				...one,
				aliases: [...one.aliases],
				members: [...one.members],
				state: [...one.state],
			})),
			archive: muc.archive.map((one) => ({
				...one,
				...(one.stanza !== undefined && { stanza: one.stanza }),
				inside: one.inside.map((element) => serialize(element)),
			})) as unknown as Snapshot["archive"],
			told: told.map((one) => serialize(one)),
		}),
		restore(of: Snapshot): void {
			// Both servers count their ids, so that later lines have ids of their own.
			for (let n = 0; n < 500; n++) {
				muc.say("nobody", "");
				hs.rooms.delete(hs.room(bob).id);
			}
			for (const [mxid, name] of of.users) hs.users.set(mxid, name);
			for (const one of of.rooms as unknown as (Room & { aliases: string[] })[])
				hs.rooms.set(one.id, {
					...one,
					aliases: new Set(one.aliases),
					members: new Map(one.members),
					state: new Map(one.state),
				});
			muc.archive.splice(
				0,
				muc.archive.length,
				...of.archive.map((one) => ({ ...one, stanza: one.stanza, inside: one.inside.map(stanza) })),
			);
			told.push(...of.told.map(stanza));
		},
		async close(): Promise<void> {
			await this.kill();
			await hs.close();
			await xmpp.stop();
		},
	};
}

export async function until(
	what: string,
	holds: () => boolean | Promise<boolean>,
	ms = 60_000,
): Promise<void> {
	for (const end = Date.now() + ms; !(await holds()); ) {
		if (Date.now() > end) throw new Error(`not in time: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}
