import { randomUUID } from "node:crypto";
import type { Guard } from "../../core/guard.ts";
import type { Log } from "../../core/log.ts";
import type { Bridge } from "../../core/network.ts";
import { createConcurrencyLimit } from "../concurrency-limit.ts";
import { StanzaError } from "../stanza-error.ts";
import type { Component } from "../stream/component.ts";
import { child, type Element, xml } from "../stream/xml.ts";
import type { Privileges } from "./privileges.ts";

/** A room of ours that a person on XMPP has entered. */
export type Entered = Readonly<{ jid: string; name: string | undefined; nick: string }>;

const privilege = "urn:xmpp:privilege:2";
const pubsub = "http://jabber.org/protocol/pubsub";
const node = "urn:xmpp:bookmarks:1";
/** Accounts that are asked at the same time, and rooms that wait for that. Past it a room gets its bookmark at the next join. */
const [atOnce, mostWaiting] = [2, 100];

/** The conditions by which a server tells that there is no node. Prosody wraps the error in an answer without a condition. */
const noNode = ["item-not-found", "undefined-condition"];

// XEP-0402 §3.2: the node is private, and keeps all its items.
const options = {
	"pubsub#persist_items": "true",
	"pubsub#max_items": "max",
	"pubsub#send_last_published_item": "never",
	"pubsub#access_model": "whitelist",
};
const field = (name: string, value: string) => xml("field", { var: name }, xml("value", {}, value));

/**
 * Gives the accounts of servers that let us a bookmark (XEP-0402) of the rooms that they enter, once, so that all their clients
 * know the room. A bookmark that is there, or that the person has removed, is the person's own.
 */
export function createBookmarks(deps: {
	link: Pick<Component, "iq">;
	component: string;
	privileges: Privileges;
	bridge(): Pick<Bridge, "cursor" | "saveCursor">;
	guard: Guard;
	log: Log;
}) {
	const { link, component, privileges, bridge, guard, log } = deps;
	const paced = createConcurrencyLimit(atOnce);
	let waiting = 0;

	/** Asks the account's own server in its name. Resolves with the answer (XEP-0356 §6). @throws StanzaError, TemporaryError */
	async function ask(type: "get" | "set", account: string, ...inside: readonly Element[]): Promise<Element> {
		const own = { xmlns: "jabber:client", type, from: account, to: account, id: randomUUID() };
		const iq = xml("iq", own, xml("pubsub", { xmlns: pubsub }, inside));
		const wrapped = xml("privileged_iq", { xmlns: privilege }, iq);
		const answer = await link.iq(xml("iq", { type, from: component, to: account }, wrapped));
		const forwarded = child(answer, "privilege", privilege)?.getChild("forwarded", "urn:xmpp:forward:0");
		const found = forwarded?.getChild("iq");
		if (!found || found.attrs.type === "error") throw new StanzaError("item-not-found", "cancel");
		return found;
	}

	/** Resolves with true if the account has a bookmark of the room. */
	async function has(account: string, room: string): Promise<boolean> {
		try {
			const answer = await ask("get", account, xml("items", { node }, xml("item", { id: room })));
			return child(answer, "pubsub", pubsub)?.getChild("items")?.getChild("item") !== undefined;
		} catch (error) {
			// An account without bookmarks has no node.
			if (error instanceof StanzaError && noNode.includes(error.condition)) return false;
			throw error;
		}
	}

	async function add(account: string, { jid, name, nick }: Entered): Promise<void> {
		const key = `xmpp bookmark ${account} ${jid}`;
		if ((await bridge().cursor(key)) !== undefined) return;
		if (!(await has(account, jid)))
			await ask(
				"set",
				account,
				xml(
					"publish",
					{ node },
					xml(
						"item",
						{ id: jid },
						xml("conference", { xmlns: node, name, autojoin: "true" }, xml("nick", {}, nick)),
					),
				),
				xml(
					"publish-options",
					{},
					xml(
						"x",
						{ xmlns: "jabber:x:data", type: "submit" },
						xml("field", { var: "FORM_TYPE", type: "hidden" }, xml("value", {}, `${pubsub}#publish-options`)),
						Object.entries(options).map(([option, value]) => field(option, value)),
					),
				),
			);
		await bridge().saveCursor({ key, value: "yes" });
	}

	return {
		/** A person has entered a room by their own client. Returns at once. */
		entered(account: string, room: Entered): void {
			if (!privileges.over(account).iq.includes(pubsub) || waiting >= mostWaiting) return;
			waiting++;
			void guard.run("bookmark of a room", () =>
				paced("", () => add(account, room))
					.catch((error: unknown) => log.warn({ err: error }, "a room could not be bookmarked"))
					.finally(() => waiting--),
			);
		},
	};
}
