import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import { TemporaryError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Person } from "../core/person.ts";
import { type Client, MatrixError } from "./client.ts";
import {
	isContent,
	isEvent,
	type MatrixEvent,
	originalOf,
	type ReadContext,
	redacted,
	relationOf,
} from "./event.ts";
import { subjects } from "./from-matrix.ts";
import type { Ghosts } from "./ghosts.ts";
import type { Members } from "./members.ts";
import { mark } from "./message/origin.ts";
import { isEnd } from "./message/polls.ts";
import { createPages } from "./pages.ts";
import { unlabelled } from "./rank-labels.ts";

/** Events kept in memory, and characters of one: most replies refer to recent messages. */
const [remembered, largest] = [2_000, 8_000];
/** Bytes of all kept events. They are kept as JSON: a content of many small parts takes many times its size as objects. */
const rememberedBytes = 8 * 1_048_576;
/** Pages of votes that are counted at most, and votes per page. */
const [pages, pageSize] = [10, 100];
/** Returns the MXIDs of the sender of an event, and of the member whom it changes. */
const actors = ({ type, sender, state_key }: MatrixEvent): readonly string[] =>
	type === "m.room.member" && state_key !== undefined ? [sender, state_key] : [sender];

export type EventCache = ReturnType<typeof createEventCache>;

/** Returns the events that other events refer to: recent ones from memory, older ones from the homeserver. */
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

	/** Resolves with an event of a room, undefined if there is none. `as`: a ghost in the room. @throws TemporaryError */
	async function find(room: string, id: string, as: string | undefined): Promise<MatrixEvent | undefined> {
		const recent = known(id);
		if (recent) return recent.room_id === room ? recent : undefined;
		try {
			const event = await client.event(room, id, as);
			if (!isEvent(event)) return undefined;
			keep(event);
			return event;
		} catch (error) {
			// The event is gone, is in another room, or is from before the join.
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

	/** Resolves with undefined when `work` fails: an event without its context is better than a room that waits. */
	const orNothing = <T>(work: Promise<T>): Promise<T | undefined> =>
		work.catch((error: unknown) => {
			if (!(error instanceof MatrixError || error instanceof TemporaryError)) throw error;
			log.warn({ err: error }, "could not fetch an event that another one refers to");
			return undefined;
		});

	return {
		find,

		/** Remembers an incoming event, and applies it to the message that it edits or redacts. */
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

		/**
		 * Resolves with the lookups that translating an event needs. `as`: a ghost in the room. `lookUp` finds the events that
		 * this one refers to; one that the reader may not see it does not find.
		 */
		async around(
			event: MatrixEvent,
			as: string | undefined,
			lookUp: typeof find = find,
		): Promise<Omit<ReadContext, "before">> {
			const room = event.room_id;
			const wanted = subjects(event);
			const events = new Map<string, MatrixEvent>();
			const look = async (id: string) => {
				const found = await orNothing(lookUp(room, id, as));
				if (found) events.set(id, found);
				return found;
			};
			/** Fetches an event, and the original message if the event is an edit. */
			const lookThrough = async (id: string) => {
				const found = await look(id);
				const original = found && originalOf(found);
				if (!original || original === id) return;
				// After the redaction of an edit only the homeserver knows the message's current text.
				if (event.type === "m.room.redaction") kept.delete(original);
				await look(original);
			};
			for (const id of wanted.events) await lookThrough(id);
			// An edit keeps the reply target and the thread of its original.
			const changed = originalOf(events.get(redacted(event)) ?? event);
			const before = changed === event.event_id ? undefined : events.get(changed);
			const { reply = "", type, to = "" } = before ? relationOf(before.content) : {};
			for (const id of [reply, type === "m.thread" ? to : ""]) if (id) await lookThrough(id);
			const people = new Map<string, Person>();
			const authors = [...events.values()].map((one) => one.sender);
			for (const mxid of new Set([...authors, ...wanted.people, ...actors(event)].filter(isOurs))) {
				const person = await ghosts.person(mxid);
				// Other rooms get the name without the label of a rank.
				const name = unlabelled(members.of(room).get(mxid) ?? "");
				if (person) people.set(mxid, { ...person, ...(name && { name }) });
			}
			const poll = isEnd(event.type) ? relationOf(event.content).to : "";
			return {
				isOurs,
				person: (mxid) => people.get(mxid) ?? members.inRoom(room, mxid),
				event: (id) => events.get(id),
				votes: (poll && (await orNothing(votes(room, poll, as)))) || [],
			};
		},
	};
}
