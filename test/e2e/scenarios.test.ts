import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { matrixPerson } from "../scenarios/matrix-person.ts";
import type { Ids, Names, Person } from "../scenarios/person.ts";
import { isIn, linesOf, type Place, type Step, type Story, seenBy, stories } from "../scenarios/script.ts";
import { xmppPerson } from "../scenarios/xmpp-person.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { Slixmpp } from "../testbed/slixmpp.ts";

/** Runs the conversations of test/scenarios; their README explains the format. */

const cast = ["Juliet", "Bob", "Romeo", "Benvolio"];
/** Matches texts that no person may read. */
const raw = /=40|=3a|%hs\.test|@_xmpp_|@[a-z]+:hs\.test/;
/** A module that sets the restarted bridge's clock ten minutes ahead, so that no conversation waits for that time. */
const later = `data:text/javascript,${encodeURIComponent("const now=Date.now;Date.now=()=>now()+6e5")}`;
/** Milliseconds without a further item, after which a wait ends. */
const quiet = 300;

const goes = ({ steps }: Story) => steps.some((step) => step.bridge);
const acts = [...stories]
	// These conversations leave the clock ahead.
	.sort((one, other) => Number(goes(one)) - Number(goes(other)))
	.flatMap((story) => story.in.map((place) => ({ story, place, name: story.name })));

