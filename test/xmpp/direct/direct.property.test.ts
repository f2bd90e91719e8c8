import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import type { LinkId, MessageId, OperationId, PortalId, RoomId, TraceId } from "../../../src/core/ids.ts";
import type { Journal, Row } from "../../../src/core/journal.ts";
import { createLanes } from "../../../src/core/lanes.ts";
import type { Outbound } from "../../../src/core/network.ts";
import { createMemoryJournal } from "../../../src/store/memory.ts";
import { createDirectChats } from "../../../src/xmpp/direct/index.ts";
import { createServerAck } from "../../../src/xmpp/stream/server-ack.ts";
import { type Element, xml } from "../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../fakes.ts";
import { random } from "../../random.ts";
import { contactsOf } from "../contacts/world.ts";
import { alice } from "../joined/muc-world.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

const sleep = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));
const never = new Promise<never>(() => undefined);
const component = "bridge.test";
const room = `romeo@x.test alice@${component}` as RoomId;
const lane = { portal: "p" as PortalId, link: "l" as LinkId };

/** A server with an archive. It processes a component's stanzas one by one; a broken stream loses unprocessed ones. */
function server(chance: () => number) {
	const archive: string[] = [];
	let stream = { over: false };
	let hangs = Promise.resolve();
	let up: () => void = () => undefined;
	let queue = Promise.resolve();
	const waiting = new Set<(error: Error) => void>();

	async function write(stanza: Element, taken: () => void): Promise<void> {
		if (stream.over) throw new TemporaryError("no link", { unsent: true });
		const mine = stream;
		queue = queue.then(async () => {
			await hangs;
			if (chance() < 0.3) await sleep(chance() * 4);
			if (mine.over) return;
			if (stanza.is("message")) archive.push(stanza.attrs.id as string);
			taken();
		});
		if (chance() < 0.1) await sleep(0);
	}
	return {
		archive,
		link: {
			send: (stanza: Element) => write(stanza, () => undefined),
			async iq(stanza: Element, within = 30_000) {
				const { promise, resolve, reject } = Promise.withResolvers<Element>();
				promise.catch(() => undefined);
				waiting.add(reject);
				await write(
					stanza,
					() => void sleep(chance() * 3).then(() => resolve(xml("iq", { type: "result" }))),
				);
				const late = sleep(within).then(() => {
					throw new TemporaryError("no answer");
				});
				return Promise.race([promise, late]).finally(() => waiting.delete(reject));
			},
		},
		/** Sets the callback for the link coming back. */
		listens(listener: () => void): void {
			up = listener;
		},
		/** Ends the stream; a new one begins some time later. */
		async breaks(): Promise<void> {
			if (stream.over) return;
			stream.over = true;
			for (const reject of waiting) reject(new TemporaryError("link lost"));
			await sleep(chance() * 2_000);
			stream = { over: false };
			up();
		},
		hangs(ms: number): void {
			hangs = sleep(ms);
		},
		forget(): void {
			up = () => undefined;
			waiting.clear();
			stream.over = true;
			stream = { over: false };
		},
	};
}

