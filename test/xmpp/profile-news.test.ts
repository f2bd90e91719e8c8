import { expect, test } from "vitest";
import { createGuard } from "../../src/core/guard.ts";
import type { Seen } from "../../src/core/hosting.ts";
import type { Outbound } from "../../src/core/network.ts";
import type { Person } from "../../src/core/person.ts";
import { createGhostLookup } from "../../src/xmpp/ghost-lookup.ts";
import { createProfileNews } from "../../src/xmpp/profile-news.ts";
import type { Element } from "../../src/xmpp/stream/xml.ts";
import { quiet, until } from "../fakes.ts";
import { avatar, fakeFaces } from "./fake-faces.ts";
import { alice, png } from "./hosted/queries/world.ts";

const ghost = "alice@bridge.test";
const romeo = "romeo@montague.test";

function world() {
	const sent: Element[] = [];
	const people: (Person | undefined)[] = [alice];
	const who = createGhostLookup(async () => people.at(-1));
	const faces = fakeFaces({ a: png });
	const news = createProfileNews({
		...{ who, faces, guard: createGuard(quiet) },
		ghost: () => ghost,
		link: { send: async (stanza) => void sent.push(stanza) },
	});
	const send = (sender: Person, role: string) => {
		const out = {
			event: { kind: "profile", sender },
			link: { role },
			room: `${romeo} ${ghost}`,
		} as unknown as Outbound;
		news.through(() => undefined)(out);
	};
	return { who, faces, news, people, sent, send };
}

test("a new name or picture is what the next question for the ghost finds, wherever the news come from", async () => {
	const w = world();
	await w.who(ghost);
	w.people.push({ ...alice, name: "Alicia" });
	expect((await w.who(ghost))?.name).toBe(alice.name);
	w.send(alice, "joined");
	expect((await w.who(ghost))?.name).toBe("Alicia");
	w.people.push({ ...alice, name: "Ali" });
	const what = { kind: "member", person: alice, now: "profile" };
	w.news.seen(() => undefined)("view", [{ what } as Seen]);
	expect((await w.who(ghost))?.name).toBe("Ali");
	expect(w.sent).toEqual([]);
});

test("the partner in a chat is told of a new picture and of its removal", async () => {
	const w = world();
	w.send({ ...alice, avatar: avatar("a") }, "direct");
	await until(
		() => w.sent.length === 1,
		() => "no news",
	);
	w.send({ ...alice, avatar: avatar("missing") }, "direct");
	w.send({ ...alice, avatar: null }, "direct");
	await until(
		() => w.sent.length === 2,
		() => "no news",
	);
	const metadata = w.sent.map((one) =>
		one.getChild("event")?.getChild("items")?.getChild("item")?.getChild("metadata"),
	);
	expect(metadata.map((one) => one?.getChild("info")?.attrs.id)).toEqual([
		w.faces.hash(avatar("a")),
		undefined,
	]);
	expect(w.sent[0]?.attrs).toEqual({ type: "headline", from: ghost, to: romeo });
});
