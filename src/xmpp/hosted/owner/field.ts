import type { LevelChange, RoomFacts, RoomSettings } from "../../../core/hosting.ts";
import type { Person } from "../../../core/person.ts";
import { StanzaError } from "../../stanza-error.ts";
import type { OwnSettings } from "./own-settings.ts";

/** The interface of a field in the form of a room's owners. Pure. */

/** A room as its form shows it. */
export type Now = Readonly<{
	facts: RoomFacts;
	own: OwnSettings;
	/** People with a level of their own, each with the JID that stands for them, by that JID. */
	ranked: ReadonlyMap<string, Person>;
	/** Returns the person at a JID that an owner names, or the address of one of the source. @throws StanzaError */
	at(jid: string): LevelChange["whom"];
}>;

/** The changes that a submitted form asks for. `notes`: sentences for the owner about settings that the room cannot have. */
export type Changes = Readonly<{ settings: RoomSettings; own: OwnSettings; notes: readonly string[] }>;
export const noChanges: Changes = { settings: {}, own: {}, notes: [] };

export type Field = Readonly<{
	name: string;
	type: "boolean" | "text-single" | "text-private" | "list-single" | "jid-multi";
	label: string;
	/** The values to choose from, each with its label. */
	options?: Readonly<Record<string, string>>;
	/** Only rooms that the bridge has made have it: the bridge itself keeps what Matrix cannot. */
	made?: true;
	value(now: Now): readonly string[];
	/** Returns the changes that a value asks for; `all`: the values of all fields. @throws StanzaError */
	read(values: readonly string[], now: Now, all: ReadonlyMap<string, readonly string[]>): Partial<Changes>;
}>;

/** Returns the one value of a field. @throws StanzaError for several ones */
export function single(values: readonly string[]): string {
	if (values.length > 1) throw new StanzaError("bad-request", "modify");
	return values[0] ?? "";
}

// XEP-0004 §3.3
export function truth(values: readonly string[]): boolean {
	const value = single(values);
	if (["1", "true"].includes(value)) return true;
	if (["0", "false", ""].includes(value)) return false;
	throw new StanzaError("bad-request", "modify");
}
