import { describe, expect, test } from "vitest";
import { type Levels, personKey, type Seen } from "../../../src/core/hosting.ts";
import type { MessageId } from "../../../src/core/ids.ts";
import type { Person } from "../../../src/core/person.ts";
import type { SignalOut } from "../../../src/core/signal.ts";
import { stanza } from "../stanza.ts";
import { alice, facts, hostedWorld, juliet, lobby, matrixPerson, romeo, view } from "./world.ts";

const many = 5_000;
const people = Array.from({ length: many }, (_, n) => matrixPerson(`p${n}`, `Person ${n}`));
const last = people.toSorted((a, b) => (a.id < b.id ? -1 : 1)).at(-1) as Person;
const said = (sender: Person, body: string, id = `$${body}`): Seen["what"] => ({
	kind: "said",
	origin: [],
	event: {
		...{ kind: "message", style: "text", text: body },
		...{ id: id as MessageId, room: facts.room, sender, at: 1_000_000 },
	},
});

/** Resolves with a room of 5,000 members in which Romeo and Juliet are, and the number of presences that Romeo got. */
async function crowded(more: Partial<Levels> = {}) {
	const world = hostedWorld(people);
	world.source.facts = { ...facts, levels: { ...(facts.levels as Levels), ...more } };
	await world.start();
	await world.join(romeo, "Romeo");
	const shown = world.got(romeo).filter((one) => one.startsWith("presence"));
	await world.join(juliet, "Juliet");
	world.got(romeo);
	world.got(juliet);
	const member = (person: Person, now: "in" | "out" | "banned" | "profile") =>
		world.happens(person, { kind: "member", person, now });
	return { ...world, shown, member };
}

describe("a hosted room of 5,000 members", () => {
	test("shows 200 of them to a client that joins, and answers for all", async () => {
		const world = await crowded();
		expect(world.shown).toHaveLength(201);
		expect(world.calls.filter((call) => call === "view")).toHaveLength(1);
		const info = `<iq type='get' from='${romeo}' to='${lobby}' id='i'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`;
		const answer = await world.conversation.iq(stanza(info));
		expect(answer?.toString()).toContain("<value>5002</value>");
	});

	test("shows its moderators in any case", async () => {
		const of = new Map([[personKey(last), 50]]);
		const world = await crowded({ of });
		expect(world.shown[0]).toBe(`presence ${last.name} admin/moderator`);
	});

	test("shows a member before their first line, to everybody and once", async () => {
		const world = await crowded();
		world.happens(last, said(last, "hello"));
		world.happens(last, said(last, "again"));
		await world.settle();
		for (const client of [romeo, juliet])
			expect(world.got(client)).toEqual([
				`presence ${last.name} none/participant`,
				`message ${last.name} hello`,
				`message ${last.name} again`,
			]);
	});

	test("says nothing of a hidden member who leaves, is banned, is renamed, or comes in", async () => {
		const world = await crowded();
		const [hidden = last, another = last] = people.filter(
			({ name }) => !world.shown.some((one) => one.startsWith(`presence ${name} `)),
		);
		world.member({ ...last, name: "Renamed" }, "profile");
		world.member(last, "out");
		world.member(hidden, "banned");
		world.member(matrixPerson("newcomer", "Newcomer"), "in");
		world.happens(another, said(another, "a sign of life"));
		await world.settle();
		expect(world.got(romeo)).toEqual([
			`presence ${another.name} none/participant`,
			`message ${another.name} a sign of life`,
		]);
	});

	test("tells of a member whom it has shown as of any other", async () => {
		const world = await crowded();
		world.happens(last, said(last, "hello"));
		world.member({ ...last, name: "Renamed" }, "profile");
		world.member({ ...last, name: "Renamed" }, "out");
		await world.settle();
		expect(world.got(romeo).slice(2)).toEqual([
			`presence unavailable ${last.name} none/participant →Renamed 303`,
			"presence Renamed none/participant",
			"presence unavailable Renamed none/none",
		]);
	});

	test("shows who types, who gets a private message, who is asked for, and who becomes a moderator", async () => {
		const world = await crowded();
		const hidden = people.filter(
			({ name }) => !world.shown.some((one) => one.startsWith(`presence ${name} `)),
		);
		const [typist, addressee, probed, asked, promoted] = hidden as [Person, Person, Person, Person, Person];
		const signal = (active: boolean) =>
			world.conversation.signal({
				...{ room: view, ids: [], signal: { kind: "typing", room: facts.room, sender: typist, active } },
			} as unknown as SignalOut);
		await signal(false);
		await signal(true);
		const to = ({ name }: Person) => `from='${romeo}' to='${lobby}/${name}'`;
		world.take(`<message type='chat' ${to(addressee)}><body>psst</body></message>`);
		world.take(`<presence type='probe' ${to(probed)}/>`);
		await world.conversation.iq(
			stanza(`<iq type='get' id='v' ${to(asked)}><vCard xmlns='vcard-temp'/></iq>`),
		);
		const of = new Map([[personKey(promoted), 50]]);
		world.happens(alice, {
			kind: "facts",
			facts: { ...facts, levels: { ...(facts.levels as Levels), of } },
		});
		await world.settle();
		const shown = world.got(juliet).filter((one) => one.startsWith("presence"));
		expect(shown).toEqual([
			...[typist, addressee, probed, asked].map(({ name }) => `presence ${name} none/participant`),
			`presence ${promoted.name} admin/moderator`,
		]);
	});

	test("shows those who spoke last to the first client that joins, before its own presence", async () => {
		const world = hostedWorld(people);
		const seen: Seen = {
			room: facts.room,
			id: "$old" as MessageId,
			at: 1,
			sender: last,
			what: said(last, "old", "$old"),
		};
		const { views } = world.bridge;
		views.places = async () => ({ places: [{ id: seen.id, at: 1 }], complete: true, total: 0 });
		const { source } = views;
		views.source = (of) => ({ ...source(of), events: async () => new Map([[seen.id, seen]]) });
		await world.start();
		world.take(
			`<presence from='${romeo}' to='${lobby}/Romeo'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>`,
		);
		await world.settle();
		const got = world.got(romeo);
		expect(got.indexOf(`presence ${last.name} none/participant`)).toBeGreaterThanOrEqual(0);
		expect(got.at(-2)).toMatch(/^presence Romeo .* 110/);
	});
});
