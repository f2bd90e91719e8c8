import { setTimeout as sleep } from "node:timers/promises";
import { type How, rest, until, type Which } from "./flow.ts";
import { broadcast, hostedIdle, largeRoom } from "./hosted.ts";
import { idle } from "./idle.ts";
import { ledger } from "./ledger.ts";
import { signals } from "./signals.ts";
import { muc, nick, type Shape, type World, world } from "./world.ts";

/** A measurement that is no stream of messages: returns figures by name. */
export type Scene = Readonly<{
	title: string;
	run(which: Which, how: How): Promise<Readonly<Record<string, number>>>;
	targets: Readonly<Record<string, string>>;
	/** The floor has no counterpart: the bridge alone is measured. */
	alone?: true;
}>;

/** Measures the link of a room with 1,000 members by command, until a message crosses in each direction. */
async function join(which: Which, { profile }: How) {
	const big = "big@muc.test";
	const heard: string[] = [];
	// Two people, since in a direct chat with the bot every message is a command.
	const scene = await world({ people: 2 }, (text) => heard.push(text));
	const { hs, xmpp } = scene;
	const room = scene.room();
	const subject = await scene.start(which, profile);
	try {
		await until("the link", xmpp.connected);
		xmpp.open(
			big,
			Array.from({ length: 1_000 }, (_, index) => nick(index)),
		);
		await sleep(500);
		const requests = hs.state.requests;
		const cpu = subject.cpu();
		const began = performance.now();
		hs.say(room, "@person0:hs.test", `!bridge link xmpp ${big}`);
		const done: Record<string, number> = {};
		let here = 0;
		for (; Object.keys(done).length < 2 && performance.now() - began < 60_000; await sleep(5)) {
			if (xmpp.mucs.get(big)?.ours.size && !done.back) xmpp.say(big, nick(0), "from there");
			if (!done.out) hs.say(room, "@person0:hs.test", `from here ${here++}`);
			if (heard.some((text) => text.startsWith("from there"))) done.back ??= performance.now() - began;
			if (heard.some((text) => text.startsWith("from here"))) done.out ??= performance.now() - began;
		}
		const soon = hs.state.requests - requests;
		await sleep(2_000);
		return {
			"usable both ways, ms": Math.max(done.back ?? Number.NaN, done.out ?? Number.NaN),
			"Matrix→MUC from, ms": done.out ?? Number.NaN,
			"homeserver requests until then, messages apart": soon,
			"homeserver requests in all, messages apart": hs.state.requests - requests,
			"CPU, ms": subject.cpu() - cpu,
		};
	} finally {
		await subject.stop();
		await scene.close();
	}
}

/** Measures a start with stores of this size from an earlier run, and then a message through every room. */
function start(shape: Shape): Scene["run"] {
	return async (which, { profile }) => {
		const book = ledger();
		const scene = await world(shape, (text) => void book.heard(text));
		if (which === "bridge" && shape.mucs) await firstRun(scene);
		const subject = await scene.start(which, profile);
		const up = performance.now();
		try {
			const ready = subject.startMs;
			const cpu = subject.cpu();
			const { mucs = 0 } = shape;
			await until("everybody to be in", scene.settled, 120_000);
			const joined = ready + performance.now() - up;
			await sleep(1_000);
			const soon = subject.rss();
			await sleep(rest);
			const rss = subject.rss();
			for (let lane = 0; lane < mucs; lane++) scene.xmpp.say(muc(lane), nick(0), book.say(lane));
			await book.settled(10_000);
			const idle = subject.cpu();
			await sleep(2_000);
			return {
				"ready, ms": ready,
				"CPU until then, ms": cpu,
				...(mucs > 0 && {
					"all rooms joined, ms": joined,
					"a line in every room: lost": book.tally().lost,
				}),
				"RSS a second later, MiB": soon,
				"RSS at rest, MiB": rss,
				"RSS after a line in every room, MiB": subject.rss(),
				"CPU when idle, %": (subject.cpu() - idle) / 20,
			};
		} finally {
			await subject.stop();
			await scene.close();
		}
	};
}

/** Measures a start alone: until the bridge takes the events of its servers, and begins to join its rooms. */
function ready(shape: Shape): Scene["run"] {
	return async (which, { profile }) => {
		const scene = await world(shape, () => undefined);
		const subject = await scene.start(which, profile);
		try {
			return {
				"ready, ms": subject.startMs,
				"CPU until then, ms": subject.cpu(),
				"RSS, MiB": subject.rss(),
			};
		} finally {
			await subject.stop();
			await scene.close();
		}
	};
}

/** Introduces all members once; the stores of this run are reused. */
async function firstRun({ start, settled, hs }: World): Promise<void> {
	const subject = await start("bridge");
	await until("everybody to be in", settled, 120_000);
	for (let before = -1; before < hs.state.requests; await sleep(2_000)) before = hs.state.requests;
	await subject.stop();
}

/** Messages of the chat beside a flood, each second. */
const chatRate = 20;

