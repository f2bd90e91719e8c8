import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../fakes.ts";
import { random } from "../random.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { XmppClient } from "../testbed/xmpp-client.ts";
import { chat } from "./meeting.ts";

const kills = 25;
const lines = 500;
const seed = Number(process.env.TRIVIUM_SEED ?? Date.now() % 1_000_000);

describe("a chat Matrix → XMPP under kills at random moments", { retry: 0 }, () => {
	let bridged: Bridged;
	let bob: MatrixClient;
	let juliet: XmppClient;
	beforeAll(async () => {
		const much = () => ({ per_minute: 1_000_000, burst: 100_000 });
		bridged = await startBridged({
			xmpp: "prosody",
			servers: ["synapse", "prosody"],
			prosody: { conflict: "kick_old" },
			config: () => ({
				limits: {
					sender: much(),
					domain: much(),
					new_chats: much(),
					new_chats_of_domain: much(),
					joins: much(),
					joins_of_domain: much(),
					new_ghosts: much(),
					new_ghosts_of_domain: much(),
				},
			}),
		});
		const { bed } = bridged;
		bob = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("bob"));
		juliet = await XmppClient.connect(await bed.xmppUser("prosody", "juliet"));
	}, 180_000);
	afterAll(async () => {
		await bob?.close();
		await juliet?.close();
		await bridged?.down();
	});

	test.each([
		["one after the other", 1, 110],
		["ten at once", 10, 1_100],
	])(
		"written %s: every line arrives, in order, and at most one a kill arrives twice",
		async (way, atOnce, pause) => {
			const room = await chat(`bob@${bridged.xmpp.component}`, juliet, bob);
			const before = juliet.inbox.items.length;
			const chance = random(seed);
			let written = 0;
			const writing = (async () => {
				while (written < lines) {
					const some = Array.from({ length: atOnce }, () => bob.send(room, `${way} ${written++}`));
					await Promise.all(some);
					await sleep(pause);
				}
			})();
			for (let killed = 0; killed < kills; killed++) {
				await sleep(200 + chance() * (killed % 2 ? 1_000 : 5_000));
				await bridged.kill();
				await bridged.start();
			}
			await writing;
			const got = () =>
				juliet.inbox.items.slice(before).flatMap((one) => {
					const body = one.is("message") ? (one.getChild("body")?.getText() ?? "") : "";
					return body.startsWith(`${way} `) ? [Number(body.slice(way.length + 1))] : [];
				});
			await until(
				() => new Set(got()).size === lines,
				() => `${new Set(got()).size} of ${lines}`,
				120_000,
			);
			await sleep(5_000);
			const all = got();
			const first = [...new Set(all)];
			const again = all.length - lines;
			console.log(`seed ${seed}, ${way}: ${kills} kills, ${lines} lines, ${again} twice`);
			const where = all.flatMap((n, at) => (all.indexOf(n) < at ? [n] : []));
			console.log(`twice: ${where.join(" ")}`);
			if (way === "one after the other") expect(first).toEqual(first.toSorted((a, b) => a - b));
			expect(again).toBeLessThanOrEqual(kills);
		},
		600_000,
	);
});
