import { type Guard, outboundItem } from "../core/guard.ts";
import type { MessageId, OperationId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Mapping } from "../core/mapping.ts";
import type { Bridge, Outbound } from "../core/network.ts";
import type { Client } from "./client.ts";
import { createDirectSender } from "./direct-rooms.ts";
import type { EventCache } from "./event-cache.ts";
import type { Faces } from "./faces.ts";
import type { Ghosts } from "./ghosts.ts";
import type { MediaStore } from "./media.ts";
import type { Members } from "./members.ts";
import { matrixNetwork } from "./mxid.ts";
import * as phrases from "./phrases.ts";
import type { Ranks } from "./ranks.ts";
import type { RoomCreation } from "./room-creation.ts";
import { createTopicSender } from "./room-descriptions.ts";
import { isOfView, type Rooms } from "./rooms.ts";
import { createFileSender } from "./send-file.ts";
import { createModerationSender } from "./send-moderation.ts";
import type { SendOnce } from "./send-once.ts";
import { createReactionSender } from "./send-reaction.ts";
import { createRedactionSender } from "./send-redaction.ts";
import { createSendingAccount } from "./sending-account.ts";
import { asEdit, type Sayable, toMatrix, type WriteContext } from "./to-matrix.ts";
import { createWriteContext } from "./write-context.ts";

/**
 * Returns the function that shows one event of another network as its sender's ghost.
 * @throws MatrixError when the homeserver refuses.
 */
export function createDelivery(deps: {
	client: Client;
	members: Members;
	ghosts: Ghosts;
	faces: Pick<Faces, "show">;
	ranks: Pick<Ranks, "show" | "leaves">;
	rooms: Rooms;
	creation: RoomCreation;
	mapping: Pick<Mapping, "setting" | "saveSetting">;
	sendOnce: SendOnce;
	eventCache: EventCache;
	isOurs(mxid: string): boolean;
	bridge: Pick<Bridge, "open" | "openDirect" | "partly">;
	files: MediaStore;
	bot: string;
	guard: Guard;
	log: Log;
}): (out: Outbound) => Promise<readonly MessageId[]> {
	const { client, members, ghosts, ranks, rooms, sendOnce, bot, guard } = deps;
	const react = createReactionSender(deps);
	const setTopic = createTopicSender(client, deps.mapping);
	const redact = createRedactionSender(deps);
	const moderate = createModerationSender(deps);
	const files = createFileSender(deps);
	const sendingAccount = createSendingAccount(deps);
	const writeContext = createWriteContext(deps);
	const sendTo = createDirectSender(deps);

	async function say(out: Outbound, event: Sayable, there: WriteContext, ghost: string): Promise<MessageId> {
		const { operation, attempt, portal, link } = out;
		const written = () => toMatrix({ ...out, event }, there);
		const { type, content, edits } = guard.handle(outboundItem(out), written);
		const query = { ts: event.late ? event.at : undefined };
		const media = event.kind === "message" || event.kind === "edit" ? event.media : undefined;
		const send = (room: string) =>
			rooms.inside({ ...out, room }, ghost, () =>
				sendOnce.once(
					{ operation, attempt, room, ghost, since: event.at, withBot: rooms.withBot.has(room) },
					async () => {
						const shown = media
							? await files.attach(content, { ...out, event }, media, ghost)
							: { type, content };
						const body = await files.shorten(shown.content, out, ghost, edits === undefined ? 1 : 2);
						const whole = edits === undefined ? body : asEdit(body, edits);
						return client.send(room, shown.type, operation, { as: ghost, body: whole, query });
					},
				),
			);
		const person = link.role === "direct" && portal.between?.find((one) => one.network === matrixNetwork);
		const sent = person ? sendTo([person, event.sender], out.room, ghost, send) : send(out.room);
		return (await sent).event_id as MessageId;
	}

	async function leave({ room, event }: Outbound, reason: string | undefined): Promise<void> {
		const ghost = await ghosts.known(event.sender);
		const there = ghost && (!members.known(room) || members.has(room, ghost));
		if (!there) return;
		await guard.run("ranks of ghosts", () => ranks.leaves(room, ghost));
		await rooms.leave(room, ghost, reason);
	}

	return async function deliver(given) {
		const { room } = given;
		// The ghosts of a view come, go and get their names by requests of their own.
		if (isOfView(given) && (given.event.kind === "membership" || given.event.kind === "profile")) return [];
		if (given.event.kind === "membership" && given.event.change === "leave") {
			const { by, reason } = given.event;
			await leave(given, by ? phrases.removedBy(by, reason) : reason);
			return [];
		}
		if (given.event.kind === "moderation") {
			await moderate(given, given.event);
			return [];
		}
		const { ghost, event } = await sendingAccount(given);
		const out = { ...given, event };
		// In a view the picture belongs to the membership, as the name does.
		if (ghost !== bot && !isOfView(given)) deps.faces.show(event.sender);
		switch (event.kind) {
			case "membership":
				// A person without a ghost is shown when they speak.
				if (ghost !== bot && !members.has(room, ghost)) await rooms.join(room, ghost);
				if (ghost !== bot) await ranks.show(out, ghost);
				return [];
			case "moderation":
				return [];
			// The name was set with the ghost, and the picture follows.
			case "profile":
				if (ghost !== bot) await ranks.show(out, ghost);
				return [];
			case "redaction":
				return redact(out, event, ghost);
			case "reaction":
				return react(out, event, await writeContext(event, out.refs, room, ghost), ghost);
			case "message":
			case "edit":
			case "poll":
			case "vote":
			case "poll-end":
			case "state": {
				// A line is said, with or without the rank of its sender.
				const showRank = () =>
					guard.run("ranks of ghosts", () => (ghost === bot ? undefined : ranks.show(out, ghost)));
				await showRank();
				const topic = event.kind === "message" && !isOfView(out) ? event.sets?.topic : undefined;
				const set = topic === undefined ? undefined : await setTopic(room, topic, ghost, bot);
				if (set !== undefined) return [set as MessageId];
				const there = await writeContext(event, out.refs, room, ghost);
				const ids: MessageId[] = [];
				for (const [index, part] of inParts(event).entries()) {
					const operation = (index === 0 ? out.operation : `${out.operation}.${index}`) as OperationId;
					ids.push(await say({ ...out, operation }, part, there, ghost));
				}
				// The ghost may have joined for this line.
				await showRank();
				return ids;
			}
			default:
				return event satisfies never;
		}
	};
}

/** A Matrix event holds one file: the words go with the first, and each further file is an event of its own. */
function inParts(event: Sayable): readonly Sayable[] {
	if (event.kind !== "message" || !event.more) return [event];
	const { more, replyTo: _replyTo, rich: _rich, ...rest } = event;
	return [event, ...more.map((media): Sayable => ({ ...rest, style: "text", text: "", media }))];
}
