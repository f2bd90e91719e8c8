import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { LinkId, NetworkName, PortalId, RoomId, UserId } from "../src/core/ids.ts";
import type { Link, Mapping } from "../src/core/mapping.ts";
import type { Person } from "../src/core/person.ts";
import { ghostMxid } from "../src/matrix/mxid.ts";
import { writeRegistration } from "../src/matrix/registration.ts";
import { createNedbMapping } from "../src/store/nedb.ts";
import { pairRoom } from "../src/xmpp/direct/pair.ts";
import { account, occupant } from "../src/xmpp/from-xmpp.ts";
import { freePort } from "../test/free-port.ts";
import { domain as component, secret } from "../test/xmpp/fake-server.ts";
import { broker } from "./broker.ts";
import { type Homeserver, homeserver } from "./homeserver.ts";
import { startSubject } from "./subject.ts";
import { xmppServer } from "./xmpp.ts";

/** The surroundings of the bridge that a case needs. */
export type Shape = Readonly<{
	/** Number of portals of a Matrix room and a MUC. */
	mucs?: number;
	/** Number of people in each Matrix room, who are occupants of its MUC; `others`: its further occupants, by default 5. */
	people?: number;
	others?: number;
	/** Adds a direct chat. */
	direct?: true;
	/** Adds a mirror of an MQTT topic: with a message for each value, or with one that shows the latest. */
	mirror?: "message" | "state";
	/** Number of people in a further Matrix room without a portal, which people of XMPP may join. */
	members?: number;
	/** Number of ghosts in the mapping that take no part. */
	strangers?: number;
	/** Uses the default rate limits; without it there are none. devices: those of brokers and their ghosts alone. */
	limited?: true | "devices";
}>;
/** The floor's options, given on its command line as JSON. */
export type FloorOptions = Readonly<{
	homeserver: string;
	token: string;
	domain: string;
	listen: number;
	xmpp: Readonly<{ port: number; component: string; secret: string }>;
	mqtt?: Readonly<{ port: number; filter: string; room: string }>;
	file: string;
	/** A Matrix room, and the address at which the floor shows it to all who send a presence there. */
	hosted?: Readonly<{ room: string; address: string }>;
	/** A Matrix room, and the MUC or the XMPP account that it is linked with. */
	pairs: readonly Readonly<{ room: string; muc?: string; account?: string }>[];
	/** The MXIDs of the people whose ghosts are occupants of each MUC. */
	people: readonly string[];
}>;

export type World = Awaited<ReturnType<typeof world>>;

const domain = "hs.test";
const matrix = "matrix" as NetworkName;
const romeo = "romeo@people.test";
export const topic = "home/kitchen/temperature";
export const nick = (index: number) => `nick${index}`;
export const muc = (index: number) => `r${index}@muc.test`;
const mxid = (index: number) => `@person${index}:${domain}`;
const link = (id: string, network: string, role: Link["role"], room: string): Link => ({
	id: id as LinkId,
	network: network as NetworkName,
	role,
	room: room as RoomId,
	in: true,
	out: role !== "mirror",
});

/** Makes a Matrix room of so many people that anybody may join. Returns it with its address on XMPP and its people. */
export function openRoom({ fake }: Homeserver, alias: string, members: number) {
	const people = Array.from({ length: members }, (_, index) => fake.person(`${alias}${index}`));
	const room = fake.room(people[0] ?? "", { preset: "public_chat" });
	fake.emit(room, people[0] ?? "", "m.room.join_rules", { join_rule: "public" }, { state_key: "" });
	for (const one of people.slice(1)) fake.member(room, one, "join");
	room.aliases.add(`#${alias}:${domain}`);
	return { room, people, address: `#${alias}@${component}` };
}

