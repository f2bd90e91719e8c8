import { TemporaryError } from "../core/errors.ts";

/** A deadline passed; the work goes on. */
export class Late extends TemporaryError {}

export function within<T>(ms: number, work: Promise<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(new Late("took too long")), ms);
		work.then(resolve, reject).finally(() => clearTimeout(timer));
	});
}
