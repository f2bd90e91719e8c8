import { TemporaryError } from "../core/errors.ts";

/** The error of {@link within}: the deadline has passed, and the work goes on. */
export class Late extends TemporaryError {}

/** Resolves with the result of `work`. @throws Late after `ms`. */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(new Late("took too long")), ms);
		work.then(resolve, reject).finally(() => clearTimeout(timer));
	});
}
