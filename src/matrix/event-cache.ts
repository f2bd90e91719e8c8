import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import { TemporaryError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Person } from "../core/person.ts";
import { type Client, MatrixError } from "./client.ts";
import {
	type Around,
	isContent,
	isEvent,
	type MatrixEvent,
	originalOf,
	redacted,
	relationOf,
} from "./event.ts";
import { subjects } from "./from-matrix.ts";
import type { Ghosts } from "./ghosts.ts";
import type { Members } from "./members.ts";
import { mark } from "./message/origin.ts";
import { isEnd } from "./message/polls.ts";
import { createPages } from "./pages.ts";

/** Events kept in mind, and characters of one: most that is answered was said just now. */
const [remembered, largest] = [2_000, 8_000];
/** Bytes of all of them; as JSON, since a content of many small parts takes many times its size as a tree. */
const rememberedBytes = 8 * 1_048_576;
/** The most pages of votes that are counted, and the votes on a page. */
const [pages, pageSize] = [10, 100];

export type EventCache = ReturnType<typeof createEventCache>;

/** Events that others are about: the recent ones by heart, older ones from the homeserver. */
export function createEventCache(deps: {
	client: Client;
	members: Members;
	ghosts: Ghosts;
	isOurs(mxid: string): boolean;
	log: Log;
}) {
	const { client, members, ghosts, isOurs, log } = deps;
	const kept = createBoundedMap<string, string>(remembered, { bytes: rememberedBytes, of: textBytes });
	const known = (id: string): MatrixEvent | undefined => {
		const text = kept.get(id);
		return text === undefined ? undefined : (JSON.parse(text) as MatrixEvent);
	};
	const keep = (event: MatrixEvent) => {
		kept.delete(event.event_id);
		const { event_id, room_id, type, sender, origin_server_ts, state_key, redacts, content } = event;
		const text = JSON.stringify({
			event_id,
			room_id,
			type,
			sender,
			origin_server_ts,
			state_key,
			redacts,
			content,
		});
		if (text.length <= largest) kept.set(event_id, text);
	};

	/** An event of a room. `as`: who of us is there. @throws TemporaryError */
	async function find(room: string, id: string, as: string | undefined): Promise<MatrixEvent | undefined> {
		const recent = known(id);
		if (recent) return recent.room_id === room ? recent : undefined;
		try {
			const event = await client.event(room, id, as);
			if (!isEvent(event)) return undefined;
			keep(event);
			return event;
		} catch (error) {
			// Gone, of another room, or from before we were there.
			if (error instanceof MatrixError) return undefined;
			throw error;
		}
	}

	async function votes(room: string, poll: string, as: string | undefined): Promise<MatrixEvent[]> {
		const found: MatrixEvent[] = [];
		const relations = createPages(pages, (from) =>
			client.relations(room, poll, "m.reference", { as, from, limit: pageSize }),
		);
		for await (const page of relations) found.push(...page);
		return found;
	}

	/** What cannot be had must not hold up the room: it is missed as little as can be. */
	const orNothing = <T>(work: Promise<T>): Promise<T | undefined> =>
		work.catch((error: unknown) => {
			if (!(error instanceof MatrixError || error instanceof TemporaryError)) throw error;
			log.warn({ err: error }, "an event that another one is about could not be had");
			return undefined;
		});

	return {
		find,

		/** Takes note of an event as it comes in. */
		note(event: MatrixEvent): void {
			const { type, content, sender, state_key } = event;
			if (state_key !== undefined) return;
			if (type === "m.room.redaction") return void kept.delete(redacted(event));
			keep(event);
			const original = known(originalOf(event));
			const now = content["m.new_content"];
			if (!original || original.event_id === event.event_id || original.sender !== sender || !isContent(now))
				return;
			const { "m.relates_to": relation, [mark]: marked } = original.content;
			keep({
				...original,
				content: { ...now, ...(relation !== undefined && { "m.relates_to": relation }), [mark]: marked },
			});
		},

		/** What has to be known to understand an event. `as`: who of us is in its room. */
		async around(event: MatrixEvent, as: string | undefined): Promise<Omit<Around, "before">> {
			const room = event.room_id;
			const wanted = subjects(event);
			const events = new Map<string, MatrixEvent>();
			const look = async (id: string) => {
				const found = await orNothing(find(room, id, as));
				if (found) events.set(id, found);
				return found;
			};
			/** Also what it is a version of, if any. */
			const lookThrough = async (id: string) => {
				const found = await look(id);
				const original = found && originalOf(found);
				if (!original || original === id) return;
				// Once a version was taken back, only the homeserver knows how the message reads.
				if (event.type === "m.room.redaction") kept.delete(original);
				await look(original);
			};
			for (const id of wanted.events) await lookThrough(id);
			// What is changed answers what it answered.
			const changed = originalOf(events.get(redacted(event)) ?? event);
			const before = changed === event.event_id ? undefined : events.get(changed);
			const { reply = "", type, to = "" } = before ? relationOf(before.content) : {};
			for (const id of [reply, type === "m.thread" ? to : ""]) if (id) await lookThrough(id);
			const people = new Map<string, Person>();
			const authors = [...events.values()].map((one) => one.sender);
			for (const mxid of new Set([...authors, ...wanted.people].filter(isOurs))) {
				const person = await ghosts.person(mxid);
				const name = members.of(room).get(mxid);
				if (person) people.set(mxid, { ...person, ...(name && { name }) });
			}
			const poll = isEnd(event.type) ? relationOf(event.content).to : "";
			return {
				isOurs,
				person: (mxid) => people.get(mxid) ?? members.person(mxid, members.of(room).get(mxid)),
				event: (id) => events.get(id),
				votes: (poll && (await orNothing(votes(room, poll, as)))) || [],
			};
		},
	};
}
