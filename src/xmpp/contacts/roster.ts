import type { RoomId } from "../../core/ids.ts";
import { pairOf } from "../direct/pair.ts";
import * as phrases from "../phrases.ts";
import type { Component } from "../stream/component.ts";
import { child, type Element, xml } from "../stream/xml.ts";
import type { ContactStore } from "./store.ts";

const ns = "jabber:iq:roster";

/** Keeps the items of ghosts in the rosters of accounts whose server lets us write these (XEP-0356 §5). */
export function createRosters(deps: {
	link: Pick<Component, "iq">;
	component: string;
	contacts: Pick<ContactStore, "get" | "change">;
}) {
	const { link, component, contacts } = deps;
	const ask = (type: "get" | "set", account: string, item?: Element) =>
		link.iq(xml("iq", { type, from: component, to: account }, xml("query", { xmlns: ns }, item)));

	async function itemOf(account: string, ghost: string): Promise<Element | undefined> {
		const roster = child(await ask("get", account), "query", ns);
		return roster?.getChildren("item").find(({ attrs }) => attrs.jid === ghost);
	}

	return {
		/**
		 * Gives the ghost of a chat its name in the roster of the account, with subscriptions both ways. A name or a group that
		 * the person on XMPP chose stays. @throws StanzaError, TemporaryError
		 */
		async name(pair: RoomId, name: string): Promise<void> {
			const [account, ghost] = pairOf(pair);
			const { name: ours } = contacts.get(pair);
			const item = await itemOf(account, ghost);
			const theirs = item?.attrs.name;
			const chosen = theirs !== undefined && theirs !== "" && theirs !== ours;
			const groups = item?.getChildren("group") ?? [];
			const first = ours === undefined && groups.length === 0;
			const stands = !first && theirs === (chosen ? theirs : name) && item?.attrs.subscription === "both";
			if (!stands)
				await ask(
					"set",
					account,
					xml(
						"item",
						{ jid: ghost, name: chosen ? theirs : name, subscription: "both" },
						first
							? xml("group", {}, phrases.rosterGroup)
							: groups.map((one) => xml("group", {}, one.getText())),
					),
				);
			contacts.change(pair, { sees: true, ours: "granted", name });
		},
		/** Removes the item of a chat that has ended, if the bridge has made it. @throws StanzaError, TemporaryError */
		async remove(pair: RoomId): Promise<void> {
			const [account, ghost] = pairOf(pair);
			await ask("set", account, xml("item", { jid: ghost, subscription: "remove" }));
		},
	};
}
export type Rosters = ReturnType<typeof createRosters>;