/** Starts the fakes and makes rooms and stores of this shape; `heard` is called with every text that arrives. */
export async function world(shape: Shape, heard: (text: string) => void) {
	const {
		mucs = 0,
		people = 1,
		others = 5,
		direct = false,
		mirror,
		members = 0,
		strangers = 0,
		limited,
	} = shape;
	const folder = mkdtempSync(join(tmpdir(), "trivium-bench-"));
	const port = await freePort();
	const healthPort = await freePort();
	const appservice = `http://127.0.0.1:${port}`;
	const networks = ["xmpp", "mqtt"];
	const registration = writeRegistration({ url: appservice, domain, bot: "trivium", networks });
	const { as_token: token, hs_token: hsToken } = parse(registration) as Record<string, string>;
	const tokens = { token: token ?? "", hsToken: hsToken ?? "" };
	const hs = await homeserver({ ...tokens, appservice, heard });
	const xmpp = await xmppServer(heard);
	const mqtt = mirror ? await broker() : undefined;

	const persons = Array.from({ length: people }, (_, index) => hs.fake.person(`person${index}`));
	const bot = hs.fake.person("trivium");
	const room = () => {
		const made = hs.fake.room(persons[0] ?? "", { preset: "public_chat" });
		// The whole create event, as the bridge requests it.
		const create = { sender: persons[0], content: { room_version: "12" } };
		hs.fake.emit(made, persons[0] ?? "", "m.room.create", create, { state_key: "" });
		for (const one of [...persons.slice(1), bot]) hs.fake.member(made, one, "join");
		return made;
	};
	const rooms = Array.from({ length: mucs }, (_, index) => {
		xmpp.open(
			muc(index),
			Array.from({ length: others }, (_, index) => nick(index)),
		);
		return room().id;
	});
	const mirrored = mirror ? room().id : "";
	const crowd = members > 0 ? openRoom(hs, "crowd", members) : undefined;
	const ghost = hs.fake.person(
		ghostMxid("xmpp", [romeo], domain).slice(1, -domain.length - 1),
		account(romeo).name,
	);
	const chat = direct ? hs.fake.room(ghost) : undefined;
	if (chat) hs.fake.member(chat, persons[0] ?? "", "join");

	async function fill(mapping: Mapping): Promise<void> {
		for (const [index, room] of rooms.entries()) {
			const links = [
				link(`m${index}`, "matrix", "joined", room),
				link(`x${index}`, "xmpp", "joined", muc(index)),
			];
			await mapping.savePortal({ id: `portal${index}` as PortalId, links });
		}
		if (chat) {
			const pair = pairRoom(romeo, `person0@${xmpp.component}`);
			const person0: Person = {
				network: matrix,
				id: mxid(0) as UserId,
				address: ["person0"],
				name: "person0",
				handles: [mxid(0)],
				domain,
				local: true,
			};
			await mapping.saveGhost({
				person: account(romeo),
				on: matrix,
				address: ghost as UserId,
				name: account(romeo).name ?? "",
			});
			await mapping.savePortal({
				id: "direct" as PortalId,
				between: [person0, account(romeo)],
				links: [link("m-direct", "matrix", "direct", chat.id), link("x-direct", "xmpp", "direct", pair)],
			});
		}
		const saved: Promise<void>[] = [];
		for (let index = 0; index < strangers; index++) {
			const person = occupant("elsewhere@muc.test", `stranger${index}`, { occupantId: `s${index}` });
			const address = ghostMxid("xmpp", person.address, domain) as UserId;
			saved.push(mapping.saveGhost({ person, on: matrix, address, name: person.name ?? "" }));
		}
		await Promise.all(saved);
	}

	/** Writes the mapping of a bridge with this shape; a large one is made once. */
	async function store(directory: string): Promise<void> {
		mkdirSync(directory, { mode: 0o700 });
		const file = join(directory, "mapping.db");
		const cached = join(
			tmpdir(),
			`trivium-bench-${process.pid}-${JSON.stringify(shape).replace(/\W+/g, "-")}`,
		);
		if (existsSync(cached)) return copyFileSync(cached, file);
		const log = { debug() {}, info() {}, warn() {}, error: console.error, child: () => log };
		const fail = (error: Error) => {
			throw error;
		};
		const mapping = createNedbMapping({ file, log, onFailure: fail });
		await mapping.open();
		await fill(mapping);
		await mapping.close();
		if (strangers > 0) copyFileSync(file, cached);
	}

	const rate = { per_minute: 6_000_000, burst: 1_000_000 };
	const config = () => ({
		matrix: {
			homeserver: hs.fake.url,
			domain,
			appservice: {
				listen: `127.0.0.1:${port}`,
				url: appservice,
				registration: join(folder, "registration.yaml"),
			},
		},
		xmpp: { component: xmpp.component, service: xmpp.service, secret },
		...(mqtt && {
			mqtt: {
				brokers: { home: { url: `mqtt://127.0.0.1:${mqtt.port}` } },
				mirrors: [{ broker: "home", topic: "home/#", room: mirrored, show: mirror }],
			},
		}),
		health: { listen: `127.0.0.1:${healthPort}` },
		store: { directory: join(folder, "data") },
		permissions: { "*": "use", [`@*:${domain}`]: "link" },
		...(limited !== true && {
			limits: {
				sender: rate,
				new_chats: rate,
				new_chats_of_domain: rate,
				joins: rate,
				joins_of_domain: rate,
				...(!limited && { domain: rate, new_ghosts: rate, new_ghosts_of_domain: rate }),
			},
		}),
	});
	const floor = (): FloorOptions => ({
		homeserver: hs.fake.url,
		token: tokens.token,
		domain,
		listen: port,
		xmpp: { port: Number(new URL(xmpp.service).port), component: xmpp.component, secret },
		...(mqtt && { mqtt: { port: mqtt.port, filter: "home/#", room: mirrored } }),
		file: join(folder, "floor.db"),
		...(crowd && { hosted: { room: crowd.room.id, address: crowd.address } }),
		pairs: [
			...rooms.map((room, index) => ({ room, muc: muc(index) })),
			...(chat ? [{ room: chat.id, account: romeo }] : []),
		],
		people: persons,
	});

	return {
		hs,
		xmpp,
		mqtt,
		rooms,
		/** The room with `members`, and its address on XMPP. */
		crowd,
		/** Resolves with the figure of a counter of the bridge, over all labels. */
		async metric(name: string): Promise<number> {
			const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
			const found = text.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\S+)`, "gm"));
			return [...found].reduce((sum, [, value]) => sum + Number(value), 0);
		},
		/** Makes a Matrix room of the same people without a portal. */
		room: () => room().id,
		/** Starts the floor or the bridge; resolves when it is up. */
		async start(which: "floor" | "bridge", profile?: string) {
			const log = join(folder, "log");
			const how = { log, ...(profile && { profile: join(profile, which) }) };
			if (which === "floor")
				return startSubject({
					program: join(import.meta.dirname, "floor.ts"),
					args: [JSON.stringify(floor())],
					...how,
				});
			if (!existsSync(join(folder, "data"))) await store(join(folder, "data"));
			writeFileSync(join(folder, "registration.yaml"), registration, { mode: 0o600 });
			const file = join(folder, "config.yaml");
			writeFileSync(file, stringify(config(), { aliasDuplicateObjects: false }), { mode: 0o600 });
			const program = join(import.meta.dirname, "../src/main.ts");
			return startSubject({ program, args: ["run", "--config", file], ...how });
		},
		/** Whether all ghosts and occupants have joined. */
		settled: (): boolean =>
			[...xmpp.mucs.values()].every(({ ours }) => ours.size === people + 1) && xmpp.connected(),
		/** Sends a message in one direction of a case; `seq` chooses the sender. */
		say: {
			"to-muc": (lane: number, seq: number, text: string) =>
				hs.say(rooms[lane] ?? "", mxid(seq % people), text),
			"from-muc": (lane: number, seq: number, text: string) => xmpp.say(muc(lane), nick(seq % 5), text),
			"to-jid": (_: number, __: number, text: string) => hs.say(chat?.id ?? "", mxid(0), text),
			"from-jid": (_: number, __: number, text: string) =>
				xmpp.chat(`${romeo}/phone`, `person0@${xmpp.component}`, text),
			"from-mqtt": (_: number, __: number, text: string) => mqtt?.publish(topic, text),
		},
		async close() {
			await hs.close();
			await xmpp.close();
			mqtt?.close();
			rmSync(folder, { recursive: true, force: true });
		},
	};
}
export type Way = keyof World["say"];
