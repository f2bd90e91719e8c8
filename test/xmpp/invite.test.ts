import { describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { Bridge } from "../../src/core/network.ts";
import type { Person } from "../../src/core/person.ts";
import { createInvitations, invitationIn } from "../../src/xmpp/invite.ts";
import { mucUser } from "../../src/xmpp/muc/status-codes.ts";
import { type Element, xml } from "../../src/xmpp/stream/xml.ts";
import { quiet } from "../fakes.ts";

const muc = "verona@muc.test";
const juliet = { network: "matrix", id: "@juliet:hs.test", address: ["juliet"] } as unknown as Person;

const mediated = (by: string, more: { reason?: string; password?: string } = {}, to = "juliet@bridge.test") =>
	xml(
		"message",
		{ from: muc, to },
		xml(
			"x",
			{ xmlns: mucUser },
			xml("invite", { from: by }, more.reason && xml("reason", {}, more.reason)),
			more.password && xml("password", {}, more.password),
		),
		// COMPAT clients that know direct invitations alone.
		xml("x", { xmlns: "jabber:x:conference", jid: muc }),
	);
const direct = (attrs: Record<string, string> = {}) =>
	xml(
		"message",
		{ from: "romeo@x.test/r", to: "juliet@bridge.test", id: "1" },
		xml("x", { xmlns: "jabber:x:conference", jid: muc, ...attrs }),
	);

/** Has invitations taken by a bridge that refuses with `error`, if there is one. */
async function taken(stanza: Element, error?: Error) {
	const brought: Parameters<Bridge["bringIn"]>[] = [];
	const take = createInvitations({
		bridge: () => ({
			allows: ({ id }) => id !== "eve@x.test",
			async bringIn(...all) {
				brought.push(all);
				if (error) throw error;
			},
		}),
		who: async (jid) => (jid === "juliet@bridge.test" ? juliet : undefined),
		isBot: (jid) => jid === "trivium@bridge.test",
		log: quiet,
	});
	const invitation = invitationIn(stanza);
	const answer = invitation && (await take(stanza, invitation));
	return { invitation, answer: String(answer ?? ""), brought };
}
const wordsOf = async (stanza: Element) => (await taken(stanza)).brought.map(([, , { words }]) => words);

describe("an invitation into a MUC of others", () => {
	test("from the MUC invites the person of the ghost, with the inviter and the reason", async () => {
		const { answer, brought } = await taken(
			mediated(`${muc}/Romeo`, { reason: "come\nand see", password: "sesame" }),
		);
		expect(brought).toMatchObject([
			[
				juliet,
				{ id: muc },
				{
					...{ network: "xmpp", address: [muc], password: "sesame" },
					words: `Romeo invites you to ${muc}: come and see`,
				},
			],
		]);
		expect(answer).toBe("");
	});

	test("names an inviter by the nick, or by the first part of an address", async () => {
		expect(await wordsOf(mediated("romeo@x.test"))).toEqual([`romeo invites you to ${muc}.`]);
		expect(await wordsOf(direct({ reason: "please" }))).toEqual([`romeo invites you to ${muc}: please`]);
	});

	test("is declined through the MUC, or answered with an error, with the reason why it cannot be passed on", async () => {
		const no = new PermanentError("not-found", "there is no such room.");
		expect((await taken(mediated(`${muc}/Romeo`), no)).answer).toBe(
			`<message from="juliet@bridge.test" to="${muc}"><x xmlns="${mucUser}"><decline to="${muc}/Romeo"><reason>there is no such room.</reason></decline></x></message>`,
		);
		const { answer } = await taken(direct(), no);
		expect(answer).toMatch(/type="error".*<not-acceptable.*there is no such room\./);
		expect((await taken(direct(), new TemporaryError("away"))).answer).toContain("Try again later");
	});

	test("is declined from a blocked inviter, and for addresses without a person", async () => {
		for (const stanza of [
			mediated("eve@x.test/r"),
			mediated(`${muc}/Romeo`, {}, "trivium@bridge.test"),
			mediated(`${muc}/Romeo`, {}, "nobody@bridge.test"),
		]) {
			const { answer, brought } = await taken(stanza);
			expect(answer).toContain("<decline");
			expect(brought).toEqual([]);
		}
	});

	test("is in no error, no line of a MUC and no decline", async () => {
		for (const type of ["error", "groupchat"]) {
			const stanza = direct();
			stanza.attrs.type = type;
			expect((await taken(stanza)).invitation).toBeUndefined();
		}
		const x = xml("x", { xmlns: mucUser }, xml("decline", { from: "romeo@x.test" }));
		expect(invitationIn(xml("message", { from: muc, to: "juliet@bridge.test" }, x))).toBeUndefined();
	});
});
