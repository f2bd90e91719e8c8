import fc from "fast-check";
import { expect, test } from "vitest";
import { nickFor, otherNick, plainNick } from "../../src/xmpp/nick.ts";

const anyText = fc.string({ unit: "binary", maxLength: 100 });

test.each([
	["Alice", "Alice"],
	["  Alice \t\n B. ", "Alice B."],
	["Ali\u200bce\u00ad", "Alice"],
	["\u202eecilA\u202c", "ecilA"],
	["Ⅷ ﬁne", "VIII fine"],
	["Alice 🎉", "Alice 🎉"],
	["Éva/Zoé @ home", "Éva/Zoé @ home"],
	["\u200b\u2060 \u0007", "alice"],
	["", "alice"],
])("nickFor turns the display name %j into the nick %j", (name, nick) => {
	expect(nickFor(name, "alice")).toBe(nick);
});

test('nickFor returns "user" if name and localpart contain no visible character', () => {
	expect(nickFor("\u200b", "\u0001")).toBe("user");
	expect(plainNick("🎉", "🎉")).toBe("user");
});

test("nickFor returns 1 to 64 characters for any name, and leaves a nick unchanged", () => {
	fc.assert(
		fc.property(anyText, (name) => {
			const nick = nickFor(name, "alice");
			expect(nick.trim()).not.toBe("");
			expect([...nick].length).toBeLessThanOrEqual(64);
			expect(nick).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]| {2}/u);
			expect(nickFor(nick, "bob")).toBe(nick);
		}),
		{ numRuns: 2000 },
	);
});

test.each([
	["Alice 🎉", "Alice"],
	["Alice 🏳️‍🌈", "Alice"],
	["🎉", "alice"],
	["Ɑ𞤀lice", "lice"],
	["שלום", "שלום"],
	["שלום Bob", "alice"],
	["(שלום)", "alice"],
	["Жанна", "Жанна"],
])("plainNick turns %j into %j, which Unicode 3.2 can spell", (name, nick) => {
	expect(plainNick(nickFor(name, "alice"), "alice")).toBe(nick);
});

test("otherNick appends the server, then the localpart, then a number", () => {
	const who = { server: "matrix.org", localpart: "alice" };
	const tries = [1, 2, 3, 4].map((n) => otherNick("Alice", n, who));
	expect(tries).toEqual(["Alice (matrix.org)", "Alice (alice)", "Alice 2", "Alice 3"]);
	expect(otherNick("Alice", 1, { localpart: "alice" })).toBe("Alice (alice)");
	expect(otherNick("Alice", 2, { localpart: "alice" })).toBe("Alice 2");
});

test("otherNick replaces a Hebrew name by the localpart, because mixed directions are refused", () => {
	const who = { server: "matrix.org", localpart: "alice" };
	expect([1, 2].map((n) => otherNick("שלום", n, who))).toEqual(["alice", "alice (matrix.org)"]);
	const hebrew = { server: "matrix.org", localpart: "שלום" };
	expect([1, 2].map((n) => otherNick("שלום", n, hebrew))).toEqual(["user", "user (matrix.org)"]);
});

test("otherNick returns a different nick for each n, of at most 64 characters", () => {
	fc.assert(
		fc.property(anyText, anyText, fc.domain(), (name, localpart, server) => {
			const nick = nickFor(name, localpart);
			const others = [3, 4, 5, 6].map((n) => otherNick(nick, n, { server, localpart }));
			expect(new Set([nick, ...others]).size).toBe(5);
			for (const other of others) expect([...other].length).toBeLessThanOrEqual(64);
		}),
	);
});
