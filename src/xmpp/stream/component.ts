import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { backoff } from "../../core/backoff.ts";
import { PermanentError, TemporaryError } from "../../core/errors.ts";
import { createGuard } from "../../core/guard.ts";
import { type Log, retryLevel } from "../../core/log.ts";
import { table } from "../../core/table.ts";
import { longestBare, longestPart, mayBeFrom, prepared, same } from "../jid.ts";
import * as phrases from "../phrases.ts";
import { errorReply, mayBeAnswered, stanzaError } from "../stanza-error.ts";
import { type Cause, type Connection, dial } from "./connection.ts";
import { attributeValue, type Element, serialize } from "./xml.ts";

export type ComponentOptions = { component: string; service: string; secret: string };

/** A recipient of stanzas that go to many: `attribute` names it in each of them. */
export type Recipient = Readonly<{ jid: string; attribute: Buffer }>;
export const recipient = (jid: string): Recipient => ({
	jid,
	attribute: Buffer.from(` to="${attributeValue(jid)}"`),
});

/** The component's link to the XMPP server. It reconnects by itself whenever it breaks. */
export interface Component {
	/** Connects; resolves when the link is online for the first time, however long that takes. */
	start(): Promise<void>;
	/** Closes the link in order. Resolves when all stanzas that the server sent until then were handed on. */
	stop(): Promise<void>;
	readonly online: boolean;
	/**
	 * Writes stanzas in call order; resolves when the kernel has taken the bytes. Callers await it as back-pressure.
	 * @throws TemporaryError when offline, PermanentError when the stanza is larger than the server accepts.
	 */
	send(stanza: Element): Promise<void>;
	/**
	 * Writes one stanza, without `to`, to several recipients in this order; it is serialized once. Stops before more than
	 * `most` bytes, but writes it to one recipient at least. Returns the number of recipients that it was written to, the
	 * bytes, and `taken`, which settles as the promise of {@link send}. @throws PermanentError as `send`
	 */
	sendToAll(
		stanza: Element,
		recipients: readonly Recipient[],
		most?: number,
	): Readonly<{ sent: number; bytes: number; taken: Promise<void> }>;
	/**
	 * Sends an IQ of type get or set under a new id; resolves with the result. Default timeout: 30 s.
	 * @throws StanzaError when the IQ is refused, TemporaryError after the timeout or when the link breaks.
	 */
	iq(request: Element, timeoutMs?: number): Promise<Element>;
}

export type Handlers = {
	/** Takes every stanza except IQ results and errors. */
	stanza(stanza: Element): void | Promise<void>;
	/** Returns true to drop a stanza before it is built. `type` is absent if the stanza has none. */
	skip?(from: string, to: string, name: string, type: string | undefined): boolean;
	/** Resolves when all stanzas so far have been processed; until then nothing more is read (back-pressure). */
	taken?(): Promise<void>;
	online(): void | Promise<void>;
	/** Called when a link that was online breaks or is stopped. */
	offline(cause: string): void;
	/**
	 * Called when the server refuses the component until somebody changes a setting; `cause` names the cure. Reconnecting
	 * goes on.
	 */
	fatal(cause: string): void;
};

/** All in ms. */
const defaults = {
	deadline: 10_000,
	// Stanzas that the server writes into a dead connection are lost. A dead one is detected after three of these.
	idle: 10_000,
	/** Pauses before reconnecting: the first, the longest, and the one after a refusal. */
	first: 1000,
	most: 60_000,
	refused: 30_000,
};

/** The cures for stream errors that refuse the component, by condition. */
const refusals = table<(component: string) => string>({
	"not-authorized": phrases.xmppSecretRefused,
	"host-unknown": phrases.xmppHostUnknown,
	conflict: phrases.xmppConflict,
});

/** The largest stanza that is written, in bytes: the server closes the stream at a larger one (Prosody at 512 KiB). */
export const largestStanza = 500 * 1024;

/** Bytes of the longest `to`: a full JID with each character escaped. */
const longestTo = 6 * (longestBare + 1 + longestPart);

type Options = ComponentOptions & { log: Log; limit?: number; timing?: Partial<typeof defaults> };
type Waiting = { to: string; resolve(result: Element): void; reject(error: Error): void };

