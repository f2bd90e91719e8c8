import { setTimeout as sleep } from "node:timers/promises";
import { rest, until } from "./flow.ts";
import type { Scene } from "./scenes.ts";
import { type Shape, type World, world } from "./world.ts";

/** How long each bridge is measured, in ms: longer than the time after which it asks a silent MUC for a sign of life. */
const measured = 130_000;

/** Resolves when the bridge has introduced its ghosts: when it asks for little in `rest` ms. */
async function calm({ hs }: Pick<World, "hs">): Promise<void> {
	for (let before = Number.NEGATIVE_INFINITY; hs.state.requests - before > 3; ) {
		before = hs.state.requests;
		await sleep(rest);
	}
}

/** Measures the processor time of a bridge that has nothing to do. */
export function idle(shape: Shape): Scene["run"] {
	return async (which, { quick, profile }) => {
		const scene = await world(shape, () => undefined);
		const subject = await scene.start(which, profile);
		const ms = quick ? measured / 4 : measured;
		try {
			await until("everybody to be in", scene.settled, 120_000);
			await calm(scene);
			// The memory of the start goes back to the system in the first quiet seconds.
			await sleep(rest * 2);
			const before = { cpu: subject.cpu(), asked: scene.hs.state.requests, said: scene.xmpp.state.heard };
			await sleep(ms);
			return {
				"CPU, % of a core": ((subject.cpu() - before.cpu) * 100) / ms,
				"stanzas written, /min": ((scene.xmpp.state.heard - before.said) * 60_000) / ms,
				"homeserver requests, /min": ((scene.hs.state.requests - before.asked) * 60_000) / ms,
				"RSS, MiB": subject.rss(),
			};
		} finally {
			await subject.stop();
			await scene.close();
		}
	};
}
