import { setTimeout as sleep } from "node:timers/promises";
import { rest, until } from "./flow.ts";
import type { Scene } from "./scenes.ts";
import { muc, nick, world } from "./world.ts";

/** Changes a second: in a room of 200, as many as if everybody began or ended to type every two seconds. */
const perSecond = 100;
const chatstates = "http://jabber.org/protocol/chatstates";

/** Measures the signals of a room: typing and presences of `here` people of Matrix and `there` occupants of a MUC. */
export function signals(here: number, there: number): Scene["run"] {
	return async (which, { quick, profile }) => {
		let heard = 0;
		const scene = await world({ mucs: 2, people: here, others: there }, () => void heard++);
		const { hs, xmpp, rooms } = scene;
		// Nobody but us is in the second MUC.
		const empty = xmpp.mucs.get(muc(1));
		if (empty) empty.others = [];
		const subject = await scene.start(which, profile);
		const seconds = quick ? 5 : 20;
		const found: Record<string, number> = {};

		/** Makes changes at the rate, and notes the cost of each. */
		async function phase(name: string, change: (n: number) => void): Promise<void> {
			const before = { cpu: subject.cpu(), asked: hs.state.requests, said: xmpp.state.heard };
			const began = performance.now();
			for (let n = 0; n < seconds * perSecond; await sleep(5))
				for (const due = ((performance.now() - began) / 1_000) * perSecond; n < due; n++) change(n);
			await sleep(2_000);
			const changes = seconds * perSecond;
			found[`${name}: CPU of a change, ms`] = (subject.cpu() - before.cpu) / changes;
			found[`${name}: requests a change`] = (hs.state.requests - before.asked) / changes;
			found[`${name}: stanzas a change`] = (xmpp.state.heard - before.said) / changes;
		}
		/** Returns the list of the Matrix people who type at the n-th change: each begins, and ends later. */
		const typing = (room: string, n: number) => ({
			type: "m.typing",
			room_id: room,
			content: {
				user_ids: Array.from({ length: here }, (_, at) => at)
					.filter((at) => (n + at) % here < here / 2)
					.map((at) => `@person${at}:hs.test`),
			},
		});

		try {
			await until("everybody to be in", scene.settled, 60_000);
			// A ghost joins the Matrix room with the first line of its person.
			for (let n = 0; n < there; n++) xmpp.say(muc(0), nick(n), `I am ${n}`);
			await until("the first lines", () => heard >= there, 60_000);
			await sleep(rest);
			const shows = ["", "<show>away</show>"];
			await phase("presence in the MUC", (n) =>
				xmpp.shows(muc(0), nick(n % there), shows[Math.floor(n / there) % 2] ?? ""),
			);
			await phase("typing in the MUC", (n) =>
				xmpp.line(
					muc(0),
					nick(n % there),
					`<${Math.floor(n / there) % 2 ? "paused" : "composing"} xmlns='${chatstates}'/>`,
				),
			);
			await phase("presence on Matrix", (n) =>
				hs.pass({
					type: "m.presence",
					sender: `@person${n % here}:hs.test`,
					content: { presence: Math.floor(n / here) % 2 ? "online" : "unavailable" },
				}),
			);
			await phase("typing on Matrix", (n) => hs.pass(typing(rooms[0] ?? "", n)));
			await phase("typing on Matrix, nobody else in the MUC", (n) => hs.pass(typing(rooms[1] ?? "", n)));
			return found;
		} finally {
			await subject.stop();
			await scene.close();
		}
	};
}
