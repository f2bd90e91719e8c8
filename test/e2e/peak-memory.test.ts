import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { Subject } from "../../bench/subject.ts";
import { muc, topic, type World, world } from "../../bench/world.ts";
import { until } from "../fakes.ts";

/** Bound on the peak memory of the process, in MiB. */
const most = 450;
/** As many elements as the parser accepts; their tree is 80 times as large as the text. */
const bomb = `<body>boom</body>${"<a/>".repeat(4_900)}`;

/** Runs the bridge as a process of its own, between hostile fakes. */
describe("the memory of the process stays below 450 MiB", () => {
	let scene: World;
	let subject: Subject;
	let heard: string[] = [];
	afterEach(async () => {
		await subject?.stop();
		await scene?.close();
	}, 30_000);
	/** `silent`: the MUC's archive does not answer, so that the bridge keeps all its messages in memory. */
	async function begin(shape: Parameters<typeof world>[0], silent = false): Promise<void> {
		heard = [];
		scene = await world({ ...shape, limited: true }, (text) => void heard.push(text));
		const room = scene.xmpp.mucs.get(muc(0));
		if (room) room.silent = silent;
		subject = await scene.start("bridge");
		const isIn = () => (room && silent ? room.ours.size > 0 : scene.settled());
		await until(isIn, () => "nobody is in");
	}
	/** Resolves once a message sent after all others came through: the bridge has read them and still runs. */
	async function through(say: (text: string) => void, text: string): Promise<void> {
		const end = Date.now() + 45_000;
		while (!heard.some((one) => one.includes(text))) {
			if (Date.now() > end)
				throw new Error(`“${text}” did not come through:\n${subject.log().slice(-2_000)}`);
			say(text);
			await sleep(1_000);
		}
		bounded();
	}
	function bounded(): void {
		const peak = subject.peak();
		if (process.env.TRIVIUM_TEST_LOG) console.log(`peak: ${peak} MiB`);
		// Node itself takes more than the lower bound: below it nothing was measured.
		expect(peak).toBeGreaterThan(40);
		expect(peak).toBeLessThan(most);
	}
	/** Sends in pieces, so that the fakes themselves do not buffer everything. */
	async function repeat(count: number, work: (n: number) => void): Promise<void> {
		for (let n = 0; n < count; n++) {
			work(n);
			if (n % 10 === 9) await sleep(1);
		}
	}

	test("with a MUC that sends 900 messages of 4,900 elements while its archive does not answer, and messages of 100 kB", async () => {
		await begin({ mucs: 1 }, true);
		await repeat(900, () => scene.xmpp.line(muc(0), "nick0", bomb));
		await repeat(200, (n) => scene.xmpp.line(muc(0), "nick1", `<body>${"x".repeat(100_000)} ${n}</body>`));
		await sleep(20_000);
		bounded();
	}, 60_000);

	test("with a MUC that claims 20,000 occupants with nicks of a thousand characters", async () => {
		await begin({ mucs: 1 });
		await repeat(20_000, (n) => scene.xmpp.come(muc(0), `${n}`.padEnd(1_000, "x")));
		await through((text) => scene.xmpp.say(muc(0), "nick2", text), "and the room goes on");
	}, 60_000);

	test("with a broker of 5,000 topics and values of a megabyte", async () => {
		await begin({ mirror: "message" });
		await scene.mqtt?.subscribed;
		for (let n = 0; n < 5_000; n++) scene.mqtt?.publish(`home/${n}/${"t".repeat(100)}`, `${n}`);
		const large = "x".repeat(900_000);
		for (let n = 0; n < 200; n++) scene.mqtt?.publish(`${topic}${n}`, large);
		await until(
			() => subject.log().includes("the excess is delayed"),
			() => "no limit was reached",
			20_000,
		);
		await sleep(8_000);
		bounded();
	}, 60_000);

	test("with a Matrix user who sends events of the largest size and depth", async () => {
		await begin({ mucs: 1 });
		const [room = ""] = scene.rooms;
		const deep = "<blockquote>".repeat(5_000);
		await repeat(200, (n) =>
			scene.hs.push(room, "@person0:hs.test", {
				msgtype: "m.text",
				body: `${n} ${"[".repeat(5_000)}`,
				format: "org.matrix.custom.html",
				formatted_body: n % 2 === 0 ? deep : "<i>a</i>".repeat(5_000),
				more: Array.from({ length: 500 }, () => []),
			}),
		);
		await through((text) => scene.xmpp.say(muc(0), "nick2", text), "and the room goes on");
	}, 60_000);
});
