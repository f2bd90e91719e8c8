import { expect, test } from "vitest";
import { PermanentError } from "../../src/core/errors.ts";
import type { NetworkName, RoomId, UserId } from "../../src/core/ids.ts";
import type { Person } from "../../src/core/person.ts";
import { createLookup } from "../../src/matrix/lookup.ts";
import { createThirdParty, type ThirdPartyQuery } from "../../src/matrix/third-party.ts";

const xmpp = "xmpp" as NetworkName;
const account = (jid: string): Person => ({
	...{ network: xmpp, id: jid as UserId, address: [jid], handles: [jid], domain: jid.split("@")[1] ?? "" },
});
const nurse: Person = {
	...account("verona@muc.test"),
	...{ address: ["verona@muc.test", "Nurse"], handles: ["verona@muc.test/Nurse"] },
};

/** Asks about a network xmpp with people and rooms at m.test, and a network mqtt where nobody looks for any. */
function world() {
	const looked: string[] = [];
	const bridge = {
		allows: ({ domain }: Person) => domain !== "spam.test",
		async findPerson(_: NetworkName, [typed = ""]: readonly string[]) {
			looked.push(typed);
			if (!typed.includes("@")) throw new PermanentError("invalid", "no address");
			return /^(no|verona)/.test(typed) ? undefined : account(typed.toLowerCase());
		},
		async findRoom(_: NetworkName, [typed = ""]: readonly string[]) {
			looked.push(typed);
			if (!typed.startsWith("verona")) throw new PermanentError("not-found", "no room");
			return { room: typed as RoomId, address: [typed.toLowerCase()] };
		},
		lookups: (network: NetworkName) =>
			network === xmpp
				? {
						title: "XMPP",
						person: { name: "jid", pattern: ".+@.+", example: "romeo@m.test" },
						room: { name: "room", pattern: ".+@.+", example: "verona@m.test" },
					}
				: undefined,
		personAt: (of: NetworkName, [jid = "", nick]: readonly string[]) =>
			of === xmpp && nick === undefined ? account(jid) : undefined,
	};
	const networks = ["xmpp", "mqtt"];
	const { limited } = createLookup({ networks } as never);
	const ask = createThirdParty({
		...{ bridge, limited, networks, domain: "hs.test", icon: async () => "mxc://hs.test/icon" },
		ghosts: {
			known: async ({ id }) => (id === "known@m.test" ? "@_xmpp_/hash:hs.test" : undefined),
			person: async (mxid) => (mxid === "@_xmpp_verona=40muc.test/=4eurse/2:hs.test" ? nurse : undefined),
		},
	});
	const query = (kind: ThirdPartyQuery["kind"], protocol?: string, fields: Record<string, string> = {}) =>
		ask({ kind, protocol, fields: new Map(Object.entries(fields)) });
	return { query, looked };
}

test("a network is described by the fields that people fill in", async () => {
	const { query } = world();
	expect(await query("protocol", "xmpp")).toEqual({
		user_fields: ["jid"],
		location_fields: ["room"],
		icon: "mxc://hs.test/icon",
		field_types: {
			jid: { regexp: ".+@.+", placeholder: "romeo@m.test" },
			room: { regexp: ".+@.+", placeholder: "verona@m.test" },
		},
		instances: [{ desc: "XMPP", network_id: "xmpp", fields: {}, icon: "mxc://hs.test/icon" }],
	});
	expect(await query("protocol", "mqtt")).toMatchObject({ user_fields: [], instances: [] });
	expect(await query("protocol", "irc")).toBeUndefined();
	expect(await query("user", "irc", { nick: "x" })).toBeUndefined();
});

test("a person is found by the address there, under the MXID of the ghost", async () => {
	const { query } = world();
	expect(await query("user", "xmpp", { jid: "Romeo@m.test", other: "x" })).toEqual([
		{ userid: "@_xmpp_romeo=40m.test:hs.test", protocol: "xmpp", fields: { jid: "romeo@m.test" } },
	]);
	expect(await query("user", "xmpp", { jid: "known@m.test" })).toMatchObject([
		{ userid: "@_xmpp_/hash:hs.test" },
	]);
	for (const jid of ["nobody@m.test", "romeo", "romeo@spam.test", ""])
		expect(await query("user", "xmpp", { jid }), jid).toEqual([]);
	expect(await query("user", "xmpp")).toEqual([]);
	expect(await query("user", "mqtt", { jid: "romeo@m.test" })).toEqual([]);
});

test("a room is found by the address there, under the alias of its portal", async () => {
	const { query } = world();
	expect(await query("location", "xmpp", { room: "verona@M.test" })).toEqual([
		{ alias: "#_xmpp_verona=40m.test:hs.test", protocol: "xmpp", fields: { room: "verona@m.test" } },
	]);
	expect(await query("location", "xmpp", { room: "mantua@m.test" })).toEqual([]);
});

test("a ghost and an alias lead back to the address there", async () => {
	const { query, looked } = world();
	const of = (kind: "user" | "location", id: string) =>
		query(kind, undefined, { [kind === "user" ? "userid" : "alias"]: id });
	expect(await of("user", "@_xmpp_romeo=40m.test:hs.test")).toMatchObject([
		{ fields: { jid: "romeo@m.test" } },
	]);
	expect(await of("user", "@_xmpp_verona=40muc.test/=4eurse/2:hs.test")).toMatchObject([
		{ fields: { jid: "verona@muc.test/Nurse" } },
	]);
	expect(await of("location", "#_xmpp_verona=40m.test:hs.test")).toMatchObject([
		{ fields: { room: "verona@m.test" } },
	]);
	for (const id of ["@alice:hs.test", "@_mqtt_lamp:hs.test", "", `@_xmpp_${"x".repeat(300)}:hs.test`])
		expect(await of("user", id), id).toEqual([]);
	for (const id of ["#lobby:hs.test", "#_mqtt_lamp:hs.test", "#_xmpp_a/b:hs.test", ""])
		expect(await of("location", id), id).toEqual([]);
	expect(await query("protocol")).toBeUndefined();
	// Nothing is looked up on the other network for that.
	expect(looked).toEqual([]);
});

test("misses are remembered, and a flood of questions about one server has to wait", async () => {
	const { query, looked } = world();
	await query("user", "xmpp", { jid: "verona@m.test" });
	expect(await query("location", "xmpp", { room: "verona@m.test" })).toHaveLength(1);
	looked.length = 0;
	for (let n = 0; n < 3; n++) await query("user", "xmpp", { jid: "nobody@m.test" });
	expect(looked).toEqual(["nobody@m.test"]);
	const flood = Array.from({ length: 50 }, (_, n) => query("user", "xmpp", { jid: `no${n}@flood.test` }));
	const outcomes = await Promise.allSettled(flood);
	expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(10);
});
