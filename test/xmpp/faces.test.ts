import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
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
	const clock = { at: 0 };
	const faces = createFaces({
		now: () => clock.at,
		link: {
			async iq(iq) {
				asked.push(`${iq.attrs.from} ${iq.attrs.to} ${iq.getChildElements()[0]?.name}`);
				return answer(iq);
			},
		},
		asker: (jid) =>
			jid.startsWith("left@") ? undefined : jid.includes("@muc.") ? "listener@b/x" : "bot@b/x",
	});
	const open = async (jid: string, of = hash) => buffer((await faces.open(faceAt(jid, of)?.ref ?? "")).body);
	return { ...faces, asked, clock, open };
}

describe("the picture of a person on XMPP", () => {
	test("is the one in the vCard, whatever blanks it has", async () => {
		const { open, asked } = world(() => photo(`\n  ${base64.slice(0, 20)}\n  ${base64.slice(20)} `));
		expect(await open(romeo)).toEqual(png);
		expect(await open(romeo)).toEqual(png);
		expect(asked).toEqual([`bot@b/x ${romeo} vCard`]);
	});

	test("is asked of an occupant by an occupant of ours", async () => {
		const { open, asked, fullName } = world(() => photo(base64));
		await open("verona@muc.test/Romeo");
		expect(await fullName("verona@muc.test/Romeo")).toBe("Romeo");
		expect(asked).toEqual(Array(2).fill("listener@b/x verona@muc.test/Romeo vCard"));
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
		const { profile, open } = world(() => stanza(answer));
		expect((await profile(romeo)).hash).toBeUndefined();
		await expect(open(romeo)).rejects.toThrow("not there");
	});

	test("is none if the file is no picture", async () => {
		const page = Buffer.from("<html>").toString("base64");
		const { profile } = world(() => photo(page));
		expect((await profile(romeo)).hash).toBeUndefined();
	});

	test("is none if it is longer than a stanza can be", async () => {
		const { profile } = world(() => photo("A".repeat(600_000)));
		expect((await profile(romeo)).hash).toBeUndefined();
	});
});

describe("the profile of an account", () => {
	const pubsub = (inside: string) =>
		stanza(
			`<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items><item id='1'>${inside}</item></items></pubsub></iq>`,
		);
	const metadata = (infos: string) =>
		pubsub(`<metadata xmlns='urn:xmpp:avatar:metadata'>${infos}</metadata>`);
	const vcard4 = (inside: string) =>
		pubsub(`<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'>${inside}</vcard>`);
	/** Answers by the name of the vCard, or of the node; an error where nothing stands for it. */
	const account = (answers: Record<string, Element>) =>
		world((iq) => {
			const [asked] = iq.getChildElements();
			const found = answers[asked?.getChild("items")?.attrs.node ?? "vCard"];
			if (!found) throw new StanzaError("forbidden", "auth");
			return found;
		});
	const nodes = ["urn:xmpp:avatar:metadata", "urn:xmpp:vcard4"] as const;

	test("is its vCard alone where that has both", async () => {
		const { profile, asked } = account({ vCard: photo(base64) });
		expect(await profile(romeo)).toEqual({ name: "Romeo", hash });
		expect(asked).toHaveLength(1);
	});

	test("takes from its nodes what the vCard lacks", async () => {
		const other = "c".repeat(40);
		const { profile } = account({
			vCard: card("<EMAIL/>"),
			[nodes[0]]: metadata(
				`<info id='${"B".repeat(40)}' url='http://x.test/'/><info id='${other.toUpperCase()}'/>`,
			),
			[nodes[1]]: vcard4("<fn><text> Romeo\n Montague</text></fn><nickname><text>ro</text></nickname>"),
		});
		expect(await profile(romeo)).toEqual({ name: "Romeo Montague", hash: other });
	});

	test("gives a hosted room its picture, read once a day for all rooms", async () => {
		const { picture, asked, clock } = account({ [nodes[0]]: metadata(`<info id='${hash}'/>`) });
		const both = await Promise.all([picture(romeo), picture(romeo)]);
		expect(both).toEqual(Array(2).fill(faceAt(romeo, hash)));
		expect(asked).toHaveLength(2);
		clock.at = 25 * 3_600_000;
		await picture(romeo);
		expect(asked).toHaveLength(4);
		expect(await account({}).picture(romeo)).toBeUndefined();
	});

	test("gives no picture while its server does not answer, and is read at the next join", async () => {
		let away = true;
		const { picture } = world(() => {
			if (away) throw new TemporaryError("no answer");
			return photo(base64);
		});
		await expect(picture(romeo)).rejects.toBeInstanceOf(TemporaryError);
		away = false;
		expect(await picture(romeo)).toEqual(faceAt(romeo, hash));
	});

	test("has the nick of its node (XEP-0172) where no vCard has a name", async () => {
		const nick = "http://jabber.org/protocol/nick";
		const { profile } = account({ [nick]: pubsub(`<nick xmlns='${nick}'>Romy</nick>`) });
		expect(await profile(romeo)).toEqual({ name: "Romy", hash: undefined });
	});

	test("has the picture in the newer vCard (XEP-0292) where nothing else has one", async () => {
		const { profile, open, asked } = account({
			[nodes[1]]: vcard4(
				`<nickname><text>ro</text></nickname><photo><uri>data:image/png;base64,${base64}</uri></photo>`,
			),
		});
		expect(await open(romeo)).toEqual(png);
		const before = asked.length;
		expect(await profile(romeo)).toEqual({ name: "ro", hash });
		expect(asked).toHaveLength(before + 3);
	});

	test.each([
		["nothing that we may read", {}],
		[
			"empty nodes, and a picture at a URL",
			{ [nodes[0]]: metadata(""), [nodes[1]]: vcard4("<photo><uri>http://10.0.0.1/</uri></photo>") },
		],
	])("is empty for %s", async (_, answers) => {
		expect(await account(answers).profile(romeo)).toEqual({ name: undefined, hash: undefined });
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
