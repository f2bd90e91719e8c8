import { expect, test } from "vitest";
import { photoIn, photoUpdate } from "../../src/xmpp/photo.ts";
import { xml } from "../../src/xmpp/stream/xml.ts";
import { stanza } from "./stanza.ts";

const hash = "a".repeat(40);
const update = (photo: string) =>
	stanza(`<presence from='a@b/c'><x xmlns='vcard-temp:x:update'>${photo}</x></presence>`);

test.each([
	[`<photo>${hash}</photo>`, hash],
	[`<photo> ${hash.toUpperCase()}\n</photo>`, hash],
	["<photo/>", ""],
	["", undefined],
	["<photo>no hash</photo>", undefined],
	[`<photo>${hash}${hash}</photo>`, undefined],
])("a presence with %j names the picture %j", (photo, named) => {
	expect(photoIn(update(photo))).toBe(named);
});

test("a presence that we write names the picture that we read from it", () => {
	expect(photoIn(xml("presence", {}, photoUpdate(hash)))).toBe(hash);
	expect(photoIn(xml("presence", {}, photoUpdate(undefined)))).toBe("");
});
