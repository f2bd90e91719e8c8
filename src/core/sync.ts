import { randomBytes } from "node:crypto";
import type { MessageId } from "./ids.ts";
import type { Journal } from "./journal.ts";
import { withName } from "./names.ts";
import type { Bridge, Received } from "./network.ts";
import { isChanged, type Person } from "./person.ts";

/** Returns the function that takes the list of a room's members: its differences from the known members become events. */
export function createSync(deps: {
	journal: Pick<Journal, "members">;
	allowed(person: Person): boolean;
	receive(events: readonly Received[]): Promise<void>;
}): Bridge["sync"] {
	return async (of, room, people) => {
		const now = people.map(withName).filter(deps.allowed);
		const before = new Map((await deps.journal.members(of, room)).map((person) => [person.id, person]));
		const changes: Received[] = [];
		const base = (person: Person) => {
			const at = Date.now();
			return { id: `sync ${randomBytes(9).toString("base64url")}` as MessageId, room, sender: person, at };
		};
		for (const person of now) {
			const known = before.get(person.id);
			before.delete(person.id);
			if (!known) changes.push({ ...base(person), kind: "membership", change: "join" });
			else if (isChanged(known, person)) changes.push({ ...base(person), kind: "profile" });
		}
		for (const person of before.values())
			changes.push({ ...base(person), kind: "membership", change: "leave", gone: true });
		await deps.receive(changes);
	};
}
