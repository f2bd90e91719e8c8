import type { MessageId, NetworkName, UserId } from "../../src/core/ids.ts";
import type { Refs } from "../../src/core/network.ts";
import type { Person } from "../../src/core/person.ts";
import type { MatrixEvent } from "../../src/matrix/event.ts";
import { ghostAddress, ghostMxid, parts, personAddress } from "../../src/matrix/mxid.ts";
import { account, nowhere, occupant } from "../../src/xmpp/from-xmpp.ts";
import type { Participants, ReadContext, WriteContext } from "../../src/xmpp/message/feature.ts";

/** The people that the targets know; some chose their names to do harm. */

export const room = "verona@muc.test";
export const domain = "hs.test";
const matrix = "matrix" as NetworkName;

const occupants = new Map<string, Person>(
	[
		...[
			"Juliet",
			"Benvolio 🎉",
			"Romeo",
			"a",
			"aa",
			"a, a",
			"a:",
			", ",
			"@a",
			"constructor",
			"__proto__",
			"[x](y)",
		],
		...[
			"@alice:hs.test",
			"> a",
			"*",
			"\u202ex",
			"İ",
			"x".repeat(64),
			...Array.from({ length: 60 }, (_, i) => `n${i}`),
		],
	].map((nick, index) => [nick, occupant(room, nick, { occupantId: `o${index}` })]),
);
const alice: Person = {
	...account("alice@hs.test"),
	network: matrix,
	id: "@alice:hs.test" as UserId,
	name: "Alice",
};
occupants.set("Alice", alice);

/** Display names by MXID. Some contain each other's MXIDs. */
export const members = new Map<string, string>([
	["@alice:hs.test", "Alice"],
	["@bob:hs.test", "Bob"],
	["@_xmpp_romeo=40montague.lit:hs.test", "Romeo"],
	["@_xmpp_juliet:hs.test", "Juliet"],
	["@c:hs.test", "@d:hs.test@d:hs.test@d:hs.test"],
	["@d:hs.test", "@c:hs.test@c:hs.test@c:hs.test"],
	["@e:hs.test", "[[[[[[[[[["],
	["@f:hs.test", "a"],
	["@g:hs.test", "\u202e\n__proto__ &<b>"],
]);
export const person = (mxid: string): Person => {
	const ghost = ghostAddress(mxid, domain);
	const address = ghost?.address ?? personAddress(mxid, domain) ?? [mxid];
	const name = members.get(mxid) ?? parts(mxid)?.[0] ?? mxid;
	const network = (ghost?.network ?? matrix) as NetworkName;
	return { network, id: mxid as UserId, address, name, handles: [mxid], domain: parts(mxid)?.[1] ?? "" };
};
export const mxid = ({ network, id, address }: Person) =>
	network === matrix || id.startsWith("@") ? id : ghostMxid(network, address, domain);

const place: Participants = {
	muc: room,
	named: "sid",
	at: (jid) => (jid.startsWith(`${room}/`) ? occupants.get(jid.slice(room.length + 1)) : undefined),
	known: (id) => [...occupants.values()].find((one) => one.id === `${room} ${id}`),
	of: (who) => {
		const [nick] = [...occupants].find(([, one]) => one.id === who.id) ?? [];
		return nick === undefined ? {} : { nick, jid: `${room}/${nick}`, occupantId: "o1" };
	},
};
export const inRoom: ReadContext = { ...nowhere, ...place, author: "author", opens: () => false };
const { author: _, ...anonymous } = inRoom;
export const roomSpeaks: ReadContext = { ...anonymous, room: true };
export const pair: ReadContext = {
	...nowhere,
	author: "romeo@montague.lit",
	at: (jid) => (jid === "alice@bridge.test" ? alice : undefined),
};
/** Returns the ids of a message that an event refers to; every message is known by every id. */
const refs = (network: "xmpp" | "matrix"): Refs =>
	new Proxy(Object.create(null), { get: () => [(network === "xmpp" ? "sid S" : "$1") as MessageId] });
export const noRefs: Refs = Object.create(null);
export const xmppRefs = refs("xmpp");
export const matrixRefs = refs("matrix");
export const writing = (more: Partial<WriteContext> = {}): WriteContext => ({
	...place,
	refs: xmppRefs,
	shown: [],
	reactions: "native",
	component: "bridge.test",
	...more,
});
export const juliet = occupants.get("Juliet") as Person;

export const event = (over: object): MatrixEvent => ({
	type: "m.room.message",
	event_id: "$e",
	room_id: "!r",
	sender: "@alice:hs.test",
	origin_server_ts: 1_700_000_000_000,
	content: {},
	...over,
});
