/** The items that a test client received, in order, with waits for further items. */
export class Inbox<T> {
	readonly items: T[] = [];
	readonly #owner: string;
	readonly #show: (item: T) => string;
	#arrived = Promise.withResolvers<void>();

	constructor(owner: string, show: (item: T) => string) {
		this.#owner = owner;
		this.#show = show;
	}

	push(item: T): void {
		this.items.push(item);
		this.#arrived.resolve();
		this.#arrived = Promise.withResolvers();
	}

	/** Resolves with the first fitting item, received already or within `ms`. @throws Error after that time. */
	async waitFor(what: string, fits: (item: T) => boolean, ms = 10_000): Promise<T> {
		const timeout = Promise.withResolvers<"timeout">();
		const timer = setTimeout(timeout.resolve, ms, "timeout");
		try {
			for (let seen = 0, ended = false; ; ) {
				for (; seen < this.items.length; seen++) {
					const item = this.items[seen] as T;
					if (fits(item)) return item;
				}
				if (ended) throw new Error(this.#complaint(what, ms));
				ended = (await Promise.race([this.#arrived.promise, timeout.promise])) === "timeout";
			}
		} finally {
			clearTimeout(timer);
		}
	}

	/** Resolves after `ms` with all fitting items, to prove that an item arrived once or never. */
	async settled(fits: (item: T) => boolean, ms: number): Promise<T[]> {
		await new Promise((resolve) => setTimeout(resolve, ms));
		return this.items.filter(fits);
	}

	#complaint(what: string, ms: number): string {
		const last = this.items.slice(-15).map((item) => `  ${this.#show(item).slice(0, 400)}`);
		const arrived = last.length ? `the latest of ${this.items.length} items:` : "no item arrived";
		return [`${this.#owner} waited ${ms} ms for ${what}; ${arrived}`, ...last].join("\n");
	}
}
