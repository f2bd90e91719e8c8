import type { Running } from "../../../src/core/bridge.ts";
import type { MessageId, RoomId } from "../../../src/core/ids.ts";
import type { Journal } from "../../../src/core/journal.ts";
import { createMemoryJournal, createMemoryMapping } from "../../../src/store/memory.ts";
import { createConcurrencyLimit } from "../../../src/xmpp/concurrency-limit.ts";
import { createInbox } from "../../../src/xmpp/inbox.ts";
import { createJoinedRooms } from "../../../src/xmpp/joined/index.ts";
import { createSignedIds } from "../../../src/xmpp/joined/signed-ids.ts";
import type { Element } from "../../../src/xmpp/stream/xml.ts";
import { bridgeOf, rulesFor } from "../../bridge.ts";
import { fakeNetwork, quiet } from "../../fakes.ts";
import { fakeFaces } from "../fake-faces.ts";
import type { MucFaults } from "../fake-muc.ts";
import { inOrder, modelledLink, mucService, sleep } from "./muc-model.ts";

export const room = "verona@muc.test";
const never = new Promise<never>(() => undefined);

/** Returns one simulated history: the MUC, the state that outlives our process, and the lines of both sides. */
export function lives(chance: () => number, faults: MucFaults) {
	const service = mucService(room, chance, faults);
	const { muc } = service;
	const [mapping, journal] = [createMemoryMapping(), createMemoryJournal()];
	/** Lines of the MUC's people, in the order in which they reached the disk; and lines of ours that are settled. */
	const taken: string[] = [];
	const settled = new Set<string>();
	const told: string[] = [];

	/** One run of our process. */
	function live() {
		const died = Promise.withResolvers<false>();
		let over = false;
		const [disk, answers] = [inOrder(() => chance() * 20), inOrder(() => chance() * 3)];
		const mortal = new Proxy(journal, {
			get(target, name) {
				const method = target[name as keyof Journal] as (...values: unknown[]) => Promise<unknown>;
				return async (...values: unknown[]) => {
					await new Promise<void>(disk);
					if (over) return never;
					const result = await method.apply(target, values);
					note(name as string, values, result);
					await new Promise<void>(answers);
					// The journal on disk answers this call a little later than others of the same commit.
					for (let turns = name === "accept" ? 2 : 0; turns > 0; turns--) await undefined;
					return over ? never : result;
				};
			},
		});
		const earth = fakeNetwork("earth", {
			send: async ({ operation }) => {
				await sleep(chance() * 20);
				return over ? never : [`earth:${operation}` as MessageId];
			},
			refuse: async (event) => void ("text" in event && told.push(event.text)),
		});
		let bridge: Running;
		const link = modelledLink(service, chance, () => !over, {
			online() {
				rooms.online();
				bridge.resume(theirs.name);
			},
			offline: (cause) => rooms.offline(cause),
			stanza(stanza) {
				const answer = rooms.stanza(stanza);
				if (answer) void link.link.send(answer).catch(() => undefined);
			},
			skip: (...about) => rooms.skip(...about),
		});
		let box: ReturnType<typeof createInbox>;
		const now = () => ({ at: Date.now(), unique: () => `u${chance()}` });
		const rooms = createJoinedRooms(
			{
				link: link.link,
				component: "bridge.test",
				log: quiet,
				tell: (events) => box.events(events),
				signal: () => undefined,
				changed: () => undefined,
				fullName: async () => undefined,
				readReceipts: 0,
				cursor: (key) => bridge.cursor(key),
				cursors: (prefix) => bridge.cursors(prefix),
				save: (cursor) => box.after(() => bridge.saveCursor(cursor)),
				settled: () => box.reached(),
				crowded: () => box.depth() > 6,
				signedIds: () => createSignedIds("secret"),
				sync: (one) => box.after(() => bridge.sync(theirs.name, one.jid as RoomId, rooms.others(one.jid))),
				privately: () => undefined,
				privateError: () => false,
				ended: () => undefined,
				personAt: async () => undefined,
				resume: () => bridge.resume(theirs.name),
				paced: createConcurrencyLimit(20),
				faces: fakeFaces(),
				described: () => undefined,
				pictured: () => undefined,
				now,
			},
			{
				ghost: (who) => `${who.address[0]}@bridge.test`,
				stated: "trivium@bridge.test",
				nick: "Trivium",
				resource: "trivium",
			},
		);
		const theirs = fakeNetwork("xmpp", {
			window: 20,
			async start() {
				box = createInbox(bridge, quiet);
				link.dial();
			},
			send: (out) => rooms.send(out),
			attach: (_portal, one, members = []) => rooms.attach(one, members),
		});
		bridge = bridgeOf([earth, theirs], rulesFor({ "*": "admin" }, { membersMirrored: 10 }), {
			mapping,
			journal: mortal,
		});
		void bridge.start();
		return {
			bridge,
			earth,
			link,
			died: died.promise,
			/** False once this run was killed. */
			die(): boolean {
				if (over) return false;
				over = true;
				link.end();
				rooms.offline("killed");
				died.resolve(false);
				return true;
			},
		};
	}
	/** Puts events on the disk. */
	function note(name: string, [first]: unknown[], result: unknown): void {
		type Line = { event: { kind: string; text?: string; sender: { network: string } } };
		if (name === "done") settled.add((first as Line).event.text ?? "");
		if (name !== "accept") return;
		for (const { event } of result as Line[])
			if (event.kind === "message" && event.sender.network !== "earth") taken.push(event.text ?? "");
	}
	const body = (inside: readonly Element[]) => inside.find((one) => one.name === "body")?.getText() ?? "";
	/** Returns the lines that the MUC reflected, in its order: of its people, and of ours. */
	const reflected = () => muc.archive.map(({ inside }) => body(inside));
	return { service, mapping, taken, settled, told, live, reflected };
}