export function createComponent(options: Options, handlers: Handlers): Component {
	const { log, limit = largestStanza, component: domain } = options;
	const timing = { ...defaults, ...options.timing };
	const firstOnline = Promise.withResolvers<void>();
	firstOnline.promise.catch(() => undefined);
	const stopping = new AbortController();
	const waiting = new Map<string, Waiting>();
	let supervisor: Promise<void> | undefined;
	let connection: Connection | undefined;
	let onlineSince: number | undefined;
	let reported: string | undefined;

	const guard = createGuard(log);
	/** Calls a handler; its errors are logged and never reach the socket. */
	const call = (handler: () => unknown) => void guard.run("XMPP link", handler);

	/** Servers refuse an answer from a JID in another case than they compare. */
	function prepare({ attrs }: Element): void {
		if (attrs.to !== undefined) attrs.to = prepared(attrs.to);
	}

	const events = {
		online() {
			onlineSince = Date.now();
			reported = undefined;
			log.info({ component: domain }, "XMPP link up");
			firstOnline.resolve();
			call(() => handlers.online());
		},
		stanza(stanza: Element) {
			prepare(stanza);
			const { type } = stanza.attrs;
			if (stanza.name === "iq" && (type === "result" || type === "error")) call(() => settle(stanza));
			else call(() => handlers.stanza(stanza));
		},
		truncated(head: Element) {
			prepare(head);
			log.warn(
				{ from: head.attrs.from, stanza: head.name },
				"dropped an XMPP stanza that is too large or too deep",
			);
			if (mayBeAnswered(head)) call(() => send(errorReply(head, "modify", "policy-violation")));
		},
		skip(from: string, to: string, name: string, type: string | undefined) {
			try {
				return handlers.skip?.(from, to, name, type) ?? false;
			} catch (err) {
				log.error({ err }, "a handler of the XMPP link failed");
				return false;
			}
		},
		taken: () => guard.run("XMPP link", () => handlers.taken?.()),
	};

	/** Settles the request that an IQ answer belongs to: the answer has its id, and comes from the JID that was asked. */
	function settle(answer: Element) {
		const request = waiting.get(answer.attrs.id ?? "");
		if (!request || !same(request.to, answer.attrs.from ?? domain))
			return log.debug({ from: answer.attrs.from }, "dropped an IQ answer that matches no request");
		if (answer.attrs.type === "result") request.resolve(answer);
		else request.reject(stanzaError(answer));
	}

	async function supervise() {
		let failures = 0;
		while (!stopping.signal.aborted) {
			connection = dial({ ...options, ...timing }, events);
			const cause = await connection.ended;
			const lived = onlineSince === undefined ? undefined : Date.now() - onlineSince;
			onlineSince = undefined;
			for (const { reject } of waiting.values()) reject(new TemporaryError(`XMPP link lost: ${cause.text}`));
			// A short-lived connection counts as a failure: a stanza that is retried may break it each time.
			failures = lived !== undefined && lived >= timing.most ? 1 : failures + 1;
			const retryMs = delay(cause, failures);
			if (!stopping.signal.aborted) report(cause, lived !== undefined, { attempt: failures, retryMs });
			if (lived !== undefined) call(() => handlers.offline(cause.text));
			await sleep(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
		}
	}

	function delay({ condition = "" }: Cause, failures: number) {
		const { first, most, refused } = timing;
		return Object.hasOwn(refusals, condition)
			? backoff(0, { first: refused, most: refused })
			: backoff(failures - 1, { first, most });
	}

	function report(
		{ condition = "", text }: Cause,
		wasOnline: boolean,
		retry: Readonly<{ attempt: number; retryMs: number }>,
	) {
		const refusal = refusals[condition]?.(domain);
		// RFC 6120 §4.9.3.14: Prosody and ejabberd say so of a stanza above their limit.
		const cure = condition === "policy-violation" ? { cure: phrases.stanzaLimit(largestStanza) } : {};
		if (refusal === undefined)
			log[retryLevel(retry.attempt)](
				{ cause: text, ...cure, ...retry },
				wasOnline ? "XMPP link broke" : "XMPP server not reached",
			);
		else if (reported !== refusal) {
			reported = refusal;
			log.error({ cause: text, cure: refusal, ...retry }, "XMPP server refuses the component");
			call(() => handlers.fatal(refusal));
		}
	}

	/** Returns the stanza as XML. */
	function written(stanza: Element): string {
		stanza.attrs.from ??= domain;
		if (!mayBeFrom(stanza.attrs.from, domain))
			throw new Error(`a stanza cannot have the sender ${stanza.attrs.from}`);
		return serialize(stanza);
	}

	function checkSize(size: number): void {
		if (size > limit) throw new PermanentError("invalid", phrases.stanzaTooLarge(size, limit));
	}

	async function write(text: string | Buffer) {
		if (!connection || onlineSince === undefined) throw new TemporaryError("no XMPP link", { unsent: true });
		try {
			await connection.write(text);
		} catch (cause) {
			throw new TemporaryError("XMPP link lost", { cause });
		}
	}

	async function send(stanza: Element) {
		if (!stanza.attrs.to) throw new Error("a stanza without a recipient");
		const text = written(stanza);
		checkSize(Buffer.byteLength(text));
		await write(text);
	}

	function sendToAll(stanza: Element, recipients: readonly Recipient[], most = Number.POSITIVE_INFINITY) {
		const head = Buffer.from(`<${stanza.name}`);
		// All that stands between two recipients.
		const shared = Buffer.concat([Buffer.from(written(stanza).slice(head.length)), head]);
		checkSize(shared.length + longestTo);
		let [sent, bytes] = [0, 0];
		for (const { attribute } of recipients) {
			const more = shared.length + attribute.length;
			if (sent > 0 && bytes + more > most) break;
			sent++;
			bytes += more;
		}
		// Bytes that are copied cost a third of a text that is put together and encoded.
		const all = Buffer.allocUnsafe(head.length + bytes);
		let end = head.copy(all);
		for (const { attribute } of recipients.slice(0, sent))
			for (const part of [attribute, shared]) end += part.copy(all, end);
		return { sent, bytes, taken: write(all.subarray(0, bytes)) };
	}

	async function iq(request: Element, timeoutMs = 30_000) {
		const id = randomUUID();
		request.attrs.id = id;
		const { promise, resolve, reject } = Promise.withResolvers<Element>();
		waiting.set(id, { to: request.attrs.to ?? "", resolve, reject });
		const late = () => reject(new TemporaryError(`no answer from ${request.attrs.to}`));
		const timer = setTimeout(late, timeoutMs);
		try {
			const [answer] = await Promise.all([promise, send(request)]);
			return answer;
		} finally {
			clearTimeout(timer);
			waiting.delete(id);
		}
	}

	return {
		start() {
			supervisor ??= supervise();
			return firstOnline.promise;
		},
		async stop() {
			stopping.abort();
			firstOnline.reject(new TemporaryError("stopped"));
			connection?.close();
			await supervisor;
		},
		get online() {
			return onlineSince !== undefined;
		},
		send,
		sendToAll,
		iq,
	};
}
