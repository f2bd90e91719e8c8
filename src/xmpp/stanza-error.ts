import { PermanentError, type Reason, TemporaryError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { table } from "../core/table.ts";
import { refused } from "./phrases.ts";
import { child, type Element, xml } from "./stream/xml.ts";

const STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas";

export type ErrorType = "auth" | "cancel" | "continue" | "modify" | "wait";

/** The stanza error (RFC 6120 §8.3) with which an XMPP entity answered. */
export class StanzaError extends Error {
	override readonly name = "StanzaError";
	/** The defined condition, such as "item-not-found". */
	readonly condition: string;
	readonly type: ErrorType;
	/** The optional human-readable text. */
	readonly text: string | undefined;
	/** The application-specific condition (RFC 6120 §8.3.4). */
	readonly detail: Element | undefined;
	/** The address in the condition, as a URI: that of what is `gone` (RFC 6120 §8.3.3.5). */
	readonly elsewhere: string | undefined;
	constructor(condition: string, type: ErrorType, text?: string, detail?: Element, elsewhere?: string) {
		super(text ? `${condition}: ${text}` : condition);
		this.condition = condition;
		this.type = type;
		this.text = text;
		this.detail = detail;
		this.elsewhere = elsewhere;
	}
}

/** Returns the error of a stanza of type error; for a malformed one, `undefined-condition` and `cancel`. */
export function stanzaError(stanza: Element): StanzaError {
	const error = child(stanza, "error");
	const found = error?.getChildElements().filter((el) => el.getNS() === STANZAS) ?? [];
	const named = found.find((el) => el.getName() !== "text");
	const condition = named?.getName() ?? "undefined-condition";
	const text = found.find((el) => el.getName() === "text")?.getText();
	const type = types.find((name) => name === error?.attrs.type) ?? "cancel";
	return new StanzaError(condition, type, text || undefined, undefined, named?.getText() || undefined);
}
const types: readonly ErrorType[] = ["auth", "cancel", "continue", "modify", "wait"];

/** Returns the error that answers a stanza. Stanzas of type error or result must not be answered. */
export function errorReply(
	stanza: Element,
	type: ErrorType,
	condition: string,
	text?: string,
	detail?: Element,
): Element {
	const { from, to, id } = stanza.attrs;
	const words = text ? xml("text", { xmlns: STANZAS }, text) : undefined;
	return xml(
		stanza.name,
		{ type: "error", from: to, to: from, id },
		xml("error", { type }, xml(condition, { xmlns: STANZAS }), words, detail),
	);
}

/**
 * True if an error may answer the stanza. RFC 6120 §8.3.1 forbids errors for errors. A groupchat message is not answered
 * either: XEP-0045 §16.4 has the MUC remove an occupant who answers with an error.
 */
export function mayBeAnswered({ name, attrs: { type } }: Element): boolean {
	if (name === "iq") return type === "get" || type === "set";
	return name === "message" && type !== "error" && type !== "groupchat";
}

/** Returns the error stanza for an IQ or presence to a ghost that failed with `error`. */
export function refusal(stanza: Element, error: unknown, log: Log): Element {
	if (error instanceof StanzaError)
		return errorReply(stanza, error.type, error.condition, error.text, error.detail);
	// PermanentError: the other network has no such person. TemporaryError: it does not answer now.
	if (error instanceof PermanentError) return errorReply(stanza, "cancel", "item-not-found");
	if (error instanceof TemporaryError) return errorReply(stanza, "wait", "remote-server-timeout");
	log.error({ err: error, kind: stanza.name }, "failed to answer a request to a ghost");
	return errorReply(stanza, "wait", "internal-server-error");
}

/** Returns the error in core's terms: `wait` becomes a TemporaryError (core retries), any other a PermanentError. */
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
