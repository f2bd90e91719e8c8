import { PermanentError } from "../core/errors.ts";
import type { BridgeEvent, Media, Picture } from "../core/event.ts";
import { type Guard, outboundItem } from "../core/guard.ts";
import type { MessageId, OperationId, RoomId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Bridge, Outbound, Refs } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { references } from "../core/references.ts";
import { relayed as inNameOf } from "../core/relayed.ts";
import { mentions } from "../core/rich.ts";
import { atMost } from "../media/stream.ts";
import { type Client, MatrixError } from "./client.ts";
import type { Content, MatrixEvent } from "./event.ts";
import type { EventCache } from "./event-cache.ts";
import { type Ghosts, NoGhost } from "./ghosts.ts";
import { HomeserverAway, type MediaStore } from "./media.ts";
import { type Members, name, title } from "./members.ts";
import { asLink, type Stored, withMedia } from "./message/attachments.ts";
import * as phrases from "./phrases.ts";
import type { Rooms } from "./rooms.ts";
import type { SendOnce } from "./send-once.ts";
import { createReactionSender } from "./send-reaction.ts";
import { createRedactionSender } from "./send-redaction.ts";
import { asEdit, asFile, fits, type Sayable, type Surroundings, toMatrix } from "./to-matrix.ts";

/** Bytes of a smaller picture. */
const smallest = 1_048_576;

