import { createGuard } from "../../core/guard.ts";
import type { Log } from "../../core/log.ts";
import * as phrases from "../phrases.ts";
import { StanzaError } from "../stanza-error.ts";
import * as to from "../to-xmpp.ts";
import type { Component } from "./component.ts";

/** In ms. `within`: timeout of a question. `every`: between checks. `again`: between checks while a question stays unanswered. */
const defaults = { within: 5_000, every: 600_000, again: 10_000 };

/**
 * Asks two questions that come back to ourselves, whatever the XMPP server's own name is: one to our bare domain, one to
 * an address with a resource. Resolves with the cause and its cure where the server does not bring one of them back, else
 * with undefined. An error is an answer, too.
 *
 * ejabberd with mod_privilege drops each IQ of a component to an address without a resource outside the hosts that granted
 * a privilege, so that no MUC can be asked (processone/ejabberd#4472). With an `access` of the listener that does not allow
 * the component itself, ejabberd drops both.
 */
export async function provePath(
	link: Pick<Component, "iq">,
	component: string,
	within = defaults.within,
): Promise<string | undefined> {
	// The answers go to an address with a resource, so that they are not dropped themselves.
	const answered = (address: string) =>
		link.iq(to.ping(`${component}/path`, address), within).then(
			() => true,
			(error: unknown) => error instanceof StanzaError,
		);
	const [bare, full] = await Promise.all([answered(component), answered(`${component}/ping`)]);
	if (bare) return undefined;
	return full ? phrases.xmppBareSilent(component) : phrases.xmppSilent(component);
}

/** Proves the path to the XMPP server and back while the link is up, and logs each change once. */
export function createPathWatch(link: Pick<Component, "iq">, component: string, log: Log, timing = defaults) {
	const guard = createGuard(log);
	let timer: NodeJS.Timeout | undefined;
	/** Why the path does not work; undefined once it is proven. */
	let cause: string | undefined = phrases.xmppUnproven;
	let reported = false;

	function lookIn(ms: number): void {
		clearTimeout(timer);
		const mine = setTimeout(() => {
			void guard.run("timer of the XMPP path watch", async () => {
				const found = await provePath(link, component, timing.within);
				// The link broke meanwhile, which the log has told.
				if (timer !== mine) return;
				note(found);
				lookIn(found === undefined ? timing.every : timing.again);
			});
		}, ms).unref();
		timer = mine;
	}

	function note(found: string | undefined): void {
		// A path that was proven and is silent both ways is a server that hangs, or that we are slow to read: the connection
		// notices a dead server by itself.
		if (found === phrases.xmppSilent(component) && cause === undefined) return;
		if (found === undefined && reported) log.info({}, "the XMPP server answers again");
		if (found !== undefined && found !== cause)
			log.error({ cure: found }, "the XMPP server does not answer what the bridge needs");
		reported = found !== undefined;
		cause = found;
	}

	return {
		/** Starts the checks; called when the link goes online. */
		online: () => lookIn(0),
		offline(): void {
			clearTimeout(timer);
			timer = undefined;
			cause = phrases.xmppUnproven;
		},
		/** Returns a sentence with the cure while the path is not proven, else undefined. */
		cause: (): string | undefined => cause,
	};
}
