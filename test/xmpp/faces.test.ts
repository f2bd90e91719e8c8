import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { createFaces, faceAt, isFace } from "../../src/xmpp/faces.ts";
import { StanzaError } from "../../src/xmpp/stanza-error.ts";
import type { Element } from "../../src/xmpp/stream/xml.ts";
import { png } from "./hosted/queries/world.ts";
import { stanza } from "./stanza.ts";

const hash = createHash("sha1").update(png).digest("hex");
const romeo = "romeo@montague.test";
const base64 = png.toString("base64");
const card = (inside: string) => stanza(`<iq type='result'><vCard xmlns='vcard-temp'>${inside}</vCard></iq>`);
const photo = (bytes: string) =>
	card(`<FN>Romeo</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>${bytes}</BINVAL></PHOTO>`);

function world(answer: (iq: Element) => Element) {
	const asked: string[] = [];
	const named: unknown[] = [];
	const faces = createFaces({
		link: {
			async iq(iq) {
				asked.push(`${iq.attrs.from} ${iq.attrs.to} ${iq.getChildElements()[0]?.name}`);
				return answer(iq);
			},
		},
		named: (...heard) => void named.push(heard),
		asker: (jid) =>
			jid.startsWith("left@") ? undefined : jid.includes("@muc.") ? "listener@b/x" : "bot@b/x",
	});
	const open = async (jid: string, of = hash) => buffer((await faces.open(faceAt(jid, of)?.ref ?? "")).body);
	return { ...faces, asked, named, open };
}

describe("the picture of a person on XMPP", () => {
	test("is the one in the vCard, whatever blanks it has", async () => {
		const { open, asked } = world(() => photo(`\n  ${base64.slice(0, 20)}\n  ${base64.slice(20)} `));
		expect(await open(romeo)).toEqual(png);
		expect(await open(romeo)).toEqual(png);
		expect(asked).toEqual([`bot@b/x ${romeo} vCard`]);
	});

	test("is asked of an occupant by an occupant of ours", async () => {
		const { open, asked, named } = world(() => photo(base64));
		await open("verona@muc.test/Romeo");
		expect(asked).toEqual(["listener@b/x verona@muc.test/Romeo vCard"]);
		expect(named).toEqual([["verona@muc.test/Romeo", { name: "Romeo", photo: hash }]]);
		await expect(open("left@muc.test/Romeo", "0".repeat(40))).rejects.toThrow("not there");
	});

	test("is not shown if its hash is another: a nick can have passed to somebody else", async () => {
		const { open } = world(() => photo(Buffer.concat([png, Buffer.from("x")]).toString("base64")));
		await expect(open("verona@muc.test/Romeo")).rejects.toThrow("not there");
	});

	test("is the one in the node of the account where the vCard has none (XEP-0084)", async () => {
		const data = `<data xmlns='urn:xmpp:avatar:data'>${base64}</data>`;
		const node = `<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items><item>${data}</item></items></pubsub></iq>`;
		const { open, asked } = world((iq) => {
			if (iq.getChild("vCard", "vcard-temp")) throw new StanzaError("item-not-found", "cancel");
			return stanza(node);
		});
		expect(await open(romeo)).toEqual(png);
		expect(asked).toHaveLength(2);
	});

	test.each([
		["no vCard", "<iq type='result'/>"],
		["an empty photo", "<iq type='result'><vCard xmlns='vcard-temp'><PHOTO/></vCard></iq>"],
		["an empty BINVAL", "<iq type='result'><vCard xmlns='vcard-temp'><PHOTO><BINVAL/></PHOTO></vCard></iq>"],
		[
			"a URL",
			"<iq type='result'><vCard xmlns='vcard-temp'><PHOTO><EXTVAL>http://10.0.0.1/</EXTVAL></PHOTO></vCard></iq>",
		],
		[
			"no Base64",
			"<iq type='result'><vCard xmlns='vcard-temp'><PHOTO><BINVAL>&lt;!&gt;</BINVAL></PHOTO></vCard></iq>",
		],
	])("is none in %s", async (_, answer) => {
		const { vcard, open } = world(() => stanza(answer));
		expect((await vcard(romeo)).hash).toBeUndefined();
		await expect(open(romeo)).rejects.toThrow("not there");
	});

	test("is none if the file is no picture", async () => {
		const page = Buffer.from("<html>").toString("base64");
		const { vcard } = world(() => photo(page));
		expect((await vcard(romeo)).hash).toBeUndefined();
	});

	test("is none if it is longer than a stanza can be", async () => {
		const { vcard } = world(() => photo("A".repeat(600_000)));
		expect((await vcard(romeo)).hash).toBeUndefined();
	});
});

test("the ref of a picture is told from that of a file", () => {
	expect(isFace(faceAt(romeo, hash)?.ref ?? "")).toBe(true);
	expect(["https://x.test/face", "cid sha1+ab@bob.xmpp.org a b", "face me"].map(isFace)).toEqual([
		false,
		false,
		false,
	]);
	expect(faceAt(romeo, "")).toBeNull();
});
