import { PermanentError, TemporaryError } from "../../../core/errors.ts";
import { mayDo, type Seen } from "../../../core/hosting.ts";
import { inDefaultLanguage } from "../../message/language.ts";
import * as phrases from "../../phrases.ts";
import { child, type Element, xml } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import { type HostedRoom, type Joined, occupantOf, type Session } from "../room.ts";
import { answerLater } from "./answer-later.ts";
import { placeIn } from "./place.ts";
import * as refusals from "./refusals.ts";

/** The subject of a hosted room (XEP-0045 §8.1), which is the topic of its source. */

/** Changes of the subject by clients whose echo is awaited. */
const mostAwaited = 1_000;

/** Returns true for a message that changes the subject: one with neither a body nor a thread. */
export const isSubject = (stanza: Element): boolean =>
	child(stanza, "subject") !== undefined && !child(stanza, "body") && !child(stanza, "thread");

/** Returns the message that ends a join (XEP-0045 §7.2.15): the subject, with its setter and time where they are known. */
export function joinSubject(
	room: HostedRoom,
	{ address }: Pick<Session, "address">,
	context: Pick<HostedContext, "now" | "occupantId">,
): Element {
	const { topic = "", topicSet } = room.facts;
	const by = topicSet && placeIn(room, address, context).of(topicSet.by);
	const from = by ? `${address}/${by.nick}` : address;
	const stamp = topicSet && new Date(topicSet.at).toISOString();
	return xml(
		"message",
		{ type: "groupchat", from, id: context.now().unique() },
		xml("subject", {}, topic),
		by && occupantId(by.occupantId),
		stamp && xml("delay", { xmlns: "urn:xmpp:delay", from: address, stamp }),
	);
}

// XEP-0421 §3: the messages of an occupant have its id, and so do changes of the subject.
const occupantId = (id: string): Element => xml("occupant-id", { xmlns: "urn:xmpp:occupant-id:0", id });

type Setter = Readonly<{ nick: string; occupantId: string }>;

export function createSubjects(context: HostedContext) {
	/** The ids that clients gave their changes, by the change. */
	const awaited = new Map<string, string>();
	const send = answerLater(context);
	const key = (room: HostedRoom, person: string, topic: string) => JSON.stringify([room.id, person, topic]);

	/** Shows a subject; one without a setter comes from the room itself. */
	function show(room: HostedRoom, by: Setter | undefined, topic: string, id: string): void {
		context.out.send(room.sessions.values(), (address) =>
			xml(
				"message",
				{ type: "groupchat", from: by ? `${address}/${by.nick}` : address, id },
				xml("subject", {}, topic),
				by && occupantId(by.occupantId),
			),
		);
	}

	async function set(
		{ room, occupant }: Joined,
		topic: string,
		stanza: Element,
	): Promise<Element | undefined> {
		const { person } = occupant;
		const change = key(room, person.id, topic);
		if (stanza.attrs.id) awaited.set(change, stanza.attrs.id);
		for (const oldest of awaited.keys()) {
			if (awaited.size <= mostAwaited) break;
			awaited.delete(oldest);
		}
		try {
			await context.bridge().views.source(context.of).setTopic(room.source, person, topic);
			return undefined;
		} catch (error) {
			awaited.delete(change);
			if (error instanceof TemporaryError) return refusals.slowLine(stanza);
			if (!(error instanceof PermanentError)) throw error;
			return error.reason === "forbidden"
				? refusals.noSubject(stanza)
				: refusals.refusalOf({ error, target: phrases.unlinkedTarget })(stanza);
		}
	}

	return {
		/** Takes a change of the subject. Returns the error that answers it, if one is due; the refusal of the source follows. */
		take(joined: Joined | undefined, stanza: Element): Element | undefined {
			if (!joined) return refusals.notInRoom(stanza);
			const { room, occupant } = joined;
			const { levels, topic: before = "" } = room.facts;
			if (levels && !mayDo(levels, occupant.person, "topic")) return refusals.noSubject(stanza);
			const topic = inDefaultLanguage(stanza, "subject")?.getText() ?? "";
			// The source takes a topic that it has for no event, so no echo would come.
			if (topic === before) {
				const by = { nick: occupant.nick, occupantId: occupant.id };
				show(room, by, topic, stanza.attrs.id ?? context.now().unique());
			} else
				void context.guard.run("a new subject", async () => {
					const refused = await set(joined, topic, stanza);
					if (refused) send(refused);
				});
			return undefined;
		},
		/** Shows a new topic of the source. */
		show(room: HostedRoom, seen: Seen, topic: string): void {
			// People do not meet the bot in a room that it has made for them.
			const isOfBot = room.facts.made === true && !occupantOf(room, seen.sender);
			const by = isOfBot ? undefined : placeIn(room, room.id, context).of(seen.sender);
			const { topicSet: _, ...facts } = room.facts;
			room.facts = { ...facts, topic, ...(by && { topicSet: { by: seen.sender, at: seen.at } }) };
			const change = key(room, seen.sender.id, topic);
			const id = awaited.get(change) ?? seen.id;
			awaited.delete(change);
			show(room, by, topic, id);
		},
	};
}
export type Subjects = ReturnType<typeof createSubjects>;
