import { randomUUID } from "node:crypto";
import type { Person } from "../../../core/person.ts";
import { bare, resource } from "../../jid.ts";
import * as phrases from "../../phrases.ts";
import type { Element } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import type { Joins } from "../join/index.ts";
import { freeNick } from "../occupants.ts";
import { isJoin } from "../presences.ts";
import { locked, refuse, refusedWith } from "../refusals.ts";
import { createHostedRoom } from "../room.ts";
import { finish } from "./finish.ts";
import { factsOf, type LockedRoom } from "./locked-rooms.ts";
import { createLockedQueries } from "./queries.ts";
import * as stanzas from "./stanzas.ts";

/** How long a person may take over the form of a room, in ms. */
const formWithin = 10 * 60_000;

/** Rooms that people make by a join (XEP-0045 §10.1): locked until the form is submitted, then Matrix rooms like others. */
export function createCreation(context: HostedContext, joins: () => Pick<Joins, "bringIn">) {
	const { link, now } = context;
	const write = (...all: readonly Element[]): void =>
		void context.guard.run("room that is being made", async () => {
			for (const one of all) await link.send(one);
		});

	/** Forgets a room; its client reads why. */
	function end(room: LockedRoom, reason: string): void {
		context.locked.remove(room);
		write(stanzas.end(room, reason, context));
	}

	const greet = (room: LockedRoom, altered: boolean): void =>
		write(stanzas.acknowledgement(room, altered, context), stanzas.noSubject(room, now().unique()));

	return {
		/** Begins a room: its client is in, as owner, and nobody else. */
		begin(alias: string, person: Person, join: Element): void {
			const { from: jid = "", to = "" } = join.attrs;
			const seed = randomUUID();
			const room: LockedRoom = {
				...{ address: bare(to), alias, person, jid, join, seed, state: "open" },
				nick: person.name ?? "",
				until: now().at + formWithin,
			};
			const nick = freeNick(createHostedRoom(factsOf(room).room, factsOf(room)), room.nick, person);
			const made = { ...room, nick };
			// After a kill the next run tells each client that heard of its room.
			void context.guard.run("room that is being made", async () => {
				await context.locked.add(made);
				if (context.locked.at(made.address) === made) greet(made, nick !== room.nick);
			});
		},
		/** Takes a presence of the client of a locked room. Returns the refusal, if there is one. */
		presence(room: LockedRoom, stanza: Element): Element | undefined {
			const { type, to = "", id } = stanza.attrs;
			if (type === "unavailable") {
				write(stanzas.farewell(room, id, context));
				if (room.state === "open") context.locked.remove(room);
				else room.state = "left";
				return undefined;
			}
			if (type !== undefined) return undefined;
			if (!isJoin(stanza) && resource(to) !== room.nick) return refuse(stanza, locked);
			// A client that has lost its state joins again, and so may one that left while the room was being made.
			room.join = stanza;
			if (isJoin(stanza) && room.state === "left") room.state = "making";
			if (isJoin(stanza)) greet(room, resource(to) !== room.nick);
			else write(stanzas.update(room, context));
			return undefined;
		},
		/** Refuses a message of the client of a locked room: there is no room yet that could have it. */
		message: (stanza: Element): Element => refusedWith(stanza, locked),
		iq: createLockedQueries(context, {
			finish: (room, changes) => finish(room, changes, joins(), context),
			cancel: (room) => end(room, phrases.hostedCancelled),
		}),
		/** Gives up the rooms whose forms were not submitted in time. */
		sweep(): void {
			for (const room of [...context.locked.all()])
				if (room.state === "open" && room.until <= now().at) end(room, phrases.hostedNotFinished);
		},
		/** Ends all rooms that are being made: the bridge stops, and their clients begin anew. */
		async stop(): Promise<void> {
			for (const room of [...context.locked.all()]) {
				context.locked.remove(room);
				await link.send(stanzas.interruption(room, context)).catch(() => undefined);
			}
		},
	};
}
