import fc from "fast-check";
import { expect, test } from "vitest";
import type { NetworkName } from "../../src/core/ids.ts";
import {
	bare,
	domain,
	ghostJid,
	join,
	local,
	mayBeFrom,
	type Namespace,
	personAt,
	resource,
	same,
	split,
} from "../../src/xmpp/jid.ts";

const matrix = "matrix" as NetworkName;
const mqtt = "mqtt" as NetworkName;
const ours: Namespace = { component: "bridge.xmpp.test", plain: matrix, prefixed: [mqtt] };

test.each([
	["romeo@montague.lit/balcony", { local: "romeo", domain: "montague.lit", resource: "balcony" }],
	["montague.lit", { domain: "montague.lit" }],
	["montague.lit/a@b/c", { domain: "montague.lit", resource: "a@b/c" }],
	["verona@muc.x/Romeo / @ 🎉", { local: "verona", domain: "muc.x", resource: "Romeo / @ 🎉" }],
	["foo\\bar@d", { local: "foo\\bar", domain: "d" }],
	["@", { local: "", domain: "" }],
	["", { domain: "" }],
])("split takes %j apart as RFC 7622 §3.1 says", (jid, parts) => {
	expect(split(jid)).toEqual(parts);
});

test("join(split(jid)) returns the same bytes for any text", () => {
	fc.assert(
		fc.property(fc.string({ unit: fc.constantFrom("a", "@", "/", "\\", " ", "ß", "🎉") }), (jid) => {
			expect(join(split(jid))).toBe(jid);
			expect(jid.startsWith(bare(jid))).toBe(true);
			expect([local(jid), domain(jid), resource(jid)]).toEqual([
				split(jid).local,
				split(jid).domain,
				split(jid).resource,
			]);
		}),
	);
});

test.each([
	[matrix, ["alice"], "alice@bridge.xmpp.test"],
	[matrix, ["alice", "matrix.org"], "alice%matrix.org@bridge.xmpp.test"],
	[matrix, ["Al=ice", "matrix.org:8448"], "=41l=3dice%matrix.org=3a8448@bridge.xmpp.test"],
	[mqtt, ["home/Lamp"], "_mqtt_home=2f=4camp@bridge.xmpp.test"],
	[matrix, ["_mqtt_x", "matrix.org"], "_mqtt_x%matrix.org@bridge.xmpp.test"],
])("personAt returns the person that ghostJid was given: %s %j", (network, address, jid) => {
	expect(ghostJid(network, address, ours)).toBe(jid);
	expect(personAt(jid, ours)).toEqual({ network, address });
	expect(personAt(`${jid}/phone`, ours)).toEqual({ network, address });
});

test("personAt inverts ghostJid for any person, so that no two people share a JID", () => {
	const part = fc.string({ unit: "binary", minLength: 1 });
	const person = fc.oneof(
		fc.record({ network: fc.constant(mqtt), address: fc.tuple(part) }),
		// The appservice's namespace is exclusive on the homeserver, so no person there is called _mqtt_….
		fc.record({
			network: fc.constant(matrix),
			address: fc.tuple(part).filter(([name]) => !name.startsWith("_mqtt_")),
		}),
		fc.record({ network: fc.constant(matrix), address: fc.tuple(part, part) }),
	);
	fc.assert(
		fc.property(person, ({ network, address }) => {
			const jid = ghostJid(network, address, ours);
			if (jid.length < 1000) expect(mayBeFrom(jid, ours.component)).toBe(true);
			expect(jid).toMatch(/^[a-z0-9._=%-]+@bridge\.xmpp\.test$/);
			expect(personAt(jid, ours)).toEqual({ network, address: [...address] });
		}),
	);
});

test.each([
	"bridge.xmpp.test",
	"@bridge.xmpp.test",
	"alice@elsewhere.test",
	"alice@sub.bridge.xmpp.test",
	"Alice@bridge.xmpp.test",
	"=61lice@bridge.xmpp.test",
	"al ice@bridge.xmpp.test",
	"alice%@bridge.xmpp.test",
	"%matrix.org@bridge.xmpp.test",
	"alice%a%b@bridge.xmpp.test",
	"#lobby@bridge.xmpp.test",
	"!room@bridge.xmpp.test",
	"_mqtt_@bridge.xmpp.test",
])("personAt returns undefined for %s", (jid) => {
	expect(personAt(jid, ours)).toBeUndefined();
});

test("mayBeFrom allows localparts in any script, and no malformed one", () => {
	for (const local of ["jürgen", "日本", "ＡＢ", "a\\40b"])
		expect(mayBeFrom(`${local}@bridge.xmpp.test`, ours.component)).toBe(true);
	for (const local of ["", "a b", "a\u00a0b", "a\ud800", "a'b", "Ab", "é".repeat(512)])
		expect(mayBeFrom(`${local}@bridge.xmpp.test`, ours.component)).toBe(false);
});

test("same recognises a typed JID in the server's normalised spelling, and no other person's JID", () => {
	expect(same("Romeo@Montague.lit/Ⅷ", "romeo@montague.lit/VIII")).toBe(true);
	expect(same("strauß@d", "strauss@d")).toBe(true);
	expect(same("a\u200bb@d", "ab@d")).toBe(true);
	expect(same("romeo@montague.lit", "juliet@montague.lit")).toBe(false);
	expect(same("romeo@montague.lit", "romeo@montague.lit/x")).toBe(false);
});
