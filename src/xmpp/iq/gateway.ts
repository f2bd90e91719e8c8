import * as phrases from "../phrases.ts";
import { StanzaError } from "../stanza-error.ts";
import { text, xml } from "../stream/xml.ts";
import type { Query } from "./query.ts";

const ns = "jabber:iq:gateway";

/** The addresses of another network as JIDs, for clients that ask a person for such an address (XEP-0100 §6.3). */
const asked: Query = {
	type: "get",
	name: "query",
	ns,
	where: ["host"],
	features: [ns],
	answer: async () =>
		xml(
			"query",
			{ xmlns: ns },
			xml("desc", {}, phrases.promptForAddress),
			xml("prompt", {}, phrases.promptName),
		),
};

const given: Query = {
	...asked,
	type: "set",
	async answer({ payload, from }, { finding }) {
		const typed = text(payload, "prompt")?.trim();
		if (!finding) throw new StanzaError("service-unavailable", "cancel");
		if (!typed) throw new StanzaError("bad-request", "modify");
		return xml("query", { xmlns: ns }, xml("jid", {}, await finding.jid(typed, from)));
	},
};

export const gateway = [asked, given];
