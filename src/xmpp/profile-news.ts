import type { Guard } from "../core/guard.ts";
import type { Seen } from "../core/hosting.ts";
import type { Outbound } from "../core/network.ts";
import type { Avatar, Person } from "../core/person.ts";
import { pairOf } from "./direct/pair.ts";
import type { GhostLookup } from "./ghost-lookup.ts";
import { pictureEvent } from "./photo.ts";
import type { Pictures } from "./pictures.ts";
import type { Component } from "./stream/component.ts";

/** Passes on the news of a person's name and picture to what was looked up of their ghost, and to their partners in chats. */
export function createProfileNews(deps: {
	who: Pick<GhostLookup, "forget">;
	/** Returns the bare JID of a person's ghost. */
	ghost(person: Person): string;
	faces: Pick<Pictures, "get">;
	link: Pick<Component, "send">;
	guard: Guard;
}) {
	const { who, faces, link, guard } = deps;
	const forget = (person: Person) => who.forget(deps.ghost(person));

	/** Tells an account of the picture that a ghost has now (XEP-0084 §4.1). Servers keep nothing of it. */
	function tell(account: string, ghost: string, avatar: Avatar | null): void {
		void guard.run("picture for a chat", async () => {
			const picture = avatar ? await faces.get(avatar) : undefined;
			if (!avatar || picture) await link.send(pictureEvent(ghost, account, picture)).catch(() => undefined);
		});
	}

	return {
		/** Returns `send`, before which the news of an event are passed on. */
		through: <T>(send: (out: Outbound) => T) => {
			return (out: Outbound): T => {
				const { event, link, room } = out;
				if (event.kind === "profile") {
					const { sender } = event;
					forget(sender);
					const [account, ghost] = pairOf(room);
					if (link.role === "direct" && sender.avatar !== undefined) tell(account, ghost, sender.avatar);
				}
				return send(out);
			};
		},
		/** Returns `reflect`, before which the news of a source are passed on. */
		seen: <T>(reflect: (view: T, timeline: readonly Seen[]) => void) => {
			return (view: T, timeline: readonly Seen[]): void => {
				for (const { what } of timeline)
					if (what.kind === "member" && what.now === "profile") forget(what.person);
				reflect(view, timeline);
			};
		},
	};
}
