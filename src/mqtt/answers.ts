import { emojiForm } from "../core/emoji.ts";
import { PermanentError } from "../core/errors.ts";
import type { BridgeEvent, Message } from "../core/event.ts";
import type { MessageId, RoomId } from "../core/ids.ts";
import type { Outbound } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { newIn } from "../core/reactions.ts";
import type { Extras } from "./connection.ts";
import { type Control, orderFor } from "./controls.ts";
import type { Response } from "./from-mqtt.ts";
import * as phrases from "./phrases.ts";
import type { Answers } from "./publish-policy.ts";
import type { Publisher } from "./publisher.ts";
import { compileTopicTemplate } from "./template.ts";
import { mirrorOf } from "./topic-rooms.ts";
import { placeOf } from "./topics.ts";
import { topicOf } from "./value-ids.ts";

type Publication = Readonly<{ topic: string; payload: string; extras?: Extras }>;

/** Publishes what people answer to the messages of things: the text of a reply, and what the mirror's map has for a reaction. */
export function createAnswers(deps: {
	/** Returns what a person can have the device of a topic do. */
	controls(broker: string, topic: string): readonly Control[];
	/** The answers of each mirror, by its MQTT room. */
	options: ReadonlyMap<RoomId, Answers>;
	publish: Publisher;
	/** Returns the response topic that a value names. */
	responseOf(id: MessageId): Response | undefined;
	/** Returns the thing of a topic as a room shows it. */
	thing(room: RoomId, topic: string): Person;
	/** Takes in the message that shows the result. */
	receive(result: Message): Promise<void>;
}) {
	const { options, controls, publish, responseOf, thing: shownAs, receive } = deps;
	const of = (room: RoomId): Answers => options.get(mirrorOf(room)) ?? {};

	/** Returns what to publish for a reply to the value `id`. @throws PermanentError with the words that the device knows */
	function ordersOf(text: string, room: RoomId, id: MessageId): readonly Publication[] {
		const response = responseOf(id);
		if (response) {
			const { topic, correlation } = response;
			return [{ topic, payload: text, ...(correlation && { extras: { correlation } }) }];
		}
		const { command } = of(room);
		const thing = topicOf(id);
		if (thing === undefined) return [];
		if (command !== undefined) return [{ topic: compileTopicTemplate(command)(thing), payload: text }];
		const known = controls(placeOf(room).broker, thing);
		if (known.length === 0) return [];
		const order = orderFor(known, text);
		if ("understands" in order)
			throw new PermanentError("invalid", phrases.deviceUnderstands(order.understands.join("; ")));
		return [{ topic: order.topic, payload: order.payload, extras: { retain: order.retain } }];
	}

	/** Returns what to publish for an answer to the value `id` of a thing. */
	function wanted(event: BridgeEvent, id: MessageId, { room, shown }: Outbound): readonly Publication[] {
		if (event.kind === "message") return ordersOf(event.text.trim(), room, id);
		const thing = topicOf(id);
		if (event.kind !== "reaction" || thing === undefined) return [];
		const { reactions = {} } = of(room);
		return newIn(event.emoji, shown).flatMap((emoji) => {
			const one = Object.entries(reactions).find(([key]) => emojiForm(key) === emojiForm(emoji))?.[1];
			return one ? [{ topic: compileTopicTemplate(one.topic)(thing), payload: one.payload }] : [];
		});
	}

	return {
		/** Returns true if a room publishes answers of this kind. */
		takes(room: RoomId, event: BridgeEvent): boolean {
			if (event.kind === "message") return event.replyTo !== undefined;
			return event.kind === "reaction" && event.mode !== "remove" && of(room).reactions !== undefined;
		},
		/** Publishes an answer, and shows the result as the thing's own reply. Resolves with the id of the answer. */
		async send(out: Outbound): Promise<readonly MessageId[]> {
			const { event, room, refs, portal, operation } = out;
			const target =
				event.kind === "message" ? event.replyTo : event.kind === "reaction" ? event.target : undefined;
			const id = refs[target?.id ?? ""]?.[0];
			if (id === undefined) return [];
			const all = wanted(event, id, out);
			// The heating must not go on hours later, because the bridge was away.
			if (all.length > 0 && event.late) throw new PermanentError("expired", phrases.answerTooLate);
			const { broker } = placeOf(room);
			const answer = operation as string as MessageId;
			for (const [index, { topic, payload, extras }] of all.entries()) {
				const what = { broker, topic, payload, extras: { ...extras, operation } };
				const text = await publish({ portal, person: event.sender }, what);
				await receive({
					kind: "message",
					id: `result ${index} ${operation}` as MessageId,
					room,
					sender: shownAs(room, topicOf(id) ?? topic),
					at: Date.now(),
					style: "notice",
					text,
					replyTo: { id: event.kind === "message" ? answer : id },
				});
			}
			return event.kind === "message" ? [answer] : [];
		},
	};
}
