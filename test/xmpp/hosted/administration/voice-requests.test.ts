import { expect, test } from "vitest";
import { personKey } from "../../../../src/core/hosting.ts";
import { account } from "../../../../src/xmpp/from-xmpp.ts";
import { hostedWorld, juliet, lobby, romeo } from "../world.ts";

const form = (...fields: readonly (readonly [string, string])[]) =>
	`<x xmlns='jabber:x:data' type='submit'>${[
		["FORM_TYPE", "http://jabber.org/protocol/muc#request"],
		...fields,
	]
		.map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
		.join("")}</x>`;
const asks = `<message from='${romeo}' to='${lobby}' id='v1'>${form(["muc#role", "participant"])}</message>`;
const answers = (allow: string, from = juliet) =>
	`<message from='${from}' to='${lobby}' id='v2'>${form(["muc#roomnick", "Romeo"], ["muc#request_allow", allow])}</message>`;

/** A moderated room, in which Romeo is a visitor and Juliet has this power level. */
async function moderated(level: number) {
	const world = hostedWorld();
	const { levels } = world.source.facts;
	const of = new Map([[personKey(account(juliet)), level]]);
	if (!levels) throw new Error("no levels");
	world.source.facts = {
		...world.source.facts,
		levels: { ...levels, of, needed: { ...levels.needed, speak: 1 } },
	};
	await world.start();
	await world.join(romeo, "Romeo");
	await world.join(juliet, "Juliet");
	world.sent.length = 0;
	return world;
}
const levelsSet = (world: Awaited<ReturnType<typeof moderated>>) =>
	world.calls.filter((call) => call.startsWith("levels"));

test("a request for voice goes to the moderators, and one that they allow gives the power level", async () => {
	const world = await moderated(100);
	world.take(asks);
	await world.settle();
	expect(world.sent).toHaveLength(1);
	expect(world.sent[0]?.attrs).toMatchObject({ to: juliet, from: lobby });
	expect(String(world.sent[0])).toMatch(/muc#roomnick.*Romeo.*muc#request_allow/s);
	world.take(answers("false"));
	await world.settle();
	expect(levelsSet(world)).toEqual([]);
	world.take(answers("true"));
	await world.settle();
	expect(levelsSet(world)).toEqual(["levels by juliet@capulet.test: romeo@montague.test = 1"]);
});

test("a request for voice where nobody can give it is answered with the way to get it", async () => {
	const world = await moderated(50);
	world.take(asks);
	await world.settle();
	expect(world.sent.map(String).join()).toMatch(/feature-not-implemented.*power levels/s);
});

test("a visitor cannot allow their own request", async () => {
	const world = await moderated(100);
	world.take(answers("true", romeo));
	await world.settle();
	expect(levelsSet(world)).toEqual([]);
	expect(world.sent.map(String).join()).toMatch(/forbidden/);
});

test("repeated requests for voice are refused instead of shown", async () => {
	const world = await moderated(100);
	for (let n = 0; n < 5; n++) world.take(asks);
	await world.settle();
	expect(world.sent.filter(({ attrs }) => attrs.to === juliet)).toHaveLength(3);
	expect(world.sent.filter(({ attrs }) => attrs.to === romeo && attrs.type === "error")).toHaveLength(2);
});
