import { expect, test } from "vitest";
import type { MemberChange } from "../../../src/core/hosting.ts";
import type { Avatar, Person } from "../../../src/core/person.ts";
import { faceAt } from "../../../src/xmpp/faces.ts";
import { photoIn } from "../../../src/xmpp/photo.ts";
import { avatar } from "../fake-faces.ts";
import { png } from "./queries/world.ts";
import { alice, hostedWorld, join, juliet, lobby, matrixPerson, romeo } from "./world.ts";

const other = Buffer.concat([png, Buffer.from("other")]);
const hashes = new Map<string, string>();
const withAvatar = (person: Person, picture: Avatar | null): Person => ({ ...person, avatar: picture });

/** A room in which Romeo is, with Alice and her picture "a". */
async function world(...more: readonly Person[]) {
	const w = hostedWorld([withAvatar(alice, avatar("a")), ...more]);
	Object.assign(w.faces.files, { a: png, same: png, b: other });
	for (const ref of ["a", "b"]) hashes.set((await w.faces.get(avatar(ref)))?.sha1 ?? "", ref);
	await w.start();
	await w.join(romeo, "Romeo");
	const change = async (person: Person, now: MemberChange["now"]) => {
		w.happens(person, { kind: "member", person, now });
		await w.settle();
	};
	/** Returns the nicks and pictures of the presences that Romeo got since the last call. */
	const seen = () => {
		const mine = w.sent.filter(({ attrs, name }) => attrs.to === romeo && name === "presence");
		for (const one of mine) w.sent.splice(w.sent.indexOf(one), 1);
		return mine.map((one) => {
			const photo = photoIn(one);
			return `${one.attrs.from?.split("/")[1]} ${photo === "" ? "none" : (hashes.get(photo ?? "") ?? "unknown")}`;
		});
	};
	return { ...w, change, seen };
}

test("a client that joins a hosted room sees the pictures of its people", async () => {
	const w = await world();
	expect(w.seen()).toEqual(["Alice a", "Romeo unknown"]);
});

test("a picture that is read after a join is told to those in the room", async () => {
	const slow = Promise.withResolvers<Buffer>();
	const w = hostedWorld([withAvatar(alice, avatar("slow"))]);
	w.faces.files.slow = slow.promise;
	await w.start();
	await w.join(romeo, "Romeo");
	const photos = () =>
		w.sent.flatMap((one) => (one.attrs.from?.endsWith("/Alice") ? [photoIn(one)?.length] : []));
	expect(photos()).toEqual([undefined]);
	slow.resolve(png);
	await w.settle();
	expect(photos()).toEqual([undefined, 40]);
});

test("a new picture is told once, the same picture at another place is no news, and its removal is told", async () => {
	const w = await world();
	w.seen();
	await w.change(withAvatar(alice, avatar("same")), "profile");
	expect(w.seen()).toEqual([]);
	await w.change(withAvatar(alice, avatar("b")), "profile");
	expect(w.seen()).toEqual(["Alice b"]);
	await w.change(withAvatar(alice, null), "profile");
	expect(w.seen()).toEqual(["Alice none"]);
});

test("a picture that cannot be read changes nothing", async () => {
	const w = await world();
	w.seen();
	await w.change(withAvatar(alice, avatar("missing")), "profile");
	expect(w.seen()).toEqual([]);
	await w.change(withAvatar(matrixPerson("bob", "Bob"), avatar("missing")), "in");
	expect(w.seen()).toEqual(["Bob unknown"]);
});

test("the pictures of a large room are read as its people speak", async () => {
	const crowd = Array.from({ length: 150 }, (_, n) =>
		withAvatar(matrixPerson(`p${n}`, `P ${n}`), avatar(`p${n}`)),
	);
	const w = await world(...crowd);
	for (let n = 0; n < 150; n++) w.faces.files[`p${n}`] = png;
	expect(w.faces.opened).toEqual(["a", "b"]);
	await w.join(juliet, "Juliet");
	const [speaker] = crowd as [Person];
	const message = { kind: "message", style: "text", text: "hi", sender: speaker } as never;
	w.happens(speaker, { kind: "said", event: message, origin: [] });
	await w.settle();
	expect(w.faces.opened).toEqual(["a", "b", "p0"]);
	expect(w.seen().at(-1)).toBe("P 0 a");
});

test("the picture of a person of XMPP goes to the source with the join, and when a presence changes it", async () => {
	const w = hostedWorld();
	await w.start();
	const entered: (string | undefined)[] = [];
	w.source.enter = async (person) => {
		entered.push(person.avatar?.ref);
		return { kind: "in" };
	};
	const photo = (hash: string) => `<x xmlns='vcard-temp:x:update'><photo>${hash}</photo></x>`;
	const hash = "a".repeat(40);
	w.take(join(romeo, "Romeo").replace("</presence>", `${photo(hash)}</presence>`));
	await w.settle();
	expect(entered).toEqual([`face ${hash} romeo@montague.test`]);
	const renames = () => w.calls.filter((one) => one.startsWith("rename"));
	const update = async (inside: string) => {
		w.take(`<presence from='${romeo}' to='${lobby}/Romeo'>${inside}</presence>`);
		await w.settle();
	};
	await update(photo(hash));
	await update("<show>away</show>");
	expect(renames()).toEqual([]);
	await update(photo("b".repeat(40)));
	await update(photo(""));
	expect(renames()).toHaveLength(2);
});

test("the picture that an account keeps is shown only where its client names none", async () => {
	const w = hostedWorld();
	await w.start();
	const kept = faceAt("romeo@montague.test", "a".repeat(40)) as Avatar;
	w.pictures.set("romeo@montague.test", kept).set("juliet@capulet.test", kept);
	await w.join(romeo, "Romeo");
	const photo = `<x xmlns='vcard-temp:x:update'><photo>${"b".repeat(40)}</photo></x>`;
	w.take(join(juliet, "Juliet").replace("</presence>", `${photo}</presence>`));
	await w.settle();
	expect(w.calls.filter((one) => one.startsWith("rename"))).toEqual(["rename romeo@montague.test Romeo"]);
	expect(w.pictured).toEqual([kept]);
});
