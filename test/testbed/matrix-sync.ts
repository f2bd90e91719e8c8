/** An event of a /sync response, with the section that contained it. */
export type SeenEvent = {
	from: "timeline" | "state" | "ephemeral" | "invite" | "leave" | "presence" | "to_device";
	room_id: string;
	type: string;
	content: Record<string, unknown>;
	sender?: string;
	event_id?: string;
	state_key?: string;
	origin_server_ts?: number;
	unsigned?: Record<string, unknown>;
};

type Events = { events?: Omit<SeenEvent, "room_id" | "from">[] };
/** The part of a /sync response that tests read. */
export type Sync = {
	next_batch: string;
	presence?: Events;
	to_device?: Events;
	rooms?: {
		join?: Record<string, { state?: Events; timeline?: Events; ephemeral?: Events }>;
		invite?: Record<string, { invite_state?: Events }>;
		leave?: Record<string, { timeline?: Events }>;
	};
};

/** Returns all events of a /sync response as one list. */
export function eventsOf({ rooms, presence, to_device }: Sync): SeenEvent[] {
	const as = (from: SeenEvent["from"], room_id: string, part: Events | undefined): SeenEvent[] =>
		(part?.events ?? []).map((event) => ({ ...event, from, room_id }));
	return [
		...Object.entries(rooms?.join ?? {}).flatMap(([room, { state, timeline, ephemeral }]) => [
			...as("state", room, state),
			...as("timeline", room, timeline),
			...as("ephemeral", room, ephemeral),
		]),
		...Object.entries(rooms?.invite ?? {}).flatMap(([room, { invite_state }]) =>
			as("invite", room, invite_state),
		),
		...Object.entries(rooms?.leave ?? {}).flatMap(([room, { timeline }]) => as("leave", room, timeline)),
		...as("presence", "", presence),
		...as("to_device", "", to_device),
	];
}
