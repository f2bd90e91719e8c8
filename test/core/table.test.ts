import { expect, test } from "vitest";
import { table } from "../../src/core/table.ts";
import { kindOf, named, typeOfName } from "../../src/media/types.ts";
import { neutral, StanzaError } from "../../src/xmpp/stanza-error.ts";

const names = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"];

test("a table has what was put in, also under names that every other object has", () => {
	const entries = table<number>({ a: 1 });
	for (const name of names) {
		expect(entries[name], name).toBeUndefined();
		entries[name] = 2;
		expect(entries[name], name).toBe(2);
	}
	expect(JSON.parse(JSON.stringify(entries))).toEqual(expect.objectContaining(entries));
});

test.each(names)("a file type, an ending or an error condition called %s is an unknown one", (name) => {
	expect(typeOfName(`file.${name}`)).toBeUndefined();
	expect(named("file", `${name}/${name}`)).toBe("file");
	expect(kindOf(name)).toBe("file");
	expect(neutral(new StanzaError(name, "cancel"))).toMatchObject({ reason: "failed" });
});
