/** Works of one key run one after the other; a work that needs no time runs at once, unless one before it still goes on. */
export function createOrder<Key>(failed: (error: unknown) => void) {
	const last = new Map<Key, Promise<void>>();

	function run(work: () => void | Promise<void>): void | Promise<void> {
		try {
			const running = work();
			return running instanceof Promise ? running.catch(failed) : undefined;
		} catch (error) {
			failed(error);
			return undefined;
		}
	}

	/** Runs `work` after all works of this key. Its errors go to `failed`. */
	return (key: Key, work: () => void | Promise<void>): void => {
		const before = last.get(key);
		const running = before === undefined ? run(work) : before.then(() => run(work));
		if (!(running instanceof Promise)) return;
		const settled = running.then(() => {
			if (last.get(key) === settled) last.delete(key);
		});
		last.set(key, settled);
	};
}
