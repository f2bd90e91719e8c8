import type { Guard } from "../../core/guard.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import type { Portal } from "../../core/mapping.ts";
import type { Bridge, Received } from "../../core/network.ts";
import type { Person } from "../../core/person.ts";
import type { Shown } from "../../core/signal.ts";
import { createMemory } from "../direct/memory.ts";
import { noticeIn } from "../direct/notice.ts";
import { pairOf, pairRoom } from "../direct/pair.ts";
import { account } from "../from-xmpp.ts";
import { bare } from "../jid.ts";
import * as phrases from "../phrases.ts";
import type { Pictures } from "../pictures.ts";
import type { Component } from "../stream/component.ts";
import type { Element } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import { createBookmarks } from "./bookmarks.ts";
import { createChats } from "./chats.ts";
import { createDue } from "./due.ts";
import { createPrivileges } from "./privileges.ts";
import { createResources } from "./resources.ts";
import { createRosters } from "./roster.ts";
import { createShownPresences, staleAfter } from "./shown.ts";
import { offline, readPresence } from "./stanzas.ts";
import { createContactStore } from "./store.ts";
import { createSubscriptions } from "./subscriptions.ts";

/** In ms. `pace`: between two chats that are looked after. `answers`: how long servers answer probes. `away`: see offline. */
const defaults = { pace: 50, answers: 10_000, away: 60_000 };

/**
 * The contacts of chats of two: subscriptions both ways, the presence of each for the other, and the ghosts' items in
 * rosters that the bridge may write.
 */
