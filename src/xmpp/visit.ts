import { randomUUID } from "node:crypto";
import { TemporaryError } from "../core/errors.ts";
import { domain, same } from "./jid.ts";
import * as phrases from "./phrases.ts";
import { errorReply, mayBeAnswered, stanzaError } from "./stanza-error.ts";
import type { Component, ComponentOptions } from "./stream/component.ts";
import { type Cause, dial } from "./stream/connection.ts";
import { type Element, serialize, xml } from "./stream/xml.ts";

/** A connection of `check` as the component, while the bridge is stopped. */
export type Visit = Pick<Component, "iq"> &
	Readonly<{
		/** Resolves when the connection has ended. */
		ended: Promise<Cause>;
		close(): Promise<void>;
	}>;

/**
 * Connects as the component; resolves with the connection, or with the cause where the server does not take us. It answers
 * its own questions, and bounces what others send meanwhile, so that their servers tell them.
 */
export async function visit(options: ComponentOptions): Promise<Visit | Cause> {
	const waiting = new Map<
		string,
		{ to: string; resolve(answer: Element): void; reject(error: Error): void }
	>();
	const { promise: online, resolve } = Promise.withResolvers<undefined>();
	const write = (stanza: Element) => connection.write(serialize(stanza)).catch(() => undefined);

	function take(stanza: Element): void {
		const { id = "", from = "", to = "", type } = stanza.attrs;
		if (stanza.name === "iq" && (type === "result" || type === "error")) {
			const request = waiting.get(id);
			if (!request || !same(request.to, from)) return;
			waiting.delete(id);
			if (type === "result") request.resolve(stanza);
			else request.reject(stanzaError(stanza));
		} else if (stanza.name === "iq" && domain(from) === options.component)
			void write(xml("iq", { type: "result", from: to, to: from, id }));
		else if (mayBeAnswered(stanza))
			void write(errorReply(stanza, "wait", "service-unavailable", phrases.xmppStopping));
	}

	const connection = dial(
		{ ...options, deadline: 5000, idle: 60_000 },
		{ online: () => resolve(undefined), stanza: take, truncated() {}, skip: () => false },
	);
	const { ended } = connection;
	const cause = await Promise.race([online, ended]);
	if (cause) return cause;

	return {
		async iq(request, within = 10_000) {
			const id = randomUUID();
			request.attrs.id = id;
			const { promise, resolve, reject } = Promise.withResolvers<Element>();
			waiting.set(id, { to: request.attrs.to ?? "", resolve, reject });
			const timer = setTimeout(() => reject(new TemporaryError("no answer")), within);
			void ended.then(({ text }) => reject(new TemporaryError(text)));
			try {
				await connection.write(serialize(request));
				return await promise;
			} finally {
				clearTimeout(timer);
				waiting.delete(id);
			}
		},
		ended,
		async close() {
			connection.close();
			await ended;
		},
	};
}
