import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import type { Person } from "../../../src/core/person.ts";
import { account } from "../../../src/xmpp/from-xmpp.ts";
import { mucUser } from "../../../src/xmpp/muc/status-codes.ts";
import { xml } from "../../../src/xmpp/stream/xml.ts";
import { alice, aliceJid, person, room, world } from "./muc-world.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A MUC in which Alice is. `refusal`: the condition with which it answers each invitation. */
async function verona(refusal?: string, faults: Parameters<typeof world>[0] = {}) {
	const w = world(faults);
	w.muc.come("Romeo");
	await w.attach();
	await w.done(w.move("join"));
	const { take } = w.muc;
	w.muc.take = (stanza) => {
		take(stanza);
		if (refusal === undefined || !stanza.getChild("x", mucUser)?.getChild("invite")) return;
		const { from, id } = stanza.attrs;
		const ns = { xmlns: "urn:ietf:params:xml:ns:xmpp-stanzas" };
		const error = xml("error", { type: "auth" }, xml(refusal, ns));
		w.rooms.stanza(xml("message", { type: "error", from: room, to: from, id }, error));
	};
	const invites = (whom: Person, by = alice) =>
		w.done(w.rooms.inviteFrom(room, whom, by, "come\nand see")).then(
			() => "done",
			(error: Error) => error.message,
		);
	const sent = () => w.muc.taken.filter(({ name }) => name === "message").map(String);
	const declines = (jid: string, reason: string) => {
		const decline = xml("decline", { from: jid }, xml("reason", {}, reason));
		w.rooms.stanza(xml("message", { from: room, to: aliceJid }, xml("x", { xmlns: mucUser }, decline)));
		return w.settle();
	};
	return { w, invites, sent, declines };
}
const tybalt = account("tybalt@x.test");
const asked = (from: string) => (one: string) =>
	one.includes(`from="${from}" to="${room}"`) && one.includes('<invite to="tybalt@x.test">');

test("an invitation goes through the MUC as the inviter's occupant, or as the listener where that one is out", async () => {
	const { invites, sent } = await verona();
	expect(await invites(tybalt)).toBe("done");
	expect(sent().filter(asked(aliceJid))).toHaveLength(1);
	expect(await invites(tybalt, { ...alice, address: ["bob"] })).toBe("done");
	expect(sent().filter((one) => /from="~listener-.*<invite to="tybalt@x.test">/.test(one))).toHaveLength(1);
});

test("nobody is invited as another person's ghost, or for somebody whom the MUC has banned", async () => {
	const members = new Set(["trivium@bridge.test", "alice@bridge.test"]);
	const { w, invites, sent } = await verona(undefined, { members });
	// The listener is a member no more, so Alice's ghost listens.
	members.delete("trivium@bridge.test");
	w.muc.kick("Trivium", ["321"]);
	await w.pass(11_000);
	expect(await invites(tybalt, person("bob"))).toContain("does not let you invite people");
	const other = await verona();
	other.w.muc.kick("Alice", ["301"], "Prince");
	await other.w.settle();
	expect(await other.invites(tybalt)).toContain("banned");
	for (const all of [sent(), other.sent()]) expect(all.some((one) => one.includes("<invite"))).toBe(false);
});

test("an invitation that an open MUC refuses to pass on goes to the account itself", async () => {
	const { w, invites } = await verona("forbidden");
	expect(await invites(tybalt)).toBe("done");
	expect(w.elsewhere.map(({ attrs: { from, to } }) => [from, to])).toEqual([
		["alice@bridge.test", "tybalt@x.test"],
	]);
	expect(String(w.elsewhere[0])).toContain(`<x xmlns="jabber:x:conference" jid="${room}"`);
});

test("a refused invitation is the inviter's to read", async () => {
	const members = await verona("forbidden", {
		members: new Set(["trivium@bridge.test", "alice@bridge.test"]),
	});
	expect(await members.invites(tybalt)).toContain("does not let you invite people");
	const { invites } = await verona("item-not-found");
	expect(await invites(tybalt)).toContain("refused");
	expect(await invites({ ...tybalt, address: [room, "Romeo"] })).toContain("does not know the address");
});

test("an invitation is not repeated where the MUC does not answer, and may be declined", async () => {
	const { w, invites, sent, declines } = await verona();
	w.server.info = () => {
		throw new TemporaryError("took too long");
	};
	expect(await invites(tybalt)).toContain("does not answer");
	expect(sent().filter(asked(aliceJid))).toHaveLength(1);
	await declines("tybalt@x.test/r", "no");
	expect(w.lines().join()).toContain("tybalt has declined");
});

test("a person who is in the MUC is not invited", async () => {
	const { w, invites, sent } = await verona(undefined, { accounts: true });
	const [romeo] = w.rooms.others(room) as [Person];
	const jid = romeo.handles.find((handle) => handle.includes("@") && !handle.startsWith(room)) ?? "";
	expect(await invites({ ...romeo, address: [jid] })).toContain("already");
	expect(sent().some((one) => one.includes("<invite"))).toBe(false);
});

test("the portal reads that an invited person has declined, once, and hears nothing from others", async () => {
	const { w, invites, declines } = await verona();
	await invites(tybalt);
	await declines("paris@x.test", "never asked");
	await declines("tybalt@x.test/r", "no\ntime");
	await declines("tybalt@x.test/r", "again");
	const notices = w.told.flatMap((event) => (event.kind === "message" ? [event.text] : []));
	expect(notices).toEqual(["tybalt has declined the invitation: no time"]);
});