/** Shows one event of another network, as the ghost of who said or did it. @throws MatrixError when the homeserver says no. */
export function createDelivery(deps: {
	client: Client;
	members: Members;
	ghosts: Ghosts;
	rooms: Rooms;
	sendOnce: SendOnce;
	eventCache: EventCache;
	isOurs(mxid: string): boolean;
	bridge: Pick<Bridge, "open" | "openDirect" | "partly">;
	files: MediaStore;
	bot: string;
	guard: Guard;
	log: Log;
}): (out: Outbound) => Promise<readonly MessageId[]> {
	const { client, members, ghosts, rooms, sendOnce, eventCache, bridge, files, bot, guard, log } = deps;
	const react = createReactionSender(deps);
	const redact = createRedactionSender(deps);

	/** The file, brought here; null where it cannot be had, of which the sender is told. */
	async function brought(event: BridgeEvent, media: Media, ghost: string): Promise<Stored | null> {
		try {
			const [stored, thumbnail] = await Promise.all([
				bridge.open(media.source).then((opened) => files.store(opened, media, ghost)),
				media.thumbnail && smaller(media.thumbnail, ghost),
			]);
			return { ...stored, ...(thumbnail && { thumbnail }) };
		} catch (error) {
			// A server of strangers that does not answer must not hold up the room.
			if (error instanceof HomeserverAway) throw error;
			log.warn({ err: error }, "a file is shown as a link");
			const permanent = error instanceof PermanentError;
			const why = permanent
				? error.message
				: error instanceof MatrixError
					? phrases.fileRefused
					: phrases.fileNoAnswer;
			const only = media.link === undefined ? phrases.onlyName : phrases.onlyLink;
			const told = new PermanentError(permanent ? error.reason : "failed", only(why));
			bridge.partly(event, told, title);
			return null;
		}
	}

	/** The smaller picture of a file. Without it the file is as well. */
	async function smaller({ source, mime }: Picture, ghost: string): Promise<Stored | undefined> {
		try {
			const { body, ...opened } = await bridge.open(source);
			const most = () => new PermanentError("invalid", phrases.fileTooLarge(smallest));
			const picture = { kind: "image" as const, source, name: "thumbnail", ...(mime && { mime }) };
			const stored = await files.store({ ...opened, body: atMost(body, smallest, most) }, picture, ghost);
			return stored.mime.startsWith("image/") ? stored : undefined;
		} catch (error) {
			log.debug({ err: error }, "a file is shown without its smaller picture");
			return undefined;
		}
	}

	/** The event with its file, or with a link to it or what it shows in its place. */
	async function attached(
		content: Content,
		{ event, operation, once }: Outbound,
		media: Media,
		ghost: string,
	): Promise<{ type: string; content: Content }> {
		const file = await once(`file of ${operation}`, () => brought(event, media, ghost));
		if (file) return withMedia(content, media, file);
		const instead = media.link ?? media.alt ?? phrases.sentFile(media.kind, media.name);
		return { type: "m.room.message", content: asLink(content, instead) };
	}

	/** The content, or the file that has all of what is too long for an event. */
	async function sized(
		content: Content,
		{ operation, once }: Outbound,
		ghost: string,
		times: number,
	): Promise<Content> {
		if (fits(content, times)) return content;
		const bytes = Buffer.from(String(content.body));
		const upload = () => client.upload(bytes, "text/plain; charset=utf-8", "message.txt", ghost);
		const { content_uri: url } = await once(`text of ${operation}`, upload);
		return asFile(content, url, bytes.length);
	}

	/** A chat of two outlives both: a person who left is asked back, and where they put the ghost out a new room begins. */
	async function sayTo<T>(
		[ours, theirs]: readonly [Person, Person],
		room: string,
		ghost: string,
		say: (room: string) => Promise<T>,
	): Promise<T> {
		try {
			await rooms.askBack(room, ours.id, ghost);
			return await say(room);
		} catch (error) {
			if (!(error instanceof MatrixError && error.status === 403)) throw error;
			// Who bans somebody does not want to hear from them in another room either.
			if ((await rooms.membershipOf(room, ghost, ghost)) === "ban") throw error;
			const next = await rooms.openDirect(ours, theirs);
			if (next === room) throw error;
			await bridge.openDirect(ours, theirs, next as RoomId);
			return say(next);
		}
	}

	/** What has to be at hand to write an event. */
	async function around(event: BridgeEvent, refs: Refs, room: string, ghost: string): Promise<Surroundings> {
		const known = new Map<string, string>();
		const people = "rich" in event && event.rich ? mentions(event.rich).people : [];
		const answered = event.kind === "message" && event.replyTo?.author ? [event.replyTo.author] : [];
		for (const person of [...people, ...answered]) {
			const mxid = person.network === name ? person.id : await ghosts.known(person);
			if (mxid) known.set(`${person.network} ${person.id}`, mxid);
		}
		const events = new Map<string, MatrixEvent>();
		for (const { id, own } of references(event)) {
			const [there] = refs[own ?? id] ?? refs[id] ?? [];
			const as = rooms.withBot.has(room) ? undefined : ghost;
			const found = there && (await eventCache.find(room, there, as));
			if (found) events.set(found.event_id, found);
		}
		return {
			mxid: (person) => known.get(`${person.network} ${person.id}`),
			event: (id) => events.get(id),
		};
	}

	async function say(out: Outbound, event: Sayable, there: Surroundings, ghost: string): Promise<MessageId> {
		const { operation, attempt, portal, link } = out;
		const written = () => toMatrix({ ...out, event }, there);
		const { type, content, edits } = guard.handle(outboundItem(out), written);
		const query = { ts: event.late ? event.at : undefined };
		const media = event.kind === "message" || event.kind === "edit" ? event.media : undefined;
		const say = (room: string) =>
			rooms.inside(room, ghost, () =>
				sendOnce.once(
					{ operation, attempt, room, ghost, since: event.at, withBot: rooms.withBot.has(room) },
					async () => {
						const shown = media
							? await attached(content, { ...out, event }, media, ghost)
							: { type, content };
						const body = await sized(shown.content, out, ghost, edits === undefined ? 1 : 2);
						const whole = edits === undefined ? body : asEdit(body, edits);
						return client.send(room, shown.type, operation, { as: ghost, body: whole, query });
					},
				),
			);
		const person = link.role === "direct" && portal.between?.find((one) => one.network === name);
		const said = person ? sayTo([person, event.sender], out.room, ghost, say) : say(out.room);
		return (await said).event_id as MessageId;
	}

	/**
	 * Whose account shows the event: the sender's ghost, or the bot where they have none and none may be made. A retry goes
	 * by what the first attempt found: it may be there already. @throws NoGhost where the bot is not in the room.
	 */
	async function accountFor({ event, operation, attempt, room, once }: Outbound): Promise<string> {
		const { sender } = event;
		const lacks = async () => {
			try {
				await ghosts.ensure(sender);
				return false;
			} catch (error) {
				if (!(error instanceof NoGhost && rooms.withBot.has(room))) throw error;
				return true;
			}
		};
		const unsettled = attempt > 0 || (await ghosts.known(sender)) === undefined;
		if (unsettled && (await once(`relay of ${operation}`, lacks))) return bot;
		return ghosts.ensure(sender);
	}

	return async function send(given) {
		const { room } = given;
		if (given.event.kind === "membership" && given.event.change === "leave") {
			const gone = await ghosts.known(given.event.sender);
			const there = gone && (!members.known(room) || members.has(room, gone));
			if (there) await rooms.leave(room, gone, given.event.reason);
			return [];
		}
		const ghost = await accountFor(given);
		const out = ghost === bot ? { ...given, event: relayed(given.event) } : given;
		const { event } = out;
		switch (event.kind) {
			case "membership":
				// Who has no ghost is seen when they speak.
				if (ghost !== bot && !members.has(room, ghost)) await rooms.join(room, ghost);
				return [];
			// The name was set with the ghost.
			case "profile":
				return [];
			case "redaction":
				return redact(out, event, ghost);
			case "reaction": {
				const there = await around(event, out.refs, room, ghost);
				return react(out, event, there, ghost);
			}
			case "message":
			case "edit":
			case "poll":
			case "vote":
			case "poll-end":
			case "state": {
				const there = await around(event, out.refs, room, ghost);
				const ids: MessageId[] = [];
				for (const [index, part] of inParts(event).entries()) {
					const operation = (index === 0 ? out.operation : `${out.operation}.${index}`) as OperationId;
					ids.push(await say({ ...out, operation }, part, there, ghost));
				}
				return ids;
			}
			default:
				return event satisfies never;
		}
	};
}

/** An event holds one file: what is said goes with the first, and each of the others follows as an event of its own. */
function inParts(event: Sayable): readonly Sayable[] {
	if (event.kind !== "message" || !event.more) return [event];
	const { more, replyTo: _replyTo, rich: _rich, ...rest } = event;
	return [event, ...more.map((media): Sayable => ({ ...rest, style: "text", text: "", media }))];
}

/** The event with its sender's name before the words, as the bot says it. @throws NoGhost for what the bot cannot do for others. */
function relayed(event: BridgeEvent): BridgeEvent {
	// The bot's own one reaction, or vote, cannot stand for those of many.
	if (event.kind === "reaction" || event.kind === "vote") throw new NoGhost();
	if (event.kind !== "message" && event.kind !== "edit") return event;
	return inNameOf(event, event.sender.name ?? event.sender.address.at(-1) ?? "?");
}
