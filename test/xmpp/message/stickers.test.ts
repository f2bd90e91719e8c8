import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../../src/core/errors.ts";
import { nowhere, parseMessage } from "../../../src/xmpp/from-xmpp.ts";
import { isBits, openBits } from "../../../src/xmpp/message/stickers.ts";
import { StanzaError } from "../../../src/xmpp/stanza-error.ts";
import type { Element } from "../../../src/xmpp/stream/xml.ts";
import { stanza } from "../stanza.ts";

const picture = Buffer.from("GIF89a pixels");
const cidOf = (bytes: Buffer) => `sha1+${createHash("sha1").update(bytes).digest("hex")}@bob.xmpp.org`;
const cid = cidOf(picture);
const from = "r@muc.test/Romeo the Great";
const message = (html: string, more = "") =>
	parseMessage(
		stanza(
			`<message from='${from}' to='l@b.test/trivium'><body>:wave:</body>
			<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>${html}</body></html>${more}</message>`,
		),
		nowhere,
	);
const data = `<data xmlns='urn:xmpp:bob' cid='${cid}' type='image/gif'>${picture.toString("base64")}</data>`;

describe("a message with a picture inside (XEP-0231)", () => {
	test("is a sticker, with its text as the alternative text", () => {
		expect(message(`<p> <img src='cid:${cid}' alt='waves'/></p>`, data)).toMatchObject({
			text: "",
			media: { kind: "sticker", alt: "waves", mime: "image/gif" },
		});
		expect(message(`<img src='cid:${cid}'/>`)?.media?.alt).toBe(":wave:");
	});

	test("is text if it contains other text, several pictures, or a picture at a web address", () => {
		for (const html of [
			`hi <img src='cid:${cid}'/>`,
			`<img src='cid:${cid}'/><img src='cid:${cid}'/>`,
			"<img src='https://x.test/1.gif'/>",
			"<img src='cid:anything'/>",
		]) {
			const seen = message(html);
			expect([seen?.media, seen?.text]).toEqual([undefined, expect.stringMatching(/./)]);
		}
	});

	const link = (answer: (request: Element) => Element) => ({
		iq: async (request: Element) => answer(request),
	});
	const never = link(() => {
		throw new Error("asked");
	});
	const refOf = (html: string, more?: string) => message(html, more)?.media?.source.ref ?? "";

	test("is read from the stanza if its bytes are there", async () => {
		const ref = refOf(`<img src='cid:${cid}'/>`, data);
		expect(isBits(ref)).toBe(true);
		const { body, size } = await openBits(ref, never);
		expect([size, await buffer(body)]).toEqual([picture.length, picture]);
	});

	test("is read from a data: URI, if it is an image of allowed size", async () => {
		const html = `<img src='data:image/gif;base64,${picture.toString("base64")}'/>`;
		expect(message(html)?.media).toMatchObject({ kind: "sticker", mime: "image/gif" });
		expect(await buffer((await openBits(refOf(html), never)).body)).toEqual(picture);
		for (const other of [
			"data:image/gif,GIF89a",
			"data:text/html;base64,AAAA",
			`data:image/gif;base64,${"A".repeat(70_000)}`,
		])
			expect(message(`<img src='${other}'/>`)?.media).toBeUndefined();
	});

	test("is requested from the sender, by the occupant who received the message, if its bytes are not in the stanza", async () => {
		let asked: Element | undefined;
		const opened = await openBits(
			refOf(`<img src='cid:${cid}'/>`),
			link((request) => {
				asked = request;
				return stanza(`<iq>${data}</iq>`);
			}),
		);
		expect([opened.mime, await buffer(opened.body)]).toEqual(["image/gif", picture]);
		expect(asked?.attrs).toMatchObject({ to: from, from: "l@b.test/trivium", type: "get" });
	});

	test("is refused if its hash differs, or if the sender does not give it", async () => {
		const other = cidOf(Buffer.from("other"));
		const forged = refOf(`<img src='cid:${other}'/>`, data.replace(cid, other));
		await expect(openBits(forged, never)).rejects.toThrow(PermanentError);
		const ref = refOf(`<img src='cid:${cid}'/>`);
		const says = (error: Error) =>
			link(() => {
				throw error;
			});
		await expect(openBits(ref, says(new StanzaError("item-not-found", "cancel")))).rejects.toThrow(
			PermanentError,
		);
		await expect(openBits(ref, says(new TemporaryError("late")))).rejects.toThrow(TemporaryError);
	});
});
