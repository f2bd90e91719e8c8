import { StreamParser } from "../../src/xmpp/stream/parser.ts";
import type { Element } from "../../src/xmpp/stream/xml.ts";

/** Returns the stanza that this XML becomes in a component's stream. */
export function stanza(text: string): Element {
	let found: Element | undefined;
	const parser = new StreamParser({
		element: (element) => {
			found = element;
		},
		skip: () => false,
		truncated: () => undefined,
	});
	parser.on("error", (error: unknown) => {
		throw error;
	});
	parser.write(
		`<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept'><handshake/>${text}`,
	);
	if (!found) throw new Error(`no stanza: ${text}`);
	return found;
}
