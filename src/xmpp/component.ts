import type { Log } from "../core/log.ts";
import type { Element } from "./xml.ts";

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
	/** Every stanza but answers to `iq`. */
	stanza(stanza: Element): void;
	/** True for what nobody needs, asked before the stanza is built. `type` is absent where the stanza has none. */
	skip?(from: string, to: string, name: string, type: string | undefined): boolean;
	online(): void | Promise<void>;
	/** The link that was online broke, or was stopped. */
	offline(cause: string): void;
	/** The server refuses us, and will until somebody changes a setting: a sentence that names the cure. Dialling goes on. */
	fatal(cause: string): void;
};

export function component(
	_options: ComponentOptions & { log: Log; limit?: number },
	_handlers: Handlers,
): Component {
	throw new Error("not yet");
}
