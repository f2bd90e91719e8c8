import { bare, split } from "../jid.ts";
import { refusal, StanzaError } from "../stanza-error.ts";
import { type Element, xml } from "../stream/xml.ts";
import { channelSearch } from "./channel-search.ts";
import { commands } from "./commands.ts";
import { createDisco } from "./disco.ts";
import { gateway } from "./gateway.ts";
import { last } from "./last.ts";
import { ping } from "./ping.ts";
import { pubsub } from "./pubsub.ts";
import { type IqContext, isAnsweredAt, type Query, type Where } from "./query.ts";
import { search } from "./search.ts";
import { time } from "./time.ts";
import { vcard } from "./vcard.ts";
import { vcard4 } from "./vcard4.ts";
import { version } from "./version.ts";

const simple = [
	channelSearch,
	commands,
	...gateway,
	last,
	ping,
	pubsub,
	...search,
	time,
	vcard,
	vcard4,
	version,
];
const disco = createDisco(simple);
const queries: readonly Query[] = [...simple, ...disco.queries];

/** Returns the element for the presences of ghosts that announces what they answer (XEP-0115): the same for all ghosts. */
export const { capabilities } = disco;

/**
 * Resolves with the answer to a get or set for an address of ours, which each gets exactly once; with undefined for results
 * and errors, which get none (RFC 6120 §8.2.3). Never rejects.
 */
export async function answerIq(stanza: Element, context: IqContext): Promise<Element | undefined> {
	const { type, from, to, id } = stanza.attrs;
	if (type === "result" || type === "error") return undefined;
	try {
		const answer = await payload(stanza, context);
		return xml("iq", { type: "result", from: to, to: from, id }, answer);
	} catch (error) {
		return refusal(stanza, error, context.log);
	}
}

function whereIs(to: string, { bot }: IqContext): Where {
	const { local, resource } = split(to);
	if (local === undefined) return "host";
	if (bot?.isAt(to)) return "bot";
	return resource === undefined ? "account" : "session";
}

async function payload(stanza: Element, context: IqContext): Promise<Element | undefined> {
	const { type, from = "", to = "" } = stanza.attrs;
	const { software } = context;
	const [payload, ...more] = stanza.getChildElements();
	if ((type !== "get" && type !== "set") || !payload || more.length > 0)
		throw new StanzaError("bad-request", "modify");
	const where = whereIs(to, context);
	const ghost =
		where === "host" || where === "bot" ? { name: software.name } : await context.ghost(bare(to), from);
	if (!ghost) throw new StanzaError("item-not-found", "cancel");
	const query = queries.find(
		(one) => one.type === type && payload.is(one.name, one.ns) && isAnsweredAt(one, where),
	);
	if (!query) throw new StanzaError("service-unavailable", "cancel");
	return query.answer({ where, from, to, payload, ghost }, context);
}
