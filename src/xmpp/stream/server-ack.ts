import * as to from "../to-xmpp.ts";
import type { Component } from "./component.ts";

/**
 * Returns a function that resolves when the XMPP server has processed all stanzas written so far. A component stream has
 * no acknowledgements (XEP-0198 is for clients), but the server processes stanzas in order, so a ping's answer
 * acknowledges all stanzas before it. Concurrent callers share one ping.
 */
export function createServerAck(link: Pick<Component, "iq">, component: string): () => Promise<void> {
	let running: Promise<void> | undefined;
	let next: Promise<void> | undefined;
	const ask = async () => {
		// A self-ping works whatever the server's own name is. It needs a resource, because ejabberd with mod_privilege
		// drops IQs from components to a JID without one (processone/ejabberd#4472).
		await link.iq(to.ping(component, `${component}/ping`));
	};
	function start(): Promise<void> {
		next = undefined;
		running = ask().finally(() => {
			running = undefined;
		});
		return running;
	}
	return () => {
		// The running ping may have been written before the caller's stanza, so the caller waits for the next one.
		if (!running) return start();
		next ??= running.then(start, start);
		return next;
	};
}
