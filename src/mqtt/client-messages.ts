import { type BrokerOptions, type Extras, Refusal, type Welcome } from "./connection.ts";
import type { Held, Posted } from "./mailbox.ts";

/** The requests of a connection that have an answer, with their arguments. */
export type Requests = {
	subscribe: [filter: string, standing: boolean | undefined];
	unsubscribe: [filter: string];
	publish: [topic: string, payload: string, extras: Extras | undefined];
};
export type Request = { [Name in keyof Requests]: readonly [Name, ...Requests[Name]] }[keyof Requests];

/** An error on its way between threads, which keep no class of ours: the reason code of a Refusal, or any other error. */
export type Fault = Readonly<{ code: number } | { error: Error }>;
export const faultOf = (error: unknown): Fault =>
	error instanceof Refusal
		? { code: error.code }
		: { error: error instanceof Error ? error : new Error(String(error)) };
export const errorOf = (fault: Fault): Error => ("code" in fault ? new Refusal(fault.code) : fault.error);

/** A message from the main thread about the connection of this number. */
export type ToWorker = Readonly<{ connection: number }> &
	(
		| Readonly<{
				do: "dial";
				broker: BrokerOptions;
				patience: Readonly<{ deadline: number; keepalive: number }>;
		  }>
		| Readonly<{ do: "ask"; id: number; request: Request }>
		| Readonly<{ do: "acknowledge"; packetIds: readonly number[] }>
		| Readonly<{ do: "taken"; held: readonly Held[] }>
		| Readonly<{ do: "close" | "drop" }>
	);
/** A message to the main thread. `down` is the last one of a connection. */
export type FromWorker = Readonly<{ connection: number }> &
	(
		| Readonly<{ says: "up"; welcome: Welcome }>
		| Readonly<{ says: "batch"; batch: readonly Posted[] }>
		| Readonly<{ says: "answer"; id: number; answer: number | undefined }>
		| Readonly<{ says: "failed"; id: number; fault: Fault }>
		| Readonly<{ says: "down"; rest: readonly Posted[]; fault: Fault }>
	);
