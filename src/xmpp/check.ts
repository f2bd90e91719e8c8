import { type CheckResult, fails, works } from "../core/check-result.ts";
import { type Log, silent } from "../core/log.ts";
import { checkFiles, checkRooms, checkStanzaSize } from "./check-services.ts";
import * as phrases from "./phrases.ts";
import type { ComponentOptions } from "./stream/component.ts";
import type { Cause } from "./stream/connection.ts";
import { provePath } from "./stream/path-watch.ts";
import { visit } from "./visit.ts";

/**
 * Connects as the component and asks the questions that the XMPP server has to answer. Only while the bridge is stopped: a
 * second connection would disconnect it, or take a share of its stanzas.
 */
export async function checkXmpp(
	options: ComponentOptions,
	{ publicFiles }: Readonly<{ publicFiles: boolean }>,
): Promise<readonly CheckResult[]> {
	const what = "component";
	const { component } = options;
	const there = await visit(options);
	if (!("iq" in there)) return [fails(what, explain(there, options))];
	try {
		const path = await checkPath(there, component, { publicFiles, log: silent });
		return [
			works(what, phrases.componentAt(component, options.service)),
			...path,
			// Only on a path that works the size is the cause of a missing answer.
			...(path.every(({ ok }) => ok) ? [await checkStanzaSize(there, component, there.ended)] : []),
		];
	} finally {
		await there.close();
	}
}

/** Proves that the XMPP server, and its services that the bridge needs, answer the component. Never rejects. */
export async function checkPath(
	link: Parameters<typeof provePath>[0],
	component: string,
	{ publicFiles, log }: Readonly<{ publicFiles: boolean; log: Log }>,
): Promise<readonly CheckResult[]> {
	const what = "component path";
	const cause = await provePath(link, component);
	if (cause !== undefined) return [fails(what, cause)];
	return [
		works(what),
		...(await checkRooms(link, component)),
		...(publicFiles ? [] : [await checkFiles(link, component, log)]),
	];
}

// XEP-0114 §3, RFC 6120 §4.9.3
function explain({ condition, text }: Cause, { component, service }: ComponentOptions): string {
	switch (condition) {
		case undefined:
			// These errors mean that nothing listens there; any other means that it is no component port.
			return /^(connect|getaddrinfo) |ECONN|ENOTFOUND|EHOST|ENET|ETIMEDOUT/.test(text)
				? phrases.componentNotReached(service, text)
				: phrases.noComponentPort(service, text);
		case "not-authorized":
			return phrases.xmppSecretRefused(component);
		case "host-unknown":
			// Prosody's port for clients answers the same.
			return `${phrases.xmppHostUnknown(component)} ${phrases.maybeClientPort(service)}`;
		case "conflict":
			return phrases.xmppConflict(component);
		case "invalid-namespace":
			return phrases.noComponentPort(service, text);
		default:
			return phrases.xmppRefused(text);
	}
}
