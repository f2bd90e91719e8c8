/** Worth trying again: the lane waits and repeats the very same request, order kept. */
export class TemporaryError extends Error {
	override readonly name = "TemporaryError";
	/** The least time to wait in ms, where the other side said so. */
	readonly retryAfter: number | undefined;
	/** Not a byte of what was to be sent left us: nobody can have it. */
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

/** The same failure, of something that was not begun to be sent. */
export const unsent = (error: unknown): unknown =>
	error instanceof TemporaryError && !error.unsent
		? new TemporaryError(error.message, { cause: error, retryAfter: error.retryAfter, unsent: true })
		: error;

/**
 * Resolves when the next in a queue may follow `work`. A temporary error blocks the queue, or the order would be lost; a
 * definite no, and a fault of our own, fail one line. @throws TemporaryError
 */
export const mayFollow = (work: Promise<unknown>): Promise<void> =>
	work.then(
		() => undefined,
		(error: unknown) => {
			if (error instanceof TemporaryError) throw error;
		},
	);

const ofTheLanguage = [TypeError, RangeError, ReferenceError, SyntaxError, URIError];
/** A fault of ours with what was given, and not with the world around: trying it again would be no use. */
export const isProgrammingError = (error: unknown): boolean =>
	ofTheLanguage.some((one) => error instanceof one);

/** Will never succeed: the sender is told `message`, a sentence of a phrases.ts. */
export class PermanentError extends Error {
	override readonly name = "PermanentError";
	/** What kind of no it is, so that each network can answer in its own terms. */
	readonly reason: Reason;
	constructor(reason: Reason, message: string, options?: ErrorOptions) {
		super(message, options);
		this.reason = reason;
	}
}

/** forbidden: may not. not-found: nobody or nothing there. invalid: can never work as written. busy: too much, later may work. failed: the other side refused. expired: waited too long. */
export type Reason = "forbidden" | "not-found" | "invalid" | "busy" | "failed" | "expired";
