import { setTimeout as sleep } from "node:timers/promises";
import { rest, until } from "./flow.ts";
import type { Scene } from "./scenes.ts";
import { type Shape, world } from "./world.ts";

/** Measures the processor time of a bridge that has nothing to do, over a minute. */
export function idle(shape: Shape): Scene["run"] {
	return async (which, { quick, profile }) => {
		const scene = await world(shape, () => undefined);
		const subject = await scene.start(which, profile);
		const ms = quick ? 20_000 : 60_000;
		try {
			await until("everybody to be in", scene.settled, 120_000);
			await sleep(rest * 2);
			const before = subject.cpu();
			const requests = scene.hs.state.requests;
			const stanzas = scene.xmpp.state.heard;
			await sleep(ms);
			return {
				"CPU, % of a core": ((subject.cpu() - before) * 100) / ms,
				"stanzas written, /min": ((scene.xmpp.state.heard - stanzas) * 60_000) / ms,
				"homeserver requests, /min": ((scene.hs.state.requests - requests) * 60_000) / ms,
				"RSS, MiB": subject.rss(),
			};
		} finally {
			await subject.stop();
			await scene.close();
		}
	};
}
