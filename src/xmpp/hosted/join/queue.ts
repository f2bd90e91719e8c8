import type { RateLimit } from "../../../core/limits.ts";
import { bare } from "../../jid.ts";
import type { Element } from "../../stream/xml.ts";
import { sessionKey } from "../room.ts";
import type { Rooms } from "../rooms.ts";

/** Sessions of one account and of all, and joins under way of one account and of all. */
const most = { ofAccount: 500, inAll: 50_000, underWayOfAccount: 300, underWay: 5_000 };

/** Stanzas that wait: of one client for its join under way, and of all clients for joins that have not begun. */
const mostWaiting = { ofJoin: 10, before: 1_000 };
/** How long a stanza from outside waits for the begin of its client's join, in ms. */
const beginsWithin = 1_000;

/** A join under way. answered: it took too long, and its client knows. left: its client has gone again. */
export type Attempt = { readonly stanza: Element; readonly state: "open" | "answered" | "left" };

/** `settle` resolves `settled`: the client is in, or knows that it is not. */
type Pending = {
	readonly stanza: Element;
	state: Attempt["state"];
	waiting: number;
	readonly settled: Promise<void>;
	settle(): void;
};

/**
 * The joins that are under way, within the bounds on what one account, and all together, may take. `rate`: that of the joins of
 * one account. After a restart its clients come back to all of their rooms at once.
 */
export function createJoinQueue(rooms: Pick<Rooms, "sessions" | "joined">, rate: RateLimit) {
	/** By {@link sessionKey}. */
	const attempts = new Map<string, Set<Pending>>();
	const ofAccounts = new Map<string, number>();
	/** The waits for the begin of a join, by {@link sessionKey}. */
	const begins = new Map<string, Set<() => void>>();
	let [all, before] = [0, 0];

	const keyOf = ({ attrs: { from = "", to = "" } }: Element) => sessionKey(bare(to), from);
	const accountOf = ({ attrs: { from = "" } }: Element) => bare(from);

	function count(account: string, more: 1 | -1): void {
		all += more;
		const left = (ofAccounts.get(account) ?? 0) + more;
		if (left > 0) ofAccounts.set(account, left);
		else ofAccounts.delete(account);
	}

	function close(attempt: Pending, state: Attempt["state"]): void {
		attempt.state = state;
		attempt.settle();
	}
	/** Resolves when a join of this key begins, or soon. */
	async function begun(key: string): Promise<void> {
		if (before >= mostWaiting.before) return;
		const { promise, resolve } = Promise.withResolvers<void>();
		const timer = setTimeout(resolve, beginsWithin);
		const same = begins.get(key) ?? new Set();
		begins.set(key, same.add(resolve));
		before++;
		await promise;
		clearTimeout(timer);
		before--;
		same.delete(resolve);
		if (same.size === 0) begins.delete(key);
	}
	const openOf = (stanza: Element): readonly Pending[] =>
		[...(attempts.get(keyOf(stanza)) ?? [])].filter(({ state }) => state === "open");

	return {
		/** Returns true if the account may not join now: it, or all together, have too many sessions or joins. */
		isFull(stanza: Element): boolean {
			const account = accountOf(stanza);
			const underWay = ofAccounts.get(account) ?? 0;
			const full =
				rooms.sessions() + all >= most.inAll || rooms.sessions(account) + underWay >= most.ofAccount;
			return (
				// A client that is in may join again, and so gets its state back.
				(full && !rooms.joined(stanza)) ||
				all >= most.underWay ||
				underWay >= most.underWayOfAccount ||
				!rate(account)
			);
		},
		begin(stanza: Element): Attempt {
			const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
			const attempt: Pending = { stanza, state: "open", waiting: 0, settled, settle };
			const key = keyOf(stanza);
			attempts.set(key, (attempts.get(key) ?? new Set()).add(attempt));
			count(accountOf(stanza), 1);
			for (const resolve of begins.get(key) ?? []) resolve();
			return attempt;
		},
		/** Notes that the client has got the answer to its join. */
		answered(attempt: Attempt): void {
			close(attempt as Pending, "answered");
		},
		end(attempt: Attempt): void {
			const key = keyOf(attempt.stanza);
			const same = attempts.get(key);
			(attempt as Pending).settle();
			if (!same?.delete(attempt as Pending)) return;
			if (same.size === 0) attempts.delete(key);
			count(accountOf(attempt.stanza), -1);
		},
		/** Returns true while the client has another join under way. */
		has: (stanza: Element): boolean => openOf(stanza).length > 0,
		/**
		 * Resolves when the client is in, or does not join, or when too many stanzas wait for that. Conversations asks for the
		 * archive directly after its join, and Poezio directly before it; both take an error for an empty room.
		 */
		async settled(stanza: Element): Promise<void> {
			if (!rooms.joined(stanza) && openOf(stanza).length === 0) await begun(keyOf(stanza));
			const open = openOf(stanza).filter(({ waiting }) => waiting < mostWaiting.ofJoin);
			for (const attempt of open) attempt.waiting++;
			await Promise.all(open.map(({ settled }) => settled));
		},
		/** Ends the joins of a client that leaves before it is in. */
		cancel(stanza: Element): void {
			for (const attempt of attempts.get(keyOf(stanza)) ?? []) close(attempt, "left");
		},
		/** Ends all joins. Returns those that have no answer yet. */
		endAll(): readonly Attempt[] {
			const open = [...attempts.values()]
				.flatMap((same) => [...same])
				.filter(({ state }) => state === "open");
			for (const attempt of open) close(attempt, "answered");
			return open;
		},
	};
}
export type JoinQueue = ReturnType<typeof createJoinQueue>;
