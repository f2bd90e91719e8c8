import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { random } from "../random.ts";
import { soak, throughOne } from "../soak.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { MucClient } from "../testbed/muc-client.ts";
import { type Crowd, compare, talk } from "./crowd.ts";

/** People of each network, lines of each of them, and milliseconds between two lines of one person. */
const [people, lines, pace] = soak ? [50, 4, 5_000] : [4, 5, 700];
/** How often the bridge and each server are killed; after the first round in random order, at random moments. */
const rounds = soak ? 3 : 1;
const seed = Number(process.env.TRIVIUM_SEED ?? Date.now() % 1_000_000);
const chance = random(seed);

const shuffled = <T>(all: readonly T[]): T[] =>
	all
		.map((one) => ({ one, at: chance() }))
		.sort((a, b) => a.at - b.at)
		.map(({ one }) => one);

const much = () => ({ per_minute: 1_000_000, burst: 1_000_000 });

describe.each(throughOne("prosody"))("a crowd in one Matrix room, through %s", { retry: 0 }, (server) => {
	let bridged: Bridged;
	let matrix: readonly MatrixClient[] = [];
	let xmpp: readonly MucClient[] = [];

	beforeAll(async () => {
		bridged = await startBridged({
			xmpp: server,
			config: () => ({
				limits: {
					sender: much(),
					domain: much(),
					joins: much(),
					joins_of_domain: much(),
					new_ghosts: much(),
				},
			}),
		});
		const { bed } = bridged;
		const numbers = Array.from({ length: people }, (_, n) => n);
		matrix = await Promise.all(
			numbers.map(async (n) => MatrixClient.connect(bed.matrix.url, await bed.matrixUser(`m${n}`))),
		);
		const address = `#crowd@${bridged.xmpp.component}`;
		xmpp = await Promise.all(
			numbers.map(async (n) => new MucClient(await bed.xmppUser(server, `x${n}`), address, `X${n}`)),
		);
	});
	afterAll(async () => {
		await Promise.all([...matrix, ...xmpp].map((one) => one.close()));
		await bridged?.down();
	});

	test(
		"has each line once and in one order on every client, while the bridge and both servers are killed",
		async () => {
			const { bed } = bridged;
			const [owner, ...others] = matrix;
			if (!owner) throw new Error("nobody is there");
			const room = await owner.createRoom({ preset: "public_chat", room_alias_name: "crowd" });
			await Promise.all(others.map((one) => one.join(room)));
			await Promise.all(xmpp.map((one) => one.enter()));
			const crowd: Crowd = { room, matrix, xmpp, lines, pace };
			const kills: readonly (() => Promise<void>)[] = [
				async () => {
					await bridged.kill();
					await bridged.start();
				},
				async () => {
					await bed.kill("synapse");
					await bed.start("synapse");
				},
				async () => {
					await bed.kill(server);
					await bed.start(server);
					await Promise.all(xmpp.map((one) => one.reconnect()));
				},
			];
			const outages = await talk(crowd, async (outage) => {
				for (let round = 0; round < rounds; round++)
					for (const kill of round === 0 ? kills : shuffled(kills)) {
						await sleep(pace * (round === 0 ? 1 : chance()));
						await outage(kill);
					}
			});
			await compare(crowd, outages);
			expect(
				Math.min(...xmpp.map(({ outs }) => outs)),
				"the restarted bridge puts everybody out",
			).toBeGreaterThan(0);
		},
		soak ? 1_200_000 : 300_000,
	);
});
