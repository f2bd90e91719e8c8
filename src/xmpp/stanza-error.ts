import { PermanentError, type Reason, TemporaryError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { table } from "../core/table.ts";
import { refused } from "./phrases.ts";
import { child, type Element, xml } from "./stream/xml.ts";

const STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas";

export type ErrorType = "auth" | "cancel" | "continue" | "modify" | "wait";

/** What an XMPP entity answered instead of what it was asked for. */
export class StanzaError extends Error {
	override readonly name = "StanzaError";
	/** "item-not-found" and the like. */
	readonly condition: string;
	readonly type: ErrorType;
	/** In their own words, where they said more. */
	readonly text: string | undefined;
	constructor(condition: string, type: ErrorType, text?: string) {
		super(text ? `${condition}: ${text}` : condition);
		this.condition = condition;
		this.type = type;
		this.text = text;
	}
}

/** The error inside a stanza of type error, also where it is not well-formed enough to say which. */
export function stanzaError(stanza: Element): StanzaError {
	const error = child(stanza, "error");
	const found = error?.getChildElements().filter((el) => el.getNS() === STANZAS) ?? [];
	const condition = found.find((el) => el.getName() !== "text")?.getName() ?? "undefined-condition";
	const text = found.find((el) => el.getName() === "text")?.getText();
	const type = types.find((name) => name === error?.attrs.type) ?? "cancel";
	return new StanzaError(condition, type, text || undefined);
}
const types: readonly ErrorType[] = ["auth", "cancel", "continue", "modify", "wait"];

/** The answer that refuses a stanza. Not for stanzas of type error or result: those are never answered. */
export function errorReply(stanza: Element, type: ErrorType, condition: string, text?: string): Element {
	const { from, to, id } = stanza.attrs;
	return xml(
		stanza.name,
		{ type: "error", from: to, to: from, id },
		xml("error", { type }, xml(condition, { xmlns: STANZAS }), text && xml("text", { xmlns: STANZAS }, text)),
	);
}

/**
 * True for a stanza that an error may answer. RFC 6120 §8.3.1: never an error for an error; in a room the answer would be
 * no business of the speaker's, and XEP-0045 §16.4 has the room put out who answers so.
 */
export function mayBeAnswered({ name, attrs: { type } }: Element): boolean {
	if (name === "iq") return type === "get" || type === "set";
	return name === "message" && type !== "error" && type !== "groupchat";
}

/** The same for a question about somebody of ours that failed with `error`. */
export function refusal(stanza: Element, error: unknown, log: Log): Element {
	if (error instanceof StanzaError) return errorReply(stanza, error.type, error.condition, error.text);
	// The other network knows that nobody can have such an address, or does not answer right now.
	if (error instanceof PermanentError) return errorReply(stanza, "cancel", "item-not-found");
	if (error instanceof TemporaryError) return errorReply(stanza, "wait", "remote-server-timeout");
	log.error({ err: error, kind: stanza.name }, "a question could not be answered");
	return errorReply(stanza, "wait", "internal-server-error");
}

/** An error in core's terms: what may work later is tried again, the rest is told to the sender. */
export function neutral(error: StanzaError): TemporaryError | PermanentError {
	if (error.type === "wait") return new TemporaryError(error.message, { cause: error });
	return new PermanentError(reasons[error.condition] ?? "failed", refused(error.text ?? error.condition), {
		cause: error,
	});
}
const reasons = table<Reason>({
	"bad-request": "invalid",
	forbidden: "forbidden",
	gone: "not-found",
	"item-not-found": "not-found",
	"jid-malformed": "invalid",
	"not-acceptable": "invalid",
	"not-allowed": "forbidden",
	"not-authorized": "forbidden",
	"policy-violation": "forbidden",
	"recipient-unavailable": "not-found",
	"registration-required": "forbidden",
	"remote-server-not-found": "not-found",
	"subscription-required": "forbidden",
});
