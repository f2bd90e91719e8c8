import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { backoff } from "../../core/backoff.ts";
import { PermanentError, TemporaryError } from "../../core/errors.ts";
import { createGuard } from "../../core/guard.ts";
import type { Log } from "../../core/log.ts";
import { table } from "../../core/table.ts";
import { mayBeFrom, same } from "../jid.ts";
import * as phrases from "../phrases.ts";
import { errorReply, mayBeAnswered, stanzaError } from "../stanza-error.ts";
import { type Cause, type Connection, dial } from "./connection.ts";
import { type Element, serialize } from "./xml.ts";

export type ComponentOptions = { component: string; service: string; secret: string };

/** Our link to the XMPP server, mended by itself whenever it breaks. */
export interface Component {
	/** Dials; resolves when online for the first time, however long that takes. */
	start(): Promise<void>;
	stop(): Promise<void>;
	readonly online: boolean;
	/**
	 * Writes in call order; resolves when the kernel took it: await it, so that a slow server slows us down.
	 * @throws TemporaryError when not online, PermanentError when it is larger than the server takes.
	 */
	send(stanza: Element): Promise<void>;
	/**
	 * Sends a get or set under an id of its own, resolves with the result.
	 * @throws StanzaError when it was refused, TemporaryError without an answer in time (30 s) or when the link breaks.
	 */
	iq(request: Element, timeoutMs?: number): Promise<Element>;
}

export type Handlers = {
	/** Every stanza but results and errors of IQs. */
	stanza(stanza: Element): void | Promise<void>;
	/** True for what nobody needs, asked before the stanza is built. `type` is absent where the stanza has none. */
	skip?(from: string, to: string, name: string, type: string | undefined): boolean;
	/** Resolves when the stanzas handed over so far have been taken: a server that sends faster is slowed down. */
	taken?(): Promise<void>;
	online(): void | Promise<void>;
	/** The link that was online broke, or was stopped. */
	offline(cause: string): void;
	/** The server refuses us, and will until somebody changes a setting: a sentence that names the cure. Dialling goes on. */
	fatal(cause: string): void;
};

/** All in ms. */
const defaults = {
	deadline: 10_000,
	// What the server writes into a dead connection, to a ghost, is lost: three of these at most.
	idle: 10_000,
	/** Before dialling again: the first time, at most, and where the server refuses us. */
	first: 1000,
	most: 60_000,
	refused: 30_000,
};

/** What the cure is where the server knows us and says no. */
const refusals = table<(component: string) => string>({
	"not-authorized": phrases.xmppSecretRefused,
	"host-unknown": phrases.xmppHostUnknown,
	conflict: phrases.xmppConflict,
});

/** The largest stanza we write, in bytes; a larger one would cost us the stream. Prosody takes 512 KiB from components. */
const LIMIT = 500 * 1024;

type Options = ComponentOptions & { log: Log; limit?: number; timing?: Partial<typeof defaults> };
type Waiting = { to: string; resolve(result: Element): void; reject(error: Error): void };

export function createComponent(options: Options, handlers: Handlers): Component {
	const { log, limit = LIMIT, component: ours } = options;
	const timing = { ...defaults, ...options.timing };
	const firstOnline = Promise.withResolvers<void>();
	firstOnline.promise.catch(() => undefined);
	const stopping = new AbortController();
	const waiting = new Map<string, Waiting>();
	let supervisor: Promise<void> | undefined;
	let connection: Connection | undefined;
	let onlineSince: number | undefined;
	let told: string | undefined;

	const guard = createGuard(log);
	/** What a handler throws is logged and never reaches the socket. */
	const call = (handler: () => unknown) => void guard.run("XMPP link", handler);

	const events = {
		online() {
			onlineSince = Date.now();
			told = undefined;
			log.info({ component: ours }, "XMPP link up");
			firstOnline.resolve();
			call(() => handlers.online());
		},
		stanza(stanza: Element) {
			const { type } = stanza.attrs;
			if (stanza.name === "iq" && (type === "result" || type === "error")) call(() => settle(stanza));
			else call(() => handlers.stanza(stanza));
		},
		truncated(head: Element) {
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

	/** An answer counts when it has our id, which cannot be guessed, and comes from whom we asked. */
	function settle(answer: Element) {
		const request = waiting.get(answer.attrs.id ?? "");
		if (!request || !same(request.to, answer.attrs.from ?? ours))
			return log.debug({ from: answer.attrs.from }, "dropped an IQ answer to no question of ours");
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
			// One that breaks as soon as it is up is no success: a stanza we repeat may be what breaks it.
			failures = lived !== undefined && lived >= timing.most ? 1 : failures + 1;
			const retryMs = delay(cause, failures);
			if (!stopping.signal.aborted) report(cause, lived !== undefined, retryMs);
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

	function report({ condition = "", text }: Cause, wasOnline: boolean, retryMs: number) {
		const refusal = refusals[condition]?.(ours);
		if (refusal === undefined)
			log.warn({ cause: text, retryMs }, wasOnline ? "XMPP link broke" : "XMPP server not reached");
		else if (told !== refusal) {
			told = refusal;
			log.error({ cause: text, cure: refusal, retryMs }, "XMPP server refuses the component");
			call(() => handlers.fatal(refusal));
		}
	}

	async function send(stanza: Element) {
		stanza.attrs.from ??= ours;
		if (!mayBeFrom(stanza.attrs.from, ours)) throw new Error(`no stanza can be from ${stanza.attrs.from}`);
		if (!stanza.attrs.to) throw new Error("a stanza to nobody");
		const text = serialize(stanza);
		const size = Buffer.byteLength(text);
		if (size > limit) throw new PermanentError("invalid", phrases.stanzaTooLarge(size, limit));
		if (!connection || onlineSince === undefined) throw new TemporaryError("no XMPP link", { unsent: true });
		try {
			await connection.write(text);
		} catch (cause) {
			throw new TemporaryError("XMPP link lost", { cause });
		}
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
		iq,
	};
}
