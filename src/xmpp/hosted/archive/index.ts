import { PermanentError, TemporaryError } from "../../../core/errors.ts";
import type { Person } from "../../../core/person.ts";
import { within } from "../../deadline.ts";
import { account } from "../../from-xmpp.ts";
import { resource } from "../../jid.ts";
import * as phrases from "../../phrases.ts";
import { errorReply, StanzaError } from "../../stanza-error.ts";
import { type Element, xml } from "../../stream/xml.ts";
import { viewOf } from "../addresses.ts";
import type { HostedContext } from "../context.ts";
import type { JoinQueue } from "../join/queue.ts";
import type { Loader } from "../load.ts";
import { affiliationOf, roleOf } from "../presences.ts";
import { realJid } from "../real-jid.ts";
import { errorOf, notFound, unknownRoom } from "../refusals.ts";
import { type HostedRoom, occupantOf } from "../room.ts";
import { type ArchivedLine, archiveOf, type Shown } from "./archived-lines.ts";
import type { Archive } from "./entries.ts";
import { archiveForm, mam } from "./form.ts";
import { pageOf } from "./page.ts";
import { archiveQuery, type PageRequest, pageMost } from "./query.ts";
import { archived, fin, metadata, result } from "./result.ts";
import { createTurns } from "./turns.ts";

/** How long a query reads, and after what time its page ends with what it has, in ms. Clients wait for 30 s and longer. */
const [readWithin, hurryAfter] = [25_000, 10_000];

/** True for an IQ that asks the archive of a room (XEP-0313). */
export const isForArchive = (stanza: Element): boolean =>
	stanza.name === "iq" &&
	resource(stanza.attrs.to ?? "") === undefined &&
	stanza.getChildElements().some((one) => one.getNS() === mam);

type Asked = Readonly<{ room: HostedRoom; archive: Archive<ArchivedLine> }>;

/** Answers the queries for the archives of hosted rooms. */
export function createArchives(
	context: HostedContext,
	shown: Shown,
	{ load, settled }: Pick<Loader, "load"> & Pick<JoinQueue, "settled">,
) {
	const turns = createTurns();

	/** Resolves with the room that is asked. @throws StanzaError, TemporaryError, PermanentError */
	async function roomOf(stanza: Element, reader: Person): Promise<HostedRoom> {
		const { aliases, component, of, rooms, returns } = context;
		const joined = rooms.joined(stanza);
		if (joined) return joined.room;
		const address = aliases.at(stanza.attrs.to ?? "");
		const looked = address && (await context.bridge().views.look(of, address, reader));
		if (looked?.kind !== "room") {
			throw errorOf(looked ? notFound(looked) : unknownRoom);
		}
		const room = await load(viewOf(looked.facts.id, component), looked.facts);
		returns.rest(room);
		return room;
	}

	/** Resolves with the archive that a client may read. @throws StanzaError, TemporaryError, PermanentError */
	async function open(stanza: Element): Promise<Asked> {
		const { from = "", to = "" } = stanza.attrs;
		const reader = account(from);
		const room = await roomOf(stanza, reader);
		// XEP-0313 §5.1.2. A member may read the archive of a room without a session there.
		if (!occupantOf(room, reader)) throw new StanzaError("forbidden", "auth", phrases.archiveForMembers);
		return { room, archive: archiveOf(room, to, reader, context, shown) };
	}

	/**
	 * Resolves with what is read from the archive that a client asks. @throws StanzaError, TemporaryError, PermanentError
	 */
	const read = <T>(stanza: Element, work: (archive: Archive<ArchivedLine>) => Promise<T>) =>
		within(
			readWithin,
			open(stanza).then(async ({ room, archive }) => ({ room, found: await work(archive) })),
		);

	/** Sends the results of a query. Resolves with its end. */
	async function query(stanza: Element, payload: Element): Promise<Element> {
		const { from = "", to = "" } = stanza.attrs;
		const { queryid, filter, page: request, flip } = archiveQuery(payload);
		const begun = context.now().at;
		const hurry = () => context.now().at - begun > hurryAfter;
		const { room, found: page } = await read(stanza, (archive) => pageOf(archive, filter, request, hurry));
		const asked = { from: to, to: from, ...(queryid !== undefined && { queryid }) };
		for (const entry of flip ? page.entries.toReversed() : page.entries)
			await context.link.send(result(asked, entry, archived(entry.stanza, senderOf(entry, room))));
		const { count: _, ...uncounted } = page;
		// The number would tell a newcomer how much was said before.
		return fin(room.facts.pastHidden ? uncounted : page);
	}

	/** Returns the item of the sender of a line; undefined where the room itself speaks. */
	function senderOf({ stanza, sender }: ArchivedLine, room: HostedRoom) {
		if (resource(stanza.attrs.from ?? "") === undefined) return undefined;
		return {
			affiliation: affiliationOf(room, sender),
			role: roleOf(room, sender),
			jid: realJid(sender, context),
		};
	}

	async function ends(stanza: Element): Promise<Element> {
		const { found } = await read(stanza, (archive) => Promise.all([end(archive, false), end(archive, true)]));
		return metadata(...found);
	}

	/** Resolves with the first or the last entry of an archive, of whose places the reader may not see many. */
	async function end(archive: Archive<ArchivedLine>, last: boolean): Promise<ArchivedLine | undefined> {
		const begun = context.now().at;
		let request: PageRequest = { max: 1, last };
		while (context.now().at - begun < readWithin) {
			const page = await pageOf(archive, {}, request);
			const entry = page.entries.at(last ? -1 : 0);
			const edge = last ? page.first : page.last;
			if (entry || page.complete || edge === undefined) return entry;
			request = { max: pageMost, last, [last ? "before" : "after"]: edge };
		}
		throw new TemporaryError("the ends of an archive take too long to find");
	}

	/** Resolves with the payload of the result. @throws StanzaError, TemporaryError, PermanentError */
	async function answer(stanza: Element): Promise<Element> {
		const [payload, ...more] = stanza.getChildElements();
		if (!payload || more.length > 0) throw new StanzaError("bad-request", "modify");
		const asked = `${stanza.attrs.type} ${payload.name}`;
		if (asked === "set query") return query(stanza, payload);
		if (asked === "get metadata") return ends(stanza);
		if (asked !== "get query") throw new StanzaError("service-unavailable", "cancel");
		await read(stanza, async () => undefined);
		return xml("query", { xmlns: mam }, archiveForm());
	}

	/** Resolves with the answer to a get or set for the archive of a room, after the results that it asks for. Never rejects. */
	return async (stanza: Element): Promise<Element | undefined> => {
		const { from = "", to, id, type } = stanza.attrs;
		if (type !== "get" && type !== "set") return undefined;
		try {
			await settled(stanza);
			const payload = turns(account(from).id, () => answer(stanza));
			if (!payload) return errorReply(stanza, "wait", "resource-constraint", phrases.archiveBusy);
			return xml("iq", { type: "result", from: to, to: from, id }, await payload);
		} catch (error) {
			if (error instanceof StanzaError) return errorReply(stanza, error.type, error.condition, error.text);
			if (error instanceof TemporaryError)
				return errorReply(stanza, "wait", "remote-server-timeout", phrases.archiveSlow);
			// The source shows this person no such room.
			if (error instanceof PermanentError)
				return errorReply(stanza, "auth", "forbidden", phrases.archiveForMembers);
			context.log.error({ err: error, room: to }, "a query for an archive could not be answered");
			return errorReply(stanza, "wait", "internal-server-error", phrases.xmppBroken);
		}
	};
}