export function createContacts(deps: {
	link: Pick<Component, "send" | "iq">;
	component: string;
	/** The resource of ghosts. */
	resource: string;
	bridge(): Pick<Bridge, "cursor" | "cursors" | "saveCursor" | "mayReach" | "presence" | "signal">;
	/** Returns the person of the ghost at a JID; undefined where it has none. @throws TemporaryError, PermanentError */
	who(ghost: string): Promise<Person | undefined>;
	/** Returns the elements that an available presence of a ghost has. */
	payloads(person: Person | undefined): readonly Element[];
	/** The pictures of people. */
	faces: Pick<Pictures, "hash" | "get">;
	tell(events: readonly Received[]): void;
	now(): { at: number; unique(): string };
	guard: Guard;
	log: Log;
	timing?: Partial<typeof defaults>;
	/** The bound on contacts. */
	bound?: Readonly<{ most: number; bytes: number }>;
}) {
	const { link, component, bridge, guard, log } = deps;
	const timing = { ...defaults, ...deps.timing };
	const contacts = createContactStore(bridge, log, deps.bound);
	const chats = createChats();
	const privileges = createPrivileges(component);
	const rosters = createRosters({ link, component, contacts });
	const bookmarks = createBookmarks({ link, component, privileges, bridge, guard, log });
	const resources = createResources();
	const mayReach = (jid: string, person: Person) => bridge().mayReach(account(jid), person);
	const shown = createShownPresences({
		...deps,
		payloads: (pair) => deps.payloads(chats.get(pair)?.person),
		lookUp,
		now: () => deps.now().at,
	});
	const subscriptions = createSubscriptions({
		...{ contacts, shown, resource: deps.resource, who: deps.who, mayReach },
		isChat: chats.has,
		answered(pair, granted) {
			if (!chats.has(pair)) return;
			if (granted) due.add(pair);
			else deps.tell([noticeIn(pair, phrases.subscriptionRefused, deps.now())]);
		},
	});
	/** The chats in which the account has written in this run. */
	const wrote = createMemory<true>(() => []);
	/** The chats that were looked after since the link is up. */
	const done = new Set<RoomId>();
	const due = createDue({
		...{ work: mind, pace: timing.pace, guard, log },
		drained: () => tellAllIn(timing.answers),
	});
	/** Tells what is known of all accounts, later. */
	let telling: NodeJS.Timeout | undefined;
	let checking: NodeJS.Timeout | undefined;

	async function lookUp(pair: RoomId): Promise<Shown> {
		const [jid] = pairOf(pair);
		const person = chats.get(pair)?.person;
		if (!person || !(await mayReach(jid, person))) return offline;
		try {
			return (await bridge().presence(person, account(jid))) ?? offline;
		} catch (error) {
			log.debug({ err: error }, "the presence of a person could not be looked up");
			return offline;
		}
	}

	/** Tells the partners of an account its presence, if that is news. */
	function tell(jid: string): void {
		const news = resources.news(jid, chats.of(jid));
		if (news) bridge().signal({ kind: "presence", sender: account(jid), ...news });
	}

	function tellAllIn(ms: number): void {
		clearTimeout(telling);
		const all = () => {
			for (const jid of chats.accounts()) tell(jid);
		};
		telling = setTimeout(() => void guard.run("presences of accounts", all), ms).unref();
	}

	/** Keeps the name of a ghost in a roster that the bridge may write. Resolves with true if it is there. */
	const inRoster = (pair: RoomId, name: string): Promise<boolean> =>
		rosters.name(pair, name).then(
			() => true,
			(error: unknown) => {
				log.warn({ err: error }, "the XMPP server does not let the bridge write a roster");
				return false;
			},
		);

	/** Sends the presence of a ghost once more when its picture has been read: a presence waits for none. */
	function addPicture(pair: RoomId, { avatar }: Person): void {
		if (!avatar || deps.faces.hash(avatar) !== undefined) return;
		void guard.run("picture of a contact", async () => {
			if ((await deps.faces.get(avatar)) && shown.isShown(pair)) await shown.show(pair, true);
		});
	}

	async function mind(pair: RoomId): Promise<void> {
		const chat = chats.get(pair);
		const [jid, ghost] = pairOf(pair);
		if (!chat || !(await mayReach(jid, chat.person))) return;
		const { ours, sees, name: given } = contacts.get(pair);
		// A chat that began before anybody asked for the picture.
		if (sees && chat.person.avatar === undefined) {
			const found = await deps.who(ghost).catch(() => undefined);
			chats.meet(pair, { avatar: found?.avatar ?? null });
		}
		const person = chats.get(pair)?.person ?? chat.person;
		const name = person.name ?? person.address[0] ?? "";
		// Nobody gets into a roster by an act of a stranger: the account itself has begun, written or subscribed.
		const takesPart = !chat.opened || sees || ours === "granted" || wrote.has(pair);
		const keeps = privileges.over(jid).roster && takesPart && ours !== "refused";
		const kept = keeps && (given === name || (await inRoster(pair, name)));
		if (!kept && ours === undefined && chat.opened) {
			await link.send(to.presence(ghost, jid, "subscribe", name));
			contacts.change(pair, { ours: "asked" });
		}
		const now = contacts.get(pair);
		if (now.ours === "granted" && !resources.has(pair)) await link.send(to.presence(ghost, jid, "probe"));
		if (now.sees) await shown.show(pair, !done.has(pair));
		done.add(pair);
		addPicture(pair, person);
	}

	/** Forgets a chat. The ghost ends the subscriptions, and removes its item from a roster that has it by us. */
	async function end(pair: RoomId): Promise<void> {
		const [jid, ghost] = pairOf(pair);
		const { sees, ours, name } = contacts.get(pair);
		chats.end(pair);
		due.delete(pair);
		done.delete(pair);
		resources.forget(pair);
		tell(jid);
		contacts.change(pair, { sees: undefined, ours: undefined, name: undefined });
		if (shown.end(pair)) await link.send(to.presence(`${ghost}/${deps.resource}`, jid, "unavailable"));
		if (name !== undefined && privileges.over(jid).roster) return rosters.remove(pair);
		if (ours) await link.send(to.presence(ghost, jid, "unsubscribe"));
		if (sees) await link.send(to.presence(ghost, jid, "unsubscribed"));
	}

	return {
		/** Reads the contacts of earlier runs. Called before the link is up. */
		load: contacts.load,
		/** Serves the chat of a portal. */
		attach(pair: RoomId, portal: Portal): void {
			if (chats.begin(pair, portal)) due.add(pair);
		},
		/** Ends the chat of a portal. Never rejects. */
		detach: (pair: RoomId): Promise<void> =>
			end(pair).catch((error: unknown) =>
				log.warn({ err: error }, "the contact of a chat that ended could not be removed"),
			),
		/** The account wrote in a chat. */
		wrote(pair: RoomId): void {
			const first = !wrote.has(pair);
			wrote.set(pair, true);
			if (first && chats.has(pair)) due.add(pair);
		},
		/** The person of the ghost of a chat has this name and picture. */
		met(pair: RoomId, person: Person): void {
			if (!chats.meet(pair, person)) return;
			// Once more with the new picture.
			done.delete(pair);
			due.add(pair);
		},
		/** Shows an account the presence of the person of a ghost. */
		async signal(pair: RoomId, { show, status }: Shown): Promise<void> {
			const [jid, ghost] = pairOf(pair);
			shown.note(ghost, { show, ...(status !== undefined && { status }) });
			const person = chats.get(pair)?.person;
			if (!due.isOpen() || !contacts.get(pair).sees || !person || !(await mayReach(jid, person))) return;
			await shown.show(pair);
		},

		/** Returns a ghost that an account lets see it, and so read its nodes; undefined where there is none. */
		watching(jid: string): string | undefined {
			const pair = [...chats.of(jid)].find((one) => contacts.get(one).ours === "granted");
			return pair && pairOf(pair)[1];
		},

		/** Resolves with the answers to a presence of an account to a ghost. @throws core's errors */
		async presence(stanza: Element): Promise<readonly Element[]> {
			const { from = "", to: ghost = "", type } = stanza.attrs;
			const pair = pairRoom(from, ghost);
			if (type === undefined || type === "unavailable") {
				// Nobody sees an account beyond its chats of two.
				if (!chats.has(pair)) return [];
				resources.note(pair, from, readPresence(stanza));
				tell(bare(from));
				return [];
			}
			const answers = await subscriptions.answers(stanza);
			if (type === "subscribe") due.add(pair);
			return answers;
		},

		/** As {@link createBookmarks}. */
		entered: bookmarks.entered,
		/** Takes the message by which a server grants privileges; returns false for any other stanza. */
		granted(stanza: Element): boolean {
			if (!privileges.take(stanza)) return false;
			for (const pair of chats.rooms())
				if (privileges.over(pairOf(pair)[0]).roster && contacts.get(pair).name === undefined) due.add(pair);
			return true;
		},

		/** The link is up: the bridge tells who is there, and asks. */
		online(): void {
			due.open();
			clearTimeout(telling);
			done.clear();
			for (const pair of chats.rooms()) due.add(pair);
			clearInterval(checking);
			const check = () => {
				for (const pair of chats.rooms()) if (shown.isShown(pair)) due.add(pair);
			};
			checking = setInterval(() => void guard.run("check of presences", check), staleAfter).unref();
		},
		/** The link broke: it may be back before anybody needs to know. */
		offline(): void {
			due.close();
			privileges.end();
			resources.clear();
			tellAllIn(timing.away);
		},
		/** Takes back all presences that the bridge showed, which nobody else would do. */
		async stop(): Promise<void> {
			clearInterval(checking);
			clearTimeout(telling);
			due.close();
			for (const pair of chats.rooms()) {
				const [jid, ghost] = pairOf(pair);
				if (shown.end(pair)) await link.send(to.presence(`${ghost}/${deps.resource}`, jid, "unavailable"));
			}
		},
	};
}
export type Contacts = ReturnType<typeof createContacts>;
