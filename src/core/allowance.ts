import type { BridgeEvent } from "./event.ts";
import type { UserId } from "./ids.ts";
import { createRateLimit, type Limits } from "./limits.ts";

/** The buckets from which an event takes a token each: that of its sender, which things have none of, and of its domain. */
export type Charge = Readonly<{ sender?: UserId; domain: string }>;

/** Returns what an event costs; undefined for joins and renames, which have limits of their own. */
export function chargeOf({ kind, sender }: BridgeEvent): Charge | undefined {
	if (kind === "membership" || kind === "profile") return undefined;
	return { ...(kind !== "state" && { sender: sender.id }), domain: sender.domain };
}

/** Creates the rate limits of messages: of one sender, of one domain, and of one room that is read after a gap. */
export function createAllowance(limits: Limits) {
	const ofSender = createRateLimit(limits.sender);
	const ofDomain = createRateLimit(limits.domain);
	const lateOfRoom = createRateLimit(limits.domain);

	return {
		/** Takes one token of each bucket and returns true, or none and false. */
		take({ sender, domain }: Charge): boolean {
			if (sender !== undefined && !ofSender(sender)) return false;
			if (ofDomain(domain)) return true;
			if (sender !== undefined) ofSender.refund(sender);
			return false;
		},
		/**
		 * Does the same for a late event, at the time `said` in ms since 1970. Each room has a limit of its own here, in place
		 * of the domain's: the rooms of one domain backfill the same hours concurrently.
		 */
		takeLate(sender: UserId, room: string, said: number): boolean {
			if (!ofSender(sender, said)) return false;
			if (lateOfRoom(room, said)) return true;
			ofSender.refund(sender);
			return false;
		},
		/** Gives the tokens back that were taken in vain. */
		refund({ sender, domain }: Charge): void {
			if (sender !== undefined) ofSender.refund(sender);
			ofDomain.refund(domain);
		},
		/** Returns the time in ms until each bucket has a token; 0 if it has one. */
		wait: ({ sender, domain }: Charge): Readonly<{ own: number; shared: number }> => ({
			own: sender === undefined ? 0 : ofSender.wait(sender),
			shared: ofDomain.wait(domain),
		}),
	};
}
export type Allowance = ReturnType<typeof createAllowance>;
