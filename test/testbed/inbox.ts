/** What a test client received, in order, and a way to wait for what is still to come. */
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

	/** The first item that fits, among those received already and those of the next `ms`. */
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

	/** All that fit, after `ms` in which nothing more could come: to prove that something came once, or not at all. */
	async settled(fits: (item: T) => boolean, ms: number): Promise<T[]> {
		await new Promise((resolve) => setTimeout(resolve, ms));
		return this.items.filter(fits);
	}

	#complaint(what: string, ms: number): string {
		const last = this.items.slice(-15).map((item) => `  ${this.#show(item).slice(0, 400)}`);
		const arrived = last.length ? `what arrived last (of ${this.items.length}):` : "nothing arrived at all";
		return [`${this.#owner} waited ${ms} ms for ${what}; ${arrived}`, ...last].join("\n");
	}
}
