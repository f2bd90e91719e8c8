import { expect, test } from "vitest";
import { asUtf8 } from "../../src/mqtt/charset.ts";

const latin = Buffer.from([0x32, 0x31, 0xb0]);

test.each([
	["text/plain; charset=iso-8859-1", "21°"],
	['text/plain;format=flowed; charset="ISO-8859-1"', "21°"],
	["TEXT/CSV;Charset=windows-1252", "21°"],
])("a payload of the type %s is read in its charset", (type, text) =>
	expect(String(asUtf8(latin, type))).toBe(text),
);

test("a payload in UTF-16 becomes UTF-8", () =>
	expect(String(asUtf8(Buffer.from("21°", "utf16le"), "text/plain; charset=utf-16le"))).toBe("21°"));

test.each([
	undefined,
	"text/plain",
	"text/plain; charset=utf-8",
	"text/plain; charset=made-up",
	"application/octet-stream; charset=iso-8859-1",
	"text/plain; charset",
	`text/plain${";".repeat(250)}`,
])("a payload of the type %s stays as it is", (type) => expect(asUtf8(latin, type)).toBe(latin));