describe.each(["prosody", "ejabberd"] as const)("conversations with slixmpp on %s", (server) => {
	let bridged: Bridged;
	let web: Server;
	const files = new Map<string, { bytes: Buffer; type: string }>();
	const matrix = new Map<string, MatrixClient>();
	const xmpp = new Map<string, Slixmpp>();
	const jids = new Map<string, string>();
	const rooms = new Map<Place, { to: string; room: string }>();
	let backAt = 0;

	beforeAll(async () => {
		web = createServer((request, response) => {
			const file = files.get(request.url ?? "");
			if (!file) return void response.writeHead(404).end();
			response.writeHead(200, { "content-type": file.type }).end(file.bytes);
		});
		await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
		const { port } = web.address() as AddressInfo;
		bridged = await startBridged({
			xmpp: server,
			config: ({ ports }) => ({
				public: { listen: `127.0.0.1:${ports.public}`, url: `http://127.0.0.1:${ports.public}` },
				media: { private_hosts: [`127.0.0.1:${port}`] },
				// The test's people act faster than real people, so the limits are higher.
				limits: { sender: { per_minute: 6000, burst: 1000 } },
			}),
		});
		const { bed } = bridged;
		const muc = `verona@${bridged.xmpp.muc}`;
		for (const name of ["Romeo", "Benvolio"]) {
			const account = await bed.xmppUser(server, name.toLowerCase());
			jids.set(name, account.jid);
			const client = await Slixmpp.connect(account);
			xmpp.set(name, client);
			await client.does({ do: "join", to: muc, nick: name }, "joined");
		}
		for (const name of ["Juliet", "Bob"]) {
			const client = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser(name.toLowerCase()));
			matrix.set(name, client);
			await client.displayName(name);
		}
		const [juliet, bob] = [matrix.get("Juliet") as MatrixClient, matrix.get("Bob") as MatrixClient];
		const romeo = xmpp.get("Romeo") as Slixmpp;
		const bot = "@trivium:hs.test";
		const users = { [juliet.userId]: 100, [bot]: 50 };
		const power = { power_level_content_override: { users } };
		const room = await juliet.createRoom({ preset: "public_chat", invite: [bot], ...power });
		await juliet.waitFor("the bot", (one) => one.state_key === bot && one.content.membership === "join");
		await juliet.send(room, `!bridge link xmpp ${muc}`);
		await juliet.waitFor("the link", ({ content }) => /^Linked/.test(String(content.body)), 30_000);
		await bob.join(room);
		for (const [name, client] of matrix) {
			await client.send(room, `${name} is ready`);
			await romeo.hears(name, ({ from, body }) => from === `${muc}/${name}` && body.endsWith("ready"));
		}
		for (const [name, client] of xmpp) {
			await client.does({ do: "say", to: muc, room: true, body: `${name} is ready` }, "said");
			await bob.waitForMessage(`${name} is ready`, room, 20_000);
		}
		rooms.set("MUC", { to: muc, room });

		// Romeo, too, may delete what others write there.
		const ghost = `@_xmpp_${jids.get("Romeo")?.replace("@", "=40")}:hs.test`;
		const moderators = { power_level_content_override: { users: { [juliet.userId]: 100, [ghost]: 50 } } };
		const alias = { room_alias_name: "balcony" };
		const shown = await juliet.createRoom({ preset: "public_chat", ...alias, ...moderators });
		await bob.join(shown);
		const balcony = `#balcony@${bridged.xmpp.component}`;
		for (const [name, client] of xmpp) {
			await client.does({ do: "join", to: balcony, nick: name }, "joined");
			await client.does({ do: "say", to: balcony, room: true, body: `${name} is ready` }, "said");
			await bob.waitForMessage(`${name} is ready`, shown, 20_000);
		}
		rooms.set("hosted", { to: balcony, room: shown });

		const to = `juliet@${bridged.xmpp.component}`;
		await romeo.does({ do: "say", to, body: "good evening" }, "said");
		const invited = await juliet.waitFor("an invitation", (one) => one.from === "invite", 20_000);
		await juliet.join(invited.room_id);
		await juliet.waitForMessage("good evening", invited.room_id, 20_000);
		rooms.set("chat", { to, room: invited.room_id });
	});
	afterAll(async () => {
		for (const client of xmpp.values()) client.close();
		await Promise.all([...matrix.values()].map((client) => client.close()));
		web?.close();
		await bridged?.down();
	});

	/** The people in the room, each with the ids under which they know the story's messages. */
	async function troupe(place: Place, steps: readonly Step[]) {
		const { to, room } = rooms.get(place) ?? { to: "", room: "" };
		const messages = new Map<string, Map<string, Ids>>();
		const threads = new Map<string, string>();
		for (const { deed } of steps) if (deed && "opens" in deed) threads.set(deed.opens, deed.opens);
		const now: { step?: Step } = {};
		const names = (person: string): Names => ({
			message(of, id) {
				const found = [...messages].find(([, ids]) => ids.get(person)?.[of] === id);
				return found?.[0] ?? `?${id}`;
			},
			ids(name) {
				const ids = messages.get(name)?.get(person);
				if (!ids) throw new Error(`${person} never saw "${name}"`);
				return ids;
			},
			thread(id) {
				const deed = now.step?.deed;
				if (!threads.has(id) && deed && "continues" in deed) threads.set(id, deed.continues);
				return threads.get(id) ?? `?${id}`;
			},
			threadId: (name) => [...threads].find(([, of]) => of === name)?.[0] ?? name,
			person: (shown = "?") => cast.find((one) => one.toLowerCase() === shown.toLowerCase()) ?? shown,
			backAt: () => backAt,
		});
		const { port } = web.address() as AddressInfo;
		const share = (file: string, bytes: Buffer, type: string) => {
			files.set(`/${file}`, { bytes, type });
			return `http://127.0.0.1:${port}/${file}`;
		};
		const members = await (matrix.get("Juliet") as MatrixClient).members(room);
		const here = [...matrix].map(([name, client]) => matrixPerson(name, client, room, members, names(name)));
		const there = [...xmpp].map(([name, client]) =>
			xmppPerson(name, client, to, place !== "chat", names(name), share),
		);
		const people = [...here, ...there].filter(
			({ name }) => place !== "chat" || name === "Juliet" || name === "Romeo",
		);
		const call = (name: string, person: Person, ids: Ids) => {
			const all = messages.get(name) ?? new Map<string, Ids>();
			messages.set(name, all.set(person.name, ids));
		};
		return { people, call, now };
	}

	test.each(acts)("$name ($place)", async ({ story, place }) => {
		backAt = 0;
		const steps = story.steps.filter((step) => isIn(step, place));
		const { people, call, now } = await troupe(place, steps);
		const read = new Map(people.map((person) => [person, 0]));
		/** Resolves with the next line that a person reads, or undefined where none arrives within `ms`. */
		async function next(person: Person, ms: number) {
			for (const end = Date.now() + ms; ; await sleep(20)) {
				for (let at = read.get(person) ?? 0; at < person.came().length; at = read.get(person) ?? 0) {
					const item = person.came()[at];
					read.set(person, at + 1);
					const line = await item?.line();
					if (item && line !== undefined) return { line, ids: item.ids };
				}
				if (Date.now() > end) return undefined;
			}
		}

		let waiting: { step: Step; number: number; person: Person }[] = [];
		let away = false;
		for (const [index, step] of steps.entries()) {
			if (step.bridge === "goes") {
				await bridged.stop();
				away = true;
			} else if (step.bridge === "comes back") {
				backAt = Date.now();
				await bridged.start({ NODE_OPTIONS: `--import=${later}` });
				away = false;
			}
			if (step.deed) {
				now.step = step;
				const actor = people.find(({ name }) => name === step.who);
				if (!actor) throw new Error(`${step.who} is not in this place`);
				const ids = await actor.does(step.deed);
				if (step.deed.as) call(step.deed.as, actor, ids);
				waiting.push(...people.map((person) => ({ step, number: index + 1, person })));
			}
			if (away) continue;
			// Each person has already read the lines from their own server.
			const own = ({ step: { who }, person }: (typeof waiting)[number]) =>
				people.find(({ name }) => name === who)?.network === person.network;
			waiting.sort((one, other) => Number(own(other)) - Number(own(one)));
			for (const { step: of, number, person } of waiting) {
				const self = person.name === of.who;
				const lines = self ? linesOf(of.told) : seenBy(person.network, of, place);
				for (const [at, line] of lines.entries()) {
					const got = await next(person, 20_000);
					expect(got?.line, `step ${number}, as ${person.name} reads it`).toBe(line);
					if (!self && at === 0 && got && of.deed?.as) call(of.deed.as, person, got.ids);
				}
			}
			waiting = [];
		}
		await sleep(quiet);
		for (const person of people)
			expect(await next(person, 0), `a further line that ${person.name} reads`).toBe(undefined);
	});

	test("no message shows an address in place of a name", () => {
		for (const client of matrix.values())
			for (const { content, type } of client.inbox.items)
				if (type === "m.room.message") expect(String(content.body)).not.toMatch(raw);
		for (const client of xmpp.values())
			for (const { heard } of client.lines.items)
				expect(`${heard?.body} ${heard?.quote} ${heard?.from.split("/")[1]}`).not.toMatch(raw);
	});
});
