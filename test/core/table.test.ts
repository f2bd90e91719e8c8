import { expect, test } from "vitest";
import { table } from "../../src/core/table.ts";
import { kindOf, named, typeOfName } from "../../src/media/types.ts";
import { neutral, StanzaError } from "../../src/xmpp/stanza-error.ts";

const names = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"];

test("a table finds its own entries alone, also by the names of Object.prototype", () => {
	const entries = table<number>({ a: 1 });
	for (const name of names) {
		expect(entries[name], name).toBeUndefined();
		entries[name] = 2;
		expect(entries[name], name).toBe(2);
	}
	expect(JSON.parse(JSON.stringify(entries))).toEqual(expect.objectContaining(entries));
});

test.each(names)("a file type, an ending and an error condition with the name %s are unknown", (name) => {
	expect(typeOfName(`file.${name}`)).toBeUndefined();
	expect(named("file", `${name}/${name}`)).toBe("file");
	expect(kindOf(name)).toBe("file");
	expect(neutral(new StanzaError(name, "cancel"))).toMatchObject({ reason: "failed" });
});
