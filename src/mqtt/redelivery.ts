import { createHash, randomUUID } from "node:crypto";
import type { MessageId } from "../core/ids.ts";
import type { Cursor } from "../core/network.ts";
import type { Arrival } from "./from-mqtt.ts";

/**
 * The message id; the journal stores `cursor` in one commit with the message. `standing`: the value of a topic from before
 * the subscription, which core compares with the last one of the topic.
 */
export type Named = Readonly<{ id: MessageId; cursor?: Cursor; standing?: true }>;
/** `again`: a redelivery, which has the id of the first delivery. */
type Identified = Named & Readonly<{ again?: true }>;

/**
 * Gives each message an id, which MQTT does not: two equal messages get different ids, a redelivery gets the same one.
 *
 * A redelivery has DUP set and the packet identifier and content of the first delivery [MQTT-3.3.1-1] [MQTT-4.4.0-1]. DUP
 * alone proves nothing: the broker also sets it on a message that it wrote into a breaking connection and that was never
 * read, and it reuses packet identifiers, also for an equal value. So the last message id of each packet identifier is
 * kept, in one commit with that message: however a run ends, cursor and journal agree. It is kept with the name of its
 * session, since a broker that lost the session repeats nothing of it, and begins its identifiers anew.
 */
export function createRedelivery(broker: string, load: (key: string) => Promise<string | undefined>) {
	/** By packet identifier: what is stored of its last message. */
	const last = new Map<number, string>();
	let session = "";

	const digest = ({ topic, payload }: Arrival) =>
		createHash("sha256").update(`${topic}\0`).update(payload).digest("base64url").slice(0, 24);

	return {
		/** Begins or resumes a session, by its name. Releases up to 0.1.0 named none, so their session is "". */
		begin(name: string): void {
			if (name !== session) last.clear();
			session = name;
		},
		/**
		 * Resolves with the id of a message. Call it in the order of arrival, one at a time. `as` is the id of the value that
		 * stands for this one, which a redelivery then has, too.
		 */
		async identify(arrival: Arrival, as?: MessageId): Promise<Identified> {
			const { packetId } = arrival;
			const fresh = () => as ?? (randomUUID() as string as MessageId);
			// The broker repeats a retained value at each new subscription, whether or not it sent it before.
			if (arrival.retain) return { id: fresh(), standing: true };
			// QoS 0: the broker never repeats it.
			if (packetId === undefined) return { id: fresh() };
			const content = digest(arrival);
			const key = `mqtt ${broker} ${packetId}`;
			const before = arrival.dup ? (last.get(packetId) ?? (await load(key))) : undefined;
			const [of = "", known = "", shownAs = known] = before?.includes(" ") ? before.split(" ") : ["", before];
			const again = of === session && known.startsWith(`${content}.`);
			const own = again ? known : `${content}.${randomUUID().slice(0, 8)}`;
			const id = again ? shownAs : (as ?? own);
			// A value with another one's id names its own content besides, by which its redelivery is known.
			const plain = session === "" ? own : `${session} ${own}`;
			const value = id === own ? plain : `${session} ${own} ${id}`;
			last.set(packetId, value);
			return { id: id as MessageId, cursor: { key, value }, ...(again && { again }) };
		},
	};
}
