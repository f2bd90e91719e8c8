import type { MemberChange, Seen } from "../../../src/core/hosting.ts";
import type { RoomId } from "../../../src/core/ids.ts";
import { matrixNetwork } from "../../../src/matrix/mxid.ts";
import { fakeNetwork } from "../../fakes.ts";
import { matrixWorld } from "../world.ts";

/** A Matrix world whose other network shows rooms in full, and notes what it is shown. */
export async function hostedWorld(options: Omit<Parameters<typeof matrixWorld>[0], "xmpp"> = {}) {
	const reflected: Seen[] = [];
	const invited: string[] = [];
	const xmpp = fakeNetwork("xmpp", {
		reflect: (_view, timeline) => void reflected.push(...timeline),
		inviteToView: async ({ name, id }, person, by, reason) =>
			void invited.push(`${by.name} invites ${person.name} to ${name ?? id}: ${reason}`),
	});
	const world = await matrixWorld({ ...options, xmpp });
	const { hs, side, core } = world;
	const { hosting } = side;
	const romeo = { ...xmpp.person("romeo"), name: "Romeo" };
	return {
		...world,
		hosting,
		reflected,
		invited,
		romeo,
		/** Makes a Matrix room with alice in it. */
		room: (body: Record<string, unknown> = { preset: "public_chat" }) => hs.room(world.alice, body),
		/** Opens the view of a room, and lets a person in. */
		async enter(room: string, person = romeo) {
			await core.views.open(matrixNetwork, room as RoomId, `view of ${room}` as RoomId, person);
			return hosting.enter(room as RoomId, person);
		},
		/** Hands the bridge all events of a room from this one on. */
		async deliver(room: { timeline: readonly unknown[] }, from = 0) {
			return hs.push(room.timeline.slice(from));
		},
		/** The events that the view was shown, one line each. */
		lines: () => reflected.map(lineOf),
	};
}

/** Returns a line that tells what a view shows of an event. */
export function lineOf({ sender, what }: Seen): string {
	switch (what.kind) {
		case "said": {
			const { event, origin } = what;
			const from = origin.length > 0 ? ` (${origin.map(({ id }) => id).join(" ")})` : "";
			const words = "text" in event ? event.text : "emoji" in event ? event.emoji.join(" ") : "";
			const target = "target" in event ? ` ${event.target.id}` : "";
			return `${event.sender.name}: ${event.kind}${target}${words && ` ${words}`}${from}`;
		}
		case "deleted":
			return `deleted by ${what.by?.name}: ${what.reason}`;
		case "topic":
			return `${sender.name} sets the topic ${what.topic}`;
		case "facts":
			return `facts: ${what.facts.name}`;
		case "member":
			return memberLine(what);
		case "domain":
			return `${what.domain} is ${what.ban ? `banned: ${what.ban.reason}` : "let in"}`;
		default:
			return what satisfies never;
	}
}

const memberLine = ({ person, now, by, reason }: MemberChange) =>
	`${person.name} (${person.network}) is ${now}${by ? ` by ${by.name}` : ""}${reason ? `: ${reason}` : ""}`;
