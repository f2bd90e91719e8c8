import { type CheckResult, fails, works } from "../core/check-result.ts";
import * as phrases from "./phrases.ts";
import { type Cause, dial } from "./stream/connection.ts";

type Options = Readonly<{ component: string; service: string; secret: string }>;

/** Checks whether the XMPP server accepts the component. Skipped while the bridge itself is `running`. */
export async function checkXmpp(options: Options, running: boolean): Promise<CheckResult> {
	const what = "component";
	// A second connection would disconnect the running bridge, or take a share of its stanzas.
	if (running) return works(what, phrases.bridgeRunning(undefined));
	const { promise: online, resolve } = Promise.withResolvers<undefined>();
	const connection = dial(
		{ ...options, deadline: 5000, idle: 60_000 },
		{ online: () => resolve(undefined), stanza() {}, truncated() {}, skip: () => false },
	);
	const cause = await Promise.race([online, connection.ended]);
	connection.close();
	await connection.ended;
	return cause
		? fails(what, explain(cause, options))
		: works(what, `${options.component} at ${options.service}`);
}

// XEP-0114 §3, RFC 6120 §4.9.3
function explain({ condition, text }: Cause, { component, service }: Options): string {
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
