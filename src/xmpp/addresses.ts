import type { RoomId } from "../core/ids.ts";
import type { Lookups } from "../core/lookups.ts";
import type { Network, RoomInfo } from "../core/network.ts";
import { findAccount, findMuc } from "./address-lookup.ts";
import type { Conversation } from "./conversation.ts";
import { pairOf } from "./direct/pair.ts";
import { account } from "./from-xmpp.ts";
import { inUri, type Namespace, personAt } from "./jid.ts";
import * as phrases from "./phrases.ts";
import type { Component } from "./stream/component.ts";
import { typedAddress, typedHandle, typedJid } from "./typed-jid.ts";

/** The characters of a bare JID, as far as a form can check them. */
const bareJid = "[^\\s\"&'/:<>@]+@[^\\s\"&'/<>@]+";
/** The fields by which people of other networks look for accounts and MUCs. */
const lookups: Lookups = {
	person: { name: "jid", pattern: bareJid, example: "romeo@montague.example" },
	room: { name: "room", pattern: bareJid, example: "verona@rooms.montague.example" },
};

/** Returns the methods of core's Network about the addresses of people and rooms. */
export function createAddresses(deps: {
	link: Pick<Component, "send" | "iq" | "online">;
	/** The domain of our component. */
	component: string;
	namespace: Namespace;
	/** Returns the conversation that a room belongs to. */
	owner(room: RoomId): Conversation | undefined;
	isMuc(jid: string): boolean;
	/** Resolves with a MUC that the password has opened. */
	unlock(jid: string, password: string): Promise<RoomInfo>;
}) {
	const { link, component, namespace, owner, isMuc } = deps;
	return {
		lookups,
		async findPerson(address) {
			const [typed = "", nick] = address;
			if (nick !== undefined) {
				const room = typed as RoomId;
				return owner(room)?.occupant?.(room, nick);
			}
			return findAccount(typedJid(typed, component), link, component);
		},
		personAt: ([jid = "", nick]) => (nick === undefined && jid ? account(jid) : undefined),
		unlock: async ([typed = ""], password) => deps.unlock(typedJid(typed, component), password),
		findRoom: async ([typed = ""]) => findMuc(typedJid(typed, component), link, component),
		url: (room) => {
			const [, ghost] = pairOf(room);
			return ghost ? `xmpp:${inUri(ghost)}` : `xmpp:${inUri(room)}?join`;
		},
		handle: (typed) => typedHandle(typed, isMuc),
		hides: (glob) => (glob.startsWith("@") || glob.includes("/") ? undefined : phrases.mucHidesAddresses),
		standsFor: ([typed = ""]) => personAt(typedAddress(typed) ?? "", namespace),
	} satisfies Partial<Network>;
}
