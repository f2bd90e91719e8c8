import type { BridgeEvent, Message } from "../../src/core/event.ts";
import type {
	LinkId,
	MessageId,
	NetworkName,
	OperationId,
	PortalId,
	RoomId,
	TraceId,
	UserId,
} from "../../src/core/ids.ts";
import type { Entry, Lane, NewRow, Row } from "../../src/core/journal.ts";
import type { Log } from "../../src/core/log.ts";
import type { Ghost, Portal } from "../../src/core/mapping.ts";
import type { Person } from "../../src/core/person.ts";

export const matrix = "matrix" as NetworkName;
export const xmpp = "xmpp" as NetworkName;
export const room = (name: string) => name as RoomId;
export const id = (name: string) => name as MessageId;
export const user = (name: string) => name as UserId;
export const portalId = (name: string) => name as PortalId;

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

export const person = (name: string, network = matrix): Person => ({
	network,
	id: user(name),
	address: [name],
	handles: [name],
	domain: "hs.test",
});

export const lane = (link = "link", portal = "portal"): Lane => ({
	portal: portal as PortalId,
	link: link as LinkId,
});

export const message = (name: string, text = `text of ${name}`): Message => ({
	kind: "message",
	id: id(name),
	room: room("!lobby:hs.test"),
	sender: person("@alice:hs.test"),
	at: 1_700_000_000_000,
	style: "text",
	text,
});

export const newRow = (name: string, to = lane(), event: BridgeEvent = message(name)): NewRow => ({
	operation: `${name} to ${to.link}` as OperationId,
	trace: name as TraceId,
	lane: to,
	event,
});

/** Returns the entry of one message on its way to one or more lanes. */
export const entry = (name: string, ...lanes: readonly Lane[]): Entry => {
	const event = message(name);
	return { key: name, rows: (lanes.length > 0 ? lanes : [lane()]).map((to) => newRow(name, to, event)) };
};

export const muc = { network: xmpp, room: room("lobby@muc.test") };
export const original = (name: string) => ({ network: matrix, room: message(name).room, id: id(name) });

/** Removes the one field on which two stores may differ. */
export const timeless = (rows: readonly Row[]) => rows.map((row) => ({ ...row, queuedAt: 0 }));

export const portal = (name: string, ...rooms: readonly string[]): Portal => ({
	id: portalId(name),
	links: rooms.map((room, index) => ({
		id: `${name} ${index}` as LinkId,
		network: index === 0 ? matrix : xmpp,
		role: "joined",
		room: room as RoomId,
		in: true,
		out: true,
	})),
});

export const ghost = (name: string, address = `@_xmpp_${name}:hs.test`): Ghost => ({
	person: person(name, xmpp),
	on: matrix,
	address: user(address),
});
