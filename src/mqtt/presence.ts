import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import type { State } from "../core/event.ts";
import type { RoomId } from "../core/ids.ts";
import type { Person } from "../core/person.ts";
import type { Presence } from "../core/signal.ts";
import type { AvailabilityMode, Watch, Watched } from "./devices.ts";
import { jsonIn } from "./json-pointer.ts";

/** Things in rooms whose presence is known, topics that tell of it, and bytes of each. */
const [most, mostTopics, mostBytes] = [20_000, 2_000, 8 * 1_048_576];

const online = new Set(["online", "true", "on", "1", "yes", "connected", "available", "alive", "up", "home"]);
const offline = new Set([
	"offline",
	"false",
	"off",
	"0",
	"no",
	"disconnected",
	"unavailable",
	"lost",
	"down",
]);

/** Time in ms after which the first presence of a thing is told again. */
const settled = 5_000;

/** Returns whether a payload says that a thing is there, in the words that devices use; undefined for other words. */
export function saysOnline(payload: string): boolean | undefined {
	const json = jsonIn(payload);
	const state = typeof json === "object" && json !== null && "state" in json ? json.state : payload;
	const word = String(state).trim().toLowerCase();
	return online.has(word) ? true : offline.has(word) ? false : undefined;
}

/** A thing as one room shows it. */
type Subject = {
	room: RoomId;
	sender: Person;
	watches: ReadonlyMap<string, Watch>;
	mode: AvailabilityMode;
	shown?: boolean;
};

/** The statement of one topic on whether a thing is there. `heard`: its place in the order of all. */
type Statement = Readonly<{ isOnline: boolean; heard: number }>;

/** Returns whether a thing is there, by the statements of `topics` topics; undefined as long as that is not known. Pure. */
function together(mode: AvailabilityMode, said: readonly Statement[], topics: number): boolean | undefined {
	if (said.length === 0) return undefined;
	const [isOne, isNone] = [said.some((one) => one.isOnline), said.some((one) => !one.isOnline)];
	switch (mode) {
		case "all":
			return isNone ? false : said.length === topics ? true : undefined;
		case "any":
			return isOne ? true : said.length === topics ? false : undefined;
		case "latest":
			return said.reduce((one, other) => (one.heard > other.heard ? one : other)).isOnline;
	}
}

/** Shows whether things are there, as the presence of their ghosts, by the topics that tell of it. */
export function createPresence(deps: {
	/** Subscribes to a topic of a broker, whose retained value comes at each connection. */
	watch(broker: string, topic: string): void;
	signal(presence: Presence): void;
	/** Runs `work` after `ms`. */
	later(ms: number, work: () => void): void;
}) {
	const subjects = createBoundedMap<string, Subject>(most, {
		bytes: mostBytes,
		of: (key, { watches }) => 400 + textBytes(key, ...watches.keys()),
	});
	/** By broker and topic: its last payload, and the things that it tells of. */
	const topics = createBoundedMap<string, { payload?: string; heard?: number; of: Set<string> }>(mostTopics);
	let order = 0;
	/** Things that have told their presence once. Their ghosts enter the rooms by their first value, and so may miss it. */
	const newcomers = new Set<Subject>();

	function tell(subject: Subject): void {
		const said = [...subject.watches].flatMap(([key, watch]): Statement[] => {
			const { payload, heard = 0 } = topics.get(key) ?? {};
			const isOnline = payload === undefined ? undefined : watch.isOnline(payload);
			return isOnline === undefined ? [] : [{ isOnline, heard }];
		});
		const isOnline = together(subject.mode, said, subject.watches.size);
		if (isOnline === undefined || subject.shown === isOnline) return;
		const isFirst = subject.shown === undefined;
		subject.shown = isOnline;
		show(subject);
		if (!isFirst) return;
		if (newcomers.size === 0) deps.later(settled, () => newcomers.forEach(welcome));
		newcomers.add(subject);
	}

	function show({ room, sender, shown }: Subject): void {
		deps.signal({ kind: "presence", room, sender, show: shown ? "online" : "offline" });
	}

	function welcome(subject: Subject): void {
		newcomers.delete(subject);
		show(subject);
	}

	return {
		/** Notes a thing that a room shows, the topics that tell whether it is there, and the mode in which they do so. */
		note({ room, sender }: State, broker: string, { watches, mode }: Watched): void {
			if (watches.length === 0) return;
			const key = `${room}\n${sender.id}`;
			const known = subjects.get(key);
			const keys = watches.map(({ topic }) => `${broker}/${topic}`);
			if (known && keys.every((one) => known.watches.has(one))) {
				known.sender = sender;
				return;
			}
			const all = new Map([
				...(known?.watches ?? []),
				...watches.map((one) => [`${broker}/${one.topic}`, one] as const),
			]);
			const subject: Subject = { ...known, room, sender, mode, watches: all };
			subjects.set(key, subject);
			for (const { topic } of watches) {
				const told = topics.get(`${broker}/${topic}`);
				topics.set(`${broker}/${topic}`, { ...told, of: (told?.of ?? new Set()).add(key) });
				if (!told) deps.watch(broker, topic);
			}
			tell(subject);
		},
		/** Takes a value of a topic, if that tells whether things are there. */
		take(broker: string, topic: string, payload: string): void {
			const told = topics.get(`${broker}/${topic}`);
			if (!told) return;
			told.payload = payload.slice(0, 1_024);
			told.heard = ++order;
			for (const key of told.of) {
				const subject = subjects.get(key);
				if (subject) tell(subject);
				else told.of.delete(key);
			}
		},
	};
}
