import { createGuard } from "../../core/guard.ts";
import type { Log } from "../../core/log.ts";
import * as phrases from "../phrases.ts";
import * as to from "../to-xmpp.ts";
import type { Component } from "./component.ts";

/** The number of self-pings in one check. */
const questions = 10;
/**
 * In ms. `first`: from going online to the first check, since a connection of an earlier run may still be closing.
 * `within`: timeout of a ping. `every`: between checks. `again`: between checks while some pings get lost.
 */
const defaults = { first: 5_000, within: 10_000, every: 600_000, again: 10_000 };

/**
 * Detects a second connection that serves the same component. ejabberd accepts several and distributes the stanzas among
 * them, so a second bridge, or a half-dead connection of ours, silently takes messages away. (Prosody refuses the second
 * connection, or closes the first.) Several self-pings reveal it: some of them reach the other connection.
 */
export function createConflictWatch(
	link: Pick<Component, "iq">,
	component: string,
	log: Log,
	timing = defaults,
) {
	const guard = createGuard(log);
	let timer: NodeJS.Timeout | undefined;
	let suspected = false;
	let shared = false;

	function lookIn(ms: number): void {
		clearTimeout(timer);
		const mine = setTimeout(() => {
			void guard.run("timer of the XMPP conflict watch", async () => {
				const next = await look();
				if (timer === mine) lookIn(next);
			});
		}, ms).unref();
		timer = mine;
	}

	/** Checks once; resolves with the time until the next check, in ms. */
	async function look(): Promise<number> {
		const ask = () => link.iq(to.ping(component, `${component}/ping`), timing.within);
		const answers = await Promise.allSettled(Array.from({ length: questions }, ask));
		const answered = answers.filter(({ status }) => status === "fulfilled").length;
		// No answer at all means that the server hangs, which is no conflict.
		if (answered === 0) return timing.again;
		const some = answered < questions;
		// A conflict is reported after two checks in a row, since under load some answers may be late.
		if (some && suspected && !shared)
			log.error({ cure: phrases.xmppShared(component) }, "another connection shares the XMPP link");
		if (!some && shared) log.info({}, "the XMPP link is ours alone again");
		shared = some && (suspected || shared);
		suspected = some;
		return some ? timing.again : timing.every;
	}

	return {
		/** Starts the checks; called when the link goes online. */
		online: () => lookIn(timing.first),
		offline(): void {
			clearTimeout(timer);
			timer = undefined;
			[suspected, shared] = [false, false];
		},
		/** Returns a sentence with the cure during a conflict, else undefined. */
		cause: (): string | undefined => (shared ? phrases.xmppShared(component) : undefined),
	};
}
