import { createGuard } from "../../core/guard.ts";
import type { Log } from "../../core/log.ts";
import * as phrases from "../phrases.ts";
import * as to from "../to-xmpp.ts";
import type { Component } from "./component.ts";

/** Questions to ourselves in one look. */
const questions = 10;
/**
 * In ms: after coming online, for a connection of an earlier run may be ending still; what an answer may take; between
 * looks, and while something is wrong.
 */
const defaults = { first: 5_000, within: 10_000, every: 600_000, again: 10_000 };

/**
 * Whether this connection is the only one that is our component. ejabberd takes several and gives each a share of what
 * comes in, so that a second bridge, or a connection of ours that is half dead, loses us messages without a word.
 * (Prosody refuses the second, or ends the first.) Of several questions to ourselves some do not come back then.
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

	/** Resolves with when to look again. */
	async function look(): Promise<number> {
		const ask = () => link.iq(to.ping(component, `${component}/ping`), timing.within);
		const answers = await Promise.allSettled(Array.from({ length: questions }, ask));
		const came = answers.filter(({ status }) => status === "fulfilled").length;
		// None at all is a server that hangs, which is another matter.
		if (came === 0) return timing.again;
		const some = came < questions;
		// Twice in a row, for a busy moment may have made some late.
		if (some && suspected && !shared)
			log.error({ cure: phrases.xmppShared(component) }, "another connection shares the XMPP link");
		if (!some && shared) log.info({}, "the XMPP link is ours alone again");
		shared = some && (suspected || shared);
		suspected = some;
		return some ? timing.again : timing.every;
	}

	return {
		/** The link is up: looks from now on. */
		online: () => lookIn(timing.first),
		offline(): void {
			clearTimeout(timer);
			timer = undefined;
			[suspected, shared] = [false, false];
		},
		/** What is wrong, as a sentence with the cure. */
		cause: (): string | undefined => (shared ? phrases.xmppShared(component) : undefined),
	};
}
