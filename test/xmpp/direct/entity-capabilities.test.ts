import { expect, test } from "vitest";
import { createEntityCapabilities } from "../../../src/xmpp/direct/entity-capabilities.ts";

const account = "romeo@x.test";
const ns = "urn:xmpp:reactions:0";

/** Returns an account whose clients list these features by resource; undefined means no answer. */
function world(answers: Record<string, readonly string[] | undefined>) {
	const asked: string[] = [];
	const known = createEntityCapabilities(
		async (jid) => {
			asked.push(jid);
			const answer = answers[jid.split("/")[1] ?? ""];
			if (!answer) throw new Error("no answer");
			return new Set(answer);
		},
		[ns],
	);
	const meet = (resource: string, ver?: string) =>
		known.seen(`${account}/${resource}`, "alice@b.test", ver).catch(() => undefined);
	return { asked, meet, known, support: () => known.support(account, ns) };
}

test("an account supports what all its clients support", async () => {
	const w = world({ new: [ns], old: [] });
	expect(w.support()).toBe("mixed");
	await w.meet("new");
	expect(w.support()).toBe("native");
	await w.meet("old");
	expect(w.support()).toBe("mixed");
	w.known.gone(`${account}/new`);
	expect(w.support()).toBe("text");
});

test("a client without an answer counts as unknown", async () => {
	const w = world({ new: [ns], mute: undefined });
	await w.meet("new");
	await w.meet("mute");
	expect(w.support()).toBe("mixed");
});

test("a client is asked once, and again when it announces another hash (XEP-0115)", async () => {
	const w = world({ new: [ns] });
	for (const ver of [undefined, undefined, "v1", "v1", undefined, "v2"]) await w.meet("new", ver);
	expect(w.asked).toHaveLength(3);
});

test("the oldest of a hundred clients of one account are forgotten", async () => {
	const w = world(Object.fromEntries([...Array(100).keys()].map((n) => [`${n}`, [ns]])));
	for (let n = 0; n < 100; n++) await w.meet(`${n}`);
	await w.meet("99");
	expect(w.asked).toHaveLength(100);
	await w.meet("0");
	expect(w.asked).toHaveLength(101);
});
