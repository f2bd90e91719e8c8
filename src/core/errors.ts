/** A temporary failure: the lane waits and retries the same request, and keeps the order. */
export class TemporaryError extends Error {
	override readonly name = "TemporaryError";
	/** The least delay in ms before a retry, if the server named one. */
	readonly retryAfter: number | undefined;
	/** True if not a byte of the request was sent, so the row is not in doubt. */
	readonly unsent: boolean;
	constructor(
		message: string,
		options?: ErrorOptions & { retryAfter?: number | undefined; unsent?: boolean },
	) {
		super(message, options);
		this.retryAfter = options?.retryAfter;
		this.unsent = options?.unsent ?? false;
	}
}

/** Returns a temporary error marked as unsent; any other error unchanged. */
export const unsent = (error: unknown): unknown =>
	error instanceof TemporaryError && !error.unsent
		? new TemporaryError(error.message, { cause: error, retryAfter: error.retryAfter, unsent: true })
		: error;

/**
 * Resolves when the next item of a queue may follow `work`. A temporary error blocks the queue behind it, to keep the
 * order; any other error fails one item. @throws TemporaryError
 */
export const mayFollow = (work: Promise<unknown>): Promise<void> =>
	work.then(
		() => undefined,
		(error: unknown) => {
			if (error instanceof TemporaryError) throw error;
		},
	);

const ofTheLanguage = [TypeError, RangeError, ReferenceError, SyntaxError, URIError];
/** Returns true for an error of our own code, which a retry with the same input would only repeat. */
export const isProgrammingError = (error: unknown): boolean =>
	ofTheLanguage.some((one) => error instanceof one);

/** A permanent failure: no retry can succeed. The sender reads `message`, a sentence of a phrases.ts. */
export class PermanentError extends Error {
	override readonly name = "PermanentError";
	/** The kind of refusal, which each network maps to an error condition of its own. */
	readonly reason: Reason;
	/** True if the rest of the event is delivered, without the part that the message is about. */
	readonly partly: boolean;
	constructor(reason: Reason, message: string, options?: ErrorOptions & { partly?: boolean }) {
		super(message, options);
		this.reason = reason;
		this.partly = options?.partly ?? false;
	}
}

/**
 * forbidden: the person may not do it. not-found: there is no such person or thing. invalid: the request is malformed.
 * busy: a rate limit or a full queue; later it may work. failed: the other side refused. expired: the row waited too long.
 */
export type Reason = "forbidden" | "not-found" | "invalid" | "busy" | "failed" | "expired";
