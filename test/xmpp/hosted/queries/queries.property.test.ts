import fc from "fast-check";
import { expect, test } from "vitest";
import type { RoomId } from "../../../../src/core/ids.ts";
import { createInvites } from "../../../../src/xmpp/hosted/invites.ts";
import { type Element, xml } from "../../../../src/xmpp/stream/xml.ts";
import { cellar, component, createWorld, facts, lobby, mercutio, romeo } from "./world.ts";

const names = [
	"query",
	"vCard",
	"ping",
	"time",
	"pubsub",
	"vcard",
	"x",
	"set",
	"item",
	"remove",
	"field",
	"invite",
];
const namespaces = [
	"http://jabber.org/protocol/disco#info",
	"http://jabber.org/protocol/disco#items",
	"http://jabber.org/protocol/muc#admin",
	"http://jabber.org/protocol/muc#owner",
	"http://jabber.org/protocol/muc#user",
	"http://jabber.org/protocol/pubsub",
	"http://jabber.org/protocol/rsm",
	"jabber:iq:register",
	"jabber:iq:version",
	"jabber:x:conference",
	"jabber:x:data",
	"urn:xmpp:ping",
	"vcard-temp",
];
const values = fc.oneof(
	fc.string(),
	fc.constantFrom(
		"owner",
		"moderator",
		"x-roomuser-item",
		"muc#register_roomnick",
		lobby,
		romeo,
		"constructor",
	),
);
const { element } = fc.letrec<{ element: Element }>((tie) => ({
	element: fc
		.record({
			name: fc.constantFrom(...names),
			attrs: fc.dictionary(
				fc.constantFrom("node", "affiliation", "role", "var", "to", "jid", "type"),
				values,
			),
			xmlns: fc.option(fc.constantFrom(...namespaces), { nil: undefined }),
			inside: fc.oneof({ maxDepth: 4 }, fc.constant([]), fc.array(tie("element"), { maxLength: 3 }), values),
		})
		.map(({ name, attrs, xmlns, inside }) => xml(name, { ...attrs, xmlns }, inside)),
}));
const addresses = fc.constantFrom(
	...[lobby, cellar, `#nowhere@${component}`, `#a%b%c@${component}`, `!@${component}`].flatMap((room) => [
		room,
		`${room}/Romeo`,
		`${room}/Alice`,
		`${room}/Mercutio`,
		`${room}/constructor`,
	]),
);
const clients = fc.constantFrom(romeo, mercutio, "paris@verona.test/court", component);

const world = () =>
	createWorld({
		known: {
			lobby: { kind: "room", facts: facts({ picture: "gone" }) },
			cellar: { kind: "linked", to: "verona@muc.test" as RoomId },
		},
		hosting: { leave: async () => undefined, rename: async () => undefined, invite: async () => undefined },
		client: async () => xml("iq", { type: "result" }),
	});

test("any query to a room or its people gets one answer, and those that are answers get none", async () => {
	await fc.assert(
		fc.asyncProperty(
			fc.constantFrom("get", "set", "result", "error"),
			clients,
			addresses,
			fc.array(element, { maxLength: 2 }),
			async (type, from, to, payload) => {
				const reply = await world().answer(xml("iq", { type, from, to, id: "q" }, payload));
				if (type === "result" || type === "error") {
					expect(reply).toBeUndefined();
					return;
				}
				expect(reply?.attrs).toMatchObject({ from: to, to: from, id: "q" });
				expect(["result", "error"]).toContain(reply?.attrs.type);
			},
		),
		{ numRuns: 500 },
	);
});

test("any invitation is taken, or refused with an error", async () => {
	await fc.assert(
		fc.asyncProperty(clients, addresses, fc.array(element, { maxLength: 2 }), async (from, to, inside) => {
			const { context } = world();
			const answer = await createInvites(context).take(xml("message", { from, to, id: "m" }, inside));
			if (answer) expect(answer.attrs).toMatchObject({ type: "error", from: to, to: from, id: "m" });
		}),
		{ numRuns: 500 },
	);
});
