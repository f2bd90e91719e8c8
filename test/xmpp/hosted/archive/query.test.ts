import { expect, test } from "vitest";
import { archiveForm } from "../../../../src/xmpp/hosted/archive/form.ts";
import { archiveQuery } from "../../../../src/xmpp/hosted/archive/query.ts";
import { serialize } from "../../../../src/xmpp/stream/xml.ts";
import { stanza } from "../../stanza.ts";

const query = (content: string, attributes = "") =>
	archiveQuery(stanza(`<query xmlns='urn:xmpp:mam:2' ${attributes}>${content}</query>`));
const form = (fields: string, type = "submit", of = "urn:xmpp:mam:2") =>
	`<x xmlns='jabber:x:data' type='${type}'><field var='FORM_TYPE'><value>${of}</value></field>${fields}</x>`;
const field = (name: string, ...values: string[]) =>
	`<field var='${name}'>${values.map((value) => `<value>${value}</value>`).join("")}</field>`;
const set = (content: string) => `<set xmlns='http://jabber.org/protocol/rsm'>${content}</set>`;

test("a query without form and page asks for the first 50 entries", () => {
	expect(query("", "queryid='f27'")).toEqual({
		queryid: "f27",
		filter: {},
		page: { max: 50, last: false },
		flip: false,
	});
});

test("a query has filters, a page and the wish to flip it", () => {
	const filters = [
		field("start", "2026-06-07T00:00:00Z"),
		field("end", "2026-06-07T02:00:00.5+02:00"),
		field("with", "#room@bridge.test/Alice"),
		field("after-id", "$1"),
		field("before-id", "$9"),
		field("ids", "$2", "$3"),
	];
	expect(query(`${form(filters.join(""))}${set("<max>10</max><before/>")}<flip-page/>`)).toEqual({
		filter: {
			start: Date.UTC(2026, 5, 7),
			end: Date.UTC(2026, 5, 7, 0, 0, 0, 500),
			with: "#room@bridge.test/Alice",
			after: "$1",
			before: "$9",
			ids: ["$2", "$3"],
		},
		page: { max: 10, last: true },
		flip: true,
	});
	expect(query(set("<max>1000</max><after>$4</after>")).page).toEqual({ max: 100, last: false, after: "$4" });
	expect(query(set("<before>$5</before>")).page).toEqual({ max: 50, last: true, before: "$5" });
	expect(query(form(field("with", ""))).filter).toEqual({});
});

test.each([
	["a time without a time zone", form(field("start", "2026-06-07T00:00:00")), "bad-request"],
	["a time that no clock shows", form(field("end", "2026-06-07T25:00:00Z")), "bad-request"],
	["a number that is none", set("<max>ten</max>"), "bad-request"],
	["a negative number", set("<max>-1</max>"), "bad-request"],
	["a form of another protocol", form("", "submit", "urn:example"), "bad-request"],
	["a form that is not submitted", form("", "form"), "bad-request"],
	["an unknown field", form(field("{urn:example}text", "Juliet")), "feature-not-implemented"],
	["more ids than a page has entries", form(field("ids", ...Array(101).fill("$1"))), "not-acceptable"],
	["a page by its index", set("<max>5</max><index>10</index>"), "feature-not-implemented"],
])("a query with %s is refused", (_title, content, condition) => {
	expect(() => query(content)).toThrow(expect.objectContaining({ condition }));
});

test("a client that asks for the fields of a query reads all that the archive knows", () => {
	expect(serialize(archiveForm())).toBe(
		[
			'<x xmlns="jabber:x:data" type="form">',
			'<field type="hidden" var="FORM_TYPE"><value>urn:xmpp:mam:2</value></field>',
			'<field type="jid-single" var="with"/><field type="text-single" var="start"/>',
			'<field type="text-single" var="end"/><field type="text-single" var="before-id"/>',
			'<field type="text-single" var="after-id"/><field type="list-multi" var="ids">',
			'<validate xmlns="http://jabber.org/protocol/xdata-validate" datatype="xs:string"><open/></validate>',
			"</field></x>",
		].join(""),
	);
});
