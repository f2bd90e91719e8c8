import * as to from "../to-xmpp.ts";
import type { Component } from "./component.ts";

/**
 * Proof that our server took everything written so far. A component stream has no acknowledgements (XEP-0198 is not
 * for components), but stanzas on it are processed in order, so the answer to a ping stands for all before it. One
 * ping serves a whole burst.
 */
export function createServerAck(link: Pick<Component, "iq">, component: string): () => Promise<void> {
	let running: Promise<void> | undefined;
	let next: Promise<void> | undefined;
	const ask = async () => {
		// To ourselves, through the server: its own name need not be known. With a resource, because ejabberd with
		// mod_privilege drops what components ask a JID without one (processone/ejabberd#4472).
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
		// A ping under way may have been written before what the caller wrote.
		if (!running) return start();
		next ??= running.then(start, start);
		return next;
	};
}