test("each 1:1 message arrives in order, and a repeated one has the same id, however the XMPP server and the bridge fail", async () => {
	await fc.assert(
		fc.asyncProperty(fc.integer(), async (seed) => {
			const chance = random(seed);
			const xmpp = server(chance);
			const journal = createMemoryJournal();
			const lines = 80;
			let life = { over: false };
			let run: ReturnType<typeof createLanes> | undefined;
			let accepted = Promise.resolve();

			async function start(): Promise<void> {
				life = { over: false };
				const mine = life;
				/** Journal calls complete later and in order, or never once the bridge was killed. */
				let turn = Promise.resolve();
				const mortal = new Proxy(journal, {
					get:
						(target, name) =>
						(...values: unknown[]) => {
							const method = target[name as keyof Journal] as (...values: unknown[]) => Promise<unknown>;
							const done = turn
								.then(() => sleep(chance() * (name === "done" ? 100 : 5)))
								.then(() => (mine.over ? never : method.apply(target, values)));
							if (name !== "done") turn = done.then(() => undefined);
							return done.then((it) => (mine.over ? never : it));
						},
				});
				const alive =
					<T extends unknown[], R>(work: (...values: T) => Promise<R>) =>
					(...values: T): Promise<R> =>
						mine.over ? never : work(...values);
				const link = { online: true, send: alive(xmpp.link.send), iq: alive(xmpp.link.iq) };
				const side = createDirectChats({
					contacts: contactsOf().contacts,
					faces: { profile: async () => ({ name: undefined, hash: undefined }) },
					link,
					answer: async () => undefined,
					confirm: createServerAck(link, component),
					resource: "trivium",
					bridge: () => ({
						portal: async () => undefined,
						signal: () => undefined,
						cursor: async () => undefined,
						cursors: async () => [],
						saveCursor: async () => undefined,
					}),
					who: async () => alice,
					ghost: () => `alice@${component}`,
					clients: { present: () => undefined, wrote: () => undefined, support: () => "mixed" },
					tell: () => undefined,
					now: () => ({ at: Date.now(), unique: () => "u" }),
					log: quiet,
				});
				const send = (row: Row) =>
					side.send({ ...row, room, refs: {}, shown: [], reactions: "native" } as unknown as Outbound);
				const here = createLanes(
					mortal,
					{
						window: () => 20,
						refersBack: () => false,
						single: () => true,
						async prepare(row) {
							if (!row.begun && !(await mortal.attempt(row))) return undefined;
							return async () => {
								await send(row);
								void mortal.done(row, { network: "xmpp" as never, room }, []);
							};
						},
						fail: async (_row, error) => {
							throw error;
						},
						expire: async (row) => void (await mortal.expire(row)),
						retried: () => undefined,
					},
					quiet,
				);
				run = here;
				xmpp.listens(() => here.resume(() => true));
				accepted = Promise.resolve();
				await here.start();
				talk(mortal, here, mine);
			}

			let said = 0;
			/** Pushes events, and again those that were not on disk when the bridge was killed. */
			function talk(into: Journal, to: ReturnType<typeof createLanes>, mine: { over: boolean }): void {
				void (async () => {
					while (said < lines && !mine.over) {
						const count = Math.min(lines - said, 1 + Math.floor(chance() * 3));
						const begins = to.begins();
						const entries = Array.from({ length: count }, (_, index) => {
							const operation = `op${said + index}` as OperationId;
							const event = {
								kind: "message",
								style: "text",
								text: operation,
								sender: alice,
								room: "!r",
								id: `$${operation}` as MessageId,
							};
							const row = { operation, trace: "t" as TraceId, lane, event: event as never };
							return { key: operation, rows: [{ ...row, ...(begins(lane) && { begun: true }) }] };
						});
						const rows = into.accept(entries);
						accepted = rows.then((them) => void to.push(them));
						await accepted;
						said += count;
						await sleep(chance() * 60);
					}
				})();
			}

			void start();
			for (let n = 0; n < 5; n++) {
				await vi.advanceTimersByTimeAsync(chance() * 800);
				const dice = chance();
				if (dice < 0.4) void xmpp.breaks();
				else if (dice < 0.6) xmpp.hangs(chance() * 40_000);
				if (chance() < 0.3) await vi.advanceTimersByTimeAsync(chance() * 50);
				if (chance() < 0.4) {
					life.over = true;
					xmpp.forget();
					await vi.advanceTimersByTimeAsync(chance() * 1_000);
					void start();
				}
				await vi.advanceTimersByTimeAsync(chance() * 3_000);
			}
			await vi.advanceTimersByTimeAsync(600_000);
			void run?.stop(0);
			expect([...new Set(xmpp.archive)]).toEqual(Array.from({ length: lines }, (_, n) => `op${n}`));
		}),
		{ numRuns: Number(process.env.TRIVIUM_RUNS ?? 30) },
	);
});
