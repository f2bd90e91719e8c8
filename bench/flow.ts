import { setTimeout as sleep } from "node:timers/promises";
import type { Flow } from "./cases.ts";
import { type Ledger, ledger, type Tally } from "./ledger.ts";
import type { Subject } from "./subject.ts";
import { type World, world } from "./world.ts";

export type Which = "floor" | "bridge";
export type Part = Tally & Readonly<{ cpu: number; busy: number; rate: number }>;
/** The result of a run: `cpu` in ms per message, `rate` in messages per second, `busy` the fakes' share of one core. */
export type Outcome = Readonly<{ burst: Part; paced?: Part; rss: number; startMs: number }>;
export type How = Readonly<{ quick: boolean; profile?: string }>;

const patience = 10_000;
const perSecond = 200;
/** Idle time in ms after which the bridge has returned the memory of its start. */
export const rest = 5_000;

export async function until(what: string, done: () => boolean, within = 30_000): Promise<void> {
	for (const end = performance.now() + within; !done(); await sleep(2))
		if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
}

/** Runs a case once, on the floor or the bridge. */
export async function runFlow(flow: Flow, which: Which, { quick, profile }: How): Promise<Outcome> {
	let book: Ledger = ledger();
	const scene: World = await world(flow.shape, (text) => void book.heard(text));
	const say = (count: number, from = 0) => {
		for (let index = from; index < from + count; index++) {
			const lane = index % (flow.lanes ?? 1);
			scene.say[flow.way](lane, Math.floor(index / (flow.lanes ?? 1)), book.say(lane));
		}
	};
	let subject: Subject | undefined;

	async function part(speak: () => Promise<void> | void): Promise<Part> {
		book = ledger();
		const before = { cpu: (subject as Subject).cpu(), own: process.cpuUsage(), at: performance.now() };
		await speak();
		await book.settled(patience);
		const tally = book.tally();
		const own = process.cpuUsage(before.own);
		const busy = (own.user + own.system) / 1e3 / (performance.now() - before.at);
		// Work after an arrival, such as storing the confirmation, is part of a message's cost.
		await sleep(500);
		const cpu = ((subject as Subject).cpu() - before.cpu) / tally.said;
		return { ...tally, cpu, busy, rate: ((tally.said - tally.lost) / tally.took) * 1000 };
	}

	try {
		subject = await scene.start(which, profile);
		const { startMs } = subject;
		await until("everybody to be in", scene.settled);
		await scene.mqtt?.subscribed;
		await sleep(rest);
		// First contacts, joins and cold code are not part of a message's cost.
		for (let round = 0; round < 3; round++) {
			say(Math.max(200, flow.lanes ?? 0));
			await book.settled(patience);
		}
		scene.hs.state.latency = flow.latency ?? 0;
		const burst = await part(() => say(quick ? Math.min(flow.burst, 1_000) : flow.burst));
		const paced = flow.paced && (await part(() => pace(quick ? 400 : 1_000, say)));
		return { burst, ...(paced && { paced }), rss: subject.rss(), startMs };
	} catch (error) {
		throw new Error(`${flow.title} on the ${which}: ${error}\n${subject?.log().slice(-2_000)}`);
	} finally {
		await subject?.stop();
		await scene.close();
	}
}

async function pace(count: number, say: (count: number, from: number) => void): Promise<void> {
	const began = performance.now();
	for (let done = 0; done < count; await sleep(1)) {
		const due = Math.min(count, Math.floor(((performance.now() - began) / 1000) * perSecond) + 1);
		say(due - done, done);
		done = due;
	}
}
