import fc from "fast-check";
import { expect, test } from "vitest";
import { PermanentError } from "../../../../src/core/errors.ts";
import type { Received } from "../../../../src/core/network.ts";
import { alice, linesWorld, matrix, romeo, tybalt } from "./lines-world.ts";

/** The deeds of people and of Matrix, in any order. `which`: the line of XMPP, of those that wait, that it concerns. */
const act = fc.oneof(
	fc.record({ do: fc.constantFrom("phone", "laptop", "tybalt") }),
	fc.record({ do: fc.constantFrom("takes", "refuses", "misses a part"), which: fc.nat(3) }),
	fc.record({ do: fc.constantFrom("says", "sends a file") }),
);
const clients = {
	phone: ["romeo@montague.lit/phone", "#lobby@bridge.test"],
	laptop: ["romeo@montague.lit/laptop", "#lobby@bridge.test"],
	tybalt: ["tybalt@capulet.lit/phone", "#other@bridge.test"],
} as const;
const jids = Object.values(clients).map(([jid]) => jid);

test("each client gets each line that Matrix takes once and in one order, and each line that it refuses comes back once", async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
			const world = linesWorld();
			const waiting: { event: Received; jid: string; id: string }[] = [];
			const taken: string[] = [];
			const refused: { jid: string; id: string }[] = [];
			let count = 0;
			for (const one of acts) {
				const n = ++count;
				if (one.do === "says" || one.do === "sends a file") {
					taken.push(`$${n}`);
					const media = { kind: "file", source: { network: matrix, ref: "r" }, name: "f", mime: "a/b" };
					const file = one.do === "says" ? {} : { media };
					await world.show(`$${n}`, { kind: "message", style: "text", text: `m${n}`, ...file }, alice);
				} else if ("which" in one) {
					const [line] = waiting.splice(one.which % Math.max(1, waiting.length), 1);
					if (!line) continue;
					const { event, jid, id } = line;
					if (one.do === "takes") {
						taken.push(`$${n}`);
						const sender = jid.startsWith("romeo") ? romeo : tybalt;
						await world.show(`$${n}`, { kind: "message", style: "text", text: id }, sender, event);
						continue;
					}
					const partly = one.do === "misses a part";
					await world.lines.refuse(event, new PermanentError("failed", "no.", { partly }), "Matrix");
					if (partly) waiting.push(line);
					else refused.push({ jid, id });
				} else {
					const [jid, to] = clients[one.do as keyof typeof clients];
					expect(await world.say(jid, `<body>x${n}</body>`, `id="c${n}" type="groupchat"`, to)).toBe("");
					waiting.push({ event: world.told.at(-1) as Received, jid, id: `c${n}` });
				}
			}
			for (const jid of jids) {
				const got = world.got(jid);
				const order = got.flatMap((line) => /<stanza-id [^>]*id="(\$\d+)"/.exec(line)?.[1] ?? []);
				expect(order).toEqual(taken);
				const errors = got.flatMap((line) => /^<message type="error".* id="(c\d+)"/.exec(line)?.[1] ?? []);
				expect(errors).toEqual(refused.filter((one) => one.jid === jid).map(({ id }) => id));
			}
		}),
		{ numRuns: 60 },
	);
});
