import { randomUUID } from "node:crypto";
import { type Element, type XmppClient, xml } from "./xmpp-client.ts";

const mam = "urn:xmpp:mam:2";
const rsm = "http://jabber.org/protocol/rsm";

/** A query for an archive: fields of its form, elements of its page (XEP-0059), and the wish to flip it. */
export type Query = Readonly<{
	form?: Readonly<Record<string, string | readonly string[]>>;
	page?: Readonly<Partial<Record<"max" | "before" | "after", string>>>;
	flip?: boolean;
}>;

/** One line of an archive: its id there, its time, and the stanza as the room sent it. */
export type Archived = Readonly<{ id: string; stamp: string; line: Element }>;

export type Page = Readonly<{
	lines: readonly Archived[];
	first: string | undefined;
	last: string | undefined;
	count: number | undefined;
	complete: boolean;
}>;

/** Asks the archive of a room for one page. @throws the error of the room */
export async function askArchive(client: XmppClient, room: string, query: Query = {}): Promise<Page> {
	const queryid = randomUUID();
	const begun = client.inbox.items.length;
	const answer = await client.iq(
		room,
		"set",
		xml("query", { xmlns: mam, queryid }, form(query), set(query), query.flip ? xml("flip-page") : undefined),
		40_000,
	);
	// All results precede the answer, on the same stream.
	const results = client.inbox.items.slice(begun).flatMap((stanza) => {
		const result = stanza.getChild("result", mam);
		return stanza.attrs.from === room && result?.attrs.queryid === queryid ? [result] : [];
	});
	const fin = answer.getChild("fin", mam);
	const page = fin?.getChild("set", rsm);
	const text = (name: string) => page?.getChild(name)?.getText() || undefined;
	const count = text("count");
	return {
		lines: results.map(archived),
		first: text("first"),
		last: text("last"),
		count: count ? Number(count) : undefined,
		complete: fin?.attrs.complete === "true",
	};
}

function archived(result: Element): Archived {
	const forwarded = result.getChild("forwarded", "urn:xmpp:forward:0");
	const line = forwarded?.getChild("message");
	if (!line) throw new Error(`a result without a line: ${result}`);
	return {
		id: result.attrs.id ?? "",
		stamp: forwarded?.getChild("delay", "urn:xmpp:delay")?.attrs.stamp ?? "",
		line,
	};
}

/** Reads an archive page by page, from its beginning or from its end. Returns all lines, the oldest first. */
export async function readArchive(
	client: XmppClient,
	room: string,
	{
		max = 50,
		backwards = false,
		form = {},
	}: { max?: number; backwards?: boolean; form?: Query["form"] } = {},
): Promise<readonly Archived[]> {
	let all: readonly Archived[] = [];
	let edge = backwards ? "" : undefined;
	for (;;) {
		const bound = edge === undefined ? {} : { [backwards ? "before" : "after"]: edge };
		const page = await askArchive(client, room, { form, page: { max: String(max), ...bound } });
		all = backwards ? [...page.lines, ...all] : [...all, ...page.lines];
		if (page.complete) return all;
		edge = backwards ? page.first : page.last;
		if (edge === undefined) throw new Error("a page that is not the last one, without an end");
	}
}

function form({ form = {} }: Query): Element | undefined {
	if (Object.keys(form).length === 0) return undefined;
	const field = (name: string, values: readonly string[]) =>
		xml("field", { var: name }, ...values.map((value) => xml("value", {}, value)));
	return xml(
		"x",
		{ xmlns: "jabber:x:data", type: "submit" },
		field("FORM_TYPE", [mam]),
		...Object.entries(form).map(([name, values]) => field(name, [values].flat() as string[])),
	);
}

function set({ page }: Query): Element | undefined {
	if (!page) return undefined;
	return xml("set", { xmlns: rsm }, ...Object.entries(page).map(([name, value]) => xml(name, {}, value)));
}