/** Measures a chat alone, then beside a flood of values in a mirrored room, and what that room gets. */
function flood(show: "message" | "state", messages: number, qos: 0 | 1): Scene["run"] {
	return async (which, { quick, profile }) => {
		let book = ledger();
		let lines = 0;
		const shape: Shape = { mucs: 1, mirror: show, limited: "devices" };
		const scene = await world(shape, (text) => book.heard(text) || lines++);
		const subject = await scene.start(which, profile);
		const ms = quick ? 10_000 : 60_000;
		async function chat() {
			book = ledger();
			const cpu = subject.cpu();
			for (let said = 0; said < (ms / 1_000) * chatRate; said++) {
				scene.xmpp.say(muc(0), nick(said % 5), book.say(0));
				await sleep(1_000 / chatRate);
			}
			await book.settled(10_000);
			return { ...book.tally(), cpu: (subject.cpu() - cpu) / ms };
		}
		try {
			await until("everybody to be in", scene.settled);
			await scene.mqtt?.subscribed;
			await chat();
			const idle = await chat();
			lines = 0;
			const [beside, sent] = await Promise.all([
				chat(),
				scene.mqtt?.flood(messages, qos, ms) ?? Promise.resolve(0),
			]);
			const during = lines;
			await until("the last values", () => lines > during, 20_000);
			return {
				"messages sent, /s": (sent * 1_000) / ms,
				"merged, %": ((await scene.metric("trivium_merged_total")) * 100) / sent,
				"lines in the room, /s": (during * 1_000) / ms,
				"chat p99 alone, ms": idle.p99,
				"chat p99 beside it, ms": beside.p99,
				"chat p99, ratio": beside.p99 / idle.p99,
				"chat p50, ratio": beside.p50 / idle.p50,
				"chat lines lost": beside.lost,
				"CPU, % of a core": (beside.cpu - idle.cpu) * 100,
				"peak RSS, MiB": subject.peak(),
			};
		} finally {
			await subject.stop();
			await scene.close();
		}
	};
}
const floodTargets = { "chat p99, ratio": "≤ 2", "chat lines lost": "0" };

export const scenes: Readonly<Record<string, Scene>> = {
	join: {
		title: "a MUC of 1,000 is linked",
		run: join,
		targets: { "usable both ways, ms": "≤ 10 × floor", "homeserver requests in all, messages apart": "≤ 20" },
	},
	empty: { title: "start, nothing to do", run: start({}), targets: {} },
	mappings: {
		title: "start with 100,000 mappings",
		run: start({ strangers: 99_990, mucs: 10 }),
		targets: { "ready, ms": "≤ 3,000" },
	},
	crowd: {
		title: "10,000 ghosts and 1,000 portals",
		run: start({ strangers: 5_000, mucs: 1_000, others: 5 }),
		targets: { "RSS at rest, MiB": "≤ 200" },
	},
	"start-10000": {
		title: "start with 100,000 ghosts and 10,000 portals",
		run: ready({ strangers: 100_000, mucs: 10_000, others: 0 }),
		alone: true,
		targets: { "ready, ms": "≤ 10,000" },
	},
	"idle-0": { title: "idle, no portal", run: idle({}), alone: true, targets: {} },
	"idle-1": {
		title: "idle, 1 portal",
		run: idle({ mucs: 1 }),
		alone: true,
		targets: { "CPU, % of a core": "≤ 0.3" },
	},
	"idle-1000": {
		title: "idle, 1,000 portals",
		run: idle({ mucs: 1_000 }),
		alone: true,
		targets: { "CPU, % of a core": "≤ 1" },
	},
	"hosted-large": {
		title: "a Matrix room of 5,000 is joined from XMPP",
		run: largeRoom(5_000),
		alone: true,
		targets: {
			"subject after the join on Matrix, ms": "≤ 5,000",
			"stanzas for each first line of a hidden member": "≤ 2",
			"lines without a presence before": "0",
		},
	},
	"hosted-lines": {
		title: "lines to 100 occupants of a hosted room on 10 servers",
		run: broadcast(100),
		targets: { "CPU of each further copy, µs": "≤ 2 × floor", "lost, twice or out of order": "0" },
	},
	"hosted-idle": {
		title: "idle, 1,000 hosted rooms of 5 occupants",
		run: hostedIdle(1_000, 5),
		alone: true,
		targets: { "CPU, % of a core": "≤ 1" },
	},
	signals: {
		title: "presence and typing of 200 people, 100 changes/s",
		run: signals(40, 160),
		alone: true,
		targets: {
			"presence in the MUC: requests a change": "≤ 0.1",
			"presence on Matrix: stanzas a change": "0",
			"typing on Matrix, nobody else in the MUC: stanzas a change": "0",
		},
	},
	"flood-state": {
		title: "10,000 values/s of QoS 0, shown in place",
		run: flood("state", 10_000, 0),
		targets: floodTargets,
		alone: true,
	},
	"flood-message": {
		title: "10,000 values/s of QoS 0, shown as messages",
		run: flood("message", 10_000, 0),
		targets: floodTargets,
		alone: true,
	},
	"flood-qos1": {
		title: "2,000 values/s of QoS 1, shown in place",
		run: flood("state", 2_000, 1),
		targets: floodTargets,
		alone: true,
	},
};
